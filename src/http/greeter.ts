// The handshake: who appears on the network is told "New peer discovered" by its two ring neighbours, however many
// members there are: those two exchange datagrams with it anyway, so that no host has to learn a further address. (The
// newcomer, to whom everybody else appears, greets by the same rule those it stands next to.)
//
// Everybody decides alone whether it is one of the two, by its own view. In a view that is still filling everybody is a
// neighbour, so we wait until no member has appeared for three seconds, though not for ever. (With one second a hundred
// containers that join at once, on two processors, greeted the wrong ones, and filled the neighbour table.)

import type { GossipNode, Member, MembershipEvent } from "../gossip/api.ts";
import { NEW_PEER } from "./courier.ts";
import type { Log } from "./deps.ts";
import { Lane } from "./lane.ts";
import type { PostJson } from "./post.ts";
import { isLive } from "./roster.ts";
import { mailboxOf } from "./url.ts";

const NEIGHBOURS = 2;
const NEWCOMERS_MAX = 1024;

export interface GreeterOptions {
  readonly gossip: GossipNode;
  readonly post: PostJson;
  readonly log: Log;
  /** @default 3000 */
  readonly quietMs?: number;
  /** At most, however restless the network. @default 10000 */
  readonly patienceMs?: number;
  /** For one greeting. @default 5000 */
  readonly timeoutMs?: number;
}

export class Greeter {
  readonly #gossip: GossipNode;
  readonly #post: PostJson;
  readonly #quietMs: number;
  readonly #patienceMs: number;
  readonly #timeoutMs: number;
  readonly #lane: Lane;
  readonly #ended = new AbortController();
  /** Gossip addresses about which nothing is decided yet. Who is there when it is decided, is what counts. */
  readonly #newcomers = new Set<string>();
  #quiet: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;

  /** Listens at once, until `close()`. */
  constructor(options: GreeterOptions) {
    this.#gossip = options.gossip;
    this.#post = options.post;
    this.#quietMs = options.quietMs ?? 3000;
    this.#patienceMs = options.patienceMs ?? 10_000;
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#lane = new Lane({
      width: 4,
      waitingMax: 256,
      signal: this.#ended.signal,
      failed: (error) => options.log.debug({ err: error }, "A newcomer was not greeted"),
    });
    this.#gossip.on("up", this.#onUp);
    this.#gossip.on("updated", this.#onUpdated);
  }

  /** Stops listening, waiting and posting. */
  close(): void {
    this.#gossip.off("up", this.#onUp);
    this.#gossip.off("updated", this.#onUpdated);
    this.#rest();
    this.#newcomers.clear();
    this.#ended.abort();
  }

  readonly #onUp = (event: MembershipEvent): void => {
    // A refuted suspicion is no arrival.
    if (event.was !== "alive" && event.was !== "suspect") this.#expect(event.member);
  };

  readonly #onUpdated = (event: MembershipEvent): void => {
    if (event.replaced) this.#expect(event.member);
  };

  #expect(newcomer: Member): void {
    if (newcomer.self) return;
    if (this.#newcomers.size < NEWCOMERS_MAX) this.#newcomers.add(newcomer.address);
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#decide(), this.#quietMs);
    this.#patience ??= setTimeout(() => this.#decide(), this.#patienceMs);
  }

  #decide(): void {
    this.#rest();
    const { self } = this.#gossip;
    for (const member of this.#gossip.members()) {
      if (!this.#newcomers.has(member.address) || !isLive(member) || member.role === "bootstrap") continue;
      const mailbox = mailboxOf(member.url);
      if (mailbox === undefined || self.url === "") continue;
      const neighbours = this.#gossip.neighbours(member.address, NEIGHBOURS);
      if (!neighbours.some((neighbour) => neighbour.address === self.address)) continue;
      const greeting = { sender: self.url, msg: NEW_PEER };
      this.#lane.offer([(signal) => this.#post(mailbox, greeting, { timeoutMs: this.#timeoutMs, signal })]);
    }
    this.#newcomers.clear();
  }

  #rest(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#patience);
    this.#quiet = undefined;
    this.#patience = undefined;
  }
}
