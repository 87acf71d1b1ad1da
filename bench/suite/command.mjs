// What the scripts of this room that people call have in common: whether they were called, and how they refuse.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** Whether this module is what Node was told to run, rather than imported. */
export function isMain(url) {
  const called = process.argv[1];
  if (called === undefined) return false;
  try {
    return realpathSync(called) === realpathSync(fileURLToPath(url));
  } catch {
    return false;
  }
}

/**
 * What a script was called with. `--help` prints its usage and ends; too few paths or an unknown option are refused with it.
 * @param {string} usage
 * @param {{ least?: number, options?: object }} [takes] `options` as for `parseArgs`
 */
export function calledWith(usage, { least = 1, options = {} } = {}) {
  const help = { type: "boolean", short: "h" };
  let called;
  try {
    called = parseArgs({ allowPositionals: true, options: { ...options, help } });
  } catch (error) {
    if (!isTheirs(error)) throw error;
    return refuse(`${error.message}\n${usage}`);
  }
  if (called.values.help) {
    console.log(usage);
    process.exit(0);
  }
  if (called.positionals.length < least) refuse(usage);
  return called;
}

/** Whether a file, or whoever named it, is to blame for an error. */
export const isTheirs = (error) => error?.name === "ResultsError" || typeof error?.code === "string";

/** Does something; what the caller or a file is to blame for is one sentence on stderr and exit code 2. */
export function refusing(work) {
  if (typeof work === "string") return refuse(work);
  try {
    return work();
  } catch (error) {
    if (!isTheirs(error)) throw error;
    return refuse(error.message);
  }
}

function refuse(sentence) {
  console.error(sentence);
  process.exit(2);
}
