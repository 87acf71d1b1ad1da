// Chaos runs (src/sim/chaos.ts) by the thousand, with seeds that nobody chose. Prints the failing seeds, each with the
// command that repeats it, and ends with exit code 1 if there is one, or if the runs never came across something.
//
// Usage: npm run soak -- [--seeds 1000] [--from SEED] [--jobs J]

import { fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SEEDS_END = 2 ** 32;
/** Seeds handed to a worker at once. */
const BATCH = 25;
/** A run that takes longer than this hangs. A usual one takes hundredths of a second. */
const PATIENCE_MS = 120_000;
const PROGRESS_MS = 5_000;
const FAILURES_SHOWN = 10;
const COVERED_FROM = 1_000;
const USAGE = `Usage: npm run soak -- [--seeds 1000] [--from SEED] [--jobs J]
  --from   the first seed; without it they are drawn
  --jobs   processes that play them, as many as there are CPUs`;

const chaosUrl = new URL("../dist/sim/chaos.js", import.meta.url);
const coverageUrl = new URL("../dist/sim/coverage.js", import.meta.url);

if (process.send) await work();
else await soak(settings());

/** A worker: plays the seeds it is told, one message each. */
async function work() {
  const { chaos } = await import(chaosUrl.href);
  process.on("message", ({ from, count }) => {
    for (let seed = from; seed < from + count; seed++) process.send(outcome(chaos, seed));
    process.send({ isDone: true });
  });
}

function outcome(chaos, seed) {
  try {
    const { faults, coverage, story, plan } = chaos({ seed });
    return { seed, coverage: coverage.toJSON(), ...(faults.length > 0 ? { faults, story, plan } : {}) };
  } catch (error) {
    return { seed, faults: [String(error?.stack ?? error)], story: [], plan: {} };
  }
}

function settings() {
  const values = told({
    seeds: { type: "string" },
    from: { type: "string" },
    jobs: { type: "string" },
    help: { type: "boolean" },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const seeds = integer("--seeds", values.seeds ?? "1000", 1, SEEDS_END);
  const from = integer("--from", values.from ?? String(randomInt(SEEDS_END - seeds + 1)), 0, SEEDS_END - seeds);
  const jobs = integer("--jobs", values.jobs ?? String(availableParallelism()), 1, 256);
  return { seeds, from, jobs: Math.min(jobs, Math.ceil(seeds / BATCH)) };
}

function told(options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    if (!String(error.code).startsWith("ERR_PARSE_ARGS")) throw error;
    // The first sentence; others say how to write what was not meant.
    return refuse(`${error.message.split(/\.\s/)[0]}; --help says what there is`);
  }
}

function integer(option, text, least, most) {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return refuse(`${option}: expected an integer from ${least} to ${most}, got ${JSON.stringify(text)}`);
}

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}

async function soak({ seeds, from, jobs }) {
  const { Coverage } = await import(coverageUrl.href);
  console.log(`soak: ${seeds} seeds from ${from}, ${jobs} at a time`);
  const startedAt = performance.now();
  const run = { next: from, end: from + seeds, left: [], played: 0, failing: [], coverage: new Coverage() };
  const progress = setInterval(() => report(run, seeds, startedAt), PROGRESS_MS);
  await Promise.all(Array.from({ length: jobs }, () => employ(run)));
  clearInterval(progress);
  report(run, seeds, startedAt);
  const missing = seeds >= COVERED_FROM ? run.coverage.missing : [];
  if (missing.length > 0) console.log(`soak: these runs never saw: ${missing.join(", ")}`);
  if (run.failing.length > 0) console.log(`soak: failing seeds: ${run.failing.join(" ")}`);
  process.exitCode = missing.length + run.failing.length > 0 ? 1 : 0;
}

function report({ played, failing }, seeds, startedAt) {
  const seconds = (performance.now() - startedAt) / 1_000;
  const pace = ((seconds * 1_000) / Math.max(1, played)).toFixed(1);
  console.log(`soak: ${played} of ${seeds} in ${seconds.toFixed(0)} s, ${pace} ms each, ${failing.length} failing`);
}

/** The next seeds to play; undefined when there are none left. */
function take(run) {
  const left = run.left.pop();
  if (left || run.next >= run.end) return left;
  const batch = { from: run.next, count: Math.min(BATCH, run.end - run.next) };
  run.next += batch.count;
  return batch;
}

/** Keeps a worker busy while there are seeds; another takes its place if it hangs or falls. */
async function employ(run) {
  for (let batch = take(run); batch; batch = take(run)) await tenure(run, batch);
}

function tenure(run, first) {
  return new Promise((resolve) => {
    const worker = fork(fileURLToPath(import.meta.url));
    let batch;
    let watch;
    const hand = (next) => {
      batch = next;
      clearTimeout(watch);
      if (!next) return worker.disconnect();
      watch = setTimeout(() => worker.kill("SIGKILL"), PATIENCE_MS);
      return worker.send(next);
    };
    worker.on("message", (message) => {
      if (message.isDone) return hand(take(run));
      watch.refresh();
      batch = { from: message.seed + 1, count: batch.count - 1 };
      return judge(run, message);
    });
    worker.on("exit", (code, signal) => {
      clearTimeout(watch);
      if (batch && batch.count > 0) {
        const why = signal ? `no end within ${PATIENCE_MS / 1_000} s` : `the process ended with code ${code}`;
        judge(run, { seed: batch.from, faults: [why], story: [], plan: {} });
        if (batch.count > 1) run.left.push({ from: batch.from + 1, count: batch.count - 1 });
      }
      resolve();
    });
    hand(first);
  });
}

function judge(run, { seed, faults, coverage, story, plan }) {
  run.played++;
  if (coverage) run.coverage.add(coverage);
  if (!faults) return;
  run.failing.push(seed);
  if (run.failing.length > FAILURES_SHOWN) return;
  console.log(`\nseed ${seed} FAILED; again: npm run soak -- --seeds 1 --from ${seed}`);
  console.log(`  plan: ${JSON.stringify(plan)}`);
  for (const line of story) console.log(`  ${line}`);
  for (const fault of faults) console.log(`  FAULT ${fault}`);
}
