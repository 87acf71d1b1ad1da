// When to reconcile, with whom, and when news has reached everybody: what follows from the digest that every datagram
// carries. And a word now and then to the dead, for a partition may have healed. How views are reconciled is in sync.ts.

import { isLive } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Gone } from "./gone.ts";
import type { Gossip } from "./gossip.ts";
import type { Members } from "./members.ts";
import type { Peers } from "./peers.ts";
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
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#gossip = gossip;
    this.#prober = prober;
    this.#sync = sync;
    this.#config = config;
    this.#random = random;
  }

  /** Our view changed, which is news for a while. */
  changed(now: number): void {
    this.#changedAt = now;
  }

  /** Looks at the digest that came with a frame of a live member's. */
  compare(now: number, frame: Frame, mayReconcile: boolean): void {
    const sender = this.#peers.find(frame.from);
    if (sender === undefined || !isLive(this.#members.claim(sender))) return;
    this.agreed = frame.digest === this.#members.ring.digest;
    this.#gossip.compared(sender, this.agreed);
    // Whoever was just challenged or let in goes on by itself.
    if (mayReconcile && !this.agreed && frame.kind !== CHALLENGE && frame.kind !== JOIN) this.reconcile(now, frame);
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
