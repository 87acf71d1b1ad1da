// Reconciliation of two views: what ends the tail that gossip leaves. The cost follows the difference, not N.
//
//   A                                             B
//   |-- ranges: (first, last, count, fingerprint)* ->|   many members: where do we differ?
//   |<- ranges: the differing ones, split -----------|
//   |-- have: everybody I know in a small range ---->|   few members: who is it?
//   |<- claims: what you lack, a few datagrams ------|   with a range where to go on, if they did not suffice
//   |<- have: my side of that range -----------------|   if A named somebody that B lacks
//   |-- claims ------------------------------------->|
//
// No state on either side: each datagram says all that its answer needs. `a` proves that the sender receives at
// the address it names (its cookie from us); without the proof the answer is a challenge no bigger than the
// question. Every answer is bounded: SPLIT ranges in one datagram, HAVES_MAX haves, PAGES_MAX pages of claims.
//
// (Range-based set reconciliation: Meyer, "Range-Based Set Reconciliation", SRDS 2023.)

import type { Address } from "./address.ts";
import { ALIVE, type Claim, statusOf } from "./claim.ts";
import type { Doubts } from "./doubts.ts";
import type { Members } from "./members.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer, Peers } from "./peers.ts";
import { KEY_MAX } from "./ring.ts";
import { CLAIMS, type Frame, GOSSIP, HAVE, RANGES } from "./wire.ts";

/**
 * A `have` names at most so many members: 19 bytes each, 31 by IPv6, and with the longest label and a range they fit a datagram
 * with a hundred bytes to spare.
 */
const NAMED_IPV4_MAX = 62;
const NAMED_IPV6_MAX = 38;
const SPLIT = 16;
const HAVES_MAX = 8;
const PAGES_MAX = 4;
const EXPOSE_PAUSE_MS = 20;

/** On the last page of claims: first after last, that was all. */
const NOTHING = [1, 0] as const;
/** In `c` of a `have`: name yours too if you lack somebody. */
const ANSWER = 1;

export class Sync {
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #outbox: Outbox;
  readonly #doubts: Doubts;
  readonly #drop: (now: number, peer: Peer) => void;
  #exposedAt = Number.NEGATIVE_INFINITY;

  /** @param drop takes one for gone for whom we cannot vouch, and of whom another knows nothing */
  constructor(members: Members, peers: Peers, outbox: Outbox, doubts: Doubts, drop: (now: number, peer: Peer) => void) {
    this.#members = members;
    this.#peers = peers;
    this.#outbox = outbox;
    this.#doubts = doubts;
    this.#drop = drop;
  }

