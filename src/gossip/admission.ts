// Getting in, and letting in. The exchange is drawn in join.ts, which keeps the newcomer's state; here is what each side
// sends. Nothing is remembered of strangers, and no answer to one is longer than its question.

import type { Address } from "./address.ts";
import { type Claim, isLive } from "./claim.ts";
import type { Config } from "./config.ts";
import { Join, SEEDS_MAX } from "./join.ts";
import type { Members } from "./members.ts";
import type { Outbox } from "./outbox.ts";
import type { Peers } from "./peers.ts";
import type { RoundTrip } from "./probe.ts";
import type { Random } from "./random.ts";
import { KEY_MAX } from "./ring.ts";
import { JOINING, type Timers } from "./timers.ts";
import { CHALLENGE, CLAIMS, type Frame, HELLO, JOIN } from "./wire.ts";

const UINT32_MAX = 0xffff_ffff;
/** A hello is answered by about this many members, however many hear it. */
const HELLO_ANSWERS = 2;

export class Admission {
  readonly #address: Address;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #join: Join;
  readonly #retryMs: number;
  readonly #longestMs: number;
  readonly #roundTrip: RoundTrip;
  /** When this search began: questions and their answers carry how long ago that was. */
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(
    address: Address,
    members: Members,
    peers: Peers,
    outbox: Outbox,
    timers: Timers,
    config: Config,
    random: Random,
    roundTrip: RoundTrip,
  ) {
    this.#roundTrip = roundTrip;
    this.#address = address;
    this.#members = members;
    this.#peers = peers;
    this.#outbox = outbox;
    this.#timers = timers;
    this.#random = random;
    this.#retryMs = config.joinRetryMs;
    this.#longestMs = config.joinTimeoutMs / 4;
    this.#join = new Join(config.joinRetryMs);
  }

  // ── the newcomer ──

  /** True while somebody is asked to let us in. */
  get isAsking(): boolean {
    return this.#join.pending;
  }

  /** True when the last search ended with somebody letting us in. */
  get isAdmitted(): boolean {
    return this.#join.admitted;
  }

  /** Asks these seeds, one after another, until one lets us in. */
  begin(now: number, seeds: readonly Address[]): void {
    const others = [...new Set(seeds)].filter((seed) => seed !== this.#address).slice(0, SEEDS_MAX);
    this.#join.begin(others);
    this.#begunAt = now;
    if (others.length === 0) this.end();
    else this.ask(now);
  }

  end(): void {
    this.#join.pending = false;
    this.#timers.cancel(JOINING, 0);
  }

  /** Asks whoever hears it to let us in. */
  hello(now: number, everybody: Address): void {
    if (!this.#join.pending) {
      this.#join.begin([]);
      this.#begunAt = now;
      this.#timers.set(JOINING, 0, now + this.#retryMs * 4);
    }
    this.#join.expectOne();
    this.#introduce(HELLO, everybody, 0, now);
  }

  /** The time of the next question has come. */
  ask(now: number): void {
    if (!this.#join.pending) return;
    const seeds = this.#join.nextSeeds();
    for (const seed of seeds) this.#introduce(JOIN, seed, this.#join.proofFor(seed), now);
    // A hello has no seeds: it is over when nobody answered.
    if (seeds.length === 0) this.#join.pending = false;
    else this.#timers.set(JOINING, 0, now + this.#pauseMs * (0.75 + this.#random.unit() / 2));
  }

  /** A seed that answers late has many to answer, and is not helped by being asked more often; but asked again it is. */
  get #pauseMs(): number {
    return Math.max(this.#join.pauseMs, Math.min(this.#longestMs, this.#roundTrip.estimateMs));
  }

  /** Who we are is heard only with a proof; before, it makes the question larger than any answer. */
  #introduce(kind: number, to: Address, proof: number, now: number): void {
    this.#outbox.open(kind, to, proof, this.#sinceBegun(now), now);
    this.#outbox.claim(this.#members.self);
    this.#outbox.post();
  }

  #sinceBegun(now: number): number {
    return Math.floor(Math.min(UINT32_MAX, now - this.#begunAt));
  }

  /** Answers a challenge to a question of ours; false if it is none. `outbid` is called if a former life is held there. */
  answer(now: number, frame: Frame, outbid: (claim: Claim) => void): boolean {
    if (!this.#join.mayAnswer(frame.from, frame.b)) return false;
    // Which of our questions was answered the answer says (RFC 7323's timestamps): from the last one a slow host would seem
    // quick, and from the first one that lost a datagram slow.
    this.#roundTrip.measured(Math.max(0, now - this.#begunAt - Math.min(frame.a, this.#sinceBegun(now))));
    const { self } = this.#members;
    const own = this.#members.claim(self);
    // As alive as we are, but with another profile: a former life that nobody has missed yet.
    const isFormerLife = frame.claims[0] === own && frame.c !== this.#members.profileHash(self);
    if (frame.claimCount === 1 && frame.members[0] === this.#address && isFormerLife) outbid(own);
    this.#introduce(JOIN, frame.from, frame.b, now);
    return true;
  }

  /** A welcome came: we are in, if we asked whoever sent it, and it is a member with us. */
  welcomed(from: Address): boolean {
    const peer = this.#peers.find(from);
    if (!this.#join.mayWelcome(from) || peer === undefined || !isLive(this.#members.claim(peer))) return false;
    this.end();
    this.#join.admitted = true;
    return true;
  }

  // ── the seed ──

  /** The newcomer's claim was heard with the others. Who we are, and where to go on: from the start of the ring. */
  welcome(now: number, frame: Frame): void {
    this.#outbox.open(CLAIMS, frame.from, frame.b, 0, now);
    this.#outbox.claim(this.#members.self);
    this.#outbox.range(0, KEY_MAX, 0, 0);
    this.#outbox.post();
  }

  /** A hello is everybody's to answer: a few do. */
  onHello(now: number, frame: Frame, length: number): void {
    if (this.#random.unit() * this.#members.live < HELLO_ANSWERS) this.challenge(now, frame, length);
  }

  /**
   * A cookie; for a newcomer also when it asked, in its own words, and what we hold about its address, so that it can outbid
   * a former life.
   * `length` is the question's, which the answer must not exceed.
   */
  challenge(now: number, frame: Frame, length: number): void {
    const peer = frame.kind === JOIN || frame.kind === HELLO ? this.#peers.find(frame.from) : undefined;
    const claim = peer === undefined ? 0 : this.#members.claim(peer);
    const hash = peer === undefined || claim === 0 ? 0 : this.#members.profileHash(peer);
    const asked = frame.kind === JOIN || frame.kind === HELLO ? frame.c : 0;
    this.#outbox.open(CHALLENGE, frame.from, asked, hash, now);
    if (claim !== 0) this.#outbox.bareClaim(frame.from, claim);
    this.#outbox.post(length);
  }
}
