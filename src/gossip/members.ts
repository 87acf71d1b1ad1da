// What this node believes, one slot a peer in typed arrays.
//
// The only place where a belief changes is `believe`, and it only ever raises a claim. Ten thousand views of ten
// thousand members are 1e8 slots, so a slot is 10 bytes: claim 4, profile 2, round-trip 2, place on the ring 2.

import { type Claim, isLive, statusOf } from "./claim.ts";
import type { Peer, Peers, ProfileId, Profiles } from "./peers.ts";
import type { Random } from "./random.ts";
import { Ring } from "./ring.ts";

const RTT_UNITS_PER_MS = 32;
const RTT_UNITS_MAX = 65_535;

export class Members {
  readonly self: Peer;
  readonly ring: Ring;
  /** How many are believed alive, suspect, dead, left; this node included. */
  readonly counts = [0, 0, 0, 0];
  readonly #peers: Peers;
  readonly #profiles: Profiles;
  #claims = new Uint32Array(16);
  #profileIds = new Uint16Array(16);
  #rtts = new Uint16Array(16);

  /** Takes over the caller's hold of `self`. */
  constructor(self: Peer, peers: Peers, profiles: Profiles) {
    this.self = self;
    this.#peers = peers;
    this.#profiles = profiles;
    this.ring = new Ring(peers);
  }

  /** Live members, this node included once it has started. */
  get live(): number {
    return this.ring.size;
  }

  /** Everybody remembered. */
  get size(): number {
    const [alive = 0, suspect = 0, dead = 0, left = 0] = this.counts;
    return alive + suspect + dead + left;
  }

  /** What is believed of a peer; 0 if nothing is. */
  claim(peer: Peer): Claim {
    return peer < this.#claims.length ? (this.#claims[peer] as Claim) : 0;
  }

  profile(peer: Peer): ProfileId {
    return peer < this.#profileIds.length ? (this.#profileIds[peer] as ProfileId) : 0;
  }

  profileHash(peer: Peer): number {
    return this.#profiles.hash(this.profile(peer));
  }

  /** One member's part of the digest. */
  hash(peer: Peer): number {
    return this.ring.hash(peer, this.claim(peer), this.profileHash(peer));
  }

  /**
   * Raises a belief. Takes over the caller's hold of `profile`, if one is given; 0 keeps the old one.
   * The first belief about a peer takes hold of it.
   */
  believe(peer: Peer, claim: Claim, profile: ProfileId): void {
    this.#reach(peer);
    const was = this.#claims[peer] as Claim;
    this.#claims[peer] = claim;
    const wasProfile = this.profileHash(peer);
    if (profile !== 0) {
      this.#profiles.release(this.#profileIds[peer] as ProfileId);
      this.#profileIds[peer] = profile;
    }
    this.#count(was, -1);
    this.#count(claim, 1);
    this.ring.moved(peer, was, claim, wasProfile, this.profileHash(peer));
  }

  /** Forgets a peer that is not live, and lets go of it. */
  forget(peer: Peer): void {
    const was = this.claim(peer);
    this.#count(was, -1);
    this.#claims[peer] = 0;
    this.#rtts[peer] = 0;
    this.#profiles.release(this.#profileIds[peer] as ProfileId);
    this.#profileIds[peer] = 0;
    this.#peers.release(peer);
  }

  #count(claim: Claim, change: number): void {
    const status = statusOf(claim);
    if (claim !== 0) this.counts[status] = (this.counts[status] ?? 0) + change;
  }

  /** Smoothed round-trip in ms; 0 before the first. */
  rttMs(peer: Peer): number {
    return peer < this.#rtts.length ? (this.#rtts[peer] as number) / RTT_UNITS_PER_MS : 0;
  }

  /** A round-trip was measured: RFC 6298's smoothing, gain 1/8. */
  measured(peer: Peer, rttMs: number): void {
    const before = this.rttMs(peer);
    const smoothed = before === 0 ? rttMs : before + (rttMs - before) / 8;
    this.#rtts[peer] = Math.max(1, Math.min(RTT_UNITS_MAX, Math.round(smoothed * RTT_UNITS_PER_MS)));
  }

  /** How many others are live. */
  get others(): number {
    return Math.max(0, this.ring.size - (isLive(this.claim(this.self)) ? 1 : 0));
  }

  /** A live member other than this node; undefined if there is none. */
  anyOther(random: Random): Peer | undefined {
    if (this.others === 0) return undefined;
    const position = random.below(this.ring.size);
    const peer = this.ring.at(position);
    return peer === this.self ? this.ring.at(position + 1) : peer;
  }

  #reach(peer: Peer): void {
    if (peer < this.#claims.length) return;
    // A shared table is known to its end; one of our own grows by a quarter.
    const length = Math.max(this.#peers.span, Math.ceil(peer * 1.25) + 1);
    const claims = new Uint32Array(length);
    claims.set(this.#claims);
    this.#claims = claims;
    this.#profileIds = widened(this.#profileIds, length);
    this.#rtts = widened(this.#rtts, length);
  }

  /** Believes at once all that `other` believes of live members (a snapshot). Only for a view that knows nobody yet. */
  adopt(other: Members): void {
    if (this.others > 0) throw new Error("BUG: a snapshot is adopted before anybody is known");
    for (let position = 0; position < other.ring.size; position++) {
      const peer = other.ring.at(position);
      if (peer === this.self) continue;
      this.#peers.share(peer);
      this.#profiles.share(other.profile(peer));
      this.#reach(peer);
      this.#claims[peer] = other.claim(peer);
      this.#profileIds[peer] = other.profile(peer);
      this.#count(other.claim(peer), 1);
    }
    const mine = this.claim(this.self);
    this.ring.adopt(other.ring);
    const [was, hash] = [other.claim(this.self), this.profileHash(this.self)];
    this.ring.moved(this.self, was, mine, other.profileHash(this.self), hash);
  }
}

function widened(old: Uint16Array<ArrayBuffer>, length: number): Uint16Array<ArrayBuffer> {
  const grown = new Uint16Array(Math.max(length, Math.ceil(old.length * 1.25)));
  grown.set(old);
  return grown;
}
