// Sweeps: each of the main constants through a range, judged by what it can change, with the same seeds. Prints a table
// for each, puts them into README.md, and draws each into results/.
//
// Usage: npm run bench:sweep [-- name …]

import { mkdirSync, writeFileSync } from "node:fs";
import { configure } from "../dist/gossip/config.js";
import { play } from "./crew.mjs";
import { gauges, runsOf } from "./gauges.mjs";
import { plot } from "./plot.mjs";
import { refuse, told } from "./record.mjs";
import { number, publish, table } from "./words.mjs";

const detection = ["crash", "lossy", "stall", "blocked"];
const forming = ["converge", "converge10", "bridge"];

const sweeps = {
  suspicionMult: { values: [0.5, 1, 1.5, 2, 3], judges: detection },
  suspicionConfirmations: { values: [0, 1, 2, 3], judges: detection },
  probeTimeoutFloorMs: { values: [20, 50, 100, 200, 350, 500], judges: detection },
  probeRepeats: { values: [0, 1, 2, 3, 5, 8], judges: detection },
  coalesceMs: { values: [0, 1, 2, 5, 10, 20], judges: ["rumor", "rumor5", "rumor30", "storm", "converge10"] },
  heardDelayMs: {
    values: [1, 20, 60, 90],
    judges: ["rumor", "rumor5", "rumor30", "storm", "converge", "converge10"],
  },
  resendMinMs: { values: [50, 75, 100, 200, 400], judges: ["rumor", "rumor5", "rumor30", "storm"] },
  gossipPerSecond: { values: [25, 50, 100, 200, 400], judges: ["storm", "lossy", "stall", ...forming, "partition"] },
  gossipBurst: { values: [4, 16, 32, 64], judges: ["storm", "lossy", "stall", ...forming, "partition"] },
  syncIntervalMs: { values: [20, 50, 100, 200, 500, 1_000], judges: [...forming, "partition"] },
  joinRetryMs: { values: [25, 50, 100, 200, 400], judges: forming },
  farRotateMs: {
    values: [0, 10_000, 60_000, 600_000],
    judges: ["rumor", "rumor5", "rumor30", ...forming, "partition"],
  },
};

const USAGE = `Usage: npm run bench:sweep [-- name …]
Takes each constant through a range and draws it into bench/results/; all of them also rewrite bench/README.md.
Names: ${Object.keys(sweeps).join(", ")}`;
const { positionals } = told(USAGE, {}, { allowPositionals: true });
for (const name of positionals) {
  if (!Object.hasOwn(sweeps, name)) refuse(`There is no sweep ${JSON.stringify(name)}; --help says which there are`);
}
const chosen = positionals.length > 0 ? [...new Set(positionals)] : Object.keys(sweeps);
const plan = chosen.flatMap((name) =>
  sweeps[name].values.flatMap((value) =>
    sweeps[name].judges.map((judge) => ({ name, value, judge, runs: runsOf(gauges[judge], { [name]: value }) })),
  ),
);
const measures = await play(plan.flatMap(({ runs }) => runs));
let from = 0;
for (const step of plan) {
  const of = measures.slice(from, from + step.runs.length);
  from += step.runs.length;
  step.figures = Object.entries(gauges[step.judge].figures).map(([figure, read]) => ({ figure, read: read(of) }));
}
mkdirSync(new URL("results/", import.meta.url), { recursive: true });
const text = chosen.map(textOf).join("\n\n");
if (chosen.length === Object.keys(sweeps).length) publish("sweep", text);
else console.log(text);

function textOf(name) {
  const { values, judges } = sweeps[name];
  const standard = values.indexOf(configure("lan")[name]);
  const words = values.map((value) => value.toLocaleString("en"));
  const panels = judges.flatMap((judge) =>
    Object.keys(gauges[judge].figures).map((figure) => ({
      title: gauges[judge].title,
      unit: figure,
      points: values.map(
        (value) =>
          plan
            .find((step) => step.name === name && step.value === value && step.judge === judge)
            .figures.find((each) => each.figure === figure).read,
      ),
    })),
  );
  const changing = panels.filter(({ points }) => new Set(points).size > 1);
  writeFileSync(new URL(`results/${name}.svg`, import.meta.url), plot(name, words, standard, changing));
  const head = [name, ...words.map((word, i) => (i === standard ? `**${word}**` : word))];
  const rows = changing.map(({ title, unit, points }) => [
    `${title}: ${unit}`,
    ...points.map((point) => (Number.isFinite(point) ? number(point) : "never")),
  ]);
  return `![${name}](results/${name}.svg)\n\n${table(head, rows)}`;
}
