// A member as a process: a gossip node without an HTTP face, for fleet.mjs. Writes down what it is told, and when, on
// the clock that all processes of a machine share; says so only when it is asked, so that saying disturbs nothing.
// Ends with the channel to its parent, whatever ended that.

import { start } from "../dist/gossip/index.js";

const [, , seed, preset, config] = process.argv;
const now = () => Number(process.hrtime.bigint()) / 1e6;
const text = new TextDecoder();

process.once("disconnect", () => process.exit());
if (!process.connected) process.exit();

const node = await start({ host: "127.0.0.1", port: 0, preset, config: JSON.parse(config) });
const live = new Set([node.self.address]);
let heard = [];
let said = [];
let changes = [];

node.on("message", ({ payload }) => heard.push([text.decode(payload), now()]));
node.on("event", ({ type, member }) => {
  if (member === undefined || member.self) return;
  if (type === "down" || type === "left") live.delete(member.address);
  else live.add(member.address);
  changes.push([type, member.address, now()]);
});

process.on("message", ({ say, number }) => {
  if (say !== undefined) {
    said.push([say, now()]);
    node.broadcast(say);
    return;
  }
  const { sent: datagrams, stalls } = node.stats;
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1_000;
  process.send({ number, at: now(), live: live.size, heard, said, changes, datagrams, stalls, cpuMs });
  [heard, said, changes] = [[], [], []];
});

if (seed) await node.join([seed]);
process.send({ ready: node.self.address });
