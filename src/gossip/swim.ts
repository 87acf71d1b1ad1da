// The protocol: inputs, beliefs, outputs. SWIM (Das, Gupta, Motivala, DSN 2002) with Lifeguard (Dadgar, Phillips,
// Currey, 2017), gossip that starts at once, and reconciliation of views.
//
// Pure: time is an argument (ms on a clock that never runs backwards), chance a seeded generator, bytes go in and
// out. The driver's contract: ONE input (start, receive, wake, join, hello, broadcast, update, leave), then look at
// `deadline`, then wait for a datagram, a command or that time. Outputs are called in the middle of an input:
// queue them or hand them on, but never call back into the Swim.
//
// One switch for datagrams (`#act`), one for timers (`wake`); what follows from a belief is in `#raise` and nowhere
// else. Deviations from the papers, with their reasons:
// - A claim is merged by `max` (claim.ts). `left` is a fourth status.
// - Probes and gossip go to lasting contacts, not to random members (contacts.ts says why, with figures).
// - News is told at once, then in rounds (memberlist waits for the first round: 100 ms a hop on average).
// - Views are reconciled whenever digests differ, over UDP, by ranges (memberlist: a full exchange by TCP every 30 s).
// - A death heard in a reconciliation is put to the accused and suspected, not believed (as memberlist does):
//   the two halves of a healed partition hold many such deaths of each other.
// - A wake-up that comes late accuses nobody: it was we who stood still.

import { Accusations } from "./accusations.ts";
import type { Address } from "./address.ts";
import { Admission } from "./admission.ts";
import { GossipError } from "./api.ts";
import {
  ALIVE,
  type Claim,
  claimOf,
  DEAD,
  incarnationOf,
  isLive,
  isUnanswerable,
  LEFT,
  SUSPECT,
  statusOf,
} from "./claim.ts";
import type { Config } from "./config.ts";
import { Contacts } from "./contacts.ts";
import { Cookies } from "./cookie.ts";
import { Doubts } from "./doubts.ts";
import { Gone } from "./gone.ts";
import { Gossip } from "./gossip.ts";
import { Health } from "./health.ts";
import { Members } from "./members.ts";
import { type Message, Messages } from "./messages.ts";
import { Outbox, type Sender } from "./outbox.ts";
import { equalBytes, type Peer, type Peers, type ProfileId, type Profiles } from "./peers.ts";
import { RoundTrip } from "./probe.ts";
import { Prober } from "./prober.ts";
import type { Random } from "./random.ts";
import { Repair, SILENT_HOST } from "./repair.ts";
import { Standing } from "./standing.ts";
import type { Suspicion } from "./suspicion.ts";
import { Sync } from "./sync.ts";
import {
  COMEBACK,
  CONFLICT,
  FORWARD,
  GOSSIP_ROUND,
  JOINING,
  PERIOD,
  PROBE_END,
  PROBE_TIMEOUT,
  RESYNC,
  SUSPICION,
  Timers,
} from "./timers.ts";
import {
  ACK,
  CHALLENGE,
  CLAIMS,
  type Frame,
  GOSSIP,
  HAVE,
  HEARD,
  HELLO,
  JOIN,
  NACK,
  PAYLOAD_BYTES_MAX,
  PING,
  PING_REQ,
  PROFILE_BYTES_MAX,
  RANGES,
  type Reading,
  type Wire,
} from "./wire.ts";

export interface Output extends Sender {
  /** A belief changed. `claim` 0: the peer is forgotten, its number will be another's. `was` 0: it was unknown. */
  changed(peer: Peer, claim: Claim, was: Claim): void;
  /** A message of another member's, heard for the first time. The payload is the receiver's to keep. */
  deliver(message: Message): void;
  /** A member does not answer its probe. Whoever can ask its host whether it is there may do so, see `refused`. */
  doubted?(peer: Peer): void;
}

/** What became of a datagram: a `Reading`, or why a readable one had no effect. */
export type Verdict = Reading | "echo" | "stray" | "unproven" | "unknownKind";

