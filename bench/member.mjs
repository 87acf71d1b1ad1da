// A member as a process: a gossip node without an HTTP face, for fleet.mjs. Writes down what it is told, and when, on
// the clock that all processes of a machine share; says so only when it is asked, so that saying disturbs nothing.
// Ends with the channel to its parent, whatever ended that.

import { start } from "../dist/gossip/index.js";

const [, , seed, preset, config, port = "0"] = process.argv;
const now = () => Number(process.hrtime.bigint()) / 1e6;
const text = new TextDecoder();

process.once("disconnect", () => process.exit());
if (!process.connected) process.exit();

const node = await start({ host: "127.0.0.1", port: Number(port), preset, config: JSON.parse(config) });
const live = new Set([node.self.address]);
let heard = [];
let said = [];
let changes = [];
process.send({ up: node.self.address, at: now() });

node.on("message", ({ origin, payload }) => heard.push([text.decode(payload), now(), origin]));
node.on("event", ({ type, member }) => {
  if (member === undefined || member.self) return;
  if (type === "down" || type === "left") live.delete(member.address);
  else live.add(member.address);
  changes.push([type, member.address, now()]);
});

process.on("message", ({ say, join, leave, number }) => {
  if (say !== undefined) {
    said.push([say, now()]);
    node.broadcast(say);
  }
  if (join) void enter(join);
  if (number !== undefined) report(number);
  if (leave) node.leave().finally(() => process.exit());
});

function report(number) {
  const { sent: datagrams, stalls } = node.stats;
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1_000;
  const { digest } = node;
  process.send({ number, at: now(), live: live.size, digest, heard, said, changes, datagrams, stalls, cpuMs });
  [heard, said, changes] = [[], [], []];
}

/** Asks until it is in: on a machine that is busy starting others, nobody may answer in time. */
async function enter(seeds) {
  for (;;) {
    try {
      return await node.join(seeds);
    } catch (error) {
      if (error.code !== "ERR_JOIN_TIMEOUT") throw error;
    }
  }
}

if (seed) await enter([seed]);
process.send({ ready: node.self.address });
