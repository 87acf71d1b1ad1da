// The bench's command line: `npm run bench -- …`, or `hearsay bench …` in a checkout. What it writes: one JSON line a run
// as soon as that is over, a table on stdout, and a page beside the lines.
//
// Exit codes: 0 all runs gave figures, 1 some did not, or there was nothing to run or to compare, 2 a wrong command line.

import { existsSync, writeFileSync } from "node:fs";
import { release, totalmem } from "node:os";
import { dirname, relative } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CommanderError } from "commander";
import { loadNow, machine as machineNow } from "../record.mjs";
import { atEnd } from "../wards.mjs";
import { isMain, isTheirs } from "./command.mjs";
import { compare, comparisonText, exitCodeOf } from "./compare.mjs";
import { driverOf, PEERS } from "./drivers/index.mjs";
import { commandLine } from "./options.mjs";
import { lengthOf, plan, SWEEP } from "./plan.mjs";
import { Progress, summaryTable } from "./progress.mjs";
import { report } from "./report.mjs";
import { beginResults, readResults, writeRecord } from "./results.mjs";
import { Venue } from "./run.mjs";
import { scenarios } from "./scenarios.mjs";

/**
 * @param {readonly string[]} args
 * @param {{ name?: string }} [options] what it was called by, for its help
 * @returns {Promise<number>} the exit code
 */
