// The bench's command line: `npm run bench -- …`, or `hearsay bench …` in a checkout. What it writes: one JSON line a run
// as soon as that is over, a table on stdout, and a page beside the lines.
//
// Exit codes: 0 all runs gave figures, 1 some did not or nothing could be run, 2 a wrong command line.

import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { loadNow, machine as machineNow } from "../record.mjs";
import { atEnd } from "../wards.mjs";
import { DRIVERS, driverOf, PEERS } from "./drivers/index.mjs";
import { plan, SWEEP } from "./plan.mjs";
import { Progress, summaryTable } from "./progress.mjs";
import { play } from "./run.mjs";
import { scenarios } from "./scenarios.mjs";
import { PACE } from "./stage.mjs";

const NODES_MAX = 1_000;
const REPETITIONS_MAX = 100;
const PRESETS = ["lan", "wan", "local"];
const DEFAULT_DRIVERS = ["process"];
const DEFAULT_NODES = [12];

/** @returns {Promise<number>} the exit code */
export async function bench(args) {
  try {
    let code = 0;
    const program = commandLine(async (given) => {
      code = await measure(given, args);
    });
    await addComparison(program, (result) => {
      code = result;
    });
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

function commandLine(action) {
  return new Command("bench")
    .description("measure networks of members, beside those of a peer, scenario by scenario")
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`bench: ${text.replace(/^error: /, "")}`) })
    .addOption(
      new Option("--driver <names>", `of ${DRIVERS.join(", ")}`).argParser(listOf(DRIVERS)).default(DEFAULT_DRIVERS),
    )
    .addOption(new Option("--peer <names>", `of ${PEERS.join(", ")}`).argParser(listOf(PEERS)).default(PEERS))
    .addOption(
      new Option("--scenario <names>", SCENARIO_HELP)
        .argParser(wantedOf)
        .default(wantedOf(Object.keys(scenarios).join()), "all"),
    )
    .addOption(
      new Option("--nodes <counts>", `how many members, 3 to ${NODES_MAX}`).argParser(countsOf).default(DEFAULT_NODES),
    )
    .addOption(new Option("--sweep", `all of ${SWEEP.join(", ")} nodes`).conflicts("nodes"))
    .addOption(
      new Option("--repetitions <n>", "of each (5, or 3 of what lasts over a minute)").argParser(
        integerOf(1, REPETITIONS_MAX),
      ),
    )
    .addOption(
      new Option("--seed <n>", "draws who it happens to; repetitions count up from it")
        .argParser(integerOf(0, 2 ** 32 - 1))
        .default(1),
    )
    .addOption(new Option("--preset <name>", "protocol constants, of the peer as well").choices(PRESETS).default("lan"))
    .addOption(
      new Option(
        "--pace <name=ms...>",
        `how long what is not measured takes: ${Object.keys(PACE).join(", ")}`,
      ).argParser(paceOf),
    )
    .addOption(new Option("--out <file>", "JSON lines (bench-<time>.jsonl)"))
    .addOption(new Option("--list", "say which runs there would be, and stop"))
    .action(action);
}

const SCENARIO_HELP = `of ${Object.entries(scenarios)
  .flatMap(([name, { variants }]) => [
    name,
    ...Object.keys(variants)
      .filter(Boolean)
      .map((variant) => `${name}:${variant}`),
  ])
  .join(", ")}`;

// ── what the command line says ──

const words = (text) => text.split(",").map((word) => word.trim());

const listOf = (choices) => (text) => {
  for (const word of words(text)) {
    if (!choices.includes(word)) throw new InvalidArgumentError(`Expected some of ${choices.join(", ")}.`);
  }
  return [...new Set(words(text))];
};

const integerOf = (least, most) => (text) => {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`Expected an integer from ${least} to ${most}.`);
};

const countsOf = (text) => [...new Set(words(text).map(integerOf(3, NODES_MAX)))];

/** `pause` is all its variants, `pause:3s` one. */
function wantedOf(text) {
  return words(text).flatMap((word) => {
    const [scenario, variant] = word.split(":");
    const variants = Object.hasOwn(scenarios, scenario) ? Object.keys(scenarios[scenario].variants) : [];
    const wanted = variants.filter((each) => variant === undefined || each === variant);
    if (wanted.length === 0) throw new InvalidArgumentError(`There is no scenario ${JSON.stringify(word)}.`);
    return wanted.map((each) => ({ scenario, variant: each }));
  });
}