export class Swim {
  readonly members: Members;
  readonly outbox: Outbox;
  readonly stats = {
    received: 0,
    damaged: 0,
    malformed: 0,
    otherVersion: 0,
    otherCluster: 0,
    echo: 0,
    stray: 0,
    unproven: 0,
    unknownKind: 0,
    refused: 0,
    postponed: 0,
    refutations: 0,
    stalls: 0,
    delivered: 0,
  };
  readonly #address: Address;
  readonly #peers: Peers;
  readonly #profiles: Profiles;
  readonly #wire: Wire;
  readonly #config: Config;
  readonly #random: Random;
  readonly #output: Output;
  readonly #cookies: Cookies;
  readonly #timers = new Timers();
  readonly #health: Health;
  readonly #suspicions = new Map<Peer, Suspicion>();
  readonly #messages = new Messages();
  readonly #doubts = new Doubts();
  readonly #contacts: Contacts;
  readonly #gossip: Gossip;
  readonly #prober: Prober;
  readonly #sync: Sync;
  readonly #admission: Admission;
  readonly #repair: Repair;
  readonly #accusations: Accusations;
  readonly #standing: Standing;
  readonly #dead: Gone;
  readonly #left: Gone;
  readonly #epoch: number;
  /** When the last input came. */
  #inputAt = Number.NEGATIVE_INFINITY;
  #messageSeq = 0;
  #leaving = false;

