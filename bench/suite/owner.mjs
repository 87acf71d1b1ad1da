// Who made something, so that what outlives its maker can be told from what is in use.

import { readFileSync } from "node:fs";

/** `<process id>.<start of that process>`, because ids come again. Undefined if there is no such process. */
export function ownerOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything. The rest begins with field 3; the start is field 22.
    return `${pid}.${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return process.pid === pid ? `${pid}.` : undefined;
  }
}
