// Probing: one member a period, directly, then through helpers; whoever stands accused at once; and helping others to
// probe. SWIM 4.1, Lifeguard IV-A.
// The state of one probe is in probe.ts; here is what is sent, and when. Whom to accuse is told to `accuse`, which
// decides what follows.

import type { Address } from "./address.ts";
import { ALIVE, claimOf, incarnationOf, isLive } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Contacts } from "./contacts.ts";
import type { Gossip } from "./gossip.ts";
import type { Health } from "./health.ts";
import type { Members } from "./members.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer, Peers } from "./peers.ts";
import { Probe, type RoundTrip } from "./probe.ts";
import { FORWARD, PERIOD, PROBE_END, PROBE_TIMEOUT, type Timers } from "./timers.ts";
import { ACK, type Frame, NACK, PING, PING_REQ } from "./wire.ts";

const FORWARDS_MAX = 256;
/** With which repetition of a probe helpers are asked again. */
const HELPERS_AGAIN_AT = 2;
/** Probes under way at once before one out of turn is refused. */
const PROBES_MAX = 16;
/** A helper says so when this share of the probe's timeout passed without an ack (memberlist: 80 %). */
const NACK_AFTER = 0.8;

/** A probe made for another: whom to tell, under which number. */
interface Forward {
  readonly requester: Address;
  readonly seq: number;
  readonly target: Address;
  /** When we tell the requester that we hear nothing, either. */
  readonly until: number;
}

export class Prober {
  probes = 0;
  failures = 0;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #contacts: Contacts;
  readonly #outbox: Outbox;
  readonly #gossip: Gossip;
  readonly #health: Health;
  readonly #timers: Timers;
  readonly #config: Config;
  readonly #doubt: (peer: Peer) => void;
  readonly #accuse: (now: number, peer: Peer) => void;
  readonly #forwards = new Map<number, Forward>();
  readonly #roundTrip: RoundTrip;
  /** By their seq. */
  readonly #probes = new Map<number, Probe>();
  #seq: number;

  constructor(
    members: Members,
    peers: Peers,
    contacts: Contacts,
    outbox: Outbox,
    gossip: Gossip,
    health: Health,
    timers: Timers,
    config: Config,
    roundTrip: RoundTrip,
    firstSeq: number,
    doubt: (peer: Peer) => void,
    accuse: (now: number, peer: Peer) => void,
  ) {
    this.#members = members;
    this.#peers = peers;
    this.#contacts = contacts;
    this.#outbox = outbox;
    this.#gossip = gossip;
    this.#health = health;
    this.#timers = timers;
    this.#config = config;
    this.#seq = firstSeq;
    this.#doubt = doubt;
    this.#accuse = accuse;
    this.#roundTrip = roundTrip;
  }

  /** How many probes are under way for others. */
  get forwards(): number {
    return this.#forwards.size;
  }

  /** A period begins: probe the next contact. */
  period(now: number, factor: number): void {
    this.#timers.set(PERIOD, 0, now + this.#config.probeIntervalMs * factor);
    const target = this.#contacts.nextToProbe(now);
    if (target !== undefined) this.#begin(now, target);
  }

