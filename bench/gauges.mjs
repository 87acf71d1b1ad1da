// The experiments that mechanisms and constants are judged by, and the figures read from each. Lower is better in all of
// them. Small, so that many settings can be tried with the same seeds.

import { configure } from "../dist/gossip/config.js";
import { seeds } from "./crew.mjs";
import { all, mean, quantile, sum } from "./words.mjs";

const p99 = (name) => (of) => quantile(all(of, name), 0.99);
const average = (name) => (of) => mean(all(of, name));
const total = (name) => (of) => sum(all(of, name));
/** p50 of what may not have come to pass: then it is the patience, or worse. */
const reached = (name) => (of) =>
  quantile(
    all(of, name).map((value) => (value < 0 ? Number.POSITIVE_INFINITY : value)),
    0.5,
  );

/**
 * `chance`: the factor by which a figure differs without any reason. With so few seeds it is read from many runs: from the
 * sweeps (README.md), where most constants cannot change most figures, and from single seeds.
 */
const gauge = (title, scenario, count, settings, figures, chance = {}) => ({
  title,
  scenario,
  count,
  settings,
  figures,
  chance,
});
const CHANCE = 1.15;

/** The factor that a change of this figure must exceed to mean something. */
export const chanceOf = ({ chance }, figure) => chance[figure] ?? CHANCE;

export const gauges = {
  rumor: gauge(
    "rumor, 100, 0 %",
    "rumor",
    10,
    { nodes: 100 },
    {
      "p99 ms": p99("heardMs"),
      "datagrams/member": average("datagramsPerMember"),
    },
  ),
  rumor5: gauge(
    "rumor, 1,000, 5 %",
    "rumor",
    4,
    { nodes: 1_000, loss: 0.05 },
    {
      "p99 ms": p99("heardMs"),
      "datagrams/member": average("datagramsPerMember"),
    },
    { "p99 ms": 1.25, "datagrams/member": 1.05 },
  ),
  rumor30: gauge(
    "rumor, 1,000, 30 %",
    "rumor",
    4,
    { nodes: 1_000, loss: 0.3 },
    {
      "p99 ms": p99("heardMs"),
      "datagrams/member": average("datagramsPerMember"),
      missed: total("missed"),
    },
    { "p99 ms": 1.25, "datagrams/member": 1.05 },
  ),
  storm: gauge(
    "storm, 100, 5 %",
    "storm",
    3,
    { nodes: 100, loss: 0.05 },
    {
      "p99 ms": p99("heardMs"),
      "datagrams/member": average("datagramsPerMember"),
    },
  ),
  crash: gauge(
    "crash, 100",
    "crash",
    20,
    { nodes: 100 },
    {
      "first p50 ms": reached("firstMs"),
      "datagrams/member": average("datagramsPerMember"),
    },
    { "first p50 ms": 1.05, "datagrams/member": 1.05 },
  ),
  lossy: gauge(
    "a minute at 30 % loss, 100",
    "idle",
    2,
    { nodes: 100, loss: 0.3, forMs: 60_000 },
    {
      suspicions: average("suspicions"),
      "false deaths": average("falseDeaths"),
      "datagrams/member/s": average("datagramsPerMemberAndSecond"),
    },
    { suspicions: 2.5 },
  ),
  stall: gauge(
    "16 of 50 stalled 6 s",
    "stall",
    5,
    { nodes: 50, stalled: 16, stallMs: 6_000, runMs: 64 },
    {
      "false deaths": average("falseDeaths"),
      "fail events": average("failEvents"),
      "datagrams/member/s": average("datagramsPerMemberAndSecond"),
    },
  ),
  blocked: gauge(
    "16 of 128 blocked 16 s",
    "blocked",
    3,
    { nodes: 128, stalled: 16, stallMs: 16_384, runMs: 64, forMs: 60_000 },
    {
      "false deaths at healthy": average("falseDeathsAtHealthy"),
      "fail events": average("failEvents"),
    },
    { "false deaths at healthy": 4 },
  ),
  deaf: gauge(
    "2 of 200 deaf",
    "deaf",
    2,
    { nodes: 200, faulty: 2 },
    {
      "false deaths at healthy": average("falseDeathsAtHealthy"),
      "returns/faulty": average("returnsPerFaulty"),
    },
  ),
  converge: gauge(
    "100 join, 0 %",
    "converge",
    6,
    { nodes: 100 },
    {
      "all pairs p50 ms": reached("allPairsMs"),
      "datagrams/member": average("datagramsPerMember"),
    },
  ),
  converge10: gauge(
    "100 join, 10 %",
    "converge",
    6,
    { nodes: 100, loss: 0.1 },
    {
      "all pairs p50 ms": reached("allPairsMs"),
      "datagrams/member": average("datagramsPerMember"),
    },
    { "all pairs p50 ms": 1.35 },
  ),
  partition: gauge(
    "100 cut for a minute",
    "partition",
    3,
    { nodes: 100, cutMs: 60_000 },
    {
      "healed p50 ms": reached("healedMs"),
    },
    { "healed p50 ms": 1.5 },
  ),
  idle: gauge("idle, 100", "idle", 1, { nodes: 100 }, { "datagrams/member/s": average("datagramsPerMemberAndSecond") }),
  bridge: gauge(
    "bridge, 100",
    "bridge",
    2,
    { nodes: 100 },
    {
      "table entries": average("entriesMax"),
      refused: average("refused"),
      deaths: average("deaths"),
    },
  ),
};

/**
 * The runs of a gauge under some overrides, always with the same seeds. Overrides with the default are none.
 * @throws RangeError before anything has run, if the overrides make no sense
 */
export function runsOf({ scenario, count, settings }, overrides) {
  const standard = configure("lan");
  const config = Object.fromEntries(Object.entries(overrides).filter(([name, value]) => standard[name] !== value));
  configure("lan", config);
  return seeds(count).map((seed) => ({ scenario, settings: { loss: 0, preset: "lan", ...settings, config, seed } }));
}
