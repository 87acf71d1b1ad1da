// What must hold in every run, whatever the weather: a watcher that looks at each change and each message as it
// happens, and at whole views when asked. It collects faults instead of throwing, so that a run shows all of them.

import { ALIVE, type Claim, DEAD, incarnationOf, isLive, LEFT, SUSPECT, statusOf } from "../gossip/claim.ts";
import type { Message } from "../gossip/messages.ts";
import type { Peer } from "../gossip/peers.ts";
import type { Network, SimMember, Watcher } from "./network.ts";

const FAULTS_MAX = 20;

/** What a run came across: a run that saw none of something proves nothing about it. */
export interface Coverage {
  ups: number;
  suspicions: number;
  refutations: number;
  deaths: number;
  leaves: number;
  messages: number;
}

export class Invariants implements Watcher {
  readonly faults: string[] = [];
  readonly coverage: Coverage = { ups: 0, suspicions: 0, refutations: 0, deaths: 0, leaves: 0, messages: 0 };
  readonly #beliefs = new Map<string, Claim>();
  readonly #heard = new Set<string>();
  #network: Network | undefined;

  /** The network must exist before the first input; it is made with this watcher. */
  watch(network: Network): void {
    this.#network = network;
  }

  /** A process starts anew: it has heard nothing and believes nothing. */
  restarted(member: SimMember): void {
    for (const key of this.#beliefs.keys()) if (key.startsWith(`${member.index}>`)) this.#beliefs.delete(key);
  }

  changed(at: number, observer: number, subject: Peer, claim: Claim, was: Claim): void {
    const key = `${observer}>${subject}`;
    const before = this.#beliefs.get(key) ?? 0;
    if (before !== was) this.#fault(at, `${observer} says its belief about ${subject} was ${was}, it was ${before}`);
    if (claim === 0) {
      if (isLive(before)) this.#fault(at, `${observer} forgot ${subject}, who was live`);
      this.#beliefs.delete(key);
      return;
    }
    if (claim <= before) this.#fault(at, `${observer}'s belief about ${subject} fell from ${before} to ${claim}`);
    const isBack = isLive(claim) && before !== 0 && !isLive(before);
    if (isBack && incarnationOf(claim) <= incarnationOf(before))
      this.#fault(at, `${subject} rose without a new incarnation`);
    this.#beliefs.set(key, claim);
    this.#count(claim, before);
    this.#look(at, observer, subject, claim);
  }

  #count(claim: Claim, before: Claim): void {
    const status = statusOf(claim);
    if (status === ALIVE && statusOf(before) === SUSPECT) this.coverage.refutations++;
    else if (status === ALIVE && !isLive(before)) this.coverage.ups++;
    if (status === SUSPECT) this.coverage.suspicions++;
    if (status === DEAD) this.coverage.deaths++;
    if (status === LEFT) this.coverage.leaves++;
  }

  /** Nobody believes itself dead. */
  #look(at: number, observer: number, subject: Peer, claim: Claim): void {
    const member = this.#network?.members[observer];
    if (!member) return;
    const { members } = member.swim;
    const isSelf = subject === members.self;
    if (isSelf && (statusOf(claim) === SUSPECT || statusOf(claim) === DEAD))
      this.#fault(at, `${observer} believes itself ${claim}`);
  }

  delivered(at: number, observer: number, message: Message): void {
    this.coverage.messages++;
    const life = this.#network?.members[observer]?.life ?? 0;
    const key = `${observer}.${life}<${message.origin}/${message.epoch}/${message.seq}`;
    if (this.#heard.has(key)) this.#fault(at, `heard twice: ${key}`);
    this.#heard.add(key);
  }

  /** Whole views: counts, ring and digest recomputed from the claims; what is held stays within bounds. */
  inspect(network: Network): void {
    for (const member of network.running) {
      const { members, load } = member.swim;
      const counts = [0, 0, 0, 0];
      let digest = 0;
      for (let peer = 1; peer < network.peers.span; peer++) {
        const claim = members.claim(peer);
        if (claim === 0) continue;
        counts[statusOf(claim)] = (counts[statusOf(claim)] ?? 0) + 1;
        if (isLive(claim)) digest = (digest + members.hash(peer)) >>> 0;
      }
      const name = `member ${member.index}`;
      if (counts.join() !== members.counts.join())
        this.#fault(network.now, `${name} counts ${members.counts}, holds ${counts}`);
      if (digest !== members.ring.digest) this.#fault(network.now, `${name}'s digest is not its claims'`);
      for (let i = 1; i < members.ring.size; i++) {
        if (network.peers.compare(members.ring.at(i - 1), members.ring.at(i)) >= 0)
          this.#fault(network.now, `${name}'s ring is out of order`);
      }
      const all = network.members.length;
      if (load.rumors > all || load.suspicions > all) this.#fault(network.now, `${name} holds ${JSON.stringify(load)}`);
    }
  }

  /** After the faults stopped: one view of exactly those who run, nothing left to tell, nobody under suspicion. */
  settled(network: Network): void {
    if (!network.agreed) {
      const views = network.running.map(
        ({ index, swim }) => `${index}: ${swim.members.live} live, ${swim.members.ring.digest}`,
      );
      this.#fault(network.now, `views differ among ${network.running.length} running: ${views.join("; ")}`);
    }
    for (const { swim: observer } of network.running) {
      for (const { index, swim } of network.running) {
        const { self } = swim.members;
        if (observer.members.profile(self) !== swim.members.profile(self))
          this.#fault(network.now, `member ${index}'s profile is not its own somewhere`);
      }
    }
    for (const { index, swim } of network.running) {
      const { rumors, messages, suspicions, forwards } = swim.load;
      if (rumors + messages + suspicions + forwards > 0)
        this.#fault(network.now, `member ${index} is not at rest: ${JSON.stringify(swim.load)}`);
    }
  }

  #fault(at: number, sentence: string): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(`${at.toFixed(3)} ms: ${sentence}`);
  }
}
