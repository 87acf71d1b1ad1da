// A run of accidents drawn from a seed, then calm, then judgement. Chaos: crashes, restarts, goodbyes, pauses, cuts
// (one-way too), bad weather, chatter. Calm: everything is mended, and within a bound that follows from the
// configuration all views must be one.

import { type Config, configure } from "../gossip/config.ts";
import { Invariants } from "./invariants.ts";
import { CALM, Network, type SimMember } from "./network.ts";

export interface ChaosSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly config?: Partial<Config>;
}

export interface ChaosResult extends Pick<Invariants, "faults" | "coverage"> {
  readonly cuts: number;
  readonly datagramsPerMemberAndSecond: number;
}

const CHAOS_MS = 40_000;
const STEP_MS = 400;
const WEATHERS = [
  CALM,
  { ...CALM, loss: 0.1 },
  { ...CALM, loss: 0.3, delayMaxMs: 20 },
  { ...CALM, duplicates: 0.2, delayMaxMs: 5 },
  { ...CALM, damage: 0.33 },
];

export function chaos({ seed, nodes, config: overrides = {} }: ChaosSettings): ChaosResult {
  const config = configure("local", overrides);
  const invariants = new Invariants();
  const net = new Network(seed, config, CALM, invariants);
  invariants.watch(net);
  for (let i = 0; i < nodes; i++) net.start(net.add());
  for (const member of net.members.slice(1)) enter(net, member);
  net.run(2_000);
  const run = new Accidents(net, invariants);
  while (net.now < CHAOS_MS) {
    run.step();
    net.run(net.now + STEP_MS);
    invariants.inspect(net);
  }
  run.mend();
  const { datagrams, now } = net;
  net.run(now + calmMs(config, nodes), () => net.agreed && atRest(net), 100);
  invariants.inspect(net);
  invariants.settled(net);
  const seconds = (net.now - now) / 1_000;
  return {
    faults: invariants.faults,
    coverage: invariants.coverage,
    cuts: run.cuts,
    datagramsPerMemberAndSecond: seconds > 0 ? (net.datagrams - datagrams) / nodes / seconds : 0,
  };
}

/**
 * How long calm may take: everybody sick in health finds the last dead (each of a run of neighbours in its turn) and
 * lets the longest suspicion run out; then the lost are greeted.
 */
function calmMs(config: Config, nodes: number): number {
  const period = config.probeIntervalMs * (config.healthMax + 1);
  const suspicion =
    config.suspicionMult * Math.log10(Math.max(10, nodes)) * config.probeIntervalMs * config.suspicionMaxMult;
  return 2 * (suspicion + 6 * period);
}

function atRest(net: Network): boolean {
  return net.running.every(({ swim }) => {
    const { rumors, messages, suspicions, forwards } = swim.load;
    return rumors + messages + suspicions + forwards === 0;
  });
}

/** A member that just started asks three others, whether they run or not, and the first member. */
function enter(net: Network, member: SimMember): void {
  const seeds = [net.members[0]?.address ?? 0];
  for (let i = 0; i < 3; i++) seeds.push(net.members[net.random.below(net.members.length)]?.address ?? 0);
  net.tell(member, (swim, now) => swim.join(now, seeds));
}

class Accidents {
  cuts = 0;
  readonly #net: Network;
  readonly #invariants: Invariants;

  constructor(net: Network, invariants: Invariants) {
    this.#net = net;
    this.#invariants = invariants;
  }

  step(): void {
    const net = this.#net;
    // The first member never falls: somebody must be there to ask.
    const member = net.members[1 + net.random.below(net.members.length - 1)] as SimMember;
    switch (net.random.below(10)) {
      case 0:
        if (member.running) net.crash(member);
        break;
      case 1:
      case 2:
        this.#restart(member);
        break;
      case 3:
        if (member.running && !member.paused) this.#leave(member);
        break;
      case 4:
        if (member.running) net.pause(member);
        break;
      case 5:
        for (const each of net.running) if (each.paused) net.resume(each);
        break;
      case 6:
        this.#cut();
        break;
      case 7:
        net.cut = undefined;
        break;
      case 8:
        net.weather = WEATHERS[net.random.below(WEATHERS.length)] ?? CALM;
        break;
      default:
        if (member.running && !member.paused) net.tell(member, (swim, now) => swim.broadcast(now, new Uint8Array(200)));
    }
  }

  #restart(member: SimMember): void {
    this.#invariants.restarted(member);
    this.#net.restart(member);
    enter(this.#net, member);
  }

  #leave(member: SimMember): void {
    const net = this.#net;
    net.tell(member, (swim, now) => swim.leave(now));
    net.run(net.now + 500, () => member.swim.gone, 1);
    net.crash(member);
  }

  #cut(): void {
    const net = this.#net;
    this.cuts++;
    const side = new Set(net.members.filter(() => net.random.unit() < 0.4));
    const isOneWay = net.random.unit() < 0.3;
    const members = net.members;
    net.cut = (from, to) => {
      const a = side.has(members[from] as SimMember);
      const b = side.has(members[to] as SimMember);
      return isOneWay ? a && !b : a !== b;
    };
  }

  /** Everything is well again; who found nobody asks again, as a node's search does. */
  mend(): void {
    const net = this.#net;
    net.cut = undefined;
    net.weather = CALM;
    for (const member of net.running) if (member.paused) net.resume(member);
    for (const member of net.running) if (member.swim.members.live === 1 && member.index > 0) enter(net, member);
  }
}
