// The table of what the protocol is to reach, measured: every row in virtual time over the seeds it names, beside the
// target and what memberlist takes on the same simulated network (given, not measured here). Prints it and puts it into
// README.md. About half an hour on two cores.
//
// Usage: npm run bench:table

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { play, seeds } from "./crew.mjs";
import { told } from "./record.mjs";
import { all, mean, ms, number, publish, quantile, sum, table } from "./words.mjs";

told(`Usage: npm run bench:table
Measures every figure that the protocol is to reach, about half an hour long, and rewrites bench/README.md.`);

const p50 = (values) => quantile(values, 0.5);
const p99 = (values) => quantile(values, 0.99);
const most = (values) => quantile(values, 1);
const runs = (scenario, count, settings) =>
  seeds(count).map((seed) => ({ scenario, settings: { loss: 0, preset: "lan", ...settings, seed } }));

/** A row: `told` and `isReached` are of the measures of its runs. */
const rows = [
  rumor("Rumor to all, 100 members, no loss", "667 ms, 12 datagrams/member", 100, 0, 20, { p99: 15, cost: 4 }),
  rumor("Rumor to all, 1,000 members, 5 % loss", "1,039 ms, 16", 1_000, 0.05, 20, { p50: 40, p99: 100, cost: 6 }),
  rumor("Rumor to all, 10,000 members, 5 % loss", "1,378 ms, 20", 10_000, 0.05, 5, { p99: 200, cost: 6 }),
  rumor("Rumor to all, 1,000 members, 30 % loss", "1,356 ms, 1 of 60 runs missed some", 1_000, 0.3, 20, { p99: 600 }),
  converge("100 join one seed at once, no loss: all pairs known", "", 100, 0, 20, 500),
  converge("100 join one seed at once, 10 % loss", "", 100, 0.1, 20, 1_500),
  converge("1,000 join one seed at once", "Rapid's paper, real machines: 45 s (Rapid 29 s)", 1_000, 0, 10, 5_000),
  crash("Crash, 100 members: first declared; then all know", "10.4 s; +0.3 s", 100, 20, 50),
  crash("Crash, 1,000 members", "", 1_000, 20, 100),
  crash("Crash, 10,000 members", "", 10_000, 5, 200),
  stall("16 of 50 stalled in cycles of 6 s (run 64 ms), 60 s", "0 false deaths at healthy; 553 fail events", 6_000),
  stall("16 of 50 stalled in cycles of 20 s (run 64 ms), 60 s", "0; 2,334", 20_000),
  lifeguard(),
  oneWay("deaf", "10 of 1,000 hear nothing 20 s on, 20 s off, 120 s", "oscillates for ever"),
  oneWay("mute", "10 of 1,000 lose 80 % of what they send, 120 s", "oscillates for ever"),
  partition(),
  idle(100, 20),
  idle(1_000, 20),
  idle(10_000, 3),
];

function rumor(what, given, nodes, loss, count, most) {
  const reach = Object.entries({ p50: most.p50, p99: most.p99 }).filter(([, value]) => value);
  return {
    what,
    given,
    runs: runs("rumor", count, { nodes, loss }),
    reach: [
      ...reach.map(([name, value]) => `${name} ≤ ${value} ms`),
      most.cost ? `≤ ${most.cost} datagrams/member` : "none missed",
    ].join(", "),
    told: (of) => [
      ms(p50(all(of, "heardMs"))),
      ms(p99(all(of, "heardMs"))),
      `last ${ms(most_(of))}; ${number(mean(all(of, "datagramsPerMember")))} datagrams/member; ${missed(of)}`,
    ],
    isReached: (of) =>
      sum(all(of, "missed")) === 0 &&
      (!most.p50 || p50(all(of, "heardMs")) <= most.p50) &&
      p99(all(of, "heardMs")) <= most.p99 &&
      (!most.cost || mean(all(of, "datagramsPerMember")) <= most.cost),
  };
}

