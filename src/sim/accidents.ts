// What befalls a network, one accident at a time, and how it is mended. What an accident breaks, the next one of its kind
// often mends: nothing stays broken for the whole of a run by rule.
//
// The first member never falls (it may stand still, stutter, lose datagrams and be cut off): somebody must remember the
// network and be there to ask.

import type { Coverage } from "./coverage.ts";
import type { Invariants } from "./invariants.ts";
import { Links } from "./links.ts";
import { CALM, type Network, type SimMember } from "./network.ts";
import type { Accident, Plan } from "./plan.ts";
import type { Weather } from "./weather.ts";

const NEWCOMERS_MAX = 6;
const PROFILE_BYTES = 70;

export class Accidents {
  /** What happened, for whoever has to understand it. */
  readonly story: string[] = [];
  readonly #plan: Plan;
  readonly #net: Network;
  readonly #invariants: Invariants;
  readonly #coverage: Coverage;

  constructor(plan: Plan, net: Network, invariants: Invariants, seed: number) {
    this.#plan = plan;
    this.#net = net;
    this.#invariants = invariants;
    this.#coverage = invariants.coverage;
    if (plan.links) {
      net.links = new Links(seed, plan.links);
      this.#coverage.count("farLinks");
    }
  }

  /** A member that just started asks three others, whether they run or not, and the first member. */
  enter(member: SimMember): void {
    const net = this.#net;
    const seeds = [net.members[0]?.address ?? 0];
    for (let i = 0; i < 3; i++) seeds.push(this.#any().address);
    net.tell(member, (swim, now) => swim.join(now, seeds));
  }

  step(): void {
    const { accidents } = this.#plan;
    this.#do(accidents[this.#net.random.below(accidents.length)] as Accident);
  }

  #do(accident: Accident): void {
    switch (accident) {
      case "crash":
        this.#crash(this.#mortal());
        break;
      case "restart":
        this.#restart(this.#mortal());
        break;
      case "leave":
        this.#leave(this.#mortal());
        break;
      case "pause":
        this.#pause(this.#any());
        break;
      case "slow":
        this.#slow(this.#any());
        break;
      case "cut":
        if (this.#net.cut && this.#coin()) this.#heal();
        else this.#cut();
        break;
      case "weather":
        this.#change();
        break;
      case "ingress":
        this.#lose(this.#any(), "ingressLoss");
        break;
      case "egress":
        this.#lose(this.#any(), "egressLoss");
        break;
      case "newcomer":
        this.#newcomer();
        break;
      case "massCrash":
        this.#massCrash();
        break;
      case "update":
        this.#update(this.#any());
        break;
      case "chatter":
        this.#chatter();
        break;
    }
  }

  #any(): SimMember {
    const { members, random } = this.#net;
    return members[random.below(members.length)] as SimMember;
  }

