// What a run of the container tests leaves word of while it lasts: who it is, and which containers it started under the
// literal names. The next run tells by it what a killed one left behind from a network of the user's own, which has the same
// names and the same image: README's lines make it.
//
//   /tmp/hearsay-containers-test.run     <owner, see bench/suite/owner.mjs>
//                                        <id of a container>
//                                        …
//
// `.ci/run` reads it, too.

import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownerOf } from "../../bench/suite/owner.mjs";

const PATH = join(tmpdir(), "hearsay-containers-test.run");

export interface Marker {
  /** `<process id>.<start of that process>` */
  readonly owner: string;
  readonly ids: readonly string[];
}

export interface Running {
  readonly id: string;
  readonly name: string;
}

/**
 * Why the tests may not begin, undefined if they may. Pure.
 * @param running what runs under the literal names from this house's image, without a label of these tests
 * @param left the word of an earlier run, if there is one
 * @param nowOf (pid) → the owner that process is now, if it runs
 */
export function refusal(
  running: readonly Running[],
  left: Marker | undefined,
  nowOf: (pid: number) => string | undefined,
): string | undefined {
  const pid = Number.parseInt(left?.owner ?? "", 10);
  if (left && nowOf(pid) === left.owner) {
    return `another run of the container tests is under way (process ${pid}): wait until it has ended`;
  }
  const foreign = running.filter(({ id }) => !left?.ids.includes(id)).map(({ name }) => name);
  if (foreign.length === 0) return undefined;
  return (
    `a network that these tests did not start is running (${foreign.join(", ")}). They need these names and would remove it; ` +
    `to let them, remove it first: docker rm -f ${foreign.join(" ")}`
  );
}

/** @throws Error the refusal */
export async function refuseOthers(running: readonly Running[]): Promise<void> {
  const why = refusal(running, await readMarker(), ownerOf);
  if (why !== undefined) throw new Error(why);
}

/** In place of what an earlier run left. */
export async function writeMarker(): Promise<void> {
  await removeMarker();
  await writeFile(PATH, `${ownerOf(process.pid)}\n`, { flag: "wx" });
}

/** Called by the processes of the run, whichever it is. */
export async function noteContainer(id: string): Promise<void> {
  await appendFile(PATH, `${id}\n`);
}

export async function removeMarker(): Promise<void> {
  await rm(PATH, { force: true });
}

async function readMarker(): Promise<Marker | undefined> {
  try {
    const [owner = "", ...ids] = (await readFile(PATH, "utf8")).trimEnd().split("\n");
    return { owner, ids };
  } catch {
    // The usual case: the last run has ended well.
    return undefined;
  }
}
