// When to reconcile, with whom, and when news has reached everybody: what follows from the digest that every datagram
// carries. And a word now and then to the dead, for a partition may have healed. How views are reconciled is in sync.ts.

import { isLive } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Gone } from "./gone.ts";
import type { Gossip } from "./gossip.ts";
import type { Members } from "./members.ts";
import type { Peer, Peers } from "./peers.ts";
import type { Prober } from "./prober.ts";
import type { Random } from "./random.ts";
import type { Sync } from "./sync.ts";
import { CHALLENGE, type Frame, JOIN } from "./wire.ts";

export class Repair {
  /** Reconciliations that this member began. */
  begun = 0;
  /** True when the last member heard from had our digest. */
  agreed = true;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #gossip: Gossip;
  readonly #prober: Prober;
  readonly #sync: Sync;
  readonly #config: Config;
  readonly #random: Random;
  readonly #suspicions: ReadonlyMap<Peer, unknown>;
  /** How often in a row, since there was news, another member than before had our digest. */
  #agreements = 0;
  #agreedWith: Peer | undefined;
  #changedAt = Number.NEGATIVE_INFINITY;
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(
    members: Members,
    peers: Peers,
    gossip: Gossip,
    prober: Prober,
    sync: Sync,
    config: Config,
    random: Random,
    suspicions: ReadonlyMap<Peer, unknown>,
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#gossip = gossip;
    this.#prober = prober;
    this.#sync = sync;
    this.#config = config;
    this.#random = random;
    this.#suspicions = suspicions;
  }

  /** Our view changed, which is news for a while. */
  changed(now: number): void {
    this.#changedAt = now;
    this.#agreements = 0;
  }

  /** A peer's number is about to become another's. */
  forget(peer: Peer): void {
    if (this.#agreedWith === peer) this.#agreedWith = undefined;
  }

  /** There is news that no digest shows: one more accuser. */
  hasUnseenNews(): void {
    this.#agreements = 0;
  }

  /** Looks at the digest that came with a frame of a live member's. */
  compare(now: number, frame: Frame): void {
    const sender = this.#peers.find(frame.from);
    if (sender === undefined || !isLive(this.#members.claim(sender))) return;
    this.agreed = frame.digest === this.#members.ring.digest;
    if (!this.agreed) this.#agreements = 0;
    else if (sender !== this.#agreedWith) this.#agreements++;
    this.#agreedWith = sender;
    // As many as would have been told have our view: what is still queued about members is no news.
    if (this.#agreements >= this.#gossip.limit && this.#suspicions.size === 0) this.#gossip.rumors.clear();
    // Whoever was just challenged or let in goes on by itself.
    if (!this.agreed && frame.kind !== CHALLENGE && frame.kind !== JOIN) this.reconcile(now, frame);
  }

  /** Begins a reconciliation with a frame's sender, unless it is too early for another. */
  reconcile(now: number, frame: Frame): void {
    if (!this.#isDue(now)) return;
    this.#begunAt = now;
    this.begun++;
    this.#sync.begin(frame.from, frame.b, now);
  }

  /** Goes on where a page of claims, or a welcome, said that there is more. */
  proceed(now: number, frame: Frame, first: number, last: number): void {
    if (frame.digest === this.#members.ring.digest) return;
    this.#begunAt = now;
    this.#sync.begin(frame.from, frame.b, now, first, last);
  }

  /** Not too often; and not while news is under way, which explains the difference, unless that lasts. */
  #isDue(now: number): boolean {
    const { syncIntervalMs, gossipIntervalMs } = this.#config;
    const isQuiet = this.#gossip.rumors.size === 0 || now - this.#changedAt > 2 * gossipIntervalMs;
    return now - this.#begunAt > (isQuiet ? syncIntervalMs : 2 * syncIntervalMs);
  }

  /** Now and then a word to one of the dead, about one per period and lost member in the whole group. */
  greetLost(now: number, dead: Gone): void {
    if (dead.size === 0 || this.#random.unit() * this.#members.live >= dead.size) return;
    const lost = dead.any(this.#random);
    if (lost !== undefined) this.#prober.greet(now, lost);
  }
}
