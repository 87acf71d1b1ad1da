// Each mechanism off, one at a time, with the same seeds: what it buys. Prints a table, and puts it into README.md.
//
// Usage: npm run bench:ablation

import { play } from "./crew.mjs";
import { chanceOf, gauges, runsOf } from "./gauges.mjs";
import { told } from "./record.mjs";
import { number, publish, sum, table } from "./words.mjs";

told(`Usage: npm run bench:ablation
Turns each mechanism off, one at a time, and rewrites bench/README.md.`);

const without = {
  "nothing: the full protocol": {},
  "telling often (100 ms between two tellings)": { coalesceMs: 100 },
  coalescing: { coalesceMs: 0 },
  "the wait of acknowledgements": { heardDelayMs: 0 },
  "telling again soon (after 60 s, not 100 ms)": { resendMinMs: 60_000 },
  "the far contact": { farRotateMs: 0 },
  "reconciliation (each member begins one in 600 s)": { syncIntervalMs: 600_000 },
  insisting: { probeRepeats: 0 },
  helpers: { indirectProbes: 0 },
  "timeouts from round-trips (always 500 ms)": { probeTimeoutFloorMs: 500 },
  "local health": { healthMax: 0 },
  nacks: { nacks: false },
  "the buddy system": { buddySystem: false },
  "neighbours who confirm": { confirmersEachSide: 0 },
  "confirmations (always the shortest suspicion)": { suspicionConfirmations: 0 },
  "stall detection": { stallDetection: false },
  damping: { damping: false },
  "deafness to the dead": { heedDead: true },
};
const judges = [
  "rumor5",
  "rumor30",
  "crash",
  "lossy",
  "stall",
  "blocked",
  "deaf",
  "converge10",
  "partition",
  "idle",
  "bridge",
];

const plan = Object.entries(without).flatMap(([name, config]) =>
  judges.map((judge) => ({ name, judge, runs: runsOf(gauges[judge], config) })),
);
const measures = await play(plan.flatMap(({ runs }) => runs));
const results = new Map();
let from = 0;
for (const { name, judge, runs } of plan) {
  const of = measures.slice(from, from + runs.length);
  from += runs.length;
  results.set(
    `${name}/${judge}`,
    Object.fromEntries(figuresOf(judge).map((figure) => [figure, gauges[judge].figures[figure](of)])),
  );
}

function figuresOf(judge) {
  return Object.keys(gauges[judge].figures);
}

/** One line for each figure: the full protocol's value, then what changed without each mechanism. */
const [full, ...others] = Object.keys(without);
const columns = judges.flatMap((judge) => figuresOf(judge).map((figure) => ({ judge, figure })));
const interesting = columns.filter(({ judge, figure }) => others.some((name) => isChanged(name, judge, figure)));
function isChanged(name, judge, figure) {
  const [was, is] = [full, name].map((key) => results.get(`${key}/${judge}`)[figure]);
  return Math.max(was, is) > chanceOf(gauges[judge], figure) * Math.min(was, is);
}

function changes(name) {
  const told = interesting
    .filter(({ judge, figure }) => isChanged(name, judge, figure))
    .map(({ judge, figure }) => {
      const [was, is] = [full, name].map((key) => results.get(`${key}/${judge}`)[figure]);
      const isWorse = is > was;
      const text = `${gauges[judge].title}: ${figure} ${value(was)} → ${value(is)}`;
      return { text: isWorse ? `**${text}**` : text, isWorse };
    });
  const worse = told.filter(({ isWorse }) => isWorse).map(({ text }) => text);
  const better = told.filter(({ isWorse }) => !isWorse).map(({ text }) => text);
  return [worse.join("<br>") || "nothing", better.join("<br>") || "nothing"];
}

function beyond(judge, figure) {
  const chance = chanceOf(gauges[judge], figure);
  return chance < 2 ? `${Math.round((chance - 1) * 100)} %` : `× ${chance}`;
}

function value(x) {
  return Number.isFinite(x) ? number(x) : "never";
}

const base = table(
  ["experiment", "seeds", "the full protocol; what a change must exceed to count"],
  judges.map((judge) => [
    gauges[judge].title,
    gauges[judge].count,
    figuresOf(judge)
      .map((figure) => {
        const was = results.get(`${full}/${judge}`)[figure];
        return `${figure} ${value(was)}${was === 0 ? "" : ` (${beyond(judge, figure)})`}`;
      })
      .join(", "),
  ]),
);
publish(
  "ablation",
  `${base}\n\n${table(
    ["without", "gets worse", "gets better"],
    others.map((name) => [name, ...changes(name)]),
  )}`,
);
console.error(`${sum(plan.map(({ runs }) => runs.length))} runs`);
