// What the scripts of this room that people call have in common: whether they were called, and how they refuse.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { refuse, told } from "../record.mjs";

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

/** The files that a script of this room was given, with what else it was told. Too few or too many are refused with its usage. */
export function toldFiles(usage, options = {}, least = 1, most = Number.POSITIVE_INFINITY) {
  const { values, positionals } = told(usage, options, { allowPositionals: true });
  if (positionals.length < least || positionals.length > most) refuse(usage);
  return { values, paths: positionals };
}

/** Whether a file, or whoever named it, is to blame for an error. */
export const isTheirs = (error) => error?.name === "ResultsError" || typeof error?.code === "string";

/** Does something; what the caller or a file is to blame for is one sentence on stderr and exit code 2. */
export function refusing(work) {
  try {
    return work();
  } catch (error) {
    if (!isTheirs(error)) throw error;
    return refuse(error.message);
  }
}
