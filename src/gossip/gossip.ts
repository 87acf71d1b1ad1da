// When and to whom news is told.
//
//   a message   to every link at once, and again until it is acknowledged (broadcast.ts)
//   a rumor     about a member: to every link at once, then in rounds to all contacts, least told first, until they show
//               our digest, which acknowledges all rumors together, or until it was told often enough (SWIM 4.1)
//   thanks      that we have a message, or agree: later, for they must not be in the way of what they are for
//
// Datagrams come from a bucket of tokens: when there is more to tell than the bucket holds, news waits and goes in batches.
// Every datagram to a member that does not show our digest takes along the rumors it has room for (SWIM 4.1's piggybacking).

import type { Address } from "./address.ts";
import { Broadcast } from "./broadcast.ts";
import { ALIVE, type Claim, isLive, SUSPECT, statusOf } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Contacts } from "./contacts.ts";
import type { Gone } from "./gone.ts";
import type { Members } from "./members.ts";
import type { Message } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer, Peers } from "./peers.ts";
import type { RoundTrip } from "./probe.ts";
import { Rumors } from "./rumors.ts";
import { GOSSIP_ROUND, type Timers } from "./timers.ts";
import { type Frame, GOSSIP, HEARD } from "./wire.ts";

/** What a reconciliation brought is told so often: others have it by and large. */
const RETOLD = 3;
/** Peers who wait to hear what we have, and messages that one waits for: with more, there is no waiting. */
const OWED_MAX = 256;
const OWED_EACH_MAX = 64;
/** Whom we let in hears of the others from us alone: so many datagrams more a second, for each. (Our own host counts, too.) */
const WARD_PER_SECOND = 4;
/** As many datagrams tell all of them once: two neighbours and a far one. */
const LINKS = 3;

/** What a peer told us and waits to hear that we have. */
type Owed = Pick<Message, "origin" | "epoch" | "seq">;

export class Gossip {
  readonly rumors = new Rumors();
  readonly #broadcast: Broadcast;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #contacts: Contacts;
  readonly #outbox: Outbox;
  readonly #dead: Gone;
  readonly #roundTrip: RoundTrip;
  readonly #timers: Timers;
  readonly #config: Config;
  /** Members whose last datagram had our digest, since it changed last. */
  readonly #inStep = new Set<Peer>();
  /** Members who were sent our digest since it changed last. */
  readonly #shown = new Set<Peer>();
  readonly #owed = new Map<Peer, Owed[]>();
  /** When to tell at once, and when the next regular round is; Infinity: not at all. */
  #tellAt = Number.POSITIVE_INFINITY;
  #roundAt = Number.POSITIVE_INFINITY;
  /** When to thank those who are owed: all of them when the first has waited long enough. */
  #thankAt = Number.POSITIVE_INFINITY;
  /** When news was told last. */
  #toldAt = Number.NEGATIVE_INFINITY;
  /** There are rumors that the links were not told yet. */
  #hasNews = false;
  #turn = 0;
  #lastRoundAt = Number.NEGATIVE_INFINITY;
  /** In the last round. A seed that has just let in a hundred has more than the logarithm says. */
  #contactCount = 0;
  /** While a crowd forms there is news all the time: twice to each lasting contact must do, what is lost is reconciled. */
  #crowdLimit = Number.POSITIVE_INFINITY;
  #hushedUntil = Number.NEGATIVE_INFINITY;
  #tokens: number;
  #tokensAt = 0;

  constructor(
    members: Members,
    peers: Peers,
    contacts: Contacts,
    outbox: Outbox,
    dead: Gone,
    roundTrip: RoundTrip,
    timers: Timers,
    config: Config,
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#contacts = contacts;
    this.#outbox = outbox;
    this.#dead = dead;
    this.#roundTrip = roundTrip;
    this.#timers = timers;
    this.#config = config;
    this.#tokens = config.gossipBurst;
    this.#broadcast = new Broadcast(peers.address(members.self));
  }

  /** How many messages wait to be told or acknowledged. */
  get messages(): number {
    return this.#broadcast.size;
  }

