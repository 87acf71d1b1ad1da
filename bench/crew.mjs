// Plays simulated runs on all cores, each run in virtual time: the figures do not depend on how busy the machine is. No
// worker outlives the script (wards.mjs).
//
//   const measures = await play([{ scenario, settings }, …])     in the order of the runs

import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { bonds, ward } from "./wards.mjs";

const MEMBER = fileURLToPath(new URL("./crew-member.mjs", import.meta.url));

/** @returns what was measured, in the order of the runs; long runs begin first, and none is played twice */
export async function play(runs) {
  const keys = runs.map((run) => JSON.stringify(run));
  const queue = [...new Set(keys)].map((key) => ({ key, run: JSON.parse(key) }));
  queue.sort((a, b) => weight(b.run) - weight(a.run));
  const state = { queue, results: new Map(), all: queue.length };
  const crew = Math.min(availableParallelism(), queue.length);
  await Promise.all(Array.from({ length: crew }, () => employ(state)));
  if (process.stderr.isTTY) process.stderr.write("\n");
  return keys.map((key) => state.results.get(key));
}

const weight = ({ settings }) => settings.nodes * (settings.forMs ?? settings.cutMs ?? 10_000);

function employ(state) {
  return new Promise((resolve, reject) => {
    const [execPath, ...execArgv] = [...bonds, process.execPath, "--max-old-space-size=4096"];
    const worker = ward(fork(MEMBER, { execPath, execArgv }));
    let current;
    const next = () => {
      current = state.queue.shift();
      if (current) worker.send(current.run);
      else worker.disconnect();
    };
    worker.on("message", ({ measures, tookMs }) => {
      state.results.set(current.key, measures);
      if (process.stderr.isTTY) process.stderr.write(`\r${state.results.size} of ${state.all} runs`);
      if (process.env.BENCH_SLOW && tookMs > Number(process.env.BENCH_SLOW)) {
        process.stderr.write(`${(tookMs / 1_000).toFixed(1)} s: ${JSON.stringify(current.run)}\n`);
      }
      next();
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (current) reject(new Error(`A run ended with code ${code}: ${JSON.stringify(current.run)}`));
      else resolve();
    });
    next();
  });
}

/** The seeds of every bench: from 1 up. */
export const seeds = (count) => Array.from({ length: count }, (_, i) => i + 1);
