// Carries messages to other nodes' `/message`: one that somebody waits for, one to everybody, and the welcome.
// Only ever to members, and to guests that have answered us, never more than a bounded number of requests at a time, each with a deadline.

import { GossipError, type Member } from "../gossip/api.ts";
import { PAYLOAD_BYTES_MAX } from "../gossip/wire.ts";
import type { NodeAppDeps } from "./deps.ts";
import { type Letter, sealLetter } from "./envelope.ts";
import type { Message } from "./inbox.ts";
import { Lane } from "./lane.ts";
import { HttpError } from "./post.ts";
import { receive } from "./reception.ts";
import { findRecipient, findSender, type Reachable } from "./recipient.ts";
import { Refusal } from "./refusal.ts";
import { isLive } from "./roster.ts";
import { mailboxOf } from "./url.ts";

export const NEW_PEER = "New peer discovered";
const WELCOME = "Welcome new peer";
const DELIVERY_WAIT_MS = 4000;
const DELIVERIES_MAX = 64;

export class Courier {
  readonly #deps: NodeAppDeps;
  readonly #everybody: Lane;
  readonly #welcomes: Lane;
  #deliveries = 0;

  constructor(deps: NodeAppDeps) {
    this.#deps = deps;
    const signal = deps.signal ?? new AbortController().signal;
    const failed = (error: unknown) => deps.log.debug({ err: error }, "A message was not delivered");
    this.#everybody = new Lane({ width: 8, waitingMax: 4096, signal, failed });
    this.#welcomes = new Lane({ width: 4, waitingMax: 64, signal, failed });
  }

  /**
   * Delivers to this node itself.
   * A peer that says it discovered us is welcomed. A welcome is never answered, so two nodes cannot keep each other busy.
   */
  accept(letter: Letter): void {
    const { gossip, guests } = this.#deps;
    this.#keep({ ...letter, from: null, via: "http" });
    if (letter.msg !== NEW_PEER) return;
    const newcomer = findSender(letter.sender, gossip.members(), guests);
    if (newcomer === undefined || gossip.self.url === "") return;
    const welcome = { sender: gossip.self.url, msg: WELCOME };
    this.#welcomes.offer([(signal) => this.#post(newcomer, welcome, signal)]);
  }

  /**
   * Delivers to one node and waits until it has it.
   * @param to uuid, name, or url
   * @param signal gives the delivery up
   * @throws Refusal 404 unknown, 409 ambiguous, 502 down, 503 too much under way
   */
  async deliver(to: string, letter: Letter, signal: AbortSignal): Promise<void> {
    const { gossip, guests } = this.#deps;
    const recipient = findRecipient(to, gossip.members(), guests);
    const asked = JSON.stringify(to);
    if (recipient.kind === "self") return this.accept(letter);
    if (recipient.kind === "unknown") throw new Refusal(404, `No node ${asked} is known here`);
    if (recipient.kind === "down") throw new Refusal(502, `${asked} cannot be reached: ${recipient.reason}`);
    if (recipient.kind === "ambiguous") {
      throw new Refusal(409, `${recipient.count} live nodes are called ${asked}; use a uuid or a URL`);
    }
    if (this.#deliveries >= DELIVERIES_MAX) throw new Refusal(503, "Too many deliveries are under way; try again");
    this.#deliveries++;
    try {
      await this.#post(recipient, letter, signal);
    } catch (error) {
      if (error instanceof HttpError) throw new Refusal(502, error.message, { cause: error });
      if (signal.aborted) throw new Refusal(503, "The delivery was given up", { cause: error });
      throw error;
    } finally {
      this.#deliveries--;
    }
  }

  /**
   * Tells every live member, this one included, once.
   * @returns how many those are
   * @throws Refusal 503 too much under way, or this node has left
   */
  broadcast(letter: Letter): number {
    const { gossip } = this.#deps;
    const payload = sealLetter(letter);
    // What gossip does not carry goes over HTTP.
    const members = payload.length > PAYLOAD_BYTES_MAX ? this.#postToAll(letter) : this.#gossipToAll(payload);
    // Nobody hears of its own broadcast by gossip.
    this.#keep({ ...letter, from: gossip.self.id, via: "gossip" }, gossip.self);
    return members;
  }

  /** Who asked for it looks for it in the log next. */
  #keep(message: Message, member?: Member): void {
    receive(this.#deps, message, member);
    this.#deps.log.flush();
  }

  async #post(recipient: Reachable, letter: Letter, signal: AbortSignal): Promise<void> {
    const { guests, post } = this.#deps;
    const options = { timeoutMs: DELIVERY_WAIT_MS, signal };
    if (recipient.kind === "peer") {
      await post(recipient.mailbox, letter, options);
      return;
    }
    const ip = await guests.answersAt(recipient.url);
    if (ip === undefined) {
      throw new Refusal(502, `${JSON.stringify(recipient.url)} cannot be reached: it has not answered GET /ping`);
    }
    await post(recipient.mailbox, letter, { ...options, lookup: async () => [ip] });
  }

  #gossipToAll(payload: Uint8Array): number {
    try {
      return this.#deps.gossip.broadcast(payload);
    } catch (error) {
      if (!(error instanceof GossipError)) throw error;
      const why =
        error.code === "ERR_BUSY" ? "Too many messages are under way; try again" : "This node is not on the network";
      throw new Refusal(503, why, { cause: error });
    }
  }

  #postToAll(letter: Letter): number {
    const { gossip, post } = this.#deps;
    const live = gossip.members().filter(isLive);
    const jobs = live
      .flatMap((member) => (member.self ? [] : (mailboxOf(member.url) ?? [])))
      .map((mailbox) => (signal: AbortSignal) => post(mailbox, letter, { timeoutMs: DELIVERY_WAIT_MS, signal }));
    if (!this.#everybody.offer(jobs)) throw new Refusal(503, "Too many large broadcasts are under way; try again");
    return live.length;
  }
}
