// When and to whom news is told: at once to all contacts while rounds are in hand, then in regular rounds, least-told
// first, until it was told often enough or everybody heard from has our view. And every datagram to a member
// takes along what it has room for (SWIM 4.1's piggybacking).

import type { Address } from "./address.ts";
import { ALIVE, isLive, statusOf } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Contacts } from "./contacts.ts";
import type { Members } from "./members.ts";
import type { Message, Messages } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer, Peers } from "./peers.ts";
import type { Random } from "./random.ts";
import { Rumors } from "./rumors.ts";
import { GOSSIP_ROUND, type Timers } from "./timers.ts";
import { GOSSIP } from "./wire.ts";

export class Gossip {
  readonly rumors = new Rumors();
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #messages: Messages;
  readonly #contacts: Contacts;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  readonly #config: Config;
  readonly #random: Random;
  #roundAt = Number.NEGATIVE_INFINITY;
  #isEager = false;
  /** In the last round. A seed that has just let in a hundred has more than the logarithm says. */
  #contactCount = 0;
  /** While a crowd forms there is news all the time: twice to each lasting contact must do, what is lost is reconciled. */
  #crowdLimit = Number.POSITIVE_INFINITY;
  #eagerTokens: number;
  #eagerAt = 0;

  constructor(
    members: Members,
    peers: Peers,
    messages: Messages,
    contacts: Contacts,
    outbox: Outbox,
    timers: Timers,
    config: Config,
    random: Random,
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#messages = messages;
    this.#contacts = contacts;
    this.#outbox = outbox;
    this.#timers = timers;
    this.#config = config;
    this.#random = random;
    this.#eagerTokens = config.eagerBurst;
  }

  /** How often a message is sent. SWIM 4.1: lambda * log n is enough for all to hear it; and to each contact once. */
  get limit(): number {
    return Math.max(this.#contactCount, this.#config.gossipMult * Math.ceil(Math.log10(this.#members.live + 1)));
  }

  /** How often news of a member is sent. */
  get memberLimit(): number {
    return Math.max(this.#contactCount, Math.min(this.limit, this.#crowdLimit));
  }

  /** What a reconciliation brought is told after the news, and only to a few: others have it by and large. */
  get almostTold(): number {
    return Math.max(0, this.memberLimit - this.#config.gossipFanout);
  }

  /** There is news of a member. */
  tell(peer: Peer, now: number, told = 0): void {
    this.rumors.add(peer, told);
    this.#soon(now);
  }

  /** A user said something, here or elsewhere. */
  pass(message: Message, now: number): void {
    this.#messages.add(message);
    this.#soon(now);
  }

  /** News that must not wait: the next round is an eager one. */
  hurry(): void {
    this.#eagerTokens = Math.max(1, this.#eagerTokens);
  }

  /** A round at once if one is in hand, else with the next regular one: a storm is told in batches. */
  #soon(now: number): void {
    const { eagerBurst, gossipIntervalMs, coalesceMs } = this.#config;
    if (this.#isEager) return;
    this.#eagerTokens = Math.min(
      Math.max(eagerBurst, this.#eagerTokens),
      this.#eagerTokens + (now - this.#eagerAt) / gossipIntervalMs,
    );
    this.#eagerAt = now;
    if (this.#eagerTokens >= 1) {
      this.#eagerTokens--;
      this.#isEager = true;
      this.#timers.set(GOSSIP_ROUND, 0, now + coalesceMs);
    } else if (this.#timers.at(GOSSIP_ROUND, 0) === undefined) {
      this.#timers.set(GOSSIP_ROUND, 0, Math.max(now, this.#roundAt + gossipIntervalMs));
    }
  }

  /** The time of a round has come. */
  round(now: number): void {
    const contacts = this.#contacts.all(now);
    this.#crowdLimit = this.#contacts.isCrowdForming(now) ? 2 * contacts.length : Number.POSITIVE_INFINITY;
    if (!this.#isEager)
      while (contacts.length > this.#config.gossipFanout) contacts.splice(this.#random.below(contacts.length), 1);
    for (const ward of this.#contacts.wards(now)) if (!contacts.includes(ward)) contacts.push(ward);
    this.#contactCount = contacts.length;
    this.#isEager = false;
    this.#roundAt = now;
    for (const contact of contacts) {
      if (this.#isQuiet) return;
      this.post(GOSSIP, this.#peers.address(contact), 0, 0, now);
    }
    if (contacts.length === 0) {
      // Nobody to tell. Whoever comes later reconciles, and is told no old messages.
      this.#messages.tell(1, () => true);
      this.rumors.clear();
    }
    if (!this.#isQuiet) this.#timers.set(GOSSIP_ROUND, 0, now + this.#config.gossipIntervalMs);
  }

  get #isQuiet(): boolean {
    return this.rumors.size + this.#messages.size === 0;
  }

  /** Sends a datagram with whatever gossip it has room for. */
  post(kind: number, to: Address, a: number, c: number, now: number): void {
    this.#outbox.open(kind, to, a, c, now);
    const peer = this.#peers.find(to);
    const claim = peer === undefined ? 0 : this.#members.claim(peer);
    // To a stranger nothing is told: no answer may be larger than its question.
    if (peer !== undefined && claim !== 0) {
      // Lifeguard's buddy system: whoever is not simply alive with us hears so first, and to the gone we
      // introduce ourselves, for we may be gone with them.
      const isTold = statusOf(claim) !== ALIVE && this.#outbox.claim(peer);
      if (!isLive(claim)) this.#outbox.claim(this.#members.self);
      this.#outbox.rumors(this.rumors, this.memberLimit, this.#messages, this.limit, isTold ? peer : undefined);
    }
    this.#outbox.post();
  }
}
