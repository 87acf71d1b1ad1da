// What the kernel says that a process has used: the same for whatever runs in it.

import { readFileSync } from "node:fs";

/** USER_HZ is 100 on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** CPU time and resident memory; nulls if there is no such process, or no /proc. */
export function used(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything. The rest begins with field 3; utime is field 14, stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      rssMiB: rss ? Number(rss[1]) / 1_024 : null,
    };
  } catch {
    return { cpuMs: null, rssMiB: null };
  }
}
