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
import { atEnd, bounded } from "../wards.mjs";
import { isMain } from "./command.mjs";
import { ownerOf } from "./owner.mjs";

export const LABEL = "hearsay.bench.owner";
/**
 * Docker 20.10 now and then kept the network of a hundred containers that were removed eight at a time, with none in it ("has
 * active endpoints"; `network inspect` lists nobody, so that nobody can be disconnected, and only a restart of the engine
 * counts anew). By its source (libnetwork, endpoint_cnt.go) all removals count down in one object, which one that comes too
 * late reads anew, over what another has just counted. One after another takes four seconds more for a hundred.
 */
const REMOVED_AT_ONCE = 1;
const SWEEP_MS_MAX = 180_000;
/** Gone already, or going: the next round sees. A network whose containers are going is forbidden to go. */
const GONE = new Set([304, 403, 404, 409]);
/**
 * A busy engine may take a minute to remove a container that is about to end by itself. A network without containers goes at
 * once, or not at all.
 */
const PATIENCE = { containersMs: 120_000, networksMs: 15_000, callMs: 60_000 };
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

/** Ids of what the engine would not let go, though nothing uses it. Nobody waits for it so long again. */
const stuck = new Set();

/**
 * Removes containers, then networks, until there are none. Throws if something stays, with the number of `containers` among
 * it. The next call leaves such a network alone, for it costs nobody anything; containers it tries again.
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
  let isShort = false;
  const refusals = new Map();
  let first;
  const called = (call, what) => bounded(call, patience.callMs, what);
  const listed = async () => [
    ours(await called(docker.listContainers({ all: true, filters }), "a list of containers")),
    ours(await called(docker.listNetworks({ filters }), "a list of networks")).filter(({ id }) => !stuck.has(id)),
  ];
  for (;;) {
    let containers;
    let networks;
    try {
      [containers, networks] = await listed();
    } catch (error) {
      // Without an answer yet there may be no engine.
      if (first === undefined || !isRefusal(error) || performance.now() > end) throw error;
      await pause(ROUND_MS);
      continue;
    }
    const isFirst = first === undefined;
    first ??= { containers: containers.length, networks: networks.length };
    if (containers.length + networks.length === 0) return first;
    if (!isShort && containers.every(({ id }) => stuck.has(id))) {
      isShort = true;
      end = Math.min(end, performance.now() + patience.networksMs);
    }
    if (performance.now() > end) {
      // A network may go when its containers have gone.
      for (const { id } of containers.length > 0 ? containers : networks) stuck.add(id);
      const error = new Error(complaint([...containers, ...networks], refusals));
      throw Object.assign(error, { containers: containers.length });
    }
    if (!isFirst) await pause(ROUND_MS);
    const remove = async (id, thing, options) => {
      const why = await gone(called(thing.remove(options), "its removal"));
      if (why !== undefined) refusals.set(id, why);
    };
    await eachOf(containers, REMOVED_AT_ONCE, ({ id }) =>
      remove(id, docker.getContainer(id), { force: true, v: true }),
    );
    await eachOf(networks, 1, ({ id }) => remove(id, docker.getNetwork(id)));
  }
}

/** One is named, with what the engine said of it: the others are as a rule there for the same reason. */
function complaint([{ id }, ...others], refusals) {
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return `The engine does not remove ${id.slice(0, 12)}${more}: ${refusals.get(id) ?? "it goes on trying"}`;
}

/** Also of an engine that is too busy (`device or resource busy`), does not answer in time, or hangs up. */
const isRefusal = ({ statusCode }) => statusCode === undefined || statusCode >= 500 || GONE.has(statusCode);

/** @returns why it is not gone yet; undefined if it is */
async function gone(removal) {
  try {
    await removal;
  } catch (error) {
    if (!isRefusal(error)) throw error;
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