const most_ = (of) => most(all(of, "heardMs"));
const missed = (of) => (sum(all(of, "missed")) === 0 ? "none missed" : `**${sum(all(of, "missed"))} missed**`);

function converge(what, given, nodes, loss, count, mostMs) {
  return {
    what,
    given,
    runs: runs("converge", count, { nodes, loss }),
    reach: `≤ ${ms(mostMs)}`,
    told: (of) => [
      ms(p50(all(of, "allPairsMs"))),
      ms(p99(all(of, "allPairsMs"))),
      `${number(mean(all(of, "datagramsPerMember")))} datagrams/member`,
    ],
    isReached: (of) => sum(all(of, "missed")) === 0 && p99(all(of, "allPairsMs")) <= mostMs,
  };
}

function crash(what, given, nodes, count, spreadMs) {
  return {
    what,
    given,
    runs: runs("crash", count, { nodes }),
    reach: `p50 ≤ 3 s; +${spreadMs} ms`,
    told: (of) => [
      ms(p50(all(of, "firstMs"))),
      ms(p99(all(of, "firstMs"))),
      `all know +${ms(p50(all(of, "spreadMs")))}, at worst +${ms(most(all(of, "spreadMs")))}; ` +
        `${sum(all(of, "falsely"))} false deaths; ${missed(of)}`,
    ],
    isReached: (of) => p50(all(of, "firstMs")) <= 3_000 && most(all(of, "spreadMs")) <= spreadMs,
  };
}

function stall(what, given, stallMs) {
  return {
    what,
    given,
    runs: runs("stall", 20, { nodes: 50, stalled: 16, stallMs, runMs: 64, forMs: 60_000 }),
    reach: "0; ≤ 1,000",
    told: (of) => [
      `${number(p50(all(of, "failEvents")))} fail events`,
      number(p99(all(of, "failEvents"))),
      `false deaths: ${sum(all(of, "falseDeathsAtHealthy"))} at healthy, ${sum(all(of, "falseDeaths"))} anywhere; ` +
        `${number(mean(all(of, "returns")))} returns, ${number(mean(all(of, "datagramsPerMemberAndSecond")))} ` +
        `datagrams/member/s; one view ${ms(p50(all(of, "agreedAfterMs")))} after the end`,
    ],
    isReached: (of) => sum(all(of, "falseDeaths")) === 0 && most(all(of, "failEvents")) <= 1_000,
  };
}

function lifeguard() {
  const grid = [];
  for (const stalled of [1, 8, 16, 32]) {
    for (const stallMs of [2_048, 8_192, 16_384, 32_768]) {
      for (const runMs of [4, 256]) {
        grid.push(...runs("lifeguard", 1, { nodes: 128, stalled, stallMs, runMs, forMs: 120_000 }));
      }
    }
  }
  const share = (of) => sum(all(of, "falseDeathsAtHealthy")) / sum(all(of, "falseDeathsAtHealthyPlain"));
  const percent = (part, whole) => `${((100 * part) / whole).toFixed(2)} %`;
  return {
    what: "Lifeguard's experiment, 128 members (C 1 to 32, D 2 to 33 s, I 4 and 256 ms, 120 s each): false deaths at healthy members against plain SWIM",
    given: "1.89 %",
    runs: grid,
    seeds: `1 × ${grid.length} cells`,
    reach: "≤ 1 %, detection no slower than above",
    told: (of) => [
      `detection ${ms(p50(all(of, "firstDownMs")))}`,
      ms(p99(all(of, "firstDownMs"))),
      `**${percent(sum(all(of, "falseDeathsAtHealthy")), sum(all(of, "falseDeathsAtHealthyPlain")))}** at healthy: ` +
        `${number(sum(all(of, "falseDeathsAtHealthy")))} of ${number(sum(all(of, "falseDeathsAtHealthyPlain")))}; ` +
        `anywhere ${number(sum(all(of, "falseDeaths")))} of ${number(sum(all(of, "falseDeathsPlain")))}; plain ` +
        `detection ${ms(p50(all(of, "firstDownPlainMs")))}; datagrams/member/s ` +
        `${number(mean(all(of, "datagramsPerMemberAndSecond")))}, plain ${number(mean(all(of, "datagramsPerMemberAndSecondPlain")))}`,
    ],
    isReached: (of) => share(of) <= 0.01 && p50(all(of, "firstDownMs")) <= 3_000,
  };
}

