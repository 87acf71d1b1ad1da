// How this member stands with the others: what they say of it, and what it answers.
//
//   suspected                 refuted at once (SWIM 4.2), with a higher incarnation
//   dead                      refuted when it is steady (comeback.ts)
//   alive or left, not by us  another process at our address (conflict.ts)
//
// After a standstill the datagrams that waited speak of the past: a refutation of an old suspicion would bring back one who
// is dead by now, past all damping. And after a silence a stranger's word says nothing of how deaf we were. So for a moment
// those who hear us most are asked, and their acks show what they believe now.

import type { Accusations } from "./accusations.ts";
import type { Admission } from "./admission.ts";
import { ALIVE, type Claim, claimOf, DEAD, INCARNATION_MAX, incarnationOf, LEFT, SUSPECT, statusOf } from "./claim.ts";
import { Comeback } from "./comeback.ts";
import type { Config } from "./config.ts";
import { Conflict } from "./conflict.ts";
import type { Contacts } from "./contacts.ts";
import type { Gone } from "./gone.ts";
import type { Gossip } from "./gossip.ts";
import type { Health } from "./health.ts";
import type { Members } from "./members.ts";
import type { Peers, ProfileId, Profiles } from "./peers.ts";
import type { Prober } from "./prober.ts";
import type { Random } from "./random.ts";
import type { Repair } from "./repair.ts";
import { COMEBACK, PERIOD, type Timers } from "./timers.ts";
import { ACK, type Frame, GOSSIP, PING } from "./wire.ts";

/** After a standstill, the pause between two rounds of questions: two who both stood still would ask each other for ever. */
const ASK_PAUSE_MS = 20;

interface Counters {
  /** Accusations answered. */
  refutations: number;
  /** Claims about us that nothing can outbid. */
  refused: number;
}

export class Standing {
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #profiles: Profiles;
  readonly #contacts: Contacts;
  readonly #gossip: Gossip;
  readonly #prober: Prober;
  readonly #repair: Repair;
  readonly #admission: Admission;
  readonly #accusations: Accusations;
  readonly #health: Health;
  readonly #dead: Gone;
  readonly #timers: Timers;
  readonly #config: Config;
  readonly #stats: Counters;
  readonly #changed: (claim: Claim, was: Claim) => void;
  readonly #comeback: Comeback;
  readonly #conflict: Conflict;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** In the datagram at hand: for how long its sender has heard us without our knowing that we are dead. */
  #deafMs = 0;
  #hasLeft = false;

