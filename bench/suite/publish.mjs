// Puts what was measured into bench/README.md, between its marks, and a few of its pictures and all of its lines into
// bench/results/, so that anybody can look closer. What is measured later is added by naming suite.jsonl.gz there first.
//
// Usage: node bench/suite/publish.mjs RESULTS…

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { publish } from "../words.mjs";
import { isMain, refusing, toldFiles } from "./command.mjs";
import { standalone } from "./drawing.mjs";
import { runsOf } from "./groups.mjs";
import { picturesOf } from "./pictures.mjs";
import { joined, readResults, resultsText } from "./results.mjs";
import {
  inMarkdown,
  markdownCommits,
  markdownFaults,
  markdownGoals,
  markdownNotes,
  markdownTables,
  markdownVirtual,
} from "./tables.mjs";
import { counted } from "./wording.mjs";

const FOLDER = new URL("../results/", import.meta.url);
const LINES = new URL("suite.jsonl.gz", FOLDER);
const PREFIX = "suite-";
const ROUTED = "docker-routed";
/** Scenarios whose curves README.md shows. */
const CURVES_OF = ["cold", "mass-join", "broadcast", "crash"];

/**
 * Which of all pictures README.md shows. Pure.
 * @template {{ kind: string, driver: string, scenario: string, nodes: number }} P
 * @param {readonly P[]} pictures
 * @returns {P[]}
 */
export function chosen(pictures) {
  const most = (driver) => Math.max(...pictures.filter((one) => one.driver === driver).map(({ nodes }) => nodes));
  // Where a hundred of both peers fit, rather than where only ours do.
  const containers = pictures.some(({ driver }) => driver === ROUTED) ? ROUTED : "docker";
  // A distribution has all drivers in one.
  const shown = [containers, "process", ""];
  return pictures.filter(({ kind, driver, scenario, nodes }) => {
    if (kind === "bars") return shown.includes(driver);
    if (!shown.includes(driver) || !CURVES_OF.includes(scenario)) return false;
    return kind === "growth" || (["convergence", "distribution"].includes(kind) && nodes === most(driver));
  });
}

/** The command, the machine and the date, in one sentence each. Pure. */
export function madeBy({ header, records }) {
  const runs = runsOf(records);
  const days = [...new Set(runs.flatMap(({ startedAt }) => startedAt?.slice(0, 10) ?? []))].sort();
  const of = (name) => [...new Set(runs.flatMap(({ machine }) => machine[name] ?? []))].sort().join(", ");
  const commands = commandsOf(header).map((command) => `    npm run ${command.replace(/^bench/, "bench --")}`);
  const machine = `${of("cpus")} CPUs (${of("model")}), ${of("memoryMiB")} MiB, kernel ${of("kernel")}`;
  const inside = of("imageNode") && ` (in containers ${of("imageNode")})`;
  const versions = [
    `Node ${of("node")}${inside}`,
    of("serf") && `Serf ${of("serf")}`,
    of("engine"),
    `commit ${of("commit")}`,
  ];
  const what = `${counted(runs.length, "run")}, ${days.join(" and ")}, on ${machine}; ${versions.filter(Boolean).join("; ")}:`;
  return [inMarkdown(what), ...new Set(commands)].join("\n\n");
}

/** Without the files that their lines went to. */
const commandsOf = ({ command = "" }) =>
  String(command)
    .split("; ")
    .map((one) => one.replace(/ --out(?: |=)\S+/, ""));

function main(paths) {
  const results = refusing(() => joined(paths.map(readResults)));
  const { records } = results;
  mkdirSync(FOLDER, { recursive: true });
  for (const file of readdirSync(FOLDER)) if (file.startsWith(PREFIX)) rmSync(new URL(file, FOLDER));
  const pictures = chosen(picturesOf(records)).map(({ name, title, svg }) => {
    writeFileSync(new URL(`${PREFIX}${name}.svg`, FOLDER), standalone(svg));
    return `![${inMarkdown(title)}](results/${PREFIX}${name}.svg)`;
  });
  // Where they went first is of no interest, and a path of somebody's machine.
  const header = { ...results.header, command: commandsOf(results.header).join("; ") };
  writeFileSync(LINES, gzipSync(resultsText(header, records), { level: 9 }));
  publish("suite-made", madeBy(results));
  publish("suite-goals", markdownGoals(records));
  publish("suite-tables", [markdownTables(records), markdownNotes(records)].filter(Boolean).join("\n\n"));
  publish("suite-pictures", pictures.join("\n\n"));
  publish("suite-virtual", markdownVirtual(records));
  publish("suite-faults", markdownFaults(records));
  publish("suite-commits", markdownCommits(records));
}

if (isMain(import.meta.url)) {
  const { paths } = toldFiles("Usage: node bench/suite/publish.mjs RESULTS…");
  main(paths);
}
