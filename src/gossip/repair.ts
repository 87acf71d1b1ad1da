// When to reconcile, with whom, and when news has reached everybody: what follows from the digest that every datagram
// carries. And a word now and then to the dead, for a partition may have healed, and to a host that has fallen silent. How
// views are reconciled is in sync.ts.

import type { Address } from "./address.ts";
import { isLive } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Gone } from "./gone.ts";
import type { Gossip } from "./gossip.ts";
import type { Members } from "./members.ts";
import type { Peer, Peers } from "./peers.ts";
import type { RoundTrip } from "./probe.ts";
import type { Prober } from "./prober.ts";
import type { Random } from "./random.ts";
import { KEY_MAX } from "./ring.ts";
import type { Sync } from "./sync.ts";
import { RESYNC, type Timers } from "./timers.ts";
import { CHALLENGE, type Frame, JOIN } from "./wire.ts";

/** A question is asked again after the round-trip's estimate, at least this and at most a probe's timeout, and so often in all. */
const ANSWER_MIN_MS = 50;
const TRIES_MAX = 4;
/** A host is silent when so many rounds of gossip, and a round-trip, have brought nothing. Whoever asks sooner has to ask again. */
const SILENT_ROUNDS = 4;
/** What the timer RESYNC is about, if not about a question that was not answered. */
export const SILENT_HOST = 1;

/** A range of the ring that somebody was asked to reconcile, and has not answered for. */
interface Asked {
  readonly to: Address;
  readonly proof: number;
  readonly first: number;
  readonly last: number;
  readonly tries: number;
}

export class Repair {
  /** Reconciliations that this member began. */
  begun = 0;
  /** True when the last member heard from had our digest. */
  agreed = true;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #gossip: Gossip;
  readonly #prober: Prober;
  readonly #sync: Sync;
  readonly #roundTrip: RoundTrip;
  readonly #timers: Timers;
  readonly #config: Config;
  readonly #random: Random;
  #changedAt = Number.NEGATIVE_INFINITY;
  #asked: Asked | undefined;
  #begunAt = Number.NEGATIVE_INFINITY;
  /** When our host was asked last, and how often since it spoke. */
  #hostAskedAt = Number.NEGATIVE_INFINITY;
  #hostAsks = 0;

  constructor(
    members: Members,
    peers: Peers,
    gossip: Gossip,
    prober: Prober,
    sync: Sync,
    roundTrip: RoundTrip,
    timers: Timers,
    config: Config,
    random: Random,
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#gossip = gossip;
    this.#prober = prober;
    this.#sync = sync;
    this.#roundTrip = roundTrip;
    this.#timers = timers;
    this.#config = config;
    this.#random = random;
  }

  /** Our view changed, which is news for a while. */
  changed(now: number): void {
    this.#changedAt = now;
  }

