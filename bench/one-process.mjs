// Many members in one process, each with a socket of its own on the loopback: how soon all know all after each was told
// to join some of those before it, what it takes, and what it costs that nothing happens.
//
// One event loop does what a thousand machines would do side by side, so this measures work, not waiting. It takes 32
// datagrams from each socket in turn (libuv), so one seed for all would be the one that is asked a thousand times as often as
// it is read.
//
// Usage: npm run bench:one -- [--members 1000] [--at-once 1000] [--seeds 3] [--idle-ms 10000] [--preset lan]
//                             [--settle-ms 5000] [--within-ms 60000]
//   --at-once   how many are told to join at the same moment; the next when one of them is in
//   --seeds     how many of those before it each is told of, drawn at random; 0: the first of all alone

import { readFileSync } from "node:fs";
import { presets } from "../dist/gossip/config.js";
import { start } from "../dist/gossip/index.js";
import { eachOf, integer, loadNow, machine, pause, print, refuse, round, told, until } from "./record.mjs";

const LOOK_MS = 100;
/** The crowd's last words, before it counts as idle. */
const SETTLE_MS = 5_000;
const USAGE = `Usage: npm run bench:one -- [--members 1000] [--at-once 1000] [--seeds 3] [--idle-ms 10000] [--preset lan]
                            [--settle-ms ${SETTLE_MS}] [--within-ms 60000]`;

function settings() {
  const text = (fallback) => ({ type: "string", default: String(fallback) });
  const { values } = told(USAGE, {
    members: text(1_000),
    "at-once": text(1_000),
    seeds: text(3),
    "idle-ms": text(10_000),
    "settle-ms": text(SETTLE_MS),
    "within-ms": text(60_000),
    preset: text("lan"),
  });
  if (!Object.hasOwn(presets, values.preset)) {
    refuse(`--preset: expected ${Object.keys(presets).join(", ")}, got ${JSON.stringify(values.preset)}`);
  }
  return {
    members: integer("members", values.members, 2, 10_000),
    atOnce: integer("at-once", values["at-once"], 1, 10_000),
    seeds: integer("seeds", values.seeds, 0, 100),
    idleMs: integer("idle-ms", values["idle-ms"], 100, 600_000),
    settleMs: integer("settle-ms", values["settle-ms"], 0, 600_000),
    withinMs: integer("within-ms", values["within-ms"], 1_000, 600_000),
    preset: values.preset,
  };
}

const sum = (nodes, name) => nodes.reduce((total, { stats }) => total + (stats[name] ?? 0), 0);
const cpuMs = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
};
const megabytes = (bytes) => Math.round(bytes / 2 ** 20);

async function open({ members, preset }) {
  const nodes = [];
  while (nodes.length < members) nodes.push(await start({ host: "127.0.0.1", port: 0, preset }));
  return nodes;
}

/** Whom the member at a place is told of. */
function seedsOf(nodes, place, count) {
  const drawn = Array.from({ length: count }, () => nodes[Math.floor(Math.random() * place)]);
  return [...new Set(count === 0 ? [nodes[0]] : drawn)].map((node) => node.self.address);
}

/** Datagrams that the kernel dropped at each member's socket, because that was full; null where the kernel does not say. */
function drops(nodes) {
  let lines;
  try {
    lines = readFileSync("/proc/net/udp", "utf8").trim().split("\n").slice(1);
  } catch {
    return null;
  }
  // sl local_address … drops: the second column is a hexadecimal `address:port`, the last a count.
  const byPort = new Map(
    lines.map((line) => {
      const columns = line.trim().split(/\s+/);
      return [Number.parseInt(columns[1].split(":")[1], 16), Number(columns.at(-1))];
    }),
  );
  return nodes.map(({ self }) => byPort.get(Number(self.address.split(":").at(-1))) ?? 0);
}

const knows = (node, who) =>
  node.members().some(({ address, status }) => address === who && (status === "alive" || status === "suspect"));

/** Tells all but the first to join; resolves with how many nobody answered in time. */
async function joinAll(nodes, { atOnce, seeds }) {
  let failed = 0;
  const places = nodes.slice(1).map((_, i) => i + 1);
  await eachOf(places, atOnce, (place) => nodes[place].join(seedsOf(nodes, place, seeds)).catch(() => failed++));
  return failed;
}

async function form(nodes, { withinMs, ...how }) {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const joining = joinAll(nodes, how);
  // Views of equal digests are equal; one that knows everybody is then everybody's.
  const agree = () =>
    nodes.every(({ digest }) => digest === nodes[0].digest) && nodes[0].members().length === nodes.length;
  const isFormed = await until(agree, withinMs, LOOK_MS);
  const dropped = drops(nodes);
  const figures = {
    allKnowAllMs: isFormed ? round(performance.now() - began) : null,
    cpuMs: round(cpuMs(cpu)),
    rssMiB: megabytes(process.memoryUsage.rss()),
    datagramsPerMember: round(sum(nodes, "sent") / nodes.length),
    kibPerMember: round(sum(nodes, "sentBytes") / 1_024 / nodes.length),
    lost: sum(nodes, "sent") - sum(nodes, "received"),
    droppedAtFirst: dropped?.[0] ?? null,
    droppedAtOthers: dropped?.slice(1).reduce((total, count) => total + count, 0) ?? null,
    othersThatDropped: dropped?.slice(1).filter((count) => count > 0).length ?? null,
    notKnowingFirst: nodes.filter((node) => !knows(node, nodes[0].self.address)).length,
    stalls: sum(nodes, "stalls"),
    suspicions: sum(nodes, "suspicions"),
    deaths: sum(nodes, "deaths"),
  };
  return { ...figures, joinsFailed: isFormed ? await joining : null };
}

async function idle(nodes, { settleMs, idleMs }) {
  await pause(settleMs);
  const before = { sent: sum(nodes, "sent"), bytes: sum(nodes, "sentBytes"), at: performance.now() };
  const deaths = sum(nodes, "deaths");
  const cpu = process.cpuUsage();
  await pause(idleMs);
  const used = cpuMs(cpu);
  const seconds = (performance.now() - before.at) / 1_000;
  const perMember = (count) => round(count / nodes.length / seconds);
  return {
    datagramsPerMemberAndSecond: perMember(sum(nodes, "sent") - before.sent),
    bytesPerMemberAndSecond: perMember(sum(nodes, "sentBytes") - before.bytes),
    cpuMsPerMemberAndSecond: perMember(used),
    cpuShare: round(used / 1_000 / seconds),
    rssMiB: megabytes(process.memoryUsage.rss()),
    deaths: sum(nodes, "deaths") - deaths,
  };
}

const given = settings();
const on = machine(loadNow());
const nodes = await open(given);
const subject = { members: given.members, atOnce: given.atOnce, seeds: given.seeds, preset: given.preset };
const formed = await form(nodes, given);
const records = [{ experiment: "one process: form", ...subject, ...formed }];
// Who has not formed is not idle.
if (formed.allKnowAllMs !== null) {
  records.push({ experiment: "one process: idle", ...subject, ...(await idle(nodes, given)) });
}
print(records.map((record) => ({ ...record, loadAfter: loadNow(), machine: on })));
await Promise.all(nodes.map((node) => node.close()));
if (formed.allKnowAllMs === null) process.exitCode = 1;