function paceOf(text, before = {}) {
  const [name, value] = text.split("=");
  if (!Object.hasOwn(PACE, name)) throw new InvalidArgumentError(`Expected some of ${Object.keys(PACE).join(", ")}.`);
  const number = value?.trim() ? Number(value) : Number.NaN;
  if (!(number >= 0)) throw new InvalidArgumentError("Expected name=number.");
  return { ...before, [name]: number };
}

// ── the work ──

async function measure(given, args) {
  const drivers = await load(given);
  const nodes = given.sweep ? SWEEP : given.nodes;
  const asked = { ...given, drivers: given.driver, peers: given.peer, nodes, wanted: given.scenario };
  const { runs, skipped } = plan(asked, scenarios, (driver, peer) => drivers.get(`${driver} ${peer}`));
  for (const sentence of skipped) console.error(`bench: ${sentence}`);
  if (given.list) {
    for (const { peer, driver, scenario, variant, nodes: count, repetition, seed } of runs) {
      console.log([repetition, count, driver, scenario + (variant && `:${variant}`), peer, `seed ${seed}`].join("\t"));
    }
    return 0;
  }
  if (runs.length === 0) {
    console.error("bench: nothing of that can be run here");
    return 1;
  }
  const out = given.out ?? `bench-${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}.jsonl`;
  if (existsSync(out)) {
    console.error(`bench: ${out} is there already; --out names another file`);
    return 2;
  }
  const machine = await machineOf([...drivers.values()].filter((Driver) => typeof Driver !== "string"));
  const header = { schema: 1, kind: "header", ...machine, command: ["bench", ...args].join(" ") };
  writeFileSync(out, `${JSON.stringify(header)}\n`);
  const records = await playAll(runs, drivers, machine, given, out);
  console.log(summaryTable(records));
  await report({ header, records }, out);
  return records.some(({ error }) => error !== undefined) ? 1 : 0;
}

/** `driver peer` → its class, or why there is none. */
async function load({ driver: drivers, peer: peers }) {
  const loaded = new Map();
  for (const driver of drivers) {
    for (const peer of peers) {
      const { Driver, why } = await driverOf(driver, peer);
      loaded.set(`${driver} ${peer}`, Driver ?? why);
    }
  }
  return loaded;
}

async function machineOf(drivers) {
  const versions = await Promise.all(drivers.map((Driver) => Driver.versions()));
  const memoryMiB = Math.round(totalmem() / 2 ** 20);
  return Object.assign({ ...machineNow(loadNow()), memoryMiB, kernel: release() }, ...versions);
}

async function playAll(runs, drivers, machine, { preset, pace }, out) {
  const progress = new Progress(runs.length);
  const records = [];
  const takeBack = atEnd(() => {
    process.stderr.write(`\nbench: ${records.length} of ${runs.length} runs are in ${out}\n`);
  });
  for (const run of runs) {
    progress.begin(run);
    const record = await play(run, {
      Driver: drivers.get(`${run.driver} ${run.peer}`),
      scenario: scenarios[run.scenario],
      machine: { ...machine, loadBefore: loadNow() },
      preset,
      config: {},
      pace,
      progress,
    });
    appendFileSync(out, `${JSON.stringify(record)}\n`);
    records.push(record);
    progress.end(record);
  }
  takeBack();
  return records;
}

/** The page beside the lines. */
async function report(results, out) {
  const file = new URL("./report.mjs", import.meta.url);
  if (!existsSync(file)) return;
  const { writeReport } = await import(file.href);
  const page = out.replace(/(\.jsonl?)?$/, ".html");
  await writeReport(results, page);
  console.error(`bench: ${out}, ${page}`);
}

/** `bench compare A B`, where compare.mjs is. */
async function addComparison(program, done) {
  const file = new URL("./compare.mjs", import.meta.url);
  if (!existsSync(file)) return;
  program
    .command("compare <before> <after>")
    .description("what changed beyond noise between two results")
    .action(async (before, after) => {
      const { compare } = await import(file.href);
      done((await compare(before, after)) ?? 0);
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await bench(process.argv.slice(2));