  /** Opens a reconciliation of the ring from `first` to `last`; `proof` is the other's cookie for us. */
  begin(to: Address, proof: number, now: number, first = 0, last = KEY_MAX): void {
    if (this.#isNameable(first, last)) this.#have(to, proof, now, first, last, ANSWER);
    else this.#split(to, proof, now, [first, last]);
  }

  /**
   * The other showed its fingerprints: answer where ours differ. Ranges of few members are named together as far as one
   * datagram holds them, with what lies between: of two views that differ everywhere there are sixteen, and what counts
   * where many do this at once is the datagrams (a mass join: docs/protocol.md). Few on both sides: who could not answer
   * with a list would split the range again, and so on for ever.
   */
  onRanges(frame: Frame, now: number): void {
    const split: number[] = [];
    const named: { first: number; last: number; readonly theirsBefore: number }[] = [];
    let previousLast = -1;
    let theirs = 0;
    for (let i = 0; i + 3 < frame.ranges.length && i < frame.rangeCount * 4; i += 4) {
      const [first = 0, last = 0, count = 0, fingerprint = 0] = frame.ranges.slice(i, i + 4);
      // In order and apart, as we send them: then all of it costs one walk round the ring.
      if (first > last || first <= previousLast) return;
      previousLast = last;
      const theirsBefore = theirs;
      theirs += count;
      if (this.#agrees(first, last, count, fingerprint)) continue;
      const before = named.at(-1);
      if (!this.#isNameable(first, last) && first < last) split.push(first, last);
      else if (before && theirs - before.theirsBefore <= NAMED_IPV6_MAX && this.#isNameable(before.first, last)) {
        before.last = last;
      } else if (named.length < HAVES_MAX) named.push({ first, last, theirsBefore });
    }
    for (const { first, last } of named) this.#have(frame.from, frame.b, now, first, last, ANSWER);
    if (split.length > 0) this.#split(frame.from, frame.b, now, split);
  }

  /** The other named everybody it knows in a range: tell what it lacks, ask for what we lack. */
  onHave(frame: Frame, now: number): void {
    if (frame.rangeCount !== 1) return;
    const [first = 0, last = 0] = frame.ranges;
    if (first > last) return;
    const named = new Map<Address, Claim>();
    for (let i = 0; i < frame.claimCount; i++) {
      named.set(frame.members[i] as Address, frame.claims[i] as Claim);
      this.#expose(frame.members[i] as Address, frame.claims[i] as Claim, frame.hashes[i] as number, now);
    }
    const { from, b: proof, c: flags } = frame;
    const { lacking, wanting, doubtful } = this.#compare(named, first, last);
    for (const peer of doubtful) this.#drop(now, peer);
    const isAsking = wanting && (flags & ANSWER) !== 0;
    if (lacking.length === 0 && !isAsking) this.#tellNothing(from, proof, now);
    this.#tell(from, proof, now, lacking, last);
    if (isAsking) {
      // One key cannot be split, however many share it.
      if (first === last || this.#isNameable(first, last)) this.#have(from, proof, now, first, last, 0);
      else this.#split(from, proof, now, [first, last]);
    }
  }

  /**
   * Two processes of one address and incarnation, each believed somewhere: the one that lives is told of the other, and
   * outbids it.
   */
  #expose(address: Address, claim: Claim, profile: number, now: number): void {
    const peer = this.#peers.find(address);
    if (peer === undefined || peer === this.#members.self || this.#members.claim(peer) !== claim) return;
    if (statusOf(claim) === ALIVE && this.#members.profileHash(peer) !== profile) this.tellItself(peer, now);
  }

  /** Sends a member what we believe of it; rarely, so that forged claims do not become a stream at a third party. */
  tellItself(peer: Peer, now: number): void {
    if (now - this.#exposedAt < EXPOSE_PAUSE_MS) return;
    this.#exposedAt = now;
    this.#outbox.open(GOSSIP, this.#peers.address(peer), 0, 0, now);
    this.#outbox.claim(peer);
    this.#outbox.post();
  }

  /** Whom the other lacks or believes less of, in ring order; and whether it knows more than we do. */
  #compare(
    named: ReadonlyMap<Address, Claim>,
    first: number,
    last: number,
  ): { lacking: Peer[]; wanting: boolean; doubtful: Peer[] } {
    const { ring } = this.#members;
    const lacking: Peer[] = [];
    const doubtful: Peer[] = [];
    let wanting = false;
    const end = ring.positionOfKey(last + 1);
    for (let position = ring.positionOfKey(first); position < end; position++) {
      const peer = ring.at(position);
      const theirs = named.get(this.#peers.address(peer)) ?? 0;
      const ours = this.#members.claim(peer);
      if (theirs === 0 && this.#doubts.has(peer)) doubtful.push(peer);
      else if (theirs < ours) lacking.push(peer);
      else if (theirs > ours) wanting = true;
    }
    for (const [address, theirs] of named) {
      const peer = this.#peers.find(address);
      const ours = peer === undefined ? 0 : this.#members.claim(peer);
      if (theirs > ours) wanting = true;
      // Dead or gone with us, alive with them: they are told as well.
      else if (peer !== undefined && theirs < ours && !lacking.includes(peer)) lacking.push(peer);
    }
    // In ring order, so that `next` on the last page leads onwards.
    lacking.sort((a, b) => this.#peers.compare(a, b));
    return { lacking, wanting, doubtful };
  }

  /** An answer all the same, or the question would be asked again. */
  #tellNothing(to: Address, proof: number, now: number): void {
    this.#outbox.open(CLAIMS, to, proof, 0, now);
    this.#outbox.range(...NOTHING, 0, 0);
    this.#outbox.post();
  }

  #tell(to: Address, proof: number, now: number, lacking: readonly Peer[], last: number): void {
    let next = 0;
    for (let page = 0; page < PAGES_MAX && next < lacking.length; page++) {
      this.#outbox.open(CLAIMS, to, proof, 0, now);
      this.#outbox.reserveRange();
      while (next < lacking.length && this.#outbox.wholeClaim(lacking[next] as Peer)) next++;
      if (next >= lacking.length) this.#outbox.range(...NOTHING, 0, 0);
      else if (page === PAGES_MAX - 1) this.#outbox.range(this.#peers.key(lacking[next] as Peer), last, 0, 0);
      this.#outbox.post();
    }
  }

  #have(to: Address, proof: number, now: number, first: number, last: number, flags: number): void {
    const { ring } = this.#members;
    this.#outbox.open(HAVE, to, proof, flags, now);
    this.#outbox.reserveRange();
    const end = ring.positionOfKey(last + 1);
    for (let position = ring.positionOfKey(first); position < end; position++) {
      const peer = ring.at(position);
      this.#outbox.namedClaim(peer);
    }
    this.#outbox.range(first, last, 0, 0);
    this.#outbox.post();
  }

  /** Sends the fingerprints of the given ranges (first, last in turn), each split; as many as one datagram holds. */
  #split(to: Address, proof: number, now: number, ranges: readonly number[]): void {
    const ways = Math.max(2, Math.floor((SPLIT * 3) / (ranges.length / 2)));
    this.#outbox.open(RANGES, to, proof, 0, now);
    for (let i = 0; i < ranges.length; i += 2) {
      const first = ranges[i] as number;
      const last = ranges[i + 1] as number;
      const step = (last - first + 1) / Math.min(ways, SPLIT);
      for (let low = first; low <= last; ) {
        const high = Math.min(last, Math.max(low, Math.floor(low + step - 1)));
        const { count, fingerprint } = this.#fingerprint(low, high);
        if (!this.#outbox.range(low, high, count, fingerprint)) break;
        low = high + 1;
      }
    }
    this.#outbox.post();
  }

  #agrees(first: number, last: number, count: number, fingerprint: number): boolean {
    const ours = this.#fingerprint(first, last);
    return ours.count === count && ours.fingerprint === fingerprint;
  }

  /** One datagram holds the names of all members in a range. */
  #isNameable(first: number, last: number): boolean {
    const { ring } = this.#members;
    const [start, end] = [ring.positionOfKey(first), ring.positionOfKey(last + 1)];
    if (end - start <= NAMED_IPV6_MAX) return true;
    if (end - start > NAMED_IPV4_MAX) return false;
    for (let position = start; position < end; position++) {
      if (typeof this.#peers.address(ring.at(position)) !== "number") return false;
    }
    return true;
  }

  #fingerprint(first: number, last: number): { count: number; fingerprint: number } {
    const { ring } = this.#members;
    const start = ring.positionOfKey(first);
    const end = ring.positionOfKey(last + 1);
    let fingerprint = 0;
    for (let position = start; position < end; position++) {
      const peer = ring.at(position);
      fingerprint = (fingerprint + this.#members.hash(peer)) >>> 0;
    }
    return { count: end - start, fingerprint };
  }
}
