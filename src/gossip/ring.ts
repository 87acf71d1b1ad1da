// The live members in the order of their ring keys: who stands next to whom, which range of keys holds
// how much, and the digest of it all.
//
// The key is a hash of the address, so the ring is the same on every member whose view is the same. A
// fingerprint is the sum (mod 2^32) of one hash per claim and profile: sums do not care about order and change in O(1).
// The profile counts as well, or two processes of one address and incarnation would pass for one.

import { type Claim, isLive } from "./claim.ts";
import type { Peer, Peers } from "./peers.ts";
import { mix32 } from "./random.ts";

export const KEY_MAX = 0xffffffff;

export class Ring {
  readonly #peers: Peers;
  #order = new Uint16Array(16);
  #size = 0;
  #digest = 0;
  /** A position, right if the member there is the one asked for. */
  #lastAsked = 0;

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  get size(): number {
    return this.#size;
  }

  /** The fingerprint of the whole ring. Equal digests: equal views. */
  get digest(): number {
    return this.#digest;
  }

  /** A member's claim or profile changed: keeps order and digest in step. Claim 0 is unknown; profiles go by their hashes. */
  moved(peer: Peer, was: Claim, is: Claim, wasProfile: number, isProfile: number): void {
    const wasLive = isLive(was);
    const nowLive = isLive(is);
    if (wasLive) this.#digest = (this.#digest - this.hash(peer, was, wasProfile)) >>> 0;
    if (nowLive) this.#digest = (this.#digest + this.hash(peer, is, isProfile)) >>> 0;
    if (nowLive && !wasLive) this.#insert(peer);
    if (wasLive && !nowLive) this.#remove(peer);
  }

  hash(peer: Peer, claim: Claim, profile: number): number {
    return mix32(this.#peers.key(peer) ^ Math.imul(claim, 0x9e3779b1) ^ mix32(profile));
  }

  /** The member at a position, counted round and round. */
  at(position: number): Peer {
    const n = this.#size;
    return this.#order[((position % n) + n) % n] as Peer;
  }

  /** The first position whose key is `key` or higher; `size` if there is none. */
  positionOfKey(key: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#peers.key(this.#order[middle] as Peer) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where a member stands, or where it would stand if it were live. */
  positionOf(peer: Peer): number {
    // Nearly always asked of the same one, and rings change rarely.
    if (this.#lastAsked < this.#size && this.#order[this.#lastAsked] === peer) return this.#lastAsked;
    this.#lastAsked = this.#search(peer);
    return this.#lastAsked;
  }

  #search(peer: Peer): number {
    let position = this.positionOfKey(this.#peers.key(peer));
    while (position < this.#size && this.#peers.compare(this.#order[position] as Peer, peer) < 0) position++;
    return position;
  }

  #insert(peer: Peer): void {
    if (this.#size === this.#order.length) {
      // By a quarter, not double: a simulator holds ten thousand of these.
      const grown = new Uint16Array(Math.ceil(this.#size * 1.25));
      grown.set(this.#order);
      this.#order = grown;
    }
    const position = this.positionOf(peer);
    this.#order.copyWithin(position + 1, position, this.#size);
    this.#order[position] = peer;
    this.#size++;
  }

  #remove(peer: Peer): void {
    const position = this.positionOf(peer);
    this.#order.copyWithin(position, position + 1, this.#size);
    this.#size--;
  }

  /** Takes over another ring of the same peers. */
  adopt(other: Ring): void {
    this.#order = other.#order.slice(0, other.#size);
    this.#size = other.#size;
    this.#digest = other.#digest;
  }
}
