// Those who are no longer live, oldest first: the dead, remembered long and greeted now and then in case they come
// back (a healed partition merges by itself that way), and the left, remembered just long enough that late news
// does not raise them. Only when; what is believed of them is in `members.ts`.

import type { Peer } from "./peers.ts";
import type { Random } from "./random.ts";

export class Gone {
  /** Insertion order is the order of time, since a renewed entry is put at the end. */
  readonly #since = new Map<Peer, number>();
  /** Since when one that is gone is heard all the same. */
  readonly #heard = new Map<Peer, number>();
  readonly #keepMs: number;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get size(): number {
    return this.#since.size;
  }

  add(peer: Peer, now: number): void {
    this.#since.delete(peer);
    this.#since.set(peer, now);
  }

  remove(peer: Peer): void {
    this.#since.delete(peer);
    this.#heard.delete(peer);
  }

  /** One of them was heard. */
  heard(peer: Peer, now: number): void {
    if (this.#since.has(peer) && !this.#heard.has(peer)) this.#heard.set(peer, now);
  }

  /** For how long one of them has been heard; 0 if it was not. */
  heardMs(peer: Peer, now: number): number {
    return Math.floor(now - (this.#heard.get(peer) ?? now));
  }

  /** Takes one that has been gone for long enough, or undefined. */
  takeExpired(now: number): Peer | undefined {
    const oldest = this.#since.entries().next().value;
    if (!oldest || now - oldest[1] < this.#keepMs) return undefined;
    this.remove(oldest[0]);
    return oldest[0];
  }

  /** Takes the one gone longest, to make room. */
  takeOldest(): Peer | undefined {
    return this.takeExpired(Number.POSITIVE_INFINITY);
  }

  any(random: Random): Peer | undefined {
    let skip = random.below(this.#since.size);
    for (const peer of this.#since.keys()) if (skip-- === 0) return peer;
    return undefined;
  }
}
