// Leaves nothing behind: every container and network of the bench carries a label that names the process that made it, and
// what is swept is what carries it. A label's value is `<process id>.<start of that process>`, because ids come again.
//
//   at the start    what is left of processes that are gone
//   at the end      what is this process's own: after a run, an error, a signal
//
// As a script it sweeps what is left of a process that is ending: `node sweepings.mjs [owner]`. An ending process may not
// wait for anything but another process.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { eachOf, pause } from "../record.mjs";
import { atEnd } from "../wards.mjs";
import { isMain } from "./command.mjs";
import { ownerOf } from "./owner.mjs";

export const LABEL = "hearsay.bench.owner";
/** More at once would only wait for each other. */
const REMOVED_AT_ONCE = 8;
const SWEEP_MS_MAX = 180_000;
/** Gone already, or going: the next round sees. A network whose containers are going is forbidden to go. */
const GONE = new Set([304, 403, 404, 409]);
/**
 * A busy engine may take a minute to remove a container that is about to end by itself. A network without containers goes at
 * once, or not at all.
 */
const PATIENCE = { containersMs: 120_000, networksMs: 15_000 };
const ROUND_MS = 250;

export const owner = ownerOf(process.pid);

/**
 * Which of the labelled things are to be swept: those of this owner, and those of processes that are gone. Pure.
 * @param things [{ labels }]
 * @param whose the owner who sweeps
 * @param nowOf (pid) → the owner that process is now, if it runs
 */
export function sweepings(things, whose, nowOf) {
  return things.filter(({ labels }) => {
    const maker = labels?.[LABEL];
    if (maker === undefined) return false;
    return maker === whose || nowOf(Number(maker.split(".")[0])) !== maker;
  });
}

/** What the engine would not let go, though nothing uses it: id → why. Nobody waits for it twice. */
const stuck = new Map();

/**
 * Removes containers, then networks, until there are none. Throws if something stays; the next call leaves that alone.
 * @returns how many of each there were at first
 */
export async function sweep(whose = owner, docker = new Docker(), patience = PATIENCE) {
  const filters = { label: [LABEL] };
  const ours = (list) =>
    sweepings(
      list.map(({ Id, Labels }) => ({ id: Id, labels: Labels })),
      whose,
      ownerOf,
    );
  let end = performance.now() + patience.containersMs;
  let isEmpty = false;
  const refusals = new Map();
  let first;
  for (;;) {
    const removable = (list) => ours(list).filter(({ id }) => !stuck.has(id));
    const containers = removable(await docker.listContainers({ all: true, filters }));
    const networks = removable(await docker.listNetworks({ filters }));
    const isFirst = first === undefined;
    first ??= { containers: containers.length, networks: networks.length };
    if (containers.length + networks.length === 0) return first;
    if (!isEmpty && containers.length === 0) {
      isEmpty = true;
      end = Math.min(end, performance.now() + patience.networksMs);
    }
    if (performance.now() > end) {
      const stays = [...containers, ...networks].map(({ id }) => id);
      for (const id of stays) stuck.set(id, refusals.get(id));
      throw new Error(
        stays.map((id) => `The engine does not remove ${id}: ${stuck.get(id) ?? "it goes on trying"}`).join("; "),
      );
    }
    if (!isFirst) await pause(ROUND_MS);
    const remove = async (id, thing, options) => {
      const why = await gone(thing.remove(options));
      if (why !== undefined) refusals.set(id, why);
    };
    await eachOf(containers, REMOVED_AT_ONCE, ({ id }) =>
      remove(id, docker.getContainer(id), { force: true, v: true }),
    );
    await eachOf(networks, 1, ({ id }) => remove(id, docker.getNetwork(id)));
  }
}

/** @returns why it is not gone yet; undefined if it is */
async function gone(removal) {
  try {
    await removal;
  } catch (error) {
    if (!GONE.has(error.statusCode)) throw error;
    return error.statusCode === 404 ? undefined : (error.json?.message ?? error.message);
  }
}

/** Sweeps when this process ends, however it ends but by SIGKILL. @returns takes it back */
export function sweepAtEnd() {
  return atEnd(() => {
    // A session of its own: a second Ctrl-C does not reach it.
    const options = { stdio: "ignore", timeout: SWEEP_MS_MAX, detached: true };
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), owner], options);
  });
}

if (isMain(import.meta.url)) {
  const { containers, networks } = await sweep(process.argv[2]);
  console.error(`bench: ${containers} containers and ${networks} networks removed`);
}