export async function bench(args, { name = "bench" } = {}) {
  try {
    let code = 0;
    const program = commandLine(name, async (given) => {
      code = await measure(given, args);
    });
    addComparison(program, (is) => {
      code = is;
    });
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

async function measure(given, args) {
  const drivers = await load(given);
  const nodes = given.sweep ? SWEEP : given.nodes;
  const asked = { ...given, drivers: given.driver, peers: given.peer, nodes, wanted: given.scenario };
  const { runs, skipped } = plan(asked, scenarios, (driver, peer) => drivers.get(`${driver} ${peer}`));
  for (const sentence of new Set(skipped.map((each) => each.skipped))) console.error(`bench: ${sentence}`);
  for (const sentence of await strangers(given, drivers)) console.error(`bench: ${sentence}`);
  if (runs.length === 0) {
    console.error("bench: nothing of that can be run here");
    return 1;
  }
  if (given.list) {
    list(runs);
    return 0;
  }
  const out = given.out ?? `bench-${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}.jsonl`;
  const whyNot = whyNotTo(out);
  if (whyNot !== undefined) {
    console.error(`bench: ${whyNot}`);
    return 2;
  }
  if (!(await areReady(drivers, runs))) return 1;
  const machine = await machineOf([...drivers.values()].filter((Driver) => typeof Driver !== "string"));
  try {
    beginResults(out, { ...machine, command: ["bench", ...args].join(" ") });
  } catch ({ message }) {
    console.error(`bench: ${message}`);
    return 2;
  }
  for (const run of skipped) writeRecord(out, { ...run, machine });
  const records = await playAll(runs, drivers, machine, given, out);
  console.log(summaryTable(records));
  writePage(out);
  for (const sentence of new Set(records.flatMap(({ leftBehind }) => leftBehind ?? []))) {
    console.error(`bench: ${sentence}\n         it goes when the engine has been restarted: the next bench removes it`);
  }
  return records.some(({ error, leftBehind }) => (error ?? leftBehind) !== undefined) ? 1 : 0;
}

/** What can be said before images are built: a measurement is not overwritten, and folders are not made. */
function whyNotTo(out) {
  if (out === "") return "--out: expected the name of a file";
  if (existsSync(out)) return `${out} is there already; --out names another`;
  return existsSync(dirname(out)) ? undefined : `there is no folder ${dirname(out)}`;
}

/** `driver peer` → its class, or why it cannot be used. */
async function load({ driver: drivers, peer: peers }) {
  const loaded = new Map();
  for (const driver of drivers) {
    for (const peer of peers) {
      const Driver = await driverOf(driver, peer);
      if (Driver !== undefined) loaded.set(`${driver} ${peer}`, Driver);
    }
  }
  return loaded;
}

/** Which drivers have none of the peers that were asked for, and whom they have. */
async function strangers({ driver: asked, peer: peers }, drivers) {
  const without = asked.filter((driver) => !peers.some((peer) => drivers.has(`${driver} ${peer}`)));
  const all = await load({ driver: without, peer: PEERS });
  return without.map((driver) => {
    const has = PEERS.filter((peer) => all.has(`${driver} ${peer}`));
    return `driver ${driver} has no peer ${peers.join(" or ")}, only ${has.join(" and ")}`;
  });
}

/** The runs on stdout and nothing else, so that a program can read them; what explains them goes to stderr. */
function list(runs) {
  console.error(["run", "nodes", "driver", "scenario", "peer", "seed", "network"].join("\t"));
  for (const { peer, driver, scenario, variant, nodes, repetition, seed, network } of runs) {
    const what = scenario + (variant && `:${variant}`);
    console.log([repetition, nodes, driver, what, peer, `seed ${seed}`, `network ${network}`].join("\t"));
  }
  console.error(`bench: ${lengthOf(runs, scenarios)}`);
}

/** Says what is wrong with this machine, with the line that mends it. @returns whether it will do nevertheless */
async function areReady(drivers, runs) {
  let isReady = true;
  const said = new Set();
  for (const [key, Driver] of drivers) {
    const own = runs.filter(({ driver, peer }) => key === `${driver} ${peer}`);
    if (own.length === 0) continue;
    for (const { sentence, mend, stops } of await Driver.prepare({
      nodes: Math.max(...own.map(({ nodes }) => nodes)),
    })) {
      if (!said.has(sentence)) console.error(`bench: ${sentence}\n         ${mend}`);
      said.add(sentence);
      if (stops) isReady = false;
    }
  }
  return isReady;
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
    const hint = records.length > 0 ? `; their page: ${pageCommand(out)}` : "";
    process.stderr.write(`\nbench: ${records.length} of ${runs.length} runs are in ${out}${hint}\n`);
  });
  const venue = new Venue();
  for (const [i, run] of runs.entries()) {
    progress.begin(run);
    const record = await venue.play(run, {
      Driver: drivers.get(`${run.driver} ${run.peer}`),
      scenario: scenarios[run.scenario],
      machine: { ...machine, loadBefore: loadNow() },
      preset,
      config: {},
      pace,
      progress,
      isLast: runs[i + 1]?.network !== run.network,
    });
    writeRecord(out, record);
    records.push(record);
    progress.end(record);
    // Virtual time never waits for anything: a signal would not be heard before the last run.
    await nextTurn();
  }
  takeBack();
  return records;
}

/** The page beside the lines. */
function writePage(out) {
  const page = pageOf(out);
  writeFileSync(page, report(readResults(out)));
  console.error(`bench: ${out}, ${page}`);
}

const pageOf = (out) => `${out.replace(/\.jsonl?$/, "")}.html`;

/** What makes that page later, from where we are. */
function pageCommand(out) {
  const script = relative(process.cwd(), fileURLToPath(new URL("report.mjs", import.meta.url)));
  const quoted = (path) => (/^[\w./+:@,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
  return ["node", ...[script, out, pageOf(out)].map(quoted)].join(" ");
}

/** `bench compare BEFORE AFTER`: what changed beyond noise. `ends` is told the exit code. */
function addComparison(program, ends) {
  program
    .command("compare <before> <after>")
    .description("what changed beyond noise between two results")
    .option("--all", "also what did not change")
    .action((before, after, { all = false }) => {
      try {
        const comparison = compare(readResults(before), readResults(after));
        console.log(comparisonText(comparison, { all }));
        ends(exitCodeOf(comparison));
      } catch (error) {
        if (!isTheirs(error)) throw error;
        program.error(`error: ${error.message}`, { exitCode: 2 });
      }
    });
}

if (isMain(import.meta.url)) process.exitCode = await bench(process.argv.slice(2));
