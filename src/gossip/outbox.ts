// One outgoing datagram at a time: header, claims, what gossip rides along, off.
//
//   outbox.open(kind, to, a, c, now)   then any of: claim, rumors, range   then outbox.post()
//
// The only writer of `Wire`'s sending half; it decides how a belief is put into words (which extra a claim
// carries) and how a datagram's room is shared. It decides nothing about whom to tell what, or when.

import type { Address } from "./address.ts";
import { ALIVE, type Claim, claimOf, incarnationOf, SUSPECT, statusOf } from "./claim.ts";
import type { Cookies } from "./cookie.ts";
import type { Members } from "./members.ts";
import type { Message } from "./messages.ts";
import type { Peer, Peers, Profiles } from "./peers.ts";
import type { Rumors } from "./rumors.ts";
import type { Suspicion } from "./suspicion.ts";
import { DATAGRAM_BYTES_MAX, RANGE_BYTES, type Wire } from "./wire.ts";

const NO_BYTES = new Uint8Array(0);

export interface Sender {
  /** `to` and `bytes` are the receiver's to keep; `to` may be the stranger, whose address is good for this call only. */
  send(to: Peer, bytes: Uint8Array): void;
}

export class Outbox {
  readonly #address: Address;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #profiles: Profiles;
  readonly #wire: Wire;
  readonly #cookies: Cookies;
  readonly #suspicions: ReadonlyMap<Peer, Suspicion>;
  readonly #sender: Sender;
  #to: Address = 0;
  /** Datagrams and bytes posted since the start. */
  datagrams = 0;
  bytes = 0;

  constructor(
    address: Address,
    members: Members,
    peers: Peers,
    profiles: Profiles,
    wire: Wire,
    cookies: Cookies,
    suspicions: ReadonlyMap<Peer, Suspicion>,
    sender: Sender,
  ) {
    this.#address = address;
    this.#members = members;
    this.#peers = peers;
    this.#profiles = profiles;
    this.#wire = wire;
    this.#cookies = cookies;
    this.#suspicions = suspicions;
    this.#sender = sender;
  }

  /** Every datagram carries the digest of our view and a cookie that lets its receiver reconcile with us. */
  open(kind: number, to: Address, a: number, c: number, now: number): void {
    const { members } = this;
    this.#to = to;
    const cookie = this.#cookies.issue(to, now);
    this.#wire.begin(kind, this.#address, members.claim(members.self), members.ring.digest, a, cookie, c);
  }

  get members(): Members {
    return this.#members;
  }

  /** Adds what we believe of a peer, as one told it `told` times would say it; false if it does not fit. */
  claim(peer: Peer, told = 0): boolean {
    const claim = this.#members.claim(peer);
    return this.#wire.claim(this.#peers.address(peer), claim, this.#extra(peer, claim, told));
  }

  /** Adds a belief so that even somebody who never heard of the peer can take it over: a suspicion brings the profile along. */
  wholeClaim(peer: Peer): boolean {
    const claim = this.#members.claim(peer);
    if (statusOf(claim) !== SUSPECT) return this.claim(peer);
    const before = claimOf(incarnationOf(claim), ALIVE);
    const profile = this.#profiles.bytes(this.#members.profile(peer));
    // Profile and two entries: refuse both unless both fit.
    if (this.#wire.room < profile.length + 76) return false;
    return this.#wire.claim(this.#peers.address(peer), before, profile) && this.claim(peer);
  }

  /** Adds a bare claim about an address, without the words that go with it. */
  bareClaim(member: Address, claim: Claim): boolean {
    return this.#wire.claim(member, claim, 0);
  }

  /** Adds our own accusation of a suspect. */
  accusation(peer: Peer): boolean {
    return this.#wire.claim(this.#peers.address(peer), this.#members.claim(peer), this.#address);
  }

  /** Keeps room for one range, to be added after the claims. */
  reserveRange(): void {
    this.#wire.reserve(RANGE_BYTES);
  }

  /** Adds what we believe of a peer, its profile by name only. */
  namedClaim(peer: Peer): boolean {
    const members = this.#members;
    return this.#wire.namedClaim(this.#peers.address(peer), members.claim(peer), members.profileHash(peer));
  }

  range(first: number, last: number, count: number, fingerprint: number): boolean {
    this.#wire.reserve(0);
    return this.#wire.range(first, last, count, fingerprint);
  }

  #extra(peer: Peer, claim: Claim, told: number): Address | Uint8Array {
    if (statusOf(claim) === ALIVE) return this.#profiles.bytes(this.#members.profile(peer));
    const accusers = this.#suspicions.get(peer)?.accusers;
    // In turn, so that every accuser worth passing on is passed on.
    return accusers?.[told % accusers.length] ?? 0;
  }

  /**
   * Lets rumors ride along, least told first, and counts them as told. `reserved` bytes are kept for user messages: with
   * membership first, a storm of joins would silence them. `told` is a peer that this datagram speaks of already.
   */
  rumors(rumors: Rumors, limit: number, reserved: number, told: Peer | undefined): void {
    this.#wire.reserve(reserved);
    rumors.tell(limit, (peer) => peer === told || this.claim(peer, rumors.told(peer)));
    this.#wire.reserve(0);
  }

  /** Room left, in bytes. */
  get room(): number {
    return this.#wire.room;
  }

  /** False if it does not fit. */
  message({ origin, epoch, seq, payload }: Message): boolean {
    return this.#wire.message(origin, epoch, seq, payload);
  }

  /** Names a message that we have; false if it does not fit. */
  heard(origin: Address, epoch: number, seq: number): boolean {
    return this.#wire.message(origin, epoch, seq, NO_BYTES);
  }

  /** Sends it, unless it turned out longer than `most` bytes. */
  post(most = DATAGRAM_BYTES_MAX): void {
    const bytes = this.#wire.end();
    if (bytes.length > most) return;
    this.datagrams++;
    this.bytes += bytes.length;
    this.#sender.send(this.#peers.find(this.#to) ?? this.#peers.stranger(this.#to), bytes);
  }
}
