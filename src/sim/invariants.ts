// What must hold in every run, whatever the weather: a watcher that looks at each change and each message as it
// happens, and at whole views when asked. It collects faults instead of throwing, so that a run shows all of them.
//
//   always      a belief only rises; who was buried comes back with a higher incarnation only; nobody believes what the
//               member never said of itself (lives.ts); a running process never thinks itself suspect, dead, or gone
//               without a goodbye; a message is heard once, and as it was said
//   each step   counts, ring and digest are those of the claims; no belief changed without a word; queues and timers
//               are bounded; a member sends no more than its budget (budget.ts)
//   after calm  one view of exactly those who run, every profile its member's own, nothing left to tell

import { ALIVE, type Claim, DEAD, incarnationOf, isLive, LEFT, SUSPECT, statusOf } from "../gossip/claim.ts";
import type { Config } from "../gossip/config.ts";
import type { Message } from "../gossip/messages.ts";
import type { Peer } from "../gossip/peers.ts";
import { Budget } from "./budget.ts";
import { Coverage } from "./coverage.ts";
import { Lives } from "./lives.ts";
import type { Network, SimMember, Watcher } from "./network.ts";

const FAULTS_MAX = 20;
/** Probes made for others (prober.ts). */
const FORWARDS_MAX = 256;
/** Messages under way (broadcast.ts). */
const MESSAGES_MAX = 1_024;
/** Period, round, search, comeback, reconciliation and rivalry; and two for each probe: 16 out of turn, two of periods. */
const TIMERS_OWN_MAX = 6 + 2 * 18;

/** What one process believes, as it told us. */
interface View {
  readonly beliefs: Map<Peer, Claim>;
  readonly heard: Set<string>;
}

interface Utterance {
  readonly member: number;
  readonly heardBy: Set<number>;
}

export class Invariants implements Watcher {
  readonly faults: string[] = [];
  readonly coverage = new Coverage();
  readonly budget: Budget;
  readonly #lives = new Lives();
  readonly #views: View[] = [];
  readonly #utterances: Utterance[] = [];
  #network: Network | undefined;

  constructor(config: Config) {
    this.budget = new Budget(config);
  }

  /** The network must exist before the first input; it is made with this watcher. */
  watch(network: Network): void {
    this.#network = network;
  }

  // ── as it happens ──

  /** A process starts: it has heard nothing, and believes at most what it was given. */
  started(_at: number, observer: number): void {
    const beliefs = new Map<Peer, Claim>();
    const network = this.#network;
    const member = network?.members[observer];
    if (network && member) {
      const { members } = member.swim;
      for (let peer = 1; peer < network.peers.span; peer++) {
        if (peer !== members.self && members.claim(peer) !== 0) beliefs.set(peer, members.claim(peer));
      }
      // Of a settled network everybody knows everybody before the first has started.
      this.#lives.say(observer, member.life, members.claim(members.self), members.profileHash(members.self));
    }
    this.#views[observer] = { beliefs, heard: new Set() };
  }

  changed(at: number, observer: number, subject: Peer, claim: Claim, was: Claim): void {
    const view = this.#viewOf(observer);
    const before = view.beliefs.get(subject) ?? 0;
    if (before !== was) this.#fault(at, `${observer} says its belief about ${subject} was ${was}, it was ${before}`);
    if (claim === 0) {
      if (isLive(before)) this.#fault(at, `${observer} forgot ${subject}, who was live`);
      view.beliefs.delete(subject);
      this.coverage.count("forgotten");
      return;
    }
    if (claim <= before) this.#fault(at, `${observer}'s belief about ${subject} fell from ${before} to ${claim}`);
    const isBack = isLive(claim) && before !== 0 && !isLive(before);
    if (isBack && incarnationOf(claim) <= incarnationOf(before))
      this.#fault(at, `${subject} rose without a new incarnation`);
    view.beliefs.set(subject, claim);
    this.#count(claim, before);
    this.#look(at, observer, subject, claim);
  }