  /** Probes a member now, out of turn, unless it is being probed or too many are. */
  probe(now: number, target: Peer): void {
    if (this.#probes.size < PROBES_MAX) this.#begin(now, target);
  }

  #begin(now: number, target: Peer): void {
    for (const other of this.#probes.values()) if (other.target === target) return;
    const factor = Math.max(this.#health.factor, this.#contacts.patience(now));
    const lagMs = this.#health.lagMs(now);
    const helpMs = this.#config.probeTimeoutMs * factor + lagMs;
    const probe = new Probe(target, this.#nextSeq(), now, helpMs / Math.max(1, this.#config.probeRepeats));
    const helpAt = now + this.#roundTrip.timeoutMs * factor + lagMs;
    this.probes++;
    this.#probes.set(probe.seq, probe);
    this.#timers.set(PROBE_TIMEOUT, probe.seq, helpAt);
    // Helpers need a timeout's time for their own ping and ack or nack; both fit the period.
    this.#timers.set(PROBE_END, probe.seq, helpAt + helpMs);
    this.#gossip.post(PING, this.#peers.address(target), probe.seq, 0, now);
  }

  /** The time of a probe is over: an answer ended it before, so there was none. */
  end(now: number, seq: number): void {
    const probe = this.#probes.get(seq);
    if (!probe) return;
    this.#probes.delete(seq);
    this.failures++;
    this.#health.feel(probe.verdict);
    this.#accuse(now, probe.target);
  }

  /** The target's host says that nobody listens there: its probe need not wait any longer, if it missed an answer already. */
  refused(now: number, target: Peer): void {
    for (const probe of this.#probes.values()) {
      if (probe.target !== target || probe.repeats === 0) continue;
      this.#finish(probe);
      this.failures++;
      // This speaks of the other, not of us.
      this.#accuse(now, target);
      return;
    }
  }

  /** A ping whose answer nobody waits for. */
  greet(now: number, peer: Peer): void {
    this.#gossip.post(PING, this.#peers.address(peer), this.#nextSeq(), 0, now);
  }

  /**
   * Not answered in time: asked again and again until the probe's time is over, for where datagrams are lost one or two say
   * little; and helpers are asked, twice.
   */
  insist(now: number, seq: number): void {
    const probe = this.#probes.get(seq);
    if (!probe) return;
    if (probe.repeats === 0) {
      this.#roundTrip.missed();
      this.#doubt(probe.target);
    }
    if (this.#config.probeRepeats > 0) this.#gossip.post(PING, this.#peers.address(probe.target), probe.seq, 0, now);
    if (probe.repeats === 0 || probe.repeats === HELPERS_AGAIN_AT) this.#askHelpers(now, probe);
    probe.repeats++;
    if (probe.repeats < this.#config.probeRepeats) this.#timers.set(PROBE_TIMEOUT, seq, now + probe.repeatMs);
  }

  #askHelpers(now: number, probe: Probe): void {
    const isFirst = probe.repeats === 0;
    if (isFirst) probe.silent = new Set();
    const claim = claimOf(incarnationOf(this.#members.claim(probe.target)), ALIVE);
    for (const helper of this.#contacts.around(probe.target, this.#config.indirectProbes)) {
      if (isFirst && this.#config.nacks) {
        probe.asked++;
        probe.silent.add(this.#peers.address(helper));
      }
      this.#outbox.open(PING_REQ, this.#peers.address(helper), probe.seq, 0, now);
      this.#outbox.bareClaim(this.#peers.address(probe.target), claim);
      this.#outbox.post();
    }
  }

  /** True if the ack was one that somebody waits for. */
  onAck(now: number, frame: Frame): boolean {
    const probe = this.#probes.get(frame.a);
    if (probe) {
      this.#answered(now, probe, frame.from);
      return true;
    }
    const forward = this.#forwards.get(frame.a);
    if (!forward) return false;
    this.#forwards.delete(frame.a);
    this.#timers.cancel(FORWARD, frame.a);
    this.#gossip.post(ACK, forward.requester, forward.seq, 0, now);
    return true;
  }

  #answered(now: number, probe: Probe, from: Address): void {
    probe.acked = true;
    this.#health.feel(probe.verdict);
    this.#finish(probe);
    // Through a helper's hands the time says nothing of the target's distance.
    if (probe.repeats > 0 || from !== this.#peers.address(probe.target)) return;
    this.#roundTrip.measured(now - probe.sentAt);
    this.#members.measured(probe.target, now - probe.sentAt);
  }

  /** True if a helper whom we asked lives, though it hears no more of the target than we do. */
  onNack(frame: Frame): boolean {
    return this.#probes.get(frame.a)?.silent.delete(frame.from) ?? false;
  }

  /** We are a helper: probe on another's behalf. */
  onPingReq(now: number, frame: Frame): boolean {
    const target = frame.members[0];
    if (frame.claimCount !== 1 || target === undefined || this.#forwards.size >= FORWARDS_MAX) return false;
    // Whoever could have us ping anybody could have many members ping one who is none.
    const peer = this.#peers.find(target);
    if (peer === undefined || !isLive(this.#members.claim(peer))) return false;
    const seq = this.#nextSeq();
    for (const { requester, seq: asked } of this.#forwards.values()) {
      if (requester === frame.from && asked === frame.a) return true; // asked again, and under way
    }
    const until = now + this.#config.probeTimeoutMs * NACK_AFTER;
    this.#forwards.set(seq, { requester: frame.from, seq: frame.a, target, until });
    this.#timers.set(FORWARD, seq, Math.min(until, now + this.#forwardPauseMs));
    this.#gossip.post(PING, target, seq, 0, now);
    return true;
  }

  /** The target of a probe made for another has not answered: once more, or it is time to say so. */
  insistForOther(now: number, seq: number): void {
    const forward = this.#forwards.get(seq);
    if (!forward) return;
    if (now < forward.until) {
      this.#timers.set(FORWARD, seq, Math.min(forward.until, now + this.#forwardPauseMs));
      this.#gossip.post(PING, forward.target, seq, 0, now);
      return;
    }
    this.#forwards.delete(seq);
    if (this.#config.nacks) this.#gossip.post(NACK, forward.requester, forward.seq, 0, now);
  }

  get #forwardPauseMs(): number {
    return this.#config.probeTimeoutMs / Math.max(1, this.#config.probeRepeats);
  }

  /** A peer's number is about to become another's. */
  forget(peer: Peer): void {
    for (const probe of this.#probes.values()) if (probe.target === peer) this.#finish(probe);
  }

  /** What is under way says nothing any more: we stood still, or stop. */
  abandon(): void {
    for (const probe of this.#probes.values()) this.#finish(probe);
    for (const seq of this.#forwards.keys()) this.#timers.cancel(FORWARD, seq);
    this.#forwards.clear();
  }

  #finish(probe: Probe): void {
    this.#probes.delete(probe.seq);
    this.#timers.cancel(PROBE_TIMEOUT, probe.seq);
    this.#timers.cancel(PROBE_END, probe.seq);
  }

  #nextSeq(): number {
    this.#seq = (this.#seq + 1) >>> 0;
    return this.#seq;
  }
}
