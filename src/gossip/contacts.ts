// Whom a member keeps talking to: its neighbours on the ring and one far member, the same for minutes.
//
//        ... p2  p1  SELF  s1  s2 ...                    probes: s1 and s2 in turn (beyond suspects), now and then far
//             \___________|___/    \______ far           news: p1, s1 and far, then all
//
// SWIM probes and tells random members. Where all hosts share one Ethernet (containers on a bridge), each new pair
// takes two entries of a neighbour table that holds 1,024 by default for all containers of the machine together; an
// entry in use is not given up for 15 to 45 s, and what finds no entry is lost without an error (docs/docker.md). A
// hundred members with random targets need up to 9,900, which is N - 1 a member. So pairs are few and lasting: 2 + 2 neighbours,
// each shared with the other, and a far one are three pairs a member, or 6 entries.
//
// While a group forms, neighbours change with every newcomer, and each change is a new pair. So a member whose view has
// grown by a quarter lately keeps to the nearest neighbours (in a group of 9 to 256), tells news of members twice only and is
// patient with those it probes (33 to 256), and keeps to whoever let it in (any size): the seed, which talks to all
// newcomers anyway, tells them of each other.
//
// It buys more: everybody is probed once a period on average and within four at the latest (SWIM 4.3 bounds the wait by
// 2n - 1 periods), by members that all can name, and news floods a small world (Watts and Strogatz 1998: a ring and few
// far links) instead of wandering.

import { ALIVE, isLive, statusOf } from "./claim.ts";
import type { Members } from "./members.ts";
import type { Peer } from "./peers.ts";
import type { RoundTrip } from "./probe.ts";
import type { Random } from "./random.ts";

/** Neighbours on either side. */
const REACH = 2;
/** When one is accused, so many of those behind it are looked at as well. */
const FALLEN_WIDTH = 4;
/** A watcher looks past suspects, but no further than this. */
const LOOK_PAST_MAX = 16;
/** Pairs are spared between these sizes: fewer need no sparing, more do not fit a table of the default size at all. */
const FEW = 8;
const MANY = 256;
/** Up to here any pairs fit the table (32 * 31 = 992 entries), so a far contact need not wait, and nobody is in a crowd. */
const CLOSE = 32;
/** A view that has grown by this factor since it last stood still is forming. */
const FORMING = 1.25;
const FORMING_PATIENCE = 2;
/** It goes on forming as long as somebody new is heard of within this. */
const GROWING_MS = 2_000;
/** A newcomer whose host answers, but as late as this, does not hold it dead for so long. */
const BUSY_HOST_MS = 30;
const NEWCOMER_MS = 10_000;
/** A host is slow whose answers are waited for as long as this, so that many wait. */
const SLOW_HOST_MS = 100;
/** A view that has not grown for so long stands still; drawn by each member for itself, or all would make new pairs at once. */
const STANDING_MIN_MS = 5_000;
const STANDING_MAX_MS = 20_000;
/** Newcomers are told by whoever let them in for so long, and at most so many at once. */
const WARD_MS = 20_000;
const WARDS_MAX = 128;
/** Every so many probes one goes far, to compare digests across the ring. */
const FAR_EVERY = 8;
/** So often a far contact is drawn until nobody suspects it; if there is none, one that is suspected serves. */
const FAR_DRAWS = 8;

export class Contacts {
  readonly #members: Members;
  readonly #random: Random;
  readonly #roundTrip: RoundTrip;
  readonly #rotateMs: number;
  readonly #standingMs: number;
  #far: Peer | undefined;
  /** It has been, since it was drawn. */
  #isFarSound = false;
  #rotateAt = Number.NEGATIVE_INFINITY;
  #turn = 0;
  #grewAt = Number.NEGATIVE_INFINITY;
  /** The group has been seen forming: its far pairs are made one by one, when the passing ones are forgotten. */
  #hasFormed = false;
  /** How many members there were when the view last stood still. */
  #standing = 1;
  /** Whom we let in, or who let us in, and until when that makes a contact; oldest first. */
  readonly #wards = new Map<Peer, number>();
  /** Who let us in last. */
  #host: Peer | undefined;
  #enteredAt = Number.NEGATIVE_INFINITY;
  #hasLetIn = false;

  constructor(members: Members, random: Random, roundTrip: RoundTrip, rotateMs: number) {
    this.#roundTrip = roundTrip;
    this.#members = members;
    this.#random = random;
    this.#rotateMs = rotateMs;
    this.#standingMs = STANDING_MIN_MS + random.unit() * (STANDING_MAX_MS - STANDING_MIN_MS);
  }

