// Two processes that advertise one address. To the network they are one member that keeps changing its mind; here each
// of them finds out, and keeps the quarrel from becoming everybody's noise.
//
// A live claim about us, with an incarnation that we never said, is another life at our address. Mostly it is a former
// one, which does not answer any more: then outbidding it settles the matter, and a restart needs that at once. If it
// answers with a higher bid it lives, and neither can know which of the two is wanted. So a few bids are free, and
// each further one comes after a pause that grows. Until then we yield: we believe of ourselves what all believe, the
// rival's profile included, so that views agree and nobody reconciles for ever.
//
//   A: 1, 3, 5, yields . . . 8, yields . . . . . . . . 10, yields          bids per minute, in the end: one in all
//   B:   2, 4, 6, yields, 7, yields . . . 9, yields . . . . . . . . .
//
// When one stops, the other's next bid is the last: the right profile is everywhere within the longest pause.
// Not slowed down: the answer to an accusation (while we yield, it is given in the rival's name, so it settles nothing
// and disturbs nothing), and the answer to a rival's goodbye, for then the address is ours.
// (Serf has its members vote on who keeps a name, and the loser shuts down; memberlist ignores the second claim and
// logs. We cannot ignore it: it may be a restart. And we end no process that its user started.)

import { type Claim, LEFT, statusOf } from "./claim.ts";
import type { Members } from "./members.ts";
import type { ProfileId, Profiles } from "./peers.ts";
import type { Random } from "./random.ts";
import { CONFLICT, type Timers } from "./timers.ts";

/** Bids without a pause: one for what a seed holds of a former life, others for what more distant members hold. */
export const FREE_BIDS = 3;
const PAUSE_MS = 4_000;
const PAUSE_GROWTH = 4;
export const PAUSE_MAX_MS = 60_000;
/** A quarter more or less, so that two rivals do not bid in step. */
const JITTER = 0.25;
/** Who has not been outbid for so long has no rival any more. */
const QUIET_MS = 3 * PAUSE_MAX_MS;

/** Says something of ourselves; takes over a hold of `profile`. */
export interface Voice {
  /** One more than `claim`, alive. */
  outbid(now: number, claim: Claim, profile: ProfileId): void;
  /** Believes what others say. */
  yield(now: number, claim: Claim, profile: ProfileId): void;
}

export class Conflict {
  /** Bids of rivals that were not answered at once. */
  conflicts = 0;
  readonly #members: Members;
  readonly #profiles: Profiles;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #voice: Voice;
  /** Held by us as well as by the belief, for the time when the belief is the rival's. */
  #own: ProfileId;
  #bids = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** The highest claim that waits to be outbid. */
  #rival: Claim = 0;

  constructor(members: Members, profiles: Profiles, timers: Timers, random: Random, own: ProfileId, voice: Voice) {
    this.#members = members;
    this.#profiles = profiles;
    this.#timers = timers;
    this.#random = random;
    this.#voice = voice;
    this.#own = own;
    profiles.share(own);
  }

  /** True while the rival has the address. */
  get isYielding(): boolean {
    return this.#members.profile(this.#members.self) !== this.#own;
  }

  /** We have something new to say of ourselves; said at once, or when our turn comes. Takes over a hold of `profile`. */
  renew(now: number, profile: ProfileId): void {
    const { isYielding } = this;
    this.#profiles.release(this.#own);
    this.#own = profile;
    if (!isYielding) this.#bid(now, this.#members.claim(this.#members.self));
  }

  /** Somebody says that we live, or took our leave, in an incarnation of which we know nothing. */
  hear(now: number, claim: Claim, profile: Uint8Array | undefined): void {
    const { self } = this.#members;
    const held = this.#members.claim(self);
    if (claim < held || (claim === held && (profile === undefined || this.isYielding))) return;
    if (statusOf(claim) === LEFT) {
      this.#bid(now, claim);
      return;
    }
    const order = profile === undefined ? undefined : compare(profile, this.#profiles.bytes(this.#own));
    // Our own words, in an incarnation that we missed: a rival that yields to us answered an accusation.
    if (order === 0) {
      if (claim > held) this.#yieldTo(now, claim, this.#own);
      return;
    }
    // Two bids alike would split the views: the rule breaks the tie at once, and on one side only.
    if (claim === held && order !== undefined && order < 0) {
      this.#bid(now, claim);
      return;
    }
    if (this.contend(now, claim) || profile === undefined || claim === held) return;
    const rival = this.#profiles.hold(profile);
    if (rival === undefined) return;
    this.#voice.yield(now, claim, rival);
  }

  /** Outbids another life, if a bid is free; else later. True if it did. */
  contend(now: number, claim: Claim): boolean {
    if (now - this.#heardAt > QUIET_MS) this.#bids = 0;
    this.#heardAt = now;
    if (this.#bids < FREE_BIDS) {
      this.#bids++;
      this.#bid(now, claim);
      return true;
    }
    if (claim > this.#rival) this.conflicts++;
    this.#rival = Math.max(this.#rival, claim);
    if (this.#timers.at(CONFLICT, 0) === undefined) this.#timers.set(CONFLICT, 0, now + this.#pauseMs());
    return false;
  }

  /** The pause is over. */
  resume(now: number): void {
    const held = this.#members.claim(this.#members.self);
    // An accusation may have been answered meanwhile, in our own name.
    if (!this.isYielding && held > this.#rival) return;
    this.#bids++;
    this.#bid(now, Math.max(held, this.#rival));
  }

  /** We leave. */
  end(): void {
    this.#timers.cancel(CONFLICT, 0);
  }

  #bid(now: number, claim: Claim): void {
    this.#profiles.share(this.#own);
    this.#voice.outbid(now, claim, this.#own);
  }

  #yieldTo(now: number, claim: Claim, profile: ProfileId): void {
    this.#profiles.share(profile);
    this.#voice.yield(now, claim, profile);
  }

  #pauseMs(): number {
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * PAUSE_GROWTH ** Math.min(8, this.#bids - FREE_BIDS));
    return pauseMs * (1 - JITTER + 2 * JITTER * this.#random.unit());
  }
}

/** Any order that is the same on both sides. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
