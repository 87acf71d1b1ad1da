// What ten thousand idle members weigh: prints one line of JSON with the peak memory of this process and how much virtual
// time passes in a second of processor time (of all its threads, so a busy or a large machine does not change it much).
//
// Usage: node bench/weight.mjs [--members 10000]

import { configure } from "../dist/gossip/config.js";
import { Network } from "../dist/sim/network.js";
import { integer, told } from "./record.mjs";

const WARM_MS = 5_000;
const STEADY_MS = 30_000;

const { values } = told("Usage: node bench/weight.mjs [--members 10000]", {
  members: { type: "string", default: "10000" },
});
const net = new Network(1, configure("lan"));
net.settle(integer("members", values.members, 2, 100_000));
net.run(WARM_MS);
const before = process.cpuUsage();
const startedAt = performance.now();
const datagrams = net.datagrams;
net.run(WARM_MS + STEADY_MS);
const spent = process.cpuUsage(before);
console.log(
  JSON.stringify({
    members: net.members.length,
    peakMb: process.resourceUsage().maxRSS / 1_024,
    timesCpu: (STEADY_MS * 1_000) / (spent.user + spent.system),
    timesReal: STEADY_MS / (performance.now() - startedAt),
    datagramsPerMemberAndSecond: (net.datagrams - datagrams) / net.members.length / (STEADY_MS / 1_000),
    agreed: net.agreed,
  }),
);
