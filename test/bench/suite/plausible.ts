// Records as a bench might have written them, from a seed: for what reads results, before and apart from what makes them.

import { seeded } from "../../../bench/suite/stats.mjs";

export interface Wish {
  readonly peer?: string;
  readonly driver?: string;
  readonly scenario?: string;
  readonly variant?: string;
  readonly nodes?: number;
  readonly repetition?: number;
  readonly seed?: number;
  /** When half of all pairs have come true, in the middle run. */
  readonly p50Ms?: number;
  /** How far runs vary: the standard deviation of the logarithm. */
  readonly spread?: number;
  readonly missed?: number;
  readonly falseDeaths?: number;
}

const MOST_TIMES = 20_000;
const FIRST_DAY = Date.UTC(2026, 0, 5, 12);
const round = (value: number) => Math.round(value * 100) / 100;

export const machine = {
  cpus: 2,
  model: "Example CPU @ 2.00GHz",
  memoryMiB: 7_950,
  kernel: "6.1.0",
  node: "v20.19.0",
  commit: "abc1234",
  loadBefore: 0.31,
  engine: "29.0.1",
  serf: "0.10.1",
};

const FACTS: Record<string, (nodes: number) => number> = {
  cold: (n) => n * (n - 1),
  "mass-join": (n) => n * (n - 1),
  "one-join": (n) => 2 * n,
  idle: () => 0,
};

/** One run. The same wish gives the same record. */
export function plausible(wish: Wish = {}) {
  const { peer = "hearsay", driver = "docker", scenario = "cold", variant = "", nodes = 12, repetition = 1 } = wish;
  const { seed = repetition, p50Ms = 200, spread = 0.1, missed = 0, falseDeaths = 0 } = wish;
  const chance = seeded(hash(`${peer} ${driver} ${scenario} ${variant} ${nodes} ${repetition} ${seed}`));
  const pace = p50Ms * Math.exp(spread * chance.normal());
  const facts = (FACTS[scenario] ?? ((n: number) => n - 1))(nodes);
  const came = Math.max(0, facts - missed);
  const all = Array.from({ length: came }, () => round(pace * Math.exp(0.5 * chance.normal()))).sort((a, b) => a - b);
  const every = Math.max(1, all.length / MOST_TIMES);
  const times = Array.from({ length: Math.min(came, MOST_TIMES) }, (_, i) => all[Math.floor((i + 1) * every) - 1] ?? 0);
  const at = (share: number) => all[Math.max(0, Math.ceil(share * all.length) - 1)] ?? null;
  const isTimed = scenario !== "idle";
  return {
    schema: 1,
    peer,
    driver,
    scenario,
    variant,
    nodes,
    repetition,
    seed,
    startedAt: new Date(FIRST_DAY + repetition * 60_000).toISOString(),
    machine,
    settings: { preset: "lan", limitMs: 120_000 },
    startUpMs: driver === "sim" ? null : round(1_500 * Math.exp(0.1 * chance.normal())),
    clockErrorMs: driver === "sim" ? 0 : 0.5,
    facts,
    missed,
    times,
    ...(every > 1 ? { thinnedFrom: came } : {}),
    figures: {
      firstMs: at(0),
      p50Ms: at(0.5),
      p90Ms: at(0.9),
      p99Ms: at(0.99),
      lastMs: at(1),
      distinctViewsMax: isTimed ? Math.min(nodes, 3 + chance.below(nodes)) : null,
      falseDeaths,
      falseSuspicions: 0,
      datagramsPerNodeAndSecond: round(2 * Math.exp(spread * chance.normal())),
      framesPerNodeAndSecond: null,
      bytesPerNodeAndSecond: round(270 * Math.exp(spread * chance.normal())),
      cpuMsPerNodeAndSecond: driver === "sim" ? null : round(4 * Math.exp(spread * chance.normal())),
      rssMiB: driver === "sim" ? null : round(64 * Math.exp(0.02 * chance.normal())),
    },
    views: isTimed ? viewsOf(nodes, pace, chance) : [],
  };
}

export type Plausible = ReturnType<typeof plausible>;

/** As many views as nodes at first, then fewer, one at the end. */
function viewsOf(nodes: number, pace: number, chance: ReturnType<typeof seeded>): [number, number][] {
  const steps = 40;
  return Array.from({ length: steps }, (_, i) => {
    const left =
      i === steps - 1 ? 1 : Math.max(1, Math.round(nodes * Math.exp((-i * 6) / steps) * (0.8 + 0.4 * chance.unit())));
    return [round(pace * 0.1 * i), Math.min(nodes, left)];
  });
}

export const runsOf = (count: number, wish: Wish) =>
  Array.from({ length: count }, (_, i) => plausible({ ...wish, repetition: i + 1, seed: (wish.seed ?? 0) + i + 1 }));

/** A whole sweep of both peers, with what goes wrong in one. */
export function plausibleSweep({ drivers = ["docker", "process", "sim"], sizes = [12, 25, 50, 100] } = {}) {
  const records: (Plausible | Record<string, unknown>)[] = [];
  const scenarios: [string, string, number, number][] = [
    ["cold", "", 400, 1_900],
    ["mass-join", "", 300, 2_400],
    ["one-join", "", 40, 500],
    ["crash", "", 2_600, 8_000],
    ["leave", "", 9, 700],
    ["pause", "10s", 2_900, 8_500],
    ["loss", "5%", 600, 2_100],
    ["loss", "30%", 2_400, 900],
    ["broadcast", "", 11, 410],
    ["idle", "", 1, 1],
  ];
  for (const driver of drivers) {
    for (const nodes of sizes) {
      for (const [scenario, variant, ours, theirs] of scenarios) {
        const slower = 1 + Math.log(nodes / 12) / 2;
        const place = { driver, nodes, scenario, variant };
        records.push(...runsOf(5, { ...place, p50Ms: ours * slower * (driver === "sim" ? 0.3 : 1) }));
        if (driver !== "sim") records.push(...runsOf(5, { ...place, peer: "serf", p50Ms: theirs * slower }));
      }
    }
  }
  const crash = { driver: "docker", scenario: "crash", nodes: 100 };
  records.push({ ...plausible({ ...crash, repetition: 6 }), error: "the container did not start within 60 s" });
  records.push(plausible({ ...crash, repetition: 7, falseDeaths: 2, p50Ms: 2_600 }));
  records.push(plausible({ ...crash, peer: "serf", repetition: 7, missed: 3, p50Ms: 8_000 }));
  records.push(skipped({ driver: "udp", scenario: "partition", nodes: 100 }));
  return records;
}

export const skipped = (place: Wish) => ({
  schema: 1,
  peer: "hearsay",
  nodes: 12,
  ...place,
  skipped: "sockets in one process cannot be cut off from each other",
});

export const header = { machine, command: "npm run bench -- --sweep", startedAt: "2026-01-05T12:00:00.000Z" };
export const resultsOf = (records: readonly unknown[], name = "results") => ({
  name,
  header: { schema: 1, kind: "header", ...header },
  records: records.map((record) => ({ variant: "", repetition: 1, machine: {}, settings: {}, ...(record as object) })),
});

function hash(text: string): number {
  let sum = 7;
  for (const letter of text) sum = (Math.imul(sum, 31) + (letter.codePointAt(0) ?? 0)) | 0;
  return sum;
}