  #viewOf(observer: number): View {
    const view = this.#views[observer] ?? { beliefs: new Map(), heard: new Set() };
    this.#views[observer] = view;
    return view;
  }

  #count(claim: Claim, before: Claim): void {
    const { coverage } = this;
    const status = statusOf(claim);
    if (status === ALIVE && statusOf(before) === SUSPECT) coverage.count("refutations");
    else if (status === ALIVE && before === 0) coverage.count("ups");
    else if (status === ALIVE && !isLive(before)) coverage.count("returns");
    else if (status === ALIVE) coverage.count("updates");
    if (status === SUSPECT) coverage.count("suspicions");
    if (status === DEAD) coverage.count("deaths");
    if (status === LEFT) coverage.count("leaves");
  }

  /** Compares a new belief with what its subject said of itself. */
  #look(at: number, observer: number, subject: Peer, claim: Claim): void {
    const network = this.#network;
    const member = network?.members[observer];
    if (!network || !member) return;
    const { members } = member.swim;
    const profile = members.profileHash(subject);
    if (subject === members.self) {
      const status = statusOf(claim);
      if (status === SUSPECT || status === DEAD) this.#fault(at, `${observer} believes itself ${claim}`);
      if (status === LEFT && !member.leaving) this.#fault(at, `${observer} says goodbye, and nobody told it to`);
      const wrong = this.#lives.say(observer, member.life, claim, profile);
      if (wrong) this.#fault(at, wrong);
      return;
    }
    const index = network.indexOf(network.peers.address(subject));
    const wrong = index === undefined ? "nobody is there" : this.#lives.objection(index, claim, profile);
    if (wrong) this.#fault(at, `${observer} believes ${claim} of ${subject}: ${wrong}`);
  }

  /** A member is about to say something: the payload to say it with. */
  utterance(member: SimMember, length: number): Uint8Array {
    const payload = new Uint8Array(Math.max(4, length));
    new DataView(payload.buffer).setUint32(0, this.#utterances.length);
    this.#utterances.push({ member: member.index, heardBy: new Set() });
    return payload;
  }

  /** Who heard the last utterance. */
  get lastHeardBy(): ReadonlySet<number> {
    return this.#utterances.at(-1)?.heardBy ?? new Set();
  }

  delivered(at: number, observer: number, { origin, epoch, seq, payload }: Message): void {
    this.coverage.count("messages");
    const { heard } = this.#viewOf(observer);
    const key = `${origin}/${epoch}/${seq}`;
    if (heard.has(key)) this.#fault(at, `heard twice by ${observer}: ${key}`);
    heard.add(key);
    const number = payload.length < 4 ? -1 : new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    const utterance = this.#utterances[number];
    if (!utterance || this.#network?.members[utterance.member]?.address !== origin)
      this.#fault(at, `${observer} heard what ${origin} never said`);
    utterance?.heardBy.add(observer);
  }

  // ── each step ──

  /** Whole views: counts, ring and digest recomputed from the claims; what is held and sent stays within bounds. */
  inspect(network: Network): void {
    for (const wrong of this.budget.inspect(network)) this.#fault(network.now, wrong);
    for (const member of network.running) {
      this.#inspectView(network, member);
      this.#inspectLoad(network, member);
    }
  }

  #inspectView(network: Network, { index, swim: { members } }: SimMember): void {
    const { beliefs } = this.#viewOf(index);
    const own = statusOf(members.claim(members.self));
    if (own === SUSPECT || own === DEAD)
      this.#fault(network.now, `member ${index} believes itself ${members.claim(members.self)}`);
    const counts = [0, 0, 0, 0];
    let digest = 0;
    for (let peer = 1; peer < network.peers.span; peer++) {
      const claim = members.claim(peer);
      if (claim !== (beliefs.get(peer) ?? 0))
        this.#fault(network.now, `member ${index} believes ${claim} of ${peer}, and never said so`);
      if (claim === 0) continue;
      counts[statusOf(claim)] = (counts[statusOf(claim)] ?? 0) + 1;
      if (isLive(claim)) digest = (digest + members.hash(peer)) >>> 0;
    }
    if (counts.join() !== members.counts.join())
      this.#fault(network.now, `member ${index} counts ${members.counts}, holds ${counts}`);
    if (digest !== members.ring.digest) this.#fault(network.now, `member ${index}'s digest is not its claims'`);
    for (let i = 1; i < members.ring.size; i++) {
      if (network.peers.compare(members.ring.at(i - 1), members.ring.at(i)) >= 0)
        this.#fault(network.now, `member ${index}'s ring is out of order`);
    }
  }

  #inspectLoad(network: Network, { index, swim: { members, load } }: SimMember): void {
    const [, suspects = 0] = members.counts;
    const isBounded =
      load.rumors <= members.size &&
      load.messages <= Math.min(MESSAGES_MAX, this.#utterances.length) &&
      load.suspicions === suspects &&
      load.forwards <= FORWARDS_MAX &&
      load.timers <= TIMERS_OWN_MAX + load.suspicions + load.forwards;
    if (!isBounded)
      this.#fault(network.now, `member ${index} holds ${JSON.stringify(load)}, with ${suspects} suspects`);
  }

  // ── after the calm ──

  /** After the faults stopped: one view of exactly those who run, nothing left to tell, nobody under suspicion. */
  settled(network: Network): void {
    if (!network.agreed) {
      const views = network.running.map(
        ({ index, swim }) => `${index}: ${swim.members.live} live, ${swim.members.ring.digest}`,
      );
      this.#fault(network.now, `views differ among ${network.running.length} running: ${views.join("; ")}`);
    }
    this.ownProfiles(network);
    for (const { index, swim } of network.running) {
      const { rumors, messages, suspicions, forwards } = swim.load;
      if (rumors + messages + suspicions + forwards > 0)
        this.#fault(network.now, `member ${index} is not at rest: ${JSON.stringify(swim.load)}`);
    }
  }

  /** Everybody holds of everybody the profile that it has. */
  ownProfiles(network: Network): void {
    for (const { index, swim } of network.running) {
      const { self } = swim.members;
      const profile = swim.members.profileHash(self);
      for (const { index: observer, swim: other } of network.running) {
        if (other.members.profileHash(self) !== profile)
          this.#fault(network.now, `member ${observer} holds another profile of member ${index} than its own`);
      }
    }
  }

  /** Something that the run itself found wrong. */
  found(network: Network, sentence: string): void {
    this.#fault(network.now, sentence);
  }

  #fault(at: number, sentence: string): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(`${at.toFixed(3)} ms: ${sentence}`);
  }
}
