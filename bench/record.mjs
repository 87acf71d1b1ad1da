// What a measurement is printed as: one JSON line with the machine it was made on, and a table for people. Also what
// the measuring scripts have in common with a ruler: quantiles, what they are told on the command line, waits with a bound.

import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HOME = fileURLToPath(new URL("..", import.meta.url));
const LOOK_MS = 50;

/** Others may use the machine: the load average over the last minute says so, as far as it is not our own. */
export const loadNow = () => round(loadavg()[0]);

export function machine(loadBefore) {
  return {
    cpus: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? "unknown",
    node: process.version,
    commit: commit(),
    loadBefore,
    at: new Date().toISOString(),
  };
}

/** What a measurement depends on. */
const MEASURED = ["src", "bench", "scripts", "Dockerfile", "package.json", "package-lock.json", "tsconfig.json"];

/** With a `+` if files of it were changed since. */
function commit() {
  const git = (...args) => execFileSync("git", ["-C", HOME, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", ...MEASURED) !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}

/** The least value that a share `q` of all values does not exceed; null of none. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}

export const round = (value) => (value === null ? null : Math.round(value * 100) / 100);

export function print(records) {
  for (const record of records) console.log(JSON.stringify(record));
  for (const { experiment, machine: on, ...figures } of records) {
    console.log(`\n${experiment}, ${on.cpus} CPUs, Node ${on.node}, ${on.commit}, load before ${on.loadBefore}`);
    for (const [name, value] of Object.entries(figures)) console.log(`  ${name.padEnd(28)} ${value ?? "none"}`);
  }
}

/**
 * What a script was told. `--help` prints how it is used and ends; what it does not know it refuses, because to run without
 * it would be to measure something else for half an hour.
 */
export function told(usage, options = {}, { allowPositionals = false } = {}) {
  const known = { ...options, help: { type: "boolean" } };
  try {
    const { values, positionals } = parseArgs({ options: known, allowPositionals });
    if (!values.help) return { values, positionals };
  } catch (error) {
    if (!String(error.code).startsWith("ERR_PARSE_ARGS")) throw error;
    // The first sentence; others say how to write what was not meant.
    refuse(`${error.message.split(/\.\s/)[0]}; --help says what there is`);
  }
  console.log(usage);
  process.exit(0);
}

/** Ends the script with a sentence: it was called wrongly. */
export function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}

export function integer(option, text, least, most) {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return refuse(`--${option}: expected an integer from ${least} to ${most}, got ${JSON.stringify(text)}`);
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until it is true; false if it is not within that time. */
export async function until(isTrue, withinMs, lookMs = LOOK_MS) {
  const end = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() >= end) return false;
    await pause(lookMs);
  }
  return true;
}

/** Lets one after another pass, each in a turn of the event loop of its own: between two of them what has come is read. */
export function turnstile() {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => nextTurn());
    return last;
  };
}

/** `task` for each, so many at a time. After one has failed none is begun; it throws when those under way are over. */
export async function eachOf(items, atOnce, task) {
  const results = [];
  const failures = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const i = next++;
      try {
        results[i] = await task(items[i], i);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