  /** A member appeared. */
  grew(now: number): void {
    if (now - this.#grewAt > this.#standingMs) this.#standing = Math.max(1, this.#members.live - 1);
    this.#grewAt = now;
    if (this.#isForming(now)) this.#hasFormed = true;
  }

  /** We let somebody in, or were let in by a host. */
  met(peer: Peer, now: number, isHost: boolean): void {
    if (isHost) {
      this.#host = peer;
      this.#enteredAt = now;
    } else {
      this.#hasLetIn = true;
    }
    this.#wards.delete(peer);
    this.#wards.set(peer, now + WARD_MS);
    for (const [oldest, until] of this.#wards) {
      if (until > now && this.#wards.size <= WARDS_MAX) return;
      this.#wards.delete(oldest);
    }
  }

  /** A peer's number is about to become another's. */
  forget(peer: Peer): void {
    this.#wards.delete(peer);
    if (this.#far === peer) this.#far = undefined;
    if (this.#host === peer) this.#host = undefined;
  }

  #isForming(now: number): boolean {
    const { live } = this.#members;
    const isGrowing = now - this.#grewAt <= this.#standingMs && live > this.#standing * FORMING;
    return isGrowing && live > FEW && live <= MANY;
  }

  /** A large group forms. */
  isCrowdForming(now: number): boolean {
    return this.#members.live > CLOSE && this.#isForming(now);
  }

  /**
   * False while a suspicion whose time has run out goes on all the same. A member that lets many in is the first to seem dead:
   * it has time for nothing else, and one of those who wait for it is enough to tell all that it is gone.
   */
  mayBury(peer: Peer, now: number): boolean {
    const isBusyHost = peer === this.#host && this.#roundTrip.meanMs >= BUSY_HOST_MS;
    return !(isBusyHost && now - this.#enteredAt < NEWCOMER_MS) && !this.#isGrowing(now);
  }

  /** Many are being let in at this moment. */
  #isGrowing(now: number): boolean {
    return this.#members.live > FEW && this.isBeingFilled(now);
  }

  /**
   * Who lets us in with many others, and takes so long for it that the next on our ring is somebody else every moment:
   * whoever talked to each of them would make ten new pairs of hosts, and a hundred such members fill a machine's neighbour
   * table (docs/protocol.md). News goes to our host alone then, until nobody new has come for a while. Undefined if there is
   * none; nor has one who lets others in, or two could be each other's and nobody else's.
   */
  hostOf(now: number): Peer | undefined {
    const isSlow = this.#roundTrip.estimateMs >= SLOW_HOST_MS;
    return isSlow && this.isBeingFilled(now) ? this.hostLately(now) : undefined;
  }

  /** Who let us in lately, quick or slow, if we let in nobody and never stood still; in a group that its host can tell of all. */
  hostLately(now: number): Peer | undefined {
    const host = this.#host;
    if (host === undefined || this.#hasLetIn || this.#standing > 1 || this.#members.live > WARDS_MAX) return undefined;
    return (this.#wards.get(host) ?? 0) > now && this.#isSound(host) ? host : undefined;
  }

  /** Somebody new has just been heard of: more may be to come. */
  isBeingFilled(now: number): boolean {
    return now - this.#grewAt <= GROWING_MS && this.#members.live > this.#standing * FORMING;
  }

  /**
   * What a probe's timeouts are multiplied by at least. Whoever has just been started, with many others beside it on the
   * same machine, answers late. An accusation then, and its refutation, is told to all, which makes it worse.
   */
  patience(now: number): number {
    return this.isCrowdForming(now) ? FORMING_PATIENCE : 1;
  }

  #reach(now: number): number {
    return this.#isForming(now) ? 1 : REACH;
  }

  /** Those we met at the door lately: they are told in every round, for they know few others yet. */
  wards(now: number): Peer[] {
    const wards: Peer[] = [];
    for (const [ward, until] of this.#wards) if (until > now && isLive(this.#members.claim(ward))) wards.push(ward);
    return wards;
  }

  /** How many those are at the most: who has died meanwhile is counted. */
  wardCount(now: number): number {
    let count = 0;
    for (const until of this.#wards.values()) if (until > now) count++;
    return count;
  }

  /** The nearest neighbours and the far one: over these news goes to everybody. */
  links(now: number): Peer[] {
    return this.#within(1, now);
  }

  /** All neighbours and the far one. */
  all(now: number): Peer[] {
    return this.#within(this.#reach(now), now);
  }

  #within(reach: number, now: number): Peer[] {
    const { ring, self } = this.#members;
    const contacts: Peer[] = [];
    const position = ring.positionOf(self);
    // Who said goodbye stands nowhere: its place is its successor's.
    const absent = ring.size > 0 && ring.at(position) !== self ? 1 : 0;
    for (let step = 1; step <= reach; step++) {
      for (const peer of [ring.at(position + step - absent), ring.at(position - step)]) {
        if (ring.size > 0 && peer !== self && !contacts.includes(peer)) contacts.push(peer);
      }
    }
    const far = this.#farContact(now);
    if (far !== undefined && !contacts.includes(far)) contacts.push(far);
    return contacts;
  }

  /** Whom to probe next; undefined if there is nobody else. */
  nextToProbe(now: number): Peer | undefined {
    const watched = this.hostOf(now) === undefined ? this.#watched(this.#reach(now)) : [];
    this.#turn++;
    const far = this.#turn % FAR_EVERY === 0 ? this.#anywhere(now) : undefined;
    return far ?? (watched.length > 0 ? watched[this.#turn % watched.length] : undefined);
  }

  /** The nearest on the ring whom nobody suspects. */
  nextUnsuspected(): Peer[] {
    return this.#watched(FALLEN_WIDTH).filter((peer) => this.#isSound(peer));
  }

  /** The next on the ring, until `reach` have passed that nobody suspects. */
  #watched(reach: number): Peer[] {
    const { ring, self } = this.#members;
    const watched: Peer[] = [];
    const position = ring.positionOf(self);
    let sound = 0;
    for (let step = 1; step <= LOOK_PAST_MAX && step < ring.size + 1 && sound < reach; step++) {
      const peer = ring.at(position + step);
      if (peer === self) break;
      watched.push(peer);
      if (this.#isSound(peer)) sound++;
    }
    return watched;
  }

  /** Those who talk to a member anyway: its neighbours, nearest first. They can probe it on our behalf. */
  around(target: Peer, count: number): Peer[] {
    const { ring, self } = this.#members;
    const near: Peer[] = [];
    const position = ring.positionOf(target);
    for (let step = 1; step < ring.size && near.length < count; step++) {
      for (const peer of [ring.at(position - step), ring.at(position + step)]) {
        if (peer !== self && peer !== target && near.length < count && !near.includes(peer)) near.push(peer);
      }
    }
    return near;
  }

  /**
   * Those who look at an accused at once and tell each other what they find: its neighbours, fixed by the ring and so the
   * same for all. Beyond suspects, who are told as well.
   */
  confirmers(accused: Peer, eachSide: number): Peer[] {
    const { ring } = this.#members;
    const confirmers: Peer[] = [];
    const position = ring.positionOf(accused);
    for (const direction of [-1, 1]) {
      let sound = 0;
      for (let step = 1; step <= LOOK_PAST_MAX && step < ring.size && sound < eachSide; step++) {
        const peer = ring.at(position + direction * step);
        if (peer !== accused && !confirmers.includes(peer)) confirmers.push(peer);
        if (this.#isSound(peer)) sound++;
      }
    }
    return confirmers;
  }

  #farContact(now: number): Peer | undefined {
    if (this.#rotateMs === 0 || this.#members.others <= 2 * REACH || this.#isForming(now)) return undefined;
    if (this.#hasFormed) {
      this.#hasFormed = false;
      if (this.#members.live > CLOSE) this.#rotateAt = now + this.#rotateMs * this.#random.unit();
    }
    if (this.#far === undefined && now < this.#rotateAt) return undefined;
    if (now >= this.#rotateAt || this.#far === undefined || this.#isFarLost(this.#far)) {
      this.#far = this.#members.anyOther(this.#random);
      for (let i = 1; i < FAR_DRAWS && this.#far !== undefined && !this.#isSound(this.#far); i++) {
        this.#far = this.#members.anyOther(this.#random);
      }
      this.#isFarSound = false;
      this.#rotateAt = now + this.#rotateMs * (0.5 + this.#random.unit());
    }
    return this.#far;
  }

  /** Suspected now, or dead if it was suspected when it was drawn: else each look would make a new pair. */
  #isFarLost(far: Peer): boolean {
    if (this.#isSound(far)) {
      this.#isFarSound = true;
      return false;
    }
    return this.#isFarSound || !isLive(this.#members.claim(far));
  }

  /** The far contact; in a small group, which has none, anybody: somebody must look at those whom only we know. */
  #anywhere(now: number): Peer | undefined {
    return this.#members.others <= 2 * REACH ? this.#members.anyOther(this.#random) : this.#farContact(now);
  }

  /** Known, and nobody suspects it. */
  #isSound(peer: Peer): boolean {
    const claim = this.#members.claim(peer);
    return claim !== 0 && statusOf(claim) === ALIVE;
  }
}
