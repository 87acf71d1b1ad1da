// What can be asked of a simulated network. Each scenario takes its settings and gives one flat record of figures in
// virtual ms; the same settings give the same record, byte for byte.

import { ALIVE, type Claim, DEAD, LEFT, statusOf } from "../gossip/claim.ts";
import { type Config, configure, type Preset } from "../gossip/config.ts";
import { Wire } from "../gossip/wire.ts";
import { NeighbourTable } from "./neighbours.ts";
import { CALM, Network, type SimMember, type Watcher } from "./network.ts";

export interface Settings {
  readonly nodes: number;
  readonly loss: number;
  readonly seed: number;
  readonly preset: Preset;
  readonly config?: Partial<Config>;
}

export type Figures = Readonly<Record<string, number | string | boolean>>;

/** Nothing is waited for longer than this, in virtual ms. */
const PATIENCE_MS = 120_000;
const ROUNDED = 1_000;
/** Linux's default for gc_thresh3. */
const TABLE_ENTRIES = 1_024;
const START_MS = 30_000;
const CUT_MS = 60_000;

function network(settings: Settings, watcher: Watcher = {}): Network {
  const config = configure(settings.preset, settings.config);
  return new Network(settings.seed, config, { ...CALM, loss: settings.loss }, watcher);
}

function rounded(value: number): number {
  return Math.round(value * ROUNDED) / ROUNDED;
}

/** p50, p99 and last of some times, -1 where there are none. */
function spread(name: string, times: readonly number[]): Record<string, number> {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    rounded(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? -1);
  return { [`${name}P50Ms`]: at(0.5), [`${name}P99Ms`]: at(0.99), [`${name}LastMs`]: at(1) };
}

/** Datagrams and bytes since a moment, for each member. */
class Cost {
  readonly #network: Network;
  readonly #datagrams: number;
  readonly #bytes: number;

  constructor(network: Network) {
    this.#network = network;
    this.#datagrams = network.datagrams;
    this.#bytes = network.bytes;
  }

