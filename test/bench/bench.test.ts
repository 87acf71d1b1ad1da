// What measures must itself be sound: the scripts run, end, print what makes sense, and leave no process behind. The
// figures are the machine's business, so they are bounded by what no working network would reach.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { soon } from "../gossip/places.ts";
import { childrenOf, isRunning } from "./processes.ts";

const FLOOR = new URL("../../bench/floor.mjs", import.meta.url).pathname;
const REAL = new URL("../../bench/real.mjs", import.meta.url).pathname;
const ONE_PROCESS = new URL("../../bench/one-process.mjs", import.meta.url).pathname;
const CREW = new URL("../../bench/crew.mjs", import.meta.url).href;
const README = new URL("../../bench/README.md", import.meta.url).pathname;

interface Outcome {
  readonly code: number;
  readonly text: string;
  /** What was printed as JSON, by its experiment. */
  readonly records: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

function bench(script: string, ...options: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, ...options], (_error, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const records = new Map(lines.map((line) => JSON.parse(line)).map((record) => [record.experiment, record]));
      resolve({ code: child.exitCode ?? -1, text: stdout + stderr, records });
    });
  });
}

describe.each(["table", "ablation", "sweep", "real", "floor", "one-process", "processors"])("bench/%s.mjs", (name) => {
  const script = new URL(`../../bench/${name}.mjs`, import.meta.url).pathname;

  it("says how it is used, and measures nothing", async () => {
    const { code, text } = await bench(script, "--help");
    expect([code, text]).toEqual([0, expect.stringMatching(/^Usage: npm run bench:/)]);
  });

  it("refuses in one line what it does not know", async () => {
    const before = readFileSync(README, "utf8");
    const wrong = name === "sweep" ? ["--bogus", "toString"] : ["--bogus", "twice"];
    for (const option of wrong) {
      const { code, text } = await bench(script, option);
      expect(code).toBe(2);
      expect(text).toContain(option);
      expect(text.trimEnd()).not.toContain("\n");
    }
    expect(readFileSync(README, "utf8")).toBe(before);
  });
});

it("what the machine takes by itself is measured over the same graph", async () => {
  const { code, text, records } = await bench(FLOOR, "--members", "5", "--broadcasts", "3");
  expect(code, text).toBe(0);
  const floor = records.get("floor");
  expect(floor).toMatchObject({ members: 5, broadcasts: 3 });
  const times = [floor?.pairP50Ms, floor?.allP50Ms, floor?.allMaxMs].map(Number);
  expect(times[0]).toBeGreaterThan(0);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

describe("the benchmark of real processes", () => {
  it.concurrent.each([
    ["nodes without a face", []],
    ["hearsay nodes", ["--full"]],
  ])("measures five %s: broadcasts and a death", async (_name, kind) => {
    const few = ["--members", "5", "--broadcasts", "3", "--kills", "1", "--idle-ms", "200", "--preset", "local"];
    const { code, text, records } = await bench(REAL, ...few, ...kind);
    expect(code, text).toBe(0);
    expect([...records.keys()]).toEqual(["form", "broadcast", "kill"]);
    const [broadcast, kill] = [records.get("broadcast"), records.get("kill")];
    expect(broadcast).toMatchObject({ members: 5, broadcasts: 3, missed: 0 });
    const times = [broadcast?.pairP50Ms, broadcast?.allP50Ms, broadcast?.allMaxMs].map(Number);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(0);
    expect(times[2]).toBeLessThan(10_000);
    expect(kill).toMatchObject({ kills: 1, notNoticedByAll: 0 });
    expect(kill?.firstP50Ms).toBeGreaterThan(100);
    expect(kill?.lastMaxMs).toBeGreaterThanOrEqual(Number(kill?.firstP50Ms));
    expect(kill?.machine).toMatchObject({ node: process.version, cpus: expect.any(Number) });
  });

  it.runIf(process.platform === "linux").each(["SIGINT", "SIGKILL"] as const)(
    "ends its processes with itself, also by %s",
    async (signal) => {
      const script = spawn(process.execPath, [REAL, "--members", "4", "--broadcasts", "1000"], { stdio: "ignore" });
      onTestFinished(() => void script.kill("SIGKILL"));
      await soon("four run", () => childrenOf(script).length >= 4, 10_000);
      const children = childrenOf(script);
      const exited = once(script, "exit");
      script.kill(signal);
      await exited;
      await soon("none is left", () => !children.some(isRunning), 5_000);
    },
  );

  it.each([
    ["--members", "2", "--members"],
    ["--kills", "some", "--kills"],
    ["--preset", "moon", "`preset`"],
    ["--set", "probeRepeat=1", "`probeRepeat`"],
    ["--set", "probeRepeats", "--set"],
  ])("refuses %s %s in one line with exit code 2", async (option, value, named) => {
    const { code, text } = await bench(REAL, option, value);
    expect(code).toBe(2);
    expect(text).toContain(named);
    expect(text.trimEnd()).not.toContain("\n");
  });
});

it.runIf(process.platform === "linux").each(["SIGTERM", "SIGKILL"] as const)(
  "the crew of simulated runs ends with its script, also by %s",
  async (signal) => {
    const runs = [1, 2].map((seed) => ({
      scenario: "idle",
      settings: { nodes: 10_000, loss: 0, preset: "lan", seed },
    }));
    const program = `import { play } from ${JSON.stringify(CREW)}; await play(${JSON.stringify(runs)});`;
    const script = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "ignore" });
    onTestFinished(() => void script.kill("SIGKILL"));
    const crew = Math.min(availableParallelism(), runs.length);
    await soon("they play", () => childrenOf(script).length >= crew, 10_000);
    const children = childrenOf(script);
    const exited = once(script, "exit");
    script.kill(signal);
    await exited;
    await soon("none is left", () => !children.some(isRunning), 5_000);
  },
);

describe("the benchmark of one process", () => {
  it("forms a network of twenty and lets it rest", async () => {
    const few = ["--members", "20", "--idle-ms", "1000", "--settle-ms", "0"];
    const { code, text, records } = await bench(ONE_PROCESS, ...few);
    expect(code, text).toBe(0);
    const formed = records.get("one process: form");
    const idle = records.get("one process: idle");
    expect(formed).toMatchObject({ members: 20, joinsFailed: 0, deaths: 0 });
    expect(formed?.allKnowAllMs).toBeGreaterThan(0);
    expect(idle?.datagramsPerMemberAndSecond).toBeGreaterThan(0.5);
    expect(idle?.datagramsPerMemberAndSecond).toBeLessThan(10);
  });
});