function oneWay(scenario, what, given) {
  return {
    what,
    given,
    runs: runs(scenario, 5, { nodes: 1_000, faulty: 10, forMs: 120_000 }),
    reach: "healthy stay; the faulty settle within 30 s",
    told: (of) => [
      `settled ${ms(p50(all(of, "settledMs")))}`,
      ms(p99(all(of, "settledMs"))),
      `false deaths at healthy: ${sum(all(of, "falseDeathsAtHealthy"))}; each healthy member sees each faulty one go down ` +
        `${number(mean(all(of, "downsPerFaulty")))} times and return ${number(mean(all(of, "returnsPerFaulty")))} times; ` +
        `${number(mean(all(of, "datagramsPerMemberAndSecond")))} datagrams/member/s; one view ` +
        `${ms(p50(all(of, "agreedAfterMs")))} after the end`,
    ],
    isReached: (of) => sum(all(of, "falseDeathsAtHealthy")) === 0 && most(all(of, "settledMs")) <= 30_000,
  };
}

function partition() {
  return {
    what: "50/50 partition of 10 minutes, 100 members, healed: one view",
    given: "no rejoin without help",
    runs: runs("partition", 20, { nodes: 100, cutMs: 600_000 }),
    reach: "≤ 5 s",
    told: (of) => [
      ms(p50(all(of, "healedMs"))),
      ms(p99(all(of, "healedMs"))),
      `${sum(all(of, "deathsAfterHealing"))} deaths after the healing; ${number(mean(all(of, "datagramsPerMember")))} datagrams/member`,
    ],
    isReached: (of) => all(of, "healedMs").every((value) => value >= 0 && value <= 5_000),
  };
}

function idle(nodes, count) {
  return {
    what: `Steady load, ${nodes.toLocaleString("en")} members`,
    given: "2.0 datagrams/member/s",
    runs: runs("idle", count, { nodes }),
    reach: "≤ 2.1, flat",
    told: (of) => [
      p50(all(of, "datagramsPerMemberAndSecond")).toFixed(2),
      p99(all(of, "datagramsPerMemberAndSecond")).toFixed(2),
      `${number(mean(all(of, "bytesPerMemberAndSecond")))} bytes/member/s; ${sum(all(of, "suspicions"))} suspicions`,
    ],
    isReached: (of) => most(all(of, "datagramsPerMemberAndSecond")) <= 2.1,
  };
}

function weightRow() {
  const script = fileURLToPath(new URL("weight.mjs", import.meta.url));
  const { members, peakMb, timesCpu, timesReal } = JSON.parse(execFileSync(process.execPath, [script]).toString());
  const isReached = peakMb <= 1_500 && timesCpu >= 5;
  return [
    `${members.toLocaleString("en")} members in one process: peak memory; virtual time by processor time`,
    "",
    "≤ 1.5 GB; ≥ 5×",
    `${number(peakMb)} MiB`,
    `${timesCpu.toFixed(1)}×`,
    `${timesReal.toFixed(1)}× by the clock of the machine, as busy as it was`,
    "1",
    isReached ? "yes" : "**no**",
  ];
}

const started = rows.map((row) => row.runs.length);
const measures = await play(rows.flatMap((row) => row.runs));
const lines = rows.map((row, i) => {
  const from = sum(started.slice(0, i));
  const of = measures.slice(from, from + row.runs.length);
  const count = row.seeds ?? String(row.runs.length);
  return [row.what, row.given, row.reach, ...row.told(of), count, row.isReached(of) ? "yes" : "**no**"];
});
lines.push(weightRow());
publish(
  "table",
  table(["what", "memberlist LAN (given)", "to reach", "p50", "p99", "besides", "seeds", "reached"], lines),
);