  figures(): Record<string, number> {
    const members = this.#network.members.length;
    return {
      datagramsPerMember: rounded((this.#network.datagrams - this.#datagrams) / members),
      bytesPerMember: Math.round((this.#network.bytes - this.#bytes) / members),
    };
  }
}

/** All but one are told at the same moment to join that one; until all agree. */
export function converge(settings: Settings): Figures {
  const net = network(settings);
  for (let i = 0; i < settings.nodes; i++) net.start(net.add());
  const seed = net.members[0]?.address ?? 0;
  const cost = new Cost(net);
  for (const member of net.members.slice(1)) net.tell(member, (swim, now) => swim.join(now, [seed]));
  const knownAt = net.run(PATIENCE_MS, () => net.unknownPairs === 0);
  const missed = net.unknownPairs;
  const agreedAt = net.run(PATIENCE_MS, () => net.agreed);
  return {
    allPairsMs: missed === 0 ? rounded(knownAt) : -1,
    missed,
    agreedMs: net.agreed ? rounded(agreedAt) : -1,
    ...cost.figures(),
  };
}

/**
 * Members start one after another within half a minute on one Ethernet with a neighbour table of the default size, as
 * containers do, and join the first; until all know all, and a minute more.
 */
export function bridge(settings: Settings): Figures {
  let deaths = 0;
  const net = network(settings, {
    changed: (_at, _observer, _subject, claim) => {
      if (statusOf(claim) === DEAD) deaths++;
    },
  });
  net.weather = { ...net.weather, delayMinMs: 0.5, delayMaxMs: 20 };
  const table = new NeighbourTable(TABLE_ENTRIES);
  net.cut = (from, to) => !table.admits(from, to, net.now);
  for (let i = 0; i < settings.nodes; i++) {
    const member = net.add();
    net.start(member);
    if (i > 0) net.tell(member, (swim, now) => swim.join(now, [net.members[0]?.address ?? 0]));
    net.run(net.now + START_MS / settings.nodes);
  }
  const from = net.now;
  const knownAt = net.run(from + PATIENCE_MS, () => net.unknownPairs === 0);
  const missed = net.unknownPairs;
  net.run(net.now + 60_000);
  const { entriesMax, refused } = table;
  return { allPairsMs: missed === 0 ? rounded(knownAt - from) : -1, missed, entriesMax, refused, deaths };
}

/** One more joins a settled network; until all others know it. */
export function join(settings: Settings): Figures {
  const heard: number[] = [];
  let from = 0;
  const net = network(settings, {
    changed: (at, observer, subject, claim, was) => {
      if (
        from > 0 &&
        subject === newcomer?.swim.members.self &&
        observer !== settings.nodes &&
        statusOf(claim) === ALIVE &&
        was === 0
      ) {
        heard.push(at - from);
      }
    },
  });
  let newcomer: ReturnType<Network["add"]> | undefined;
  net.settle(settings.nodes);
  net.run(2_500);
  const joiner = net.add();
  newcomer = joiner;
  net.start(joiner);
  from = net.now;
  const cost = new Cost(net);
  net.tell(joiner, (swim, now) => swim.join(now, [net.members[0]?.address ?? 0]));
  const at = net.run(from + PATIENCE_MS, () => net.agreed);
  return {
    ...spread("heard", heard),
    missed: settings.nodes - heard.length,
    convergedMs: net.agreed ? rounded(at - from) : -1,
    ...cost.figures(),
  };
}

/** One member says something in a settled network; until all others heard it. */
export function rumor(settings: Settings): Figures {
  const heard: number[] = [];
  let from = 0;
  const net = network(settings, { delivered: (at) => heard.push(at - from) });
  net.settle(settings.nodes);
  net.run(2_500);
  from = net.now;
  const reader = new Wire("sim");
  let carriers = 0;
  net.tap = (bytes) => {
    if (reader.read(bytes) === "ok" && reader.frame.messageCount > 0) carriers++;
  };
  const origin = net.members[net.random.below(settings.nodes)] as SimMember;
  net.tell(origin, (swim, now) => swim.broadcast(now, new Uint8Array(64)));
  net.run(from + PATIENCE_MS, () => heard.length >= settings.nodes - 1, 1);
  // It goes on being told for a while after everybody has it, and that counts as well.
  net.run(Math.max(net.now, from) + 5_000);
  return {
    ...spread("heard", heard),
    missed: settings.nodes - 1 - heard.length,
    datagramsPerMember: rounded(carriers / settings.nodes),
  };
}

/** One member dies without a word in a settled network; until all others say so. */
export function crash(settings: Settings): Figures {
  const declared: number[] = [];
  let from = 0;
  let falsely = 0;
  let victim = -1;
  const net = network(settings, {
    changed: (at, observer, subject, claim: Claim) => {
      if (statusOf(claim) !== DEAD || claim === 0) return;
      if (subject === net.members[victim]?.swim.members.self && observer !== victim) declared.push(at - from);
      else falsely++;
    },
  });
  net.settle(settings.nodes);
  net.run(2_500 + net.random.unit() * 1_000);
  victim = net.random.below(settings.nodes);
  from = net.now;
  const cost = new Cost(net);
  net.crash(net.members[victim] as SimMember);
  net.run(from + PATIENCE_MS, () => declared.length >= settings.nodes - 1, 1);
  const first = declared.length > 0 ? Math.min(...declared) : -1;
  return {
    firstMs: rounded(first),
    ...spread("declared", declared),
    missed: settings.nodes - 1 - declared.length,
    falsely,
    ...cost.figures(),
  };
}

/** A settled network is cut in two for a minute, then healed; until there is one view again. */
export function partition(settings: Settings): Figures {
  let changes = 0;
  let healed = false;
  const net = network(settings, {
    changed: (_at, _observer, _subject, claim) => {
      if (healed && (statusOf(claim) === DEAD || statusOf(claim) === LEFT)) changes++;
    },
  });
  net.settle(settings.nodes);
  net.run(2_500);
  const half = settings.nodes >> 1;
  net.cut = (from, to) => from < half !== to < half;
  const cutAt = net.now;
  const splitAt = net.run(cutAt + CUT_MS, () => isSplit(net, half), 100);
  const apart = isSplit(net, half) ? splitAt - cutAt : -1;
  net.run(cutAt + CUT_MS);
  net.cut = undefined;
  healed = true;
  const from = net.now;
  const cost = new Cost(net);
  const at = net.run(from + PATIENCE_MS, () => net.agreed);
  return {
    splitMs: apart < 0 ? -1 : rounded(apart),
    healedMs: net.agreed ? rounded(at - from) : -1,
    missed: net.unknownPairs,
    deathsAfterHealing: changes,
    ...cost.figures(),
  };
}

function isSplit(net: Network, half: number): boolean {
  return net.members.every(({ swim }, i) => swim.members.live === (i < half ? half : net.members.length - half));
}

/** A settled network left alone for ten periods: what it costs. */
export function idle(settings: Settings): Figures {
  const net = network(settings);
  net.settle(settings.nodes);
  net.run(5_000);
  const cost = new Cost(net);
  net.run(15_000);
  const { datagramsPerMember = 0, bytesPerMember = 0 } = cost.figures();
  const agreed = net.agreed;
  return {
    datagramsPerMemberAndSecond: rounded(datagramsPerMember / 10),
    bytesPerMemberAndSecond: rounded(bytesPerMember / 10),
    agreed,
  };
}

export const scenarios = { converge, bridge, join, rumor, crash, partition, idle } as const;
export type ScenarioName = keyof typeof scenarios;
