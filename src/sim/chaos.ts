// A run of accidents drawn from a seed, then calm, then judgement.
//
//   chaos      accidents (accidents.ts) at the pace of the plan (plan.ts), under the eyes of the judge (invariants.ts)
//   calm       everything is mended; within a bound that follows from the configuration all views must be one
//   last word  one member says something and another changes its profile: all must know, by gossip and not by repair, and
//              whoever told it must know that they do
//   rain       one more word while datagrams are lost: all must hear it, for what is not acknowledged is told again
//   rest       some periods of silence, which must cost what silence costs

import { steadyMaxMs } from "../gossip/comeback.ts";
import type { Config } from "../gossip/config.ts";
import { Accidents } from "./accidents.ts";
import type { Coverage } from "./coverage.ts";
import { Invariants } from "./invariants.ts";
import { CALM, Network, type SimMember } from "./network.ts";
import { configOf, drawPlan, type Plan } from "./plan.ts";

export interface ChaosSettings {
  readonly seed: number;
  /** Instead of what the seed says. */
  readonly plan?: Partial<Plan>;
  /** On top of the plan's. */
  readonly config?: Partial<Config>;
}

export interface ChaosResult {
  readonly seed: number;
  readonly plan: Plan;
  readonly faults: readonly string[];
  readonly coverage: Coverage;
  /** What happened, in order. */
  readonly story: readonly string[];
  /** Virtual time, and how much of the calm's bound was used. */
  readonly endedMs: number;
  readonly calmShare: number;
  /** The greatest share of its datagram budget that a member used. */
  readonly budgetShare: number;
}

const REST_PERIODS = 4;
/** A ring of forty, two members at a hop, and some detours. */
const HOPS_MAX = 16;
/** Share of the datagrams that is lost in the rain. */
const RAIN = 0.1;

export function chaos({ seed, plan: planned = {}, config: overrides = {} }: ChaosSettings): ChaosResult {
  return new Run(seed, { ...drawPlan(seed), ...planned }, overrides).play();
}

class Run {
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #config: Config;
  readonly #invariants: Invariants;
  readonly #net: Network;
  readonly #accidents: Accidents;

  constructor(seed: number, plan: Plan, overrides: Partial<Config>) {
    this.#seed = seed;
    this.#plan = plan;
    this.#config = configOf(plan, overrides);
    this.#invariants = new Invariants(this.#config);
    this.#net = new Network(seed, this.#config, CALM, this.#invariants);
    this.#net.bufferBytes = plan.bufferBytes;
    this.#invariants.watch(this.#net);
    this.#accidents = new Accidents(plan, this.#net, this.#invariants, seed);
  }