  /** Looks at the digest that came with a frame of a live member's. */
  look(frame: Frame): void {
    const sender = this.#peers.find(frame.from);
    if (sender === undefined || !isLive(this.#members.claim(sender))) return;
    this.agreed = frame.digest === this.#members.ring.digest;
    this.#gossip.compared(sender, this.agreed);
    if (this.agreed) this.answered(frame.from);
  }

  /** Reconciles with a live member whose digest differed. */
  compare(now: number, frame: Frame): void {
    const sender = this.#peers.find(frame.from);
    if (sender === undefined || !isLive(this.#members.claim(sender))) return;
    const isDifferent = frame.digest !== this.#members.ring.digest;
    // Whoever was just challenged or let in goes on by itself.
    if (isDifferent && frame.kind !== CHALLENGE && frame.kind !== JOIN) this.reconcile(now, frame);
  }

  // ── the host: who let us in, and many others with us ──

  /**
   * Our host said something. When it has been silent for a while it is asked: what it said last may have been lost, or it has no
   * time to say anything. If its answer shows our view, and nothing was new since it was asked, it has told us all.
   */
  hostSpoke(now: number, frame: Frame, isBeingFilled: boolean): void {
    this.#hostAsks = 0;
    const isDifferent = frame.digest !== this.#members.ring.digest;
    if (isBeingFilled && (isDifferent || this.#changedAt > this.#hostAskedAt)) this.#awaitHost(now);
    else this.#timers.cancel(RESYNC, SILENT_HOST);
  }

  /** Who is slow is silent for a while without having said its last. */
  #awaitHost(now: number): void {
    const { gossipIntervalMs, probeTimeoutMs } = this.#config;
    const silenceMs = SILENT_ROUNDS * gossipIntervalMs + Math.min(probeTimeoutMs, this.#roundTrip.meanMs);
    this.#timers.set(RESYNC, SILENT_HOST, now + silenceMs * (0.75 + this.#random.unit() / 2));
  }

  /** Our host has been silent: its answer shows whether we have heard all that it has to say. Without an answer, again. */
  askHost(now: number, host: Peer | undefined): void {
    if (host === undefined) return;
    this.#hostAskedAt = now;
    this.#prober.greet(now, host);
    if (++this.#hostAsks < TRIES_MAX) this.#awaitHost(now);
  }

  /**
   * What we asked somebody to reconcile was not answered: once more, or the chain of answers ends with a lost datagram.
   * Unless we should not ask anybody now.
   */
  resume(now: number, mayAsk: boolean): void {
    const asked = this.#asked;
    if (!asked) return;
    const peer = this.#peers.find(asked.to);
    if (!mayAsk || asked.tries >= TRIES_MAX || peer === undefined || !isLive(this.#members.claim(peer))) {
      this.#asked = undefined;
      return;
    }
    this.#ask(now, asked.to, asked.proof, asked.first, asked.last, asked.tries + 1);
  }

  /** Somebody answered: with something to go on from (`proceed`), or with all there was. */
  answered(from: Address): void {
    if (this.#asked?.to !== from) return;
    this.#asked = undefined;
    this.#timers.cancel(RESYNC, 0);
  }

  #ask(now: number, to: Address, proof: number, first: number, last: number, tries: number): void {
    this.#begunAt = now;
    this.#asked = { to, proof, first, last, tries };
    const patienceMs = Math.max(ANSWER_MIN_MS, Math.min(this.#config.probeTimeoutMs, this.#roundTrip.estimateMs));
    this.#timers.set(RESYNC, 0, now + patienceMs * tries);
    this.#sync.begin(to, proof, now, first, last);
  }

  /** Begins a reconciliation with a frame's sender, unless it is too early for another. */
  reconcile(now: number, frame: Frame): void {
    if (!this.#isDue(now, frame.from)) return;
    this.begun++;
    this.#ask(now, frame.from, frame.b, 0, KEY_MAX, 1);
  }

  /**
   * True if that leads further than what somebody was asked and has not answered. Who is slow is asked twice and answers
   * twice: whoever went on from each answer would pull the same view several times at once.
   */
  isAhead(from: Address, first: number): boolean {
    return this.#asked === undefined || (this.#asked.to === from && first > this.#asked.first);
  }

  /** Goes on where a page of claims, or a welcome, said that there is more. */
  proceed(now: number, frame: Frame, first: number, last: number): void {
    this.answered(frame.from);
    if (frame.digest === this.#members.ring.digest) return;
    this.#ask(now, frame.from, frame.b, first, last, 1);
  }

  /**
   * Not too often; not while an answer is due, for who is slow has the same to tell twice, but only of somebody else if it is
   * late; and not while news is under way, which explains the difference, unless that lasts.
   */
  #isDue(now: number, from: Address): boolean {
    if (this.#asked !== undefined && (this.#asked.to === from || this.#asked.tries === 1)) return false;
    const { syncIntervalMs, gossipIntervalMs } = this.#config;
    const isQuiet = this.#gossip.rumors.size === 0 || now - this.#changedAt > 2 * gossipIntervalMs;
    return now - this.#begunAt > (isQuiet ? syncIntervalMs : 2 * syncIntervalMs);
  }

  /** Now and then a word to one of the dead, about one per period and lost member in the whole group. */
  greetLost(now: number, dead: Gone): void {
    if (dead.size === 0 || this.#random.unit() * this.#members.live >= dead.size) return;
    const lost = dead.any(this.#random);
    if (lost !== undefined) this.#prober.greet(now, lost);
  }
}
