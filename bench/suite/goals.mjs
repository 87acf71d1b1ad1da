// What was asked of 100 nodes in containers before any of it was measured: a literal table, and whether it is reached.

import { failedOf, runsOf, summaryOf, valuesOf } from "./groups.mjs";

/** A goal for all runs, whatever is played in them. */
const EVERY = "every scenario";
export const GOALS = [
  { scenario: "cold", figure: "lastMs", most: 5_000, what: "the last pair, from when both nodes were up" },
  { scenario: "mass-join", figure: "lastMs", most: 2_000, what: "the last pair" },
  { scenario: "broadcast", figure: "allP50Ms", most: 40, what: "all have heard, median of the messages" },
  { scenario: "crash", figure: "lastMs", most: 4_000, what: "the last node says down" },
  { scenario: "leave", figure: "lastMs", most: 150, what: "the last node says left" },
  { scenario: "idle", figure: "datagramsPerNodeAndSecond", most: 2.1, what: "datagrams per node and second" },
  { scenario: "idle", figure: "bytesPerNodeAndSecond", most: 284, what: "bytes per node and second" },
  { scenario: "idle", figure: "cpuMsPerNodeAndSecond", most: 5.8, what: "CPU, twice Serf's as once measured" },
  { scenario: "idle", figure: "rssMiB", most: 72, what: "memory per node" },
  { scenario: EVERY, figure: "falseDeaths", most: 0, what: "living nodes declared down, by all the others together" },
];
/** Either way of being containers; what reaches a goal in the one must reach it in the other as well. */
const GOAL_DRIVERS = ["docker", "docker-routed"];
export const GOAL_NODES = 100;
const OURS = "hearsay";

/**
 * Every goal of which there are runs. It is reached when the worst run reaches it; one that failed does not.
 * @param {any[]} records
 */
export function judged(records) {
  const ours = records.filter(
    ({ peer, driver, nodes }) => peer === OURS && GOAL_DRIVERS.includes(driver) && nodes === GOAL_NODES,
  );
  return GOALS.flatMap((goal) => {
    const of = ours.filter(({ scenario }) => goal.scenario === EVERY || scenario === goal.scenario);
    const values = valuesOf(runsOf(of), goal.figure);
    const count = values.length + failedOf(of).length;
    if (count === 0) return [];
    const within = values.filter((value) => value <= goal.most).length;
    return [{ ...goal, summary: summaryOf(runsOf(of), goal.figure), count, within, reached: within === count }];
  });
}