  play(): ChaosResult {
    this.#begin();
    this.#storm();
    let calmShare = 0;
    if (this.#isClean) calmShare = this.#calm();
    if (this.#isClean) this.#lastWord();
    if (this.#isClean) this.#wordInTheRain();
    if (this.#isClean) this.#rest();
    this.#countWhatTheySaw();
    const { faults, coverage, budget } = this.#invariants;
    return {
      seed: this.#seed,
      plan: this.#plan,
      faults,
      coverage,
      story: this.#accidents.story,
      endedMs: this.#net.now,
      calmShare,
      budgetShare: budget.peakShare,
    };
  }

  get #isClean(): boolean {
    return this.#invariants.faults.length === 0;
  }

  #begin(): void {
    const net = this.#net;
    if (this.#plan.isSettled) net.settle(this.#plan.nodes);
    else {
      for (let i = 0; i < this.#plan.nodes; i++) net.start(net.add());
      for (const member of net.members.slice(1)) this.#accidents.enter(member);
    }
  }

  #storm(): void {
    const net = this.#net;
    while (net.now < this.#plan.chaosMs && this.#isClean) {
      net.run(net.now + this.#plan.stepMs * (0.5 + net.random.unit()));
      this.#accidents.step();
      this.#invariants.inspect(net);
    }
  }

  #calm(): number {
    const net = this.#net;
    this.#accidents.mend();
    const from = net.now;
    const boundMs = calmMs(this.#config, net.members.length, net.members.length - net.running.length);
    const look = () => {
      this.#accidents.help();
      return this.#isAtRest || !this.#isClean;
    };
    look();
    net.run(from + boundMs, look, this.#config.probeIntervalMs);
    this.#invariants.inspect(net);
    this.#invariants.settled(net);
    return (net.now - from) / boundMs;
  }

  get #isAtRest(): boolean {
    this.#invariants.inspect(this.#net);
    if (!this.#net.agreed) return false;
    return this.#net.running.every(({ swim }) => {
      const { rumors, messages, suspicions, forwards } = swim.load;
      return rumors + messages + suspicions + forwards === 0;
    });
  }

  /** News in the calm is told by gossip: within the time of its hops and some rounds, which is less than repair takes. */
  #lastWord(): void {
    const net = this.#net;
    const invariants = this.#invariants;
    const { running } = net;
    const speaker = running[net.random.below(running.length)] as SimMember;
    const changer = running[net.random.below(running.length)] as SimMember;
    const payload = invariants.utterance(speaker, 100);
    net.tell(speaker, (swim, now) => swim.broadcast(now, payload));
    net.tell(changer, (swim, now) => swim.update(now, payload));
    const hopMs = this.#config.coalesceMs + CALM.delayMaxMs + (this.#plan.links?.maxMs ?? 0);
    net.run(net.now + HOPS_MAX * hopMs + 2 * this.#config.gossipIntervalMs);
    for (const member of running) {
      if (member !== speaker && !invariants.lastHeardBy.has(member.index))
        invariants.found(net, `member ${member.index} did not hear what ${speaker.index} said in the calm`);
    }
    invariants.ownProfiles(net);
    // What was acknowledged is let go when it would have been told again. Who has become a link by then is told then.
    net.run(net.now + this.#pauseMaxMs + this.#config.heardDelayMs + 2 * hopMs);
    for (const { index, swim } of running) {
      if (swim.load.messages > 0)
        invariants.found(net, `member ${index} still waits to know who heard what was said in the calm`);
    }
  }

  /** Within the time of all tries; that every way to a member fails so often happens once in a hundred million runs. */
  #wordInTheRain(): void {
    const net = this.#net;
    const invariants = this.#invariants;
    const { running } = net;
    const speaker = running[net.random.below(running.length)] as SimMember;
    const payload = invariants.utterance(speaker, 100);
    net.weather = { ...CALM, loss: RAIN };
    net.tell(speaker, (swim, now) => swim.broadcast(now, payload));
    const unheard = () => running.filter((member) => member !== speaker && !invariants.lastHeardBy.has(member.index));
    net.run(net.now + this.#triesMs, () => unheard().length === 0, this.#config.resendMinMs);
    net.weather = CALM;
    for (const { index } of unheard())
      invariants.found(net, `member ${index} did not hear what ${speaker.index} said in the rain`);
  }

  /** The longest pause between the first two tellings of a message to a link. */
  get #pauseMaxMs(): number {
    const { resendMinMs, probeTimeoutMs, heardDelayMs } = this.#config;
    return Math.max(resendMinMs, probeTimeoutMs + heardDelayMs);
  }

  /** A member tells a link eight times, with pauses that grow by half. */
  get #triesMs(): number {
    return 50 * this.#pauseMaxMs;
  }

  /** A probe that began in the storm may end in an accusation yet; so it may take some goes until a stretch is quiet. */
  #rest(): void {
    const net = this.#net;
    const { probeIntervalMs, healthMax } = this.#config;
    const elapsedMs = REST_PERIODS * probeIntervalMs;
    const allowed = this.#invariants.budget.allowedAtRest(elapsedMs, net.running.length, net.members.length);
    let sent = Number.POSITIVE_INFINITY;
    for (let go = 0; go <= healthMax && !(sent <= allowed && this.#isAtRest); go++) {
      net.run(net.now + healthMax * probeIntervalMs, () => this.#isAtRest, probeIntervalMs);
      const { datagrams } = net;
      net.run(net.now + elapsedMs);
      sent = net.datagrams - datagrams;
    }
    if (sent > allowed) this.#invariants.found(net, `${sent} datagrams in ${elapsedMs} ms at rest, ${allowed} allowed`);
    this.#invariants.inspect(net);
    this.#invariants.settled(net);
  }

  #countWhatTheySaw(): void {
    const { coverage } = this.#invariants;
    const { fates } = this.#net;
    for (const fate of ["lost", "duplicated", "reordered", "damaged", "overflowed"] as const)
      coverage.count(fate, fates[fate]);
    for (const { swim } of this.#net.members) {
      coverage.count("damagedSeen", swim.stats.damaged);
      coverage.count("stalls", swim.stats.stalls);
      coverage.count("syncs", swim.begun.syncs);
    }
  }
}

/**
 * How long calm may take: everybody sick in health finds those who are gone (each of a run of neighbours in its turn, and a
 * lone survivor all of them) and lets the longest suspicion run out; then the lost are greeted.
 */
function calmMs(config: Config, nodes: number, gone: number): number {
  const period = config.probeIntervalMs * (config.healthMax + 1);
  const suspicion =
    config.suspicionMult * Math.log10(Math.max(10, nodes)) * config.probeIntervalMs * config.suspicionMaxMult;
  return 2 * (suspicion + (6 + gone) * period) + steadyMaxMs(config);
}
