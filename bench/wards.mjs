// Whatever a bench starts ends with it, by its process id: after an error, after a signal, and on Linux also after a SIGKILL
// of the bench itself. Every wait has a bound.

import { spawnSync } from "node:child_process";
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const children = new Set();
const farewells = new Set();

// Nothing may be waited for in here.
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const farewell of farewells) farewell();
});
for (const signal of SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]));

/** A child process that does not outlive this one. */
export function ward(child) {
  children.add(child);
  child.once("exit", () => children.delete(child));
  // One that could not be started has no `exit`; a failed `send` ends nobody.
  child.on("error", () => child.pid === undefined && children.delete(child));
  return child;
}

/** Does something when this process ends, at once and without waiting. @returns takes it back */
export function atEnd(farewell) {
  farewells.add(farewell);
  return () => farewells.delete(farewell);
}

/** Rejects if it is not settled in time. */
export function bounded(promise, withinMs, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${withinMs} ms`)), withinMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const PDEATHSIG = ["setpriv", "--pdeathsig", "KILL"];
/**
 * What to put before a command so that the kernel ends it with us, even while it stands still under SIGSTOP; nothing
 * where there is no setpriv (util-linux). It becomes the command, so the process id stays.
 */
export const bonds = spawnSync("setpriv", [...PDEATHSIG.slice(1), "true"]).status === 0 ? PDEATHSIG : [];