  constructor(
    own: ProfileId,
    members: Members,
    peers: Peers,
    profiles: Profiles,
    contacts: Contacts,
    gossip: Gossip,
    prober: Prober,
    repair: Repair,
    admission: Admission,
    accusations: Accusations,
    health: Health,
    dead: Gone,
    timers: Timers,
    config: Config,
    random: Random,
    stats: Counters,
    changed: (claim: Claim, was: Claim) => void,
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#profiles = profiles;
    this.#contacts = contacts;
    this.#gossip = gossip;
    this.#prober = prober;
    this.#repair = repair;
    this.#admission = admission;
    this.#accusations = accusations;
    this.#health = health;
    this.#dead = dead;
    this.#timers = timers;
    this.#config = config;
    this.#stats = stats;
    this.#changed = changed;
    this.#comeback = new Comeback(config);
    this.#conflict = new Conflict(members, profiles, timers, random, own, {
      outbid: (now, claim, profile) => this.#outbid(now, claim, profile),
      yield: (now, claim, profile) => this.#present(now, claim, profile),
    });
  }

  /** True while this member lets itself be taken for dead. */
  get isDamped(): boolean {
    return this.#comeback.isPending;
  }

  /** Bids of rivals for our address that were not answered at once. */
  get conflicts(): number {
    return this.#conflict.conflicts;
  }

  /** We have something new to say of ourselves. Takes over a hold of `profile`. */
  renew(now: number, profile: ProfileId): void {
    if (this.#hasLeft) this.#profiles.release(profile);
    else this.#conflict.renew(now, profile);
  }

  /** Says goodbye; not if the address is another process's now, for then the goodbye would be, too. */
  leave(now: number): void {
    this.#hasLeft = true;
    this.#conflict.end();
    const { self } = this.#members;
    if (this.#conflict.isYielding) {
      this.#gossip.rumors.drop(self);
      return;
    }
    const was = this.#members.claim(self);
    this.#members.believe(self, claimOf(incarnationOf(was), LEFT), 0);
    this.#gossip.hurry();
    this.#gossip.tell(self, now);
    this.#changed(this.#members.claim(self), was);
  }

  /** Our own process stood still until now. */
  stalled(now: number): void {
    this.#comeback.stalled(now);
  }

  /** A member we know is heard. If it counts us among the dead, it says for how long it has heard us since. */
  heardFrom(now: number, frame: Frame): void {
    const peer = this.#peers.find(frame.from);
    const claim = peer === undefined ? 0 : this.#members.claim(peer);
    this.#deafMs = 0;
    if (peer === undefined || claim === 0) return;
    if (this.#comeback.heard(now)) this.#accusations.renew(now);
    if (frame.kind !== PING && frame.kind !== ACK && frame.kind !== GOSSIP) return;
    this.#deafMs = frame.c;
    if (statusOf(claim) === DEAD) this.#dead.heard(peer, now);
  }

  /** Somebody says something of us. */
  hear(now: number, frame: Frame, claim: Claim, profile: Uint8Array | undefined): void {
    if (this.#hasLeft || claim < this.#members.claim(this.#members.self)) return;
    if (statusOf(claim) === ALIVE || statusOf(claim) === LEFT) this.#conflict.hear(now, claim, profile);
    else if (!this.#isToBeIgnored(now, frame, claim)) this.#refute(now, frame, claim);
  }

  #isToBeIgnored(now: number, frame: Frame, claim: Claim): boolean {
    // What the dead suspect is answered only when they ask us: all would hear the refutation, but not who is deaf.
    if (statusOf(claim) === SUSPECT && frame.kind === GOSSIP && this.#isDead(frame)) return true;
    if (this.#isStale(now, frame)) {
      this.#askAround(now);
      return true;
    }
    if (!this.#comeback.isPending || incarnationOf(claim) > incarnationOf(this.#comeback.claim)) return false;
    this.#comeback.heardBy(now, this.#deafMs);
    return true;
  }

  #refute(now: number, frame: Frame, claim: Claim): void {
    if (!this.#admission.isAsking) {
      this.#stats.refutations++;
      this.#health.feel(1);
      // Who is dead to us and we to it: that is a cut that heals, or one who was deaf. It says nothing of us.
      const isBelieved = statusOf(claim) === DEAD && !this.#isDead(frame);
      if (isBelieved && !this.#comeback.died(now, claim, this.#deafMs)) {
        this.#watch(now);
        // Who is to be steady must be answered now and then: a sick member asks seldom, but not while it is damped.
        this.#timers.set(PERIOD, 0, now + this.#config.probeIntervalMs);
        return;
      }
    }
    this.#outbid(now, claim, 0);
  }

  #isDead(frame: Frame): boolean {
    const teller = this.#peers.find(frame.from);
    return !this.#config.heedDead && teller !== undefined && statusOf(this.#members.claim(teller)) === DEAD;
  }

  #isStale(now: number, frame: Frame): boolean {
    const isLate = this.#config.damping && now - this.#comeback.unwellAt < this.#config.probeTimeoutMs;
    return isLate && frame.kind !== ACK && !this.#admission.isAsking && this.#members.others > 0;
  }

  #askAround(now: number): void {
    if (now - this.#askedAt < ASK_PAUSE_MS) return;
    this.#askedAt = now;
    for (const link of this.#contacts.links(now)) this.#prober.greet(now, link);
  }

  /** Looks again soon even if there is long to wait: a standstill in between must not go unnoticed. */
  #watch(now: number): void {
    this.#timers.set(COMEBACK, 0, now + Math.min(this.#comeback.waitMs(now), this.#config.probeTimeoutMs));
  }

  /** The time has come to look whether we have been steady. */
  comeBack(now: number): void {
    if (this.#hasLeft || !this.#comeback.isPending) return;
    if (this.#comeback.waitMs(now) > 0) {
      this.#watch(now);
      return;
    }
    // Whom we accused while nobody believed us we accuse no more: it was we who were unwell.
    this.#gossip.rumors.clear();
    this.#accusations.renew(now);
    this.#outbid(now, this.#comeback.claim, 0);
  }

  /** Another life at our address holds this claim: outbids it, now or later. True if at once. */
  contend(now: number, claim: Claim): boolean {
    return this.#conflict.contend(now, claim);
  }

  /** The pause before the next bid is over. */
  resumeConflict(now: number): void {
    this.#conflict.resume(now);
  }

  #outbid(now: number, claim: Claim, profile: ProfileId): void {
    // Whatever is answered, a death that waits for an answer is answered with it.
    const highest = Math.max(claim, this.#comeback.claim);
    if (incarnationOf(highest) > INCARNATION_MAX) {
      this.#stats.refused++;
      this.#profiles.release(profile);
      return;
    }
    this.#present(now, claimOf(incarnationOf(highest) + 1, ALIVE), profile);
  }

  /** What all shall believe of this member from now on. Takes over a hold of `profile`; 0 keeps the one believed. */
  #present(now: number, claim: Claim, profile: ProfileId): void {
    const { self } = this.#members;
    const was = this.#members.claim(self);
    if (claim > this.#comeback.claim) this.#comeback.end();
    this.#members.believe(self, claim, profile);
    this.#repair.changed(now);
    this.#gossip.tell(self, now);
    this.#changed(claim, was);
  }
}