  /**
   * @param address advertised gossip address, this member's identity
   * @param profile encoded profile, 1 to 512 bytes
   * @param cookies with a key from the operating system, where strangers are about
   */
  constructor(
    address: Address,
    profile: Uint8Array,
    peers: Peers,
    profiles: Profiles,
    wire: Wire,
    config: Config,
    random: Random,
    output: Output,
    cookies: Cookies = new Cookies(random.uint32(), random.uint32()),
  ) {
    const self = peers.hold(address);
    const profileId = holdProfile(profiles, profile);
    if (self === undefined) throw new RangeError("Expected room for one more peer in the table, got a full one");
    this.#address = address;
    this.#peers = peers;
    this.#profiles = profiles;
    this.#wire = wire;
    this.#config = config;
    this.#random = random;
    this.#output = output;
    this.#cookies = cookies;
    this.#epoch = random.uint32();
    this.#health = new Health(config.healthMax, config.probeIntervalMs);
    this.#dead = new Gone(config.deadMs);
    this.#left = new Gone(config.leftMs);
    const members = new Members(self, peers, profiles);
    const outbox = new Outbox(address, members, peers, profiles, wire, cookies, this.#suspicions, output);
    const roundTrip = new RoundTrip(config.probeTimeoutFloorMs, config.probeTimeoutMs);
    const contacts = new Contacts(members, random, roundTrip, config.farRotateMs);
    const gossip = new Gossip(members, peers, contacts, outbox, this.#dead, roundTrip, this.#timers, config);
    const accuse = (now: number, peer: Peer) => this.#accusations.accuse(now, peer);
    const doubt = (peer: Peer) => output.doubted?.(peer);
    this.members = members;
    this.outbox = outbox;
    this.#contacts = contacts;
    this.#gossip = gossip;
    this.#prober = new Prober(
      members,
      peers,
      contacts,
      outbox,
      gossip,
      this.#health,
      this.#timers,
      config,
      roundTrip,
      random.uint32(),
      doubt,
      accuse,
    );
    this.#sync = new Sync(members, peers, outbox, this.#doubts, (now, peer) => this.#drop(now, peer));
    this.#admission = new Admission(address, members, peers, outbox, this.#timers, config, random, roundTrip);
    this.#repair = new Repair(
      members,
      peers,
      gossip,
      this.#prober,
      this.#sync,
      roundTrip,
      this.#timers,
      config,
      random,
    );
    this.#accusations = new Accusations(
      address,
      this.#suspicions,
      members,
      peers,
      contacts,
      outbox,
      gossip,
      this.#prober,
      this.#timers,
      config,
      (now, peer, claim, accuser) => this.#raise(now, peer, claim, 0, accuser, 0),
    );
    this.#standing = new Standing(
      profileId,
      members,
      peers,
      profiles,
      contacts,
      gossip,
      this.#prober,
      this.#repair,
      this.#admission,
      this.#accusations,
      this.#health,
      this.#dead,
      this.#timers,
      config,
      random,
      this.stats,
      (claim, was) => output.changed(self, claim, was),
    );
    members.believe(self, claimOf(1, ALIVE), profileId);
  }

  /** When to call `wake`, on the clock of `now`; Infinity before the start. */
  get deadline(): number {
    return this.#timers.deadline;
  }

  /** Lifeguard's local health score: 0 is well, `healthMax` as sick as it gets. */
  get health(): number {
    return this.#health.score;
  }

  /** True while somebody is asked to let us in. */
  get joining(): boolean {
    return this.#admission.isAsking;
  }

  /** True when the last search ended with somebody letting us in. */
  get admitted(): boolean {
    return this.#admission.isAdmitted;
  }

  /** True when nothing waits to be told and the last member heard from had our digest. */
  get converged(): boolean {
    return this.#repair.agreed && this.#gossip.rumors.size === 0;
  }

  /** True when the goodbye was told often enough (or to nobody, if there is nobody). */
  get gone(): boolean {
    if (!this.#leaving || this.members.others === 0) return this.#leaving;
    return this.#gossip.messages === 0 && !this.#gossip.rumors.has(this.members.self);
  }

  /** How often it probed, suspected, buried, reconciled, and found another process at its address, since its start. */
  get begun(): Readonly<Record<"probes" | "probesFailed" | "suspicions" | "deaths" | "syncs" | "conflicts", number>> {
    return {
      probes: this.#prober.probes,
      probesFailed: this.#prober.failures,
      suspicions: this.#accusations.suspected,
      deaths: this.#accusations.buried,
      syncs: this.#repair.begun,
      conflicts: this.#standing.conflicts,
    };
  }

  /** How much is held in memory that others can make grow; all of it is bounded. */
  get load(): { rumors: number; messages: number; suspicions: number; forwards: number; timers: number } {
    return {
      rumors: this.#gossip.rumors.size,
      messages: this.#gossip.messages,
      suspicions: this.#suspicions.size,
      forwards: this.#prober.forwards,
      timers: this.#timers.size,
    };
  }

  // ── inputs ──

  start(now: number): void {
    this.#output.changed(this.members.self, this.members.claim(this.members.self), 0);
    // A random phase, so that a thousand members started together do not probe together.
    this.#timers.set(PERIOD, 0, now + this.#random.unit() * this.#config.probeIntervalMs);
  }

  /** Takes over what another view of the same tables holds: a settled network without the way to it. */
  adopt(view: Members): void {
    this.members.adopt(view);
  }

  /** Asks these seeds, one after another, until one lets us in. */
  join(now: number, seeds: readonly Address[]): void {
    this.#admission.begin(now, seeds);
  }

  /** Stops asking. */
  endJoin(): void {
    this.#admission.end();
  }

  /** Asks whoever hears it (a broadcast address) to let us in. */
  hello(now: number, everybody: Address): void {
    this.#admission.hello(now, everybody);
  }

  /**
   * @returns the number of live members, this one included
   * @throws GossipError `ERR_BUSY`
   */
  broadcast(now: number, payload: Uint8Array): number {
    if (payload.length > PAYLOAD_BYTES_MAX) {
      throw new RangeError(`Expected a payload of at most ${PAYLOAD_BYTES_MAX} bytes, got ${payload.length}`);
    }
    if (this.members.others === 0) return this.members.live;
    if (this.#gossip.isBusy) throw new GossipError("ERR_BUSY", "Too many messages are under way; say it again soon");
    this.#messageSeq = (this.#messageSeq + 1) >>> 0;
    const message = { origin: this.#address, epoch: this.#epoch, seq: this.#messageSeq, payload };
    this.#messages.isNews(message.origin, message.epoch, message.seq);
    this.#gossip.pass(message, now);
    return this.members.live;
  }

  /** Says something new of this member: a new incarnation with a new profile. */
  update(now: number, profile: Uint8Array): void {
    const id = holdProfile(this.#profiles, profile);
    this.#standing.renew(now, id);
  }

  /** Says goodbye; go on driving until `gone`, or as long as patience lasts. */
  leave(now: number): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.endJoin();
    this.#timers.cancel(PERIOD, 0);
    this.#prober.abandon();
    this.#standing.leave(now);
  }

  /** A datagram came in. Never throws. */
  receive(now: number, bytes: Uint8Array): Verdict {
    this.#notice(now);
    const verdict = this.#take(now, bytes);
    if (verdict === "ok") this.stats.received++;
    else this.stats[verdict]++;
    return verdict;
  }

  /** The host at a member's address says that nobody listens there: a hint, which ends the waiting of a probe. */
  refused(now: number, address: Address): void {
    const peer = this.#peers.find(address);
    if (peer !== undefined) this.#prober.refused(now, peer);
  }

  /** The deadline came. */
  wake(now: number): void {
    this.#notice(now, true);
    for (let timer = this.#timers.take(now); timer; timer = this.#timers.take(now)) {
      switch (timer.kind) {
        case PERIOD:
          this.#period(now);
          break;
        case PROBE_TIMEOUT:
          this.#prober.insist(now, timer.subject);
          break;
        case PROBE_END:
          this.#prober.end(now, timer.subject);
          break;
        case SUSPICION:
          this.#accusations.bury(now, timer.subject);
          break;
        case GOSSIP_ROUND:
          this.#gossip.round(now);
          break;
        case FORWARD:
          this.#prober.insistForOther(now, timer.subject);
          break;
        case JOINING:
          this.#admission.ask(now);
          break;
        case RESYNC:
          if (timer.subject === SILENT_HOST)
            this.#repair.askHost(now, this.#leaving ? undefined : this.#contacts.hostLately(now));
          else this.#repair.resume(now, !this.#leaving && !this.#standing.isDamped);
          break;
        case COMEBACK:
          this.#standing.comeBack(now);
          break;
        case CONFLICT:
          this.#standing.resumeConflict(now);
          break;
      }
    }
  }

  /**
   * Looks whether our own process was late, or stood still: an input that comes long after the deadline says so. Small
   * lateness is looked for only when a timer fires: to look at the deadline for each datagram costs too much.
   */
  #notice(now: number, isTimer = false): void {
    const sinceMs = now - this.#inputAt;
    this.#inputAt = now;
    if (sinceMs <= this.#config.probeTimeoutMs && !isTimer) return;
    const late = Math.min(sinceMs, now - this.#timers.deadline);
    if (late <= this.#config.probeTimeoutMs) this.#health.late(late, now);
    else if (this.#config.stallDetection) this.#stalled(now, late);
  }

  // ── datagrams ──

  #take(now: number, bytes: Uint8Array): Verdict {
    const reading = this.#wire.read(bytes);
    if (reading !== "ok") return reading;
    const { frame } = this.#wire;
    if (frame.from === this.#address) return "echo";
    if (this.#doubts.size > 0) this.#doubts.end(this.#peers.find(frame.from));
    const before = this.members.claim(this.members.self);
    this.#standing.heardFrom(now, frame);
    // Claims in bulk, and whoever asks to be let in, are heard only from where answers arrive.
    const needsProof = frame.kind === CLAIMS || frame.kind === RANGES || frame.kind === HAVE || frame.kind === JOIN;
    if (needsProof && !this.#cookies.accepts(frame.a, frame.from, now)) return this.#unproven(now, frame, bytes.length);
    // What a member said comes before its goodbye, and after its arrival.
    if (frame.kind !== HEARD) this.#hearMessages(now, frame);
    if (frame.kind !== HAVE && frame.kind !== HELLO) this.#hearClaims(now, frame);
    if (frame.kind !== HEARD) this.#hearMessages(now, frame, true);
    this.#repair.look(frame);
    const verdict = this.#act(now, frame, bytes.length);
    // The accuser hears our answer at once, whether or not it still counts us among the living.
    const isAnswerDue = frame.kind !== PING && this.members.claim(this.members.self) !== before;
    if (isAnswerDue && this.#peers.find(frame.from) !== undefined) this.#gossip.post(GOSSIP, frame.from, 0, 0, now);
    if (!this.#leaving && !this.#standing.isDamped) {
      if (this.#isPeer(this.#contacts.hostLately(now), frame.from)) {
        this.#repair.hostSpoke(now, frame, this.#contacts.isBeingFilled(now));
      }
      this.#repair.compare(now, frame);
    }
    if (frame.kind !== HEARD) this.#gossip.acknowledge(frame, now, this.#isHeard);
    return verdict;
  }

  #act(now: number, frame: Frame, length: number): Verdict {
    switch (frame.kind) {
      case PING:
        this.#gossip.post(ACK, frame.from, frame.a, 0, now);
        return "ok";
      case ACK:
        return this.#prober.onAck(now, frame) ? "ok" : "stray";
      case PING_REQ:
        return this.#isKnownLive(frame.from) && this.#prober.onPingReq(now, frame) ? "ok" : "stray";
      case NACK:
        return this.#prober.onNack(frame) ? "ok" : "stray";
      case GOSSIP:
        return "ok";
      case HEARD:
        return this.#gossip.onHeard(now, frame) ? "ok" : "stray";
      case JOIN:
        this.#admission.welcome(now, frame);
        this.#meet(now, frame.from, false);
        return "ok";
      case CHALLENGE:
        return this.#onChallenge(now, frame);
      case HELLO:
        this.#admission.onHello(now, frame, length);
        return "ok";
      case RANGES:
        this.#repair.answered(frame.from);
        this.#sync.onRanges(frame, now);
        return "ok";
      case HAVE:
        this.#repair.answered(frame.from);
        this.#sync.onHave(frame, now);
        return "ok";
      case CLAIMS:
        return this.#onClaims(now, frame);
      default:
        return "unknownKind";
    }
  }

  #hearClaims(now: number, frame: Frame): void {
    const synced = frame.kind === CLAIMS;
    const told = synced ? this.#gossip.almostTold : 0;
    const isFromHost = this.#isHostOf(now, frame.from);
    const rebuttals: Peer[] = [];
    for (let i = 0; i < frame.claimCount; i++) {
      const address = frame.members[i] as Address;
      const claim = frame.claims[i] as Claim;
      if (isUnanswerable(claim)) continue;
      if (address === this.#address) this.#standing.hear(now, frame, claim, frame.profiles[i]);
      else if (!(synced && statusOf(claim) === DEAD && this.#accusations.hearDeath(now, address, claim, frame.from))) {
        const accuser = this.#accusations.admissible(address, frame.accusers[i]);
        // Whom else it lets in our host tells all whom it lets in. Anything else, as its own goodbye, is ours to pass on.
        const isToldByHost = isFromHost && statusOf(claim) === ALIVE && !this.#isRemembered(address);
        this.#hear(
          now,
          address,
          claim,
          frame.profiles[i],
          accuser,
          frame.from,
          isToldByHost ? Number.POSITIVE_INFINITY : told,
        );
      }
      const peer = synced ? this.#peers.find(address) : undefined;
      if (peer !== undefined && this.members.claim(peer) > claim && !isLive(this.members.claim(peer)))
        rebuttals.push(peer);
    }
    if (rebuttals.length > 0) {
      this.outbox.open(CLAIMS, frame.from, frame.b, 0, now);
      for (const peer of rebuttals) this.outbox.claim(peer);
      this.outbox.post();
    }
  }

  /** Somebody said something of somebody. */
  #hear(
    now: number,
    address: Address,
    claim: Claim,
    profile: Uint8Array | undefined,
    accuser: Address | undefined,
    teller: Address,
    told: number,
  ): void {
    const known = this.#peers.find(address);
    const was = known === undefined ? 0 : this.members.claim(known);
    if (known !== undefined && claim <= was) {
      if (claim === was && accuser !== undefined) this.#accusations.corroborate(now, known, accuser);
      if (
        claim === was &&
        profile !== undefined &&
        !equalBytes(profile, this.#profiles.bytes(this.members.profile(known)))
      ) {
        this.#sync.tellItself(known, now);
      }
      return;
    }
    const status = statusOf(claim);
    // Whom we hold dead may be deaf, and so accuse everybody: about the living it is not heard.
    const isAccusation = status === SUSPECT || status === DEAD;
    const isHeeded = this.#config.heedDead || accuser !== undefined || this.#isKnownLive(teller);
    if (isAccusation && isLive(was) && !isHeeded) return;
    // A live claim is believed only with the profile of its incarnation, so that one (member, incarnation) has
    // one profile everywhere. A suspicion of an incarnation that we missed arrives again by reconciliation.
    if (status === ALIVE && profile === undefined) return;
    if (status === SUSPECT && (was === 0 || incarnationOf(was) < incarnationOf(claim))) return;
    if (was === 0 && !this.#makeRoom()) {
      this.stats.refused++;
      return;
    }
    const profileId = profile === undefined ? 0 : this.#profiles.hold(profile);
    const peer = was === 0 ? this.#peers.hold(address) : known;
    if (profileId === undefined || peer === undefined) {
      this.stats.refused++;
      if (profileId !== undefined) this.#profiles.release(profileId);
      if (peer !== undefined && was === 0) this.#peers.release(peer);
      return;
    }
    this.#raise(now, peer, claim, profileId, accuser ?? teller, told);
  }

  /** A belief rises: everything that follows from it, whoever's word it was. */
  #raise(now: number, peer: Peer, claim: Claim, profile: ProfileId, accuser: Address, told: number): void {
    const was = this.members.claim(peer);
    this.members.believe(peer, claim, profile);
    this.#accusations.end(peer);
    this.#dead.remove(peer);
    this.#left.remove(peer);
    this.#doubts.end(peer);
    if (isLive(claim) && !isLive(was)) this.#contacts.grew(now);
    const status = statusOf(claim);
    if (status === SUSPECT) this.#accusations.begin(now, peer, claim, accuser);
    if (!isLive(claim)) this.#prober.forget(peer);
    if (status === DEAD) this.#dead.add(peer, now);
    if (status === LEFT) this.#left.add(peer, now);
    this.#repair.changed(now);
    this.#gossip.tell(peer, now, told);
    this.#output.changed(peer, claim, was);
  }

  /** Makes room for one more peer by forgetting one long gone; false if everybody remembered is live. */
  #makeRoom(): boolean {
    if (this.members.size < this.#config.membersMax) return true;
    const peer = this.#left.takeOldest() ?? this.#dead.takeOldest();
    if (peer !== undefined) this.#forget(peer);
    return peer !== undefined;
  }

  /** One for whom we cannot vouch is gone, as far as we are concerned. */
  #drop(now: number, peer: Peer): void {
    this.#raise(now, peer, claimOf(incarnationOf(this.members.claim(peer)), DEAD), 0, this.#address, 0);
    this.#gossip.rumors.drop(peer);
  }

  #forget(peer: Peer): void {
    const was = this.members.claim(peer);
    this.#gossip.forget(peer);
    this.#prober.forget(peer);
    this.#contacts.forget(peer);
    this.#output.changed(peer, 0, was);
    this.members.forget(peer);
  }

  /** A period is over. */
  #period(now: number): void {
    this.#prober.period(now, this.#standing.isDamped ? 1 : this.#health.factor);
    this.#repair.greetLost(now, this.#dead);
    for (const gone of [this.#dead, this.#left]) {
      for (let peer = gone.takeExpired(now); peer !== undefined; peer = gone.takeExpired(now)) this.#forget(peer);
    }
  }

  /** Our own process stood still for `late` ms: what did not arrive meanwhile is nobody's fault but ours. */
  #stalled(now: number, late: number): void {
    this.stats.stalls++;
    this.#health.feel(1);
    this.#standing.stalled(now);
    this.#gossip.hush(now + this.#config.probeTimeoutMs);
    this.#prober.abandon();
    this.#accusations.postpone(late);
    if (late < this.#config.leftMs) return;
    this.#doubts.awoke(this.members);
    this.#gossip.rumors.clear();
  }

  readonly #isHeard = (origin: Address, epoch: number, seq: number): boolean =>
    origin === this.#address || this.#messages.has(origin, epoch, seq);

  /** Hears messages of known members; of unknown ones only if there is no waiting for their claims. */
  #hearMessages(now: number, frame: Frame, isLast = false): void {
    for (let i = 0; i < frame.messageCount; i++) {
      const origin = frame.origins[i] as Address;
      const epoch = frame.epochs[i] as number;
      const seq = frame.seqs[i] as number;
      if (origin === this.#address || !(isLast || this.#isKnownLive(origin))) continue;
      if (this.#gossip.isFull && !this.#messages.has(origin, epoch, seq)) {
        if (isLast) this.stats.postponed++;
        continue;
      }
      if (!this.#messages.isNews(origin, epoch, seq)) continue;
      const message = { origin, epoch, seq, payload: new Uint8Array(frame.payloads[i] as Uint8Array) };
      this.#gossip.pass(message, now);
      this.stats.delivered++;
      this.#output.deliver(message);
    }
  }

  // ── joining ──

  #unproven(now: number, frame: Frame, length: number): Verdict {
    if (frame.kind === CLAIMS) return "unproven";
    this.#admission.challenge(now, frame, length);
    return frame.kind === JOIN ? "ok" : "unproven";
  }

  #onChallenge(now: number, frame: Frame): Verdict {
    if (this.#admission.answer(now, frame, (claim) => this.#standing.contend(now, claim))) return "ok";
    if (!this.#isKnownLive(frame.from)) return "stray";
    // It is the answer to a question of ours that came with an outdated proof.
    this.#repair.answered(frame.from);
    if (!this.#leaving) this.#repair.reconcile(now, frame);
    return "ok";
  }

  /** Who let whom in stay in contact for a while. */
  #meet(now: number, address: Address, isHost: boolean): void {
    const peer = this.#peers.find(address);
    if (peer !== undefined && isLive(this.members.claim(peer))) this.#contacts.met(peer, now, isHost);
  }

  #onClaims(now: number, frame: Frame): Verdict {
    if (frame.rangeCount !== 1) return "ok";
    const isWelcome = this.#admission.welcomed(frame.from);
    if (isWelcome) this.#meet(now, frame.from, true);
    const [first = 0, last = 0] = frame.ranges;
    if (first > last) this.#repair.answered(frame.from);
    else if (!this.#leaving && (isWelcome || this.#repair.isAhead(frame.from, first))) {
      this.#repair.proceed(now, frame, first, last);
    }
    return "ok";
  }

  /** Is this who lets us in among many? News goes to it alone then, and it need not hear its own. */
  #isHostOf(now: number, address: Address): boolean {
    return this.#isPeer(this.#contacts.hostOf(now), address);
  }

  #isPeer(peer: Peer | undefined, address: Address): boolean {
    return peer !== undefined && this.#peers.address(peer) === address;
  }

  #isRemembered(address: Address): boolean {
    const peer = this.#peers.find(address);
    return peer !== undefined && this.members.claim(peer) !== 0;
  }

  #isKnownLive(address: Address): boolean {
    const peer = this.#peers.find(address);
    return peer !== undefined && isLive(this.members.claim(peer));
  }
}

function holdProfile(profiles: Profiles, profile: Uint8Array): ProfileId {
  if (profile.length === 0 || profile.length > PROFILE_BYTES_MAX) {
    throw new RangeError(`Expected a profile of 1 to ${PROFILE_BYTES_MAX} bytes, got ${profile.length}`);
  }
  const id = profiles.hold(profile);
  if (id === undefined) throw new RangeError("Expected room for one more profile in the table, got a full one");
  return id;
}
