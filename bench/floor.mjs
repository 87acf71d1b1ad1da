// What this machine takes to flood as many bare sockets as real.mjs has members: processes that pass on what they hear
// over the same graph (both neighbours on a ring, and one far), without any protocol. No member on Node can be quicker.
//
// Usage: npm run bench:floor -- [--members 100] [--broadcasts 50]

import { Plain } from "./fleet.mjs";
import { integer, loadNow, machine, pause, print, quantile, round, told, until } from "./record.mjs";

const QUIET_MS = 200;
const HEAR_MS = 10_000;

const text = (fallback) => ({ type: "string", default: String(fallback) });
const USAGE = "Usage: npm run bench:floor -- [--members 100] [--broadcasts 50]";
const { values } = told(USAGE, { members: text(100), broadcasts: text(50) });
const count = integer("members", values.members, 3, 500);
const broadcasts = integer("broadcasts", values.broadcasts, 1, 10_000);
const on = machine(loadNow());

const members = [];
while (members.length < count) members.push(await Plain.start());
const port = (i) => Number(members[((i % count) + count) % count].address);
const any = () => Math.floor(Math.random() * count);
members.forEach((member, i) => {
  member.link([port(i - 1), port(i + 1), port(any())].filter((far) => far !== port(i)));
});

/** @returns for each member that heard it, after how long */
async function flood(number) {
  let said;
  const heard = [];
  await members[any()].broadcast(`broadcast ${number}`);
  const haveAll = async () => {
    await pause(QUIET_MS);
    for (const report of await Promise.all(members.map((member) => member.report()))) {
      if (report.said.length > 0) said = report.said[0][1];
      heard.push(...report.heard.map(([, at]) => at));
    }
    return heard.length >= count - 1;
  };
  if (!(await until(haveAll, HEAR_MS)))
    throw new Error(`Only ${heard.length} of ${count - 1} heard broadcast ${number}`);
  return heard.map((at) => at - said);
}

const times = [];
for (let i = 0; i < broadcasts; i++) times.push(await flood(i));
await Promise.all(members.map((member) => member.kill()));
const last = times.map((one) => Math.max(...one));
print([
  {
    experiment: "floor",
    members: count,
    broadcasts,
    allP50Ms: round(quantile(last, 0.5)),
    allMaxMs: round(quantile(last, 1)),
    pairP50Ms: round(quantile(times.flat(), 0.5)),
    loadAfter: loadNow(),
    machine: on,
  },
]);
