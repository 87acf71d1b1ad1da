// Whether a machine can bear so many containers, or processes: each problem as a sentence, with the line that mends it.
// `problems`, `processProblems` and `socketProblems` are pure; `look` and `lookAtLimits` gather what they judge.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { docker, within } from "./drivers/engine.mjs";
import { sweep } from "./sweepings.mjs";

/** A member and what the engine keeps for it (a shim, buffers, a log). */
const MEMBER_MIB = { hearsay: 96, serf: 48 };
const PROCESS_MIB = { hearsay: 80, serf: 32 };
/** For the engine, the bench and the rest of the machine. */
const REST_MIB = 512;
/** The bench holds a log and now and then a connection open for each member. */
const FILES_EACH = 3;
const FILES_REST = 128;
/** A Node process, its shim, and what they start. */
const THREADS_EACH = 40;
/** A child's pipes and its channel, or its connection; Node's threads, or Go's. */
const PROCESS_FILES_EACH = 6;
const PROCESS_THREADS_EACH = 16;
/** Where a node that is told of nobody looks for a bootstrap on the machine (docs/docker.md). */
const BOOTSTRAP_PORT = 5000;
const CONNECT_MS = 1_000;
const GIB_MIB = 1_024;

/**
 * What `nodes` containers need and this machine has not.
 * @param facts of `look`; null: not known, and then no problem
 * @param given { nodes, peer, isRouted }: whether they reach each other by way of the machine
 * @returns {{ sentence: string, mend: string, stops: boolean }[]}
 */
export function problems(facts, { nodes, peer, isRouted = false }) {
  if (facts.engine !== null) return [noEngine(facts.engine)];
  const all = [
    facts.isRoot ? undefined : noRoot(),
    memory(facts, nodes, peer, MEMBER_MIB, "containers"),
    files(facts, nodes, FILES_EACH, "containers"),
    threads(facts, nodes, THREADS_EACH, "containers"),
  ];
  return [...all, neighbours(facts, nodes, peer, isRouted), port(facts), tools(facts, isRouted)].filter(
    (problem) => problem !== undefined,
  );
}

/** The same for members that are processes of this machine. */
export function processProblems(facts, { nodes, peer }) {
  return [
    memory(facts, nodes, peer, PROCESS_MIB, "processes"),
    files(facts, nodes, PROCESS_FILES_EACH, "processes"),
    threads(facts, nodes, PROCESS_THREADS_EACH, "processes"),
  ].filter((problem) => problem !== undefined);
}

/** The same for members of one process, each with a socket. */
export const socketProblems = (facts, { nodes }) =>
  [files(facts, nodes, 1, "members")].filter((problem) => problem !== undefined);

const noEngine = (why) => ({
  sentence: `Docker's engine does not answer: ${why}`,
  mend: "sudo systemctl start docker",
  stops: true,
});

const noRoot = () => ({
  sentence: "Only root may read the containers' logs and counters",
  mend: 'sudo env "PATH=$PATH" node bench/suite/main.mjs --driver docker …',
  stops: true,
});

function memory({ memoryMiB }, nodes, peer, mibOf, what) {
  const needed = nodes * mibOf[peer] + REST_MIB;
  if (memoryMiB === null || memoryMiB >= needed) return undefined;
  const fit = Math.floor((memoryMiB - REST_MIB) / mibOf[peer]);
  const sentence = `${nodes} ${what} of ${peer} take about ${gib(needed)} GiB of memory; ${gib(memoryMiB)} GiB are free`;
  const others = what === "containers" ? "docker stats --no-stream" : "ps -eo rss,pid,args --sort=-rss | head";
  const mend = fit >= 3 ? `--nodes ${fit}` : `stop what else runs: ${others}`;
  return { sentence, mend, stops: true };
}

function files({ filesMax }, nodes, each, what) {
  const needed = nodes * each + FILES_REST;
  if (filesMax === null || filesMax >= needed) return undefined;
  const sentence = `The bench opens up to ${needed} files for ${nodes} ${what}; its limit is ${filesMax}`;
  return { sentence, mend: `ulimit -n ${powerOver(needed)}`, stops: true };
}

function threads({ threadsMax }, nodes, each, what) {
  const needed = nodes * each;
  if (threadsMax === null || threadsMax >= needed) return undefined;
  const sentence = `${nodes} ${what} run about ${needed} threads; the kernel allows ${threadsMax} in all`;
  const limit = powerOver(needed + threadsMax);
  return { sentence, mend: `sudo sysctl -w kernel.pid_max=${limit} kernel.threads-max=${limit}`, stops: true };
}

