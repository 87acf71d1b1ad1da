// Prints the rows of the tables in docs/protocol.md: each figure the median over five seeds of `hearsay sim`.
// Usage: npm run bench

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const SEEDS = [1, 2, 3, 4, 5];

function medians(scenario, nodes, loss) {
  const runs = SEEDS.map((seed) => {
    const options = ["--scenario", scenario, "--nodes", nodes, "--loss", loss, "--seed", seed, "--json"];
    return JSON.parse(execFileSync(process.execPath, [MAIN, "sim", ...options.map(String)], { encoding: "utf8" }));
  });
  return (name) => runs.map((run) => run[name]).sort((a, b) => a - b)[SEEDS.length >> 1];
}

const ms = (value) =>
  value < 100
    ? `${value.toFixed(1)} ms`
    : value < 1_000
      ? `${Math.round(value)} ms`
      : `${(value / 1_000).toFixed(1)} s`;
const setting = (nodes, loss) => `${nodes.toLocaleString("en")} members, ${loss * 100} % loss`;

for (const [nodes, loss] of [
  [100, 0],
  [100, 0.05],
  [1_000, 0.05],
]) {
  const of = medians("rumor", nodes, loss);
  console.log(
    `| ${setting(nodes, loss)} | ${ms(of("heardP50Ms"))} | ${ms(of("heardP99Ms"))} | ${ms(of("heardLastMs"))} |`,
  );
}
for (const [nodes, loss] of [
  [13, 0],
  [100, 0],
  [100, 0.05],
  [1_000, 0],
]) {
  const of = medians("crash", nodes, loss);
  console.log(`| ${setting(nodes, loss)} | ${ms(of("firstMs"))} | ${ms(of("declaredLastMs"))} |`);
}
for (const [nodes, loss] of [
  [100, 0],
  [100, 0.1],
  [1_000, 0],
]) {
  console.log(
    `| ${setting(nodes, loss)} join one seed at once: all pairs known after | ${ms(medians("converge", nodes, loss)("allPairsMs"))} |`,
  );
}
const bridge = medians("bridge", 100, 0);
const inARow = "100 members start within 30 s on one Ethernet with a table of 1,024";
console.log(`| ${inARow}: all pairs known after the last start | ${ms(bridge("allPairsMs"))} |`);
console.log(`| … entries used at most; datagrams refused | ${bridge("entriesMax")}; ${bridge("refused")} |`);
console.log(
  `| ${setting(100, 0)}, cut in two for a minute: one view after the healing | ${ms(medians("partition", 100, 0)("healedMs"))} |`,
);
console.log(
  `| ${setting(1_000, 0)}, idle: datagrams a member and second | ${medians("idle", 1_000, 0)("datagramsPerMemberAndSecond").toFixed(2)} |`,
);
