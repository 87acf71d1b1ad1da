// What floor.mjs measures: a process that passes on whatever it hears for the first time, and nothing else. No protocol, no
// acknowledgement, no members. Reports as member.mjs does.

import { createSocket } from "node:dgram";

const now = () => Number(process.hrtime.bigint()) / 1e6;
const HOST = "127.0.0.1";

process.once("disconnect", () => process.exit());
if (!process.connected) process.exit();

let links = [];
let heard = [];
let said = [];
const known = new Set();
// Literal addresses, as the node's: nothing to look up.
const socket = createSocket({ type: "udp4", lookup: (host, _, found) => found(null, host, 4) });

function pass(bytes, exceptPort) {
  for (const port of links) if (port !== exceptPort) socket.send(bytes, port, HOST);
}

socket.on("message", (bytes, { port }) => {
  const text = bytes.toString();
  if (known.has(text)) return;
  known.add(text);
  heard.push([text, now()]);
  pass(bytes, port);
});

process.on("message", ({ links: given, say, number }) => {
  if (given) links = given;
  else if (say !== undefined) {
    known.add(say);
    said.push([say, now()]);
    pass(Buffer.from(say), 0);
  } else {
    const { user, system } = process.cpuUsage();
    process.send({ number, at: now(), heard, said, cpuMs: (user + system) / 1_000 });
    [heard, said] = [[], []];
  }
});

socket.bind(0, HOST, () => process.send({ ready: String(socket.address().port) }));
