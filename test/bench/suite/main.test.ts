// The bench's command line, from the outside: what it writes, what it refuses, and that nothing of it is left.

import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { soon } from "../../gossip/places.ts";
import { childrenOf, isRunning } from "../processes.ts";

const MAIN = new URL("../../../bench/suite/main.mjs", import.meta.url).pathname;
const CLI = new URL("../../../dist/cli/main.js", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "hearsay-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [file, ...args], { cwd: folder }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

const bench = (...args: string[]) => run(MAIN, args);
const lines = (file: string) =>
  readFileSync(join(folder, file), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("the bench", () => {
  it("plays every scenario in virtual time: a header, then a record a run", async () => {
    const { code, stdout, stderr } = await bench("--driver", "sim", "--repetitions", "1", "--out", "all.jsonl");
    expect(code, stderr).toBe(0);
    const [header, ...records] = lines("all.jsonl");
    expect(header).toMatchObject({ schema: 1, kind: "header", node: process.version });
    expect(records).toHaveLength(15);
    for (const record of records) {
      expect(record).toMatchObject({ schema: 1, peer: "hearsay", driver: "sim", nodes: 12, repetition: 1, missed: 0 });
      expect(record.error).toBeUndefined();
      expect(record.times).toHaveLength(record.facts);
      expect(record.times).toEqual(record.times.toSorted((a: number, b: number) => a - b));
      expect(record.figures.falseDeaths).toBe(0);
      expect(record.views.length).toBeGreaterThan(0);
      expect(stdout).toContain(record.scenario);
    }
    const facts = Object.fromEntries(records.map(({ scenario, variant, facts }) => [scenario + variant, facts]));
    expect(facts).toMatchObject({ cold: 132, "mass-join": 132, "one-join": 24, crash: 11, leave: 11, broadcast: 110 });
    expect(facts).toMatchObject({ partition: 72, pause30s: 11, "loss5%": 110, idle: 0 });
  });

  it("gives the same figures for the same seed in virtual time", async () => {
    const options = ["--driver", "sim", "--scenario", "crash,broadcast", "--repetitions", "1", "--seed", "5"];
    await Promise.all(["one", "two"].map((name) => bench(...options, "--out", `${name}.jsonl`)));
    const [one, two] = ["one.jsonl", "two.jsonl"].map((file) =>
      lines(file)
        .slice(1)
        .map(({ times, figures }) => ({ times, figures })),
    );
    expect(one).toHaveLength(2);
    expect(two).toEqual(one);
  });

  it("measures five processes, and what they cost", async () => {
    const some = ["--driver", "process", "--peer", "hearsay", "--nodes", "5", "--repetitions", "1"];
    const pace = ["--pace", "settleMs=200", "--pace", "messages=2"];
    const { code, stderr } = await bench(...some, "--scenario", "broadcast", ...pace, "--out", "process.jsonl");
    expect(code, stderr).toBe(0);
    const [, record] = lines("process.jsonl");
    expect(record).toMatchObject({ facts: 8, missed: 0, settings: { preset: "lan" } });
    expect(record.startUpMs).toBeGreaterThan(0);
    expect(record.figures.p50Ms).toBeGreaterThan(0);
    if (process.platform === "linux") expect(record.figures.rssMiB).toBeGreaterThan(5);
    // Who may not count says why.
    expect(record.figures.datagramsPerNodeAndSecond === null).toBe(record.lacks !== undefined);
  });

  it("plays one scenario after another on the same five processes, and says so", async () => {
    const some = ["--driver", "process", "--peer", "hearsay", "--nodes", "5", "--repetitions", "1"];
    const pace = ["--pace", "settleMs=200", "--pace", "messages=2"];
    const scenarios = ["--scenario", "no-bootstrap,crash,one-join,cold,broadcast"];
    const { code, stderr } = await bench(...some, ...scenarios, ...pace, "--out", "shared.jsonl");
    expect(code, stderr).toBe(0);
    const [, ...records] = lines("shared.jsonl");
    expect(records.map(({ scenario, after = [], facts, missed }) => [scenario, after.length, facts, missed])).toEqual([
      ["cold", 0, 20, 0],
      ["broadcast", 1, 8, 0],
      ["one-join", 2, 10, 0],
      ["crash", 3, 4, 0],
      ["no-bootstrap", 4, 6, 0],
    ]);
    expect(new Set(records.map(({ network }) => network))).toEqual(new Set([1]));
    expect(records.map(({ startUpMs }) => startUpMs !== null)).toEqual([true, false, false, false, false]);
  });

  it("says which runs there would be, and how long they take", async () => {
    const { code, stdout, stderr } = await bench("--driver", "sim", "--scenario", "pause", "--sweep", "--list");
    expect(code).toBe(0);
    const rows = stdout.trimEnd().split("\n");
    expect(rows).toHaveLength(5 * 4 * 3);
    expect(rows[0]).toBe("1\t12\tsim\tpause:3s\thearsay\tseed 1\tnetwork 1");
    expect(stderr).toBe("run\tnodes\tdriver\tscenario\tpeer\tseed\tnetwork\nbench: 60 runs, all in virtual time\n");
  });

  it.each(["--list", "--sweep"])("says which peers a driver has, if not those asked for: %s", async (option) => {
    const { code, stdout, stderr } = await bench("--driver", "sim", "--peer", "serf", option);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("driver sim has no peer serf, only hearsay");
  });

  it("names the scenarios it knows, and the variants of one", async () => {
    const [strange, half] = await Promise.all([bench("--scenario", "nope"), bench("--scenario", "pause:4s")]);
    expect(strange.stderr).toContain('There is no "nope"; there are cold, mass-join, ');
    expect(half.stderr).toContain('There is no "pause:4s"; there are pause:3s, pause:10s, pause:30s');
  });

  it("says of each pace what it is without being told, and in what it counts", async () => {
    const { code, stdout } = await bench("--help");
    expect(code).toBe(0);
    const words = stdout.replace(/\s+/g, " ");
    for (const told of ["settleMs (3000 ms)", "messages (10 times)", "patience (1 times all longest waits)"]) {
      expect(words).toContain(told);
    }
  });

  it.each([
    ["--driver", "cloud"],
    ["--peer", "zookeeper"],
    ["--scenario", "pause:4s"],
    ["--nodes", "2"],
    ["--repetitions", "0"],
    ["--seed", "-1"],
    ["--preset", "moon"],
    ["--pace", "idleMs"],
    ["--pace", "messages=2.5"],
    ["--speed", "9"],
  ])("refuses %s %s with exit code 2, and says what it expected", async (option, value) => {
    const { code, stderr } = await bench("--list", option, value);
    expect(code).toBe(2);
    expect(stderr).toContain(option);
  });

  it("does not write over a file, and says where it would have to", async () => {
    const options = ["--driver", "sim", "--scenario", "idle", "--nodes", "3", "--repetitions", "1"];
    const first = await bench(...options, "--out", "kept.jsonl");
    const before = readFileSync(join(folder, "kept.jsonl"), "utf8");
    const second = await bench(...options, "--out", "kept.jsonl");
    expect([first.code, second.code]).toEqual([0, 2]);
    expect(second.stderr).toContain("kept.jsonl");
    expect(readFileSync(join(folder, "kept.jsonl"), "utf8")).toBe(before);
    const third = await bench(...options, "--out", "nowhere/kept.jsonl");
    expect(await bench(...options, "--out", "")).toMatchObject({ code: 2, stderr: expect.stringContaining("--out") });
    expect(third).toMatchObject({ code: 2, stderr: expect.stringMatching(/^bench: there is no folder nowhere$/m) });
  });

  it("can be had from hearsay's own command line", async () => {
    const { code, stdout } = await run(CLI, ["bench", "--driver", "sim", "--scenario", "crash", "--list"]);
    expect(code).toBe(0);
    expect(stdout).toContain("crash");
    expect((await run(CLI, ["bench", "--nodes", "none"])).code).toBe(2);
    expect((await run(CLI, ["bench", "--help"])).stdout).toMatch(/^Usage: hearsay bench /);
    expect((await bench("--help")).stdout).toMatch(/^Usage: bench /);
  });
});

describe.runIf(process.platform === "linux")("an interrupted bench", () => {
  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("leaves no process behind, also by %s", async (signal) => {
    const out = join(folder, `${signal}.jsonl`);
    const options = ["--driver", "process", "--peer", "hearsay", "--nodes", "4", "--scenario", "idle", "--out", out];
    const script = spawn(process.execPath, [MAIN, ...options], { stdio: "ignore" });
    onTestFinished(() => void script.kill("SIGKILL"));
    await soon("four run", () => childrenOf(script).length >= 4, 15_000);
    const children = childrenOf(script);
    const exited = once(script, "exit");
    script.kill(signal);
    const [code] = await exited;
    expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGKILL: null }[signal]);
    await soon("none is left", () => !children.some(isRunning), 5_000);
    if (signal !== "SIGKILL") expect(tables()).not.toContain(`hearsay_bench_${script.pid}`);
  });

  it("says what makes the page of the runs that were over", async () => {
    const out = "cut short.jsonl";
    const options = ["--driver", "sim", "--scenario", "idle", "--nodes", "12", "--repetitions", "100", "--out", out];
    const script = spawn(process.execPath, [MAIN, ...options], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    onTestFinished(() => void script.kill("SIGKILL"));
    let stderr = "";
    script.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    await soon("one is over", () => /nothing to notice/.test(stderr), 15_000);
    const closed = once(script, "close");
    script.kill("SIGINT");
    await closed;
    const [, command = ""] = /runs are in cut short\.jsonl; their page: (.+)/.exec(stderr) ?? [];
    expect(command).toMatch(/^node \S+report\.mjs 'cut short\.jsonl' 'cut short\.html'$/);
    execFileSync("sh", ["-c", command], { cwd: folder });
    expect(readFileSync(join(folder, "cut short.html"), "utf8")).toContain("idle cost");
  });

  it.runIf(process.getuid?.() === 0 && tables() !== "")("removes what a killed one could not", async () => {
    const none = spawn("true");
    await once(none, "exit");
    const left = `hearsay_bench_${none.pid}`;
    execFileSync("nft", ["add", "table", "ip", left]);
    const options = ["--driver", "process", "--peer", "hearsay", "--nodes", "3", "--scenario", "leave"];
    const pace = ["--pace", "settleMs=0", "--repetitions", "1"];
    expect((await bench(...options, ...pace, "--out", "swept.jsonl")).code).toBe(0);
    expect(tables()).not.toContain(left);
  });
});

/** What nftables holds, as far as we may know. */
function tables(): string {
  try {
    return `nftables: ${execFileSync("nft", ["list", "tables"], { encoding: "utf8", stdio: "pipe" })}`;
  } catch {
    return "";
  }
}