  #mortal(): SimMember {
    const { members, random } = this.#net;
    return members[1 + random.below(members.length - 1)] as SimMember;
  }

  #coin(): boolean {
    return this.#net.random.unit() < 0.5;
  }

  #tell(what: string): void {
    this.story.push(`${this.#net.now.toFixed(1)} ms: ${what}`);
  }

  // ── to members ──

  #crash(member: SimMember): void {
    if (!member.running) {
      this.#restart(member);
      return;
    }
    this.#tell(`${member.index} crashes`);
    this.#coverage.count("crashes");
    this.#net.crash(member);
  }

  #restart(member: SimMember): void {
    this.#tell(`${member.index} starts anew`);
    this.#coverage.count("restarts");
    this.#net.restart(member);
    this.enter(member);
  }

  #massCrash(): void {
    const victims = this.#net.members.slice(1).filter(() => this.#coin());
    if (victims.length < 2) return;
    this.#coverage.count("massCrashes");
    for (const victim of victims) if (victim.running) this.#crash(victim);
    if (this.#coin()) for (const victim of victims) this.#restart(victim);
  }

  #leave(member: SimMember): void {
    if (!member.running) this.#restart(member);
    else if (!member.paused && !member.leaving) {
      this.#tell(`${member.index} says goodbye`);
      this.#net.leave(member);
    }
  }

  #pause(member: SimMember): void {
    if (member.paused) {
      this.#tell(`${member.index} goes on`);
      this.#net.resume(member);
    } else if (member.running) {
      this.#tell(`${member.index} stands still`);
      this.#coverage.count("pauses");
      this.#net.pause(member);
    }
  }

  #slow(member: SimMember): void {
    const { random } = this.#net;
    if (!member.running) return;
    const stoppedMs = 50 + Math.floor(6_000 * random.unit() ** 2);
    const runMs = 16 + random.below(112);
    this.#tell(`${member.index} stutters, ${stoppedMs} ms still and ${runMs} ms running in turn`);
    this.#coverage.count("slowdowns");
    this.#net.slow(member, stoppedMs, runMs);
  }

  #lose(member: SimMember, way: "ingressLoss" | "egressLoss"): void {
    const isMended = member[way] > 0;
    const share = isMended ? 0 : this.#coin() ? 1 : 0.8;
    this.#tell(`${member.index}'s ${way} is ${share}`);
    member[way] = share;
    if (!isMended) this.#coverage.count(way === "ingressLoss" ? "ingressLosses" : "egressLosses");
  }

  #newcomer(): void {
    const { members } = this.#net;
    if (members.length >= this.#plan.nodes + NEWCOMERS_MAX) {
      this.#crash(this.#mortal());
      return;
    }
    const member = this.#net.add();
    this.#tell(`${member.index} is new`);
    this.#coverage.count("newcomers");
    this.#net.start(member);
    this.enter(member);
  }

  #update(member: SimMember): void {
    const { random } = this.#net;
    if (!member.running || member.paused || member.leaving) return;
    this.#tell(`${member.index} has a new profile`);
    const profile = new Uint8Array(PROFILE_BYTES).map(() => random.below(256));
    this.#net.tell(member, (swim, now) => swim.update(now, profile));
  }

  #chatter(): void {
    const { random } = this.#net;
    for (let i = 1 + random.below(4); i > 0; i--) {
      const member = this.#any();
      if (!member.running || member.paused) continue;
      const payload = this.#invariants.utterance(member, random.below(600));
      this.#net.tell(member, (swim, now) => swim.broadcast(now, payload));
    }
  }

  // ── to the network ──

  #cut(): void {
    const { members, random } = this.#net;
    const share = this.#coin() ? 0.4 : 1.5 / members.length;
    const side = new Set<number>();
    for (let index = 0; index < members.length + NEWCOMERS_MAX; index++) if (random.unit() < share) side.add(index);
    const isOneWay = random.unit() < 0.4;
    this.#tell(`${isOneWay ? "no way from" : "cut off:"} ${[...side].join()}`);
    this.#coverage.count(isOneWay ? "oneWayCuts" : "cuts");
    this.#net.cut = (from, to) => (isOneWay ? side.has(from) && !side.has(to) : side.has(from) !== side.has(to));
  }

  #heal(): void {
    this.#tell("the cut is healed");
    this.#net.cut = undefined;
  }

  /** Each trouble with even chances, of a strength that is drawn as well; none of them is calm. */
  #change(): void {
    const { random } = this.#net;
    const some = (most: number) => (this.#coin() ? 0 : most * random.unit());
    const weather: Weather = {
      delayMinMs: CALM.delayMinMs,
      delayMaxMs: CALM.delayMaxMs + some(20),
      loss: some(0.4),
      duplicates: some(0.3),
      reordering: some(0.3),
      reorderingMs: 1_500 * random.unit() ** 2,
      damage: this.#coin() ? 0 : 0.33,
    };
    this.#tell(`the weather is ${JSON.stringify(weather)}`);
    this.#coverage.count("storms");
    this.#net.weather = weather;
  }

  /** Everything is well again. */
  mend(): void {
    const net = this.#net;
    this.#tell("all is well again");
    net.cut = undefined;
    net.weather = CALM;
    for (const member of net.members) {
      member.ingressLoss = 0;
      member.egressLoss = 0;
      if (member.running) net.resume(member);
    }
  }

  /**
   * Who knows nothing of the first member asks again, as a node does that misses its seeds: it never met it, or both
   * forgot each other in a long cut. That is all the help there is in the calm.
   */
  help(): void {
    const net = this.#net;
    const first = net.peers.find(net.members[0]?.address ?? 0) ?? 0;
    for (const member of net.running) {
      const isLost = member.swim.members.claim(first) === 0 && !member.swim.joining && !member.leaving;
      if (isLost) this.enter(member);
    }
  }
}
