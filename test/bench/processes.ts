// What a process of the machine has started, and whether it still runs. Linux only.

import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** The processes that a process has started and that still run. */
export function childrenOf({ pid }: ChildProcess): string[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ");
}

/** One that has ended and was not fetched by whoever inherited it does not run. */
export function isRunning(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