  /** How often news of a member is sent at most. SWIM 4.1: lambda * log n is enough for all to hear it; and to each contact once. */
  get limit(): number {
    const enough = this.#config.gossipMult * Math.ceil(Math.log10(this.#members.live + 1));
    return Math.max(this.#contactCount, Math.min(enough, this.#crowdLimit));
  }

  /** What a reconciliation brought is told after the news, and only to a few: others have it by and large. */
  get almostTold(): number {
    return Math.max(0, this.limit - RETOLD);
  }

  /** There is news of a member. */
  tell(peer: Peer, now: number, told = 0): void {
    // To clear a set costs, also an empty one.
    if (this.#inStep.size > 0) this.#inStep.clear();
    if (this.#shown.size > 0) this.#shown.clear();
    if (told >= this.limit) {
      this.rumors.drop(peer);
      return;
    }
    this.#hasNews = true;
    this.rumors.add(peer, told);
    this.#soon(now);
  }

  /** So much is under way that nothing more is taken in. */
  get isFull(): boolean {
    return this.#broadcast.isFull;
  }

  /** So much of what our user said is under way that more must wait. */
  get isBusy(): boolean {
    return this.#broadcast.isBusy;
  }

  /** A user said something, here or elsewhere; only where it is not full. */
  pass(message: Message, now: number): void {
    this.#broadcast.add(message);
    const origin = this.#peers.find(message.origin);
    if (origin !== undefined) this.#broadcast.knows(message.origin, message.epoch, message.seq, origin);
    this.#soon(now);
  }

  /** What we suspect of somebody is old: until then it is not told to the suspect. */
  hush(until: number): void {
    this.#hushedUntil = until;
  }

  /** News that must not wait: the next datagrams do not count. */
  hurry(): void {
    this.#tokens = Math.max(this.#config.gossipBurst, this.#tokens);
  }

  // ── what others tell us ──

  /** A peer's datagram had, or had not, the digest that is ours now. */
  compared(peer: Peer, isEqual: boolean): void {
    if (isEqual) this.#inStep.add(peer);
    else this.#inStep.delete(peer);
  }

  /** A member said what it has. */
  onHeard(now: number, frame: Frame): boolean {
    const peer = this.#peers.find(frame.from);
    if (peer === undefined) return false;
    for (let i = 0; i < frame.messageCount; i++) {
      this.#broadcast.knows(frame.origins[i] as Address, frame.epochs[i] as number, frame.seqs[i] as number, peer);
    }
    this.#broadcast.settle(this.#audience(this.#contacts.links(now), now));
    return true;
  }

  /**
   * A member told us something: it has its messages, and is owed a word of thanks if it cannot know that we have them.
   * What we had no room for is not thanked for.
   */
  acknowledge(frame: Frame, now: number, isHeard: (origin: Address, epoch: number, seq: number) => boolean): void {
    const peer = this.#peers.find(frame.from);
    if (peer === undefined || this.#members.claim(peer) === 0) return;
    const isTold = frame.kind === GOSSIP;
    let owed = this.#owed.get(peer) ?? [];
    let hasMore = false;
    for (let i = 0; i < frame.messageCount; i++) {
      const [origin, epoch, seq] = [frame.origins[i] as Address, frame.epochs[i] as number, frame.seqs[i] as number];
      const isCrossing = this.#broadcast.isCrossing(origin, epoch, seq, peer, now);
      this.#broadcast.knows(origin, epoch, seq, peer);
      const isNamed = owed.some((one) => one.seq === seq && one.epoch === epoch && one.origin === origin);
      if (!isTold || isCrossing || isNamed || !isHeard(origin, epoch, seq)) continue;
      owed.push({ origin, epoch, seq });
      hasMore = owed.length < OWED_EACH_MAX;
      if (hasMore) continue;
      this.#thankOne(peer, owed, now);
      this.#owed.delete(peer);
      owed = [];
    }
    // Who was shown our digest knows; unless that was lost, and then it tells us once more.
    const isAgreed = frame.claimCount > 0 && frame.digest === this.#members.ring.digest && !this.#shown.delete(peer);
    if (!isTold || !(hasMore || isAgreed)) return;
    if (this.#owed.size >= OWED_MAX && !this.#owed.has(peer)) this.#thank(now);
    this.#owed.set(peer, owed);
    // Passing on comes first: an acknowledgement has time until it is told again.
    this.#thankAt = Math.min(this.#thankAt, now + this.#config.heardDelayMs);
    this.#arm();
  }

  // ── rounds ──

  /** As soon as tokens are there, for a storm is told in batches; and what comes soon after the last is told together. */
  #soon(now: number): void {
    this.#at(Math.max(now + this.#waitMs(now), this.#toldAt + this.#config.coalesceMs));
  }

  #at(at: number): void {
    this.#tellAt = Math.min(this.#tellAt, at);
    this.#arm();
  }

  #arm(): void {
    const at = Math.min(this.#tellAt, this.#roundAt, this.#thankAt);
    if (at === Number.POSITIVE_INFINITY) this.#timers.cancel(GOSSIP_ROUND, 0);
    else if (this.#timers.at(GOSSIP_ROUND, 0) !== at) this.#timers.set(GOSSIP_ROUND, 0, at);
  }

  /** How long until there is a token for every link. Whoever lets many in has a bucket that is as much larger. */
  #waitMs(now: number): number {
    const { gossipBurst, gossipPerSecond } = this.#config;
    const wards = this.#contacts.wardCount(now);
    const perSecond = gossipPerSecond + wards * WARD_PER_SECOND;
    const earned = ((now - this.#tokensAt) * perSecond) / 1_000;
    this.#tokens = Math.max(this.#tokens, Math.min(gossipBurst + wards, this.#tokens + earned));
    this.#tokensAt = now;
    const wanted = Math.min(gossipBurst, LINKS);
    return this.#tokens >= wanted ? 0 : ((wanted - this.#tokens) * 1_000) / perSecond;
  }

  /** The time has come to tell at once what there is, for a regular round, to thank, or for all of it. */
  round(now: number): void {
    // What is told shows our digest, so thanks come after it.
    if (now >= this.#roundAt || now >= this.#tellAt) this.#tellContacts(now, now >= this.#roundAt);
    if (now >= this.#thankAt) this.#thank(now);
    this.#arm();
  }

  #tellContacts(now: number, isRegular: boolean): void {
    this.#waitMs(now);
    this.#toldAt = now;
    this.#tellAt = Number.POSITIVE_INFINITY;
    // Messages go over the links whatever happens: these tell each other, and a host hears from its wards alone.
    const host = this.#broadcast.size === 0 ? this.#contacts.hostOf(now) : undefined;
    const links = this.#audience(host === undefined ? this.#contacts.links(now) : [host], now);
    const all = host === undefined ? this.#contacts.all(now) : [host];
    this.#crowdLimit = this.#contacts.isCrowdForming(now) ? 2 * all.length : Number.POSITIVE_INFINITY;
    const contacts = isRegular ? this.#audience(all, now) : links;
    this.#contactCount = contacts.length;
    const isRumorDue = isRegular || this.#hasNews;
    let isHeldUp = false;
    // Another first each time: where tokens run out, it is not always the same who waits.
    const first = this.#turn;
    for (let i = 0; i < contacts.length; i++) {
      const contact = contacts[(first + i) % contacts.length] as Peer;
      isHeldUp = !this.#tellAll(contact, links.includes(contact), isRumorDue, now) || isHeldUp;
    }
    if (isHeldUp) this.#turn++;
    else this.#hasNews = false;
    // Nobody to tell: whoever comes later reconciles, and is told no old messages.
    if (links.every((link) => this.#inStep.has(link))) this.rumors.clear();
    const nextAt = this.#broadcast.settle(links);
    if (isHeldUp) this.#at(now + Math.max(1, this.#waitMs(now)));
    else if (nextAt < Number.POSITIVE_INFINITY) this.#at(Math.max(now, nextAt));
    if (isRegular || this.#roundAt === Number.POSITIVE_INFINITY) this.#lastRoundAt = now;
    this.#roundAt = this.rumors.size > 0 ? this.#lastRoundAt + this.#config.gossipIntervalMs : Number.POSITIVE_INFINITY;
  }

  /** Some contacts, and whoever was met at the door lately. */
  #audience(contacts: readonly Peer[], now: number): Peer[] {
    return [...new Set([...contacts, ...this.#contacts.wards(now)])];
  }

  /** Everything that is due to one contact, in as many datagrams as it takes. False if tokens ran out. */
  #tellAll(contact: Peer, isLink: boolean, isRumorDue: boolean, now: number): boolean {
    let isDue = isRumorDue && this.rumors.size > 0 && !this.#inStep.has(contact);
    while (isDue || (isLink && this.#broadcast.isDue(contact, now))) {
      if (this.#tokens < 1) return false;
      this.#tokens--;
      const told = this.#send(GOSSIP, contact, 0, 0, now, isLink, isDue);
      if (told === 0 && !isDue) return true;
      isDue = false;
    }
    return true;
  }

  /** Says what we have to those who told us, if nothing that was sent has said so. */
  #thank(now: number): void {
    for (const [peer, owed] of this.#owed) this.#thankOne(peer, owed, now);
    this.#owed.clear();
    this.#thankAt = Number.POSITIVE_INFINITY;
  }

  #thankOne(peer: Peer, owed: readonly Owed[], now: number): void {
    this.#shown.add(peer);
    this.#outbox.open(HEARD, this.#peers.address(peer), 0, 0, now);
    for (const { origin, epoch, seq } of owed) {
      if (this.#outbox.heard(origin, epoch, seq)) continue;
      this.#outbox.post();
      this.#outbox.open(HEARD, this.#peers.address(peer), 0, 0, now);
      this.#outbox.heard(origin, epoch, seq);
    }
    this.#outbox.post();
  }

  /** Sends a datagram with whatever gossip it has room for. */
  post(kind: number, to: Address, a: number, c: number, now: number): void {
    const peer = this.#peers.find(to);
    // To a stranger nothing is told: no answer may be larger than its question.
    if (peer !== undefined && this.#members.claim(peer) !== 0) this.#send(kind, peer, a, c, now, false, true);
    else {
      this.#outbox.open(kind, to, a, c, now);
      this.#outbox.post();
    }
  }

  /** @returns how many messages it took along */
  #send(kind: number, peer: Peer, a: number, c: number, now: number, isLink: boolean, hasRumors: boolean): number {
    this.#shown.add(peer);
    const claim = this.#members.claim(peer);
    // The dead are told for how long they have been heard all the same: perhaps they are deaf.
    this.#outbox.open(kind, this.#peers.address(peer), a, isLive(claim) ? c : this.#dead.heardMs(peer, now), now);
    // Lifeguard's buddy system: whoever is not simply alive with us hears so first, and to the gone we
    // introduce ourselves, for we may be gone with them.
    const isSpared = statusOf(claim) === SUSPECT && now < this.#hushedUntil;
    const isTold = isSpared || (statusOf(claim) !== ALIVE && this.#isBuddy(claim) && this.#outbox.claim(peer));
    if (!isLive(claim)) this.#outbox.claim(this.#members.self);
    if (hasRumors && !this.#inStep.has(peer)) {
      const share = isLink ? this.#broadcast.share(peer, this.#outbox.room, now) : 0;
      this.#outbox.rumors(this.rumors, this.limit, share, isTold ? peer : undefined);
    }
    let told = 0;
    if (isLink) {
      const { resendMinMs, probeTimeoutMs, heardDelayMs } = this.#config;
      const pauseMs = Math.max(resendMinMs, Math.min(probeTimeoutMs, this.#roundTrip.estimateMs) + heardDelayMs);
      this.#broadcast.tell(peer, now, pauseMs, (message) => {
        const fits = this.#outbox.message(message);
        if (fits) told++;
        return fits;
      });
    }
    // It shows our digest, which is all that a peer without messages waits for.
    if (this.#owed.get(peer)?.length === 0) this.#owed.delete(peer);
    this.#outbox.post();
    return told;
  }

  /** A suspect hears so first. The dead always do: it is how a cut heals. */
  #isBuddy(claim: Claim): boolean {
    return this.#config.buddySystem || !isLive(claim);
  }

  /** A peer's number is about to become another's. */
  forget(peer: Peer): void {
    this.rumors.drop(peer);
    this.#broadcast.forget(peer);
    this.#inStep.delete(peer);
    this.#shown.delete(peer);
    this.#owed.delete(peer);
  }
}