/**
 * Serf's agents talk to all the others; a hearsay node keeps to a few, so that many of them fit (docs/docker.md). Routed, each
 * has one for the machine, and the machine one for each.
 */
function neighbours({ neighboursMax }, nodes, peer, isRouted) {
  const needed = (isRouted ? 0 : nodes * (nodes - 1)) + 2 * nodes;
  if (neighboursMax === null || neighboursMax >= needed) return undefined;
  const most = powerOver(2 * needed);
  const stops = peer !== "hearsay";
  const consequence = stops ? "datagrams would be lost without a word" : "newcomers may be slow to be known";
  const way = isRouted ? "" : "--driver docker-routed, or ";
  return {
    sentence: `The neighbour table holds ${neighboursMax}; ${nodes} containers may fill ${needed}, and ${consequence}`,
    mend: `${way}sudo sysctl -w ${[most / 8, most / 2, most].map((size, i) => `net.ipv4.neigh.default.gc_thresh${i + 1}=${size}`).join(" ")}`,
    stops,
  };
}

function port({ isPortTaken }) {
  if (!isPortTaken) return undefined;
  const sentence = `Port ${BOOTSTRAP_PORT} of this machine is taken: nodes that should be alone would ask there for a network`;
  return { sentence, mend: `sudo ss -ltnp 'sport = :${BOOTSTRAP_PORT}'`, stops: true };
}

function tools({ missing }, isRouted) {
  const mend = "sudo apt-get install nftables util-linux iproute2";
  if (isRouted && missing.some((tool) => tool !== "nft")) {
    return { sentence: `Without ${missing.join(" and ")} no container has its routes`, mend, stops: true };
  }
  const needed = missing.filter((tool) => tool !== "ip");
  if (needed.length === 0) return undefined;
  return { sentence: `Without ${needed.join(" and ")} no partition and no loss is played`, mend, stops: false };
}

const gib = (mib) => (mib / GIB_MIB).toFixed(1);
const powerOver = (value) => 2 ** Math.ceil(Math.log2(value));

/** Of this machine, now: what any member takes. */
export const lookAtLimits = () => ({
  memoryMiB: memoryFree(),
  filesMax: limitOf(/^Max open files\s+(\d+)/m, "/proc/self/limits"),
  threadsMax: least(limitOf(/(\d+)/, "/proc/sys/kernel/pid_max"), limitOf(/(\d+)/, "/proc/sys/kernel/threads-max")),
});

/** And what containers take. */
export async function look() {
  const engine = await within(docker.ping(), "the engine").then(
    () => null,
    (error) => error.message,
  );
  return {
    engine,
    isRoot: process.getuid?.() === 0,
    ...lookAtLimits(),
    neighboursMax: limitOf(/(\d+)/, "/proc/sys/net/ipv4/neigh/default/gc_thresh3"),
    isPortTaken: await answers(BOOTSTRAP_PORT),
    missing: ["nft", "nsenter", "ip"].filter((tool) => spawnSync(tool, ["-V"]).status !== 0),
  };
}

function memoryFree() {
  const kib = limitOf(/^MemAvailable:\s+(\d+) kB/m, "/proc/meminfo");
  return kib === null ? null : Math.floor(kib / 1_024);
}

function limitOf(pattern, file) {
  const [, digits] = (existsSync(file) && pattern.exec(readFileSync(file, "utf8"))) || [];
  return digits === undefined ? null : Number(digits);
}

const least = (a, b) => (a === null || b === null ? (a ?? b) : Math.min(a, b));

function answers(portNumber) {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: portNumber, timeout: CONNECT_MS });
    const settle = (does) => {
      socket.destroy();
      resolve(does);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
    socket.once("timeout", () => settle(false));
  });
}

/**
 * What an earlier bench left behind takes the memory that is looked for next. Without an engine there is nothing to remove,
 * and `look` says so.
 */
async function leftovers() {
  try {
    await sweep();
    return [];
  } catch ({ message, containers }) {
    if (containers === undefined) return [];
    const stops = containers > 0;
    const sentence = `What an earlier bench left behind is still there: ${message}${stops ? "" : ". This bench does without"}`;
    return [{ sentence, mend: "sudo systemctl restart docker    # stops other containers, too", stops }];
  }
}

/** Looks, and if nothing stops it, builds an image. */
export async function preflight(given, image, build) {
  const found = [...(await leftovers()), ...problems(await look(), given)];
  if (found.some(({ stops }) => stops)) return found;
  try {
    await build();
  } catch (error) {
    found.push(noImage(image, error.message));
  }
  return found;
}

export const noImage = ({ tag, mend }, why) => ({
  sentence: `The image ${tag} cannot be built: ${why.trim()}`,
  mend,
  stops: true,
});
