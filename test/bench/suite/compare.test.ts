import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { compare, comparisonText } from "../../../bench/suite/compare.mjs";
import { parseResults, resultsText } from "../../../bench/suite/results.mjs";
import {
  header,
  machine,
  type Plausible,
  plausible,
  plausibleSweep,
  resultsOf,
  runsOf,
  type Wish,
} from "./plausible.ts";

const COMPARE = new URL("../../../bench/suite/compare.mjs", import.meta.url).pathname;

const verdict = (before: readonly unknown[], after: readonly unknown[], figure: string) =>
  compare(resultsOf(before), resultsOf(after)).rows.find((row) => row.figure === figure)?.verdict;

/** The same runs with all times and costs multiplied. */
const slowed = (runs: readonly Plausible[], factor: number) =>
  runs.map((run) => ({
    ...run,
    times: run.times.map((ms) => ms * factor),
    figures: Object.fromEntries(
      Object.entries(run.figures).map(([name, value]) => [name, value === null ? null : Number(value) * factor]),
    ),
  }));

describe("two results files", () => {
  it("are without change when they are the same", () => {
    const records = plausibleSweep({ drivers: ["docker", "sim"], sizes: [12] });
    const results = parseResults(resultsText(header, records));
    const { rows, onlyBefore, onlyAfter, warnings } = compare(results, results);
    expect(rows.length).toBeGreaterThan(100);
    const many = rows.filter(({ before: { count } }) => count >= 3);
    expect(new Set(rows.map(({ ratio }) => ratio ?? 1))).toEqual(new Set([1]));
    expect(many.filter(({ low, high }) => Number(low) > 1 || Number(high) < 1)).toEqual([]);
    expect(new Set(many.map((row) => row.verdict))).toEqual(new Set(["no change beyond noise"]));
    expect([onlyBefore, onlyAfter, warnings]).toEqual([[], [], []]);
  });

  it.each([
    ["faster", "lastMs", 0.5],
    ["slower", "lastMs", 2],
    ["less", "rssMiB", 0.5],
    ["more", "rssMiB", 2],
  ])("say %s of a planted change: %s times %d", (word, figure, factor) => {
    const before = runsOf(5, { nodes: 25, spread: 0.05 });
    const after = slowed(runsOf(5, { nodes: 25, spread: 0.05, seed: 100 }), factor);
    expect(verdict(before, after, figure)).toBe(word);
  });

  it("say nothing of noise, but for as few as promised", () => {
    let seeming = 0;
    const count = 200;
    for (let seed = 0; seed < count; seed++) {
      const wish: Wish = { scenario: "broadcast", nodes: 12, spread: 0.3 };
      const [before, after] = [0, 10].map((more) =>
        runsOf(5, { ...wish, seed: seed * 20 + more }).map(({ figures: { p50Ms }, ...run }) => ({
          ...run,
          startUpMs: null,
          figures: { p50Ms },
        })),
      ) as [unknown[], unknown[]];
      if (verdict(before, after, "p50Ms") !== "no change beyond noise") seeming++;
    }
    expect(seeming).toBeLessThanOrEqual(count * 0.05 + 3 * Math.sqrt(count * 0.05 * 0.95));
  });

  it("say that two runs are too few to tell, whatever they took", () => {
    const before = runsOf(2, { p50Ms: 10 });
    expect(verdict(before, slowed(before, 50), "lastMs")).toBe("too few runs to tell");
  });

  it("pair simulated runs by their seeds, and find a small change in them", () => {
    const before = runsOf(8, { driver: "sim", nodes: 12, spread: 0.5 });
    const after = slowed(before, 1.1).reverse();
    const row = compare(resultsOf(before), resultsOf(after)).rows.find(({ figure }) => figure === "lastMs");
    expect(row).toMatchObject({
      paired: true,
      verdict: "slower",
      ratio: expect.closeTo(1.1, 3),
      low: expect.closeTo(1.1, 3),
    });
    const others = slowed(runsOf(8, { driver: "sim", nodes: 12, spread: 0.5, seed: 50 }), 1.1);
    const apart = compare(resultsOf(before), resultsOf(others)).rows.find(({ figure }) => figure === "lastMs");
    expect(apart).toMatchObject({ paired: false, verdict: "no change beyond noise" });
  });

  it("do not call fewer than five pairs: they are taken apart", () => {
    const compared = (count: number) => {
      const runs = runsOf(count, { driver: "sim", nodes: 12, spread: 0.5 });
      return compare(resultsOf(runs), resultsOf(slowed(runs, 1.1)));
    };
    expect(new Set(compared(5).rows.map(({ paired }) => paired))).toEqual(new Set([true]));
    expect(new Set(compared(4).rows.map(({ paired }) => paired))).toEqual(new Set([false]));
    expect(comparisonText(compared(4), { all: true })).not.toContain("in pairs");
  });

  it("do not pair what ran on a real machine at another time", () => {
    const before = runsOf(8, { driver: "docker" });
    const { rows } = compare(resultsOf(before), resultsOf(slowed(before, 1.1)));
    expect(rows.filter(({ paired }) => paired)).toEqual([]);
  });

  it("do not take what the clocks may be off for a change", () => {
    const sure = (p50Ms: number, clockErrorMs: number) =>
      runsOf(5, { scenario: "leave", spread: 0.001 }).map((run) => ({
        ...run,
        clockErrorMs,
        figures: { ...run.figures, p50Ms },
      }));
    expect(verdict(sure(10, 0.1), sure(14, 0.1), "p50Ms")).toBe("slower");
    expect(verdict(sure(10, 3), sure(14, 3), "p50Ms")).toBe("no change beyond noise");
  });

  it("see that what always told all no longer does", () => {
    const [whole, short] = [runsOf(5, {}), runsOf(5, { missed: 3 })];
    expect(verdict(whole, short, "lastMs")).toBe("slower");
    expect(verdict(short, whole, "lastMs")).toBe("faster");
    expect(verdict(whole, [...runsOf(4, {}), plausible({ missed: 3, repetition: 5 })], "lastMs")).toBe(
      "no change beyond noise",
    );
  });

  it("count what must not happen instead of weighing it", () => {
    const [before, after] = [
      runsOf(3, {}),
      [...runsOf(3, { falseDeaths: 1, missed: 2 }), { ...plausible(), error: "no" }],
    ];
    const { faults } = compare(resultsOf(before), resultsOf(after));
    expect(faults.map(({ figure, before: was, after: is }) => [figure, was, is])).toEqual([
      ["false deaths", "0 in 3 runs", "3 in 3 runs"],
      ["missed", "0 in 3 runs", "6 in 3 runs"],
      ["failed", "0 of 3", "1 of 4"],
    ]);
  });

  it("tell what only one of them has", () => {
    const crash: Wish = { scenario: "crash" };
    const { onlyBefore, onlyAfter, rows } = compare(
      resultsOf([...runsOf(3, {}), ...runsOf(3, { nodes: 100 })]),
      resultsOf([...runsOf(3, {}), ...runsOf(3, { ...crash, peer: "serf" })]),
    );
    expect(onlyBefore).toEqual([{ peer: "hearsay", driver: "docker", scenario: "cold", variant: "", nodes: 100 }]);
    expect(onlyAfter).toEqual([{ peer: "serf", driver: "docker", scenario: "crash", variant: "", nodes: 12 }]);
    expect(new Set(rows.map(({ nodes }) => nodes))).toEqual(new Set([12]));
  });

  it("warn where the machine is another", () => {
    const moved = runsOf(3, {}).map((run) => ({ ...run, machine: { ...machine, cpus: 64 } }));
    expect(compare(resultsOf(runsOf(3, {})), resultsOf(moved)).warnings).toEqual(["cpus differs: 2 before, 64 after"]);
  });

  it("warn where the settings are others, each by its name", () => {
    const set = (settings: object) => runsOf(3, {}).map((run) => ({ ...run, settings }));
    const [before, after] = [
      set({ preset: "lan", pace: { cutMs: 40_000, messages: 10 } }),
      set({ preset: "wan", pace: { cutMs: 5_000, messages: 10 }, probeRepeats: 0 }),
    ];
    const { warnings } = compare(resultsOf(before), resultsOf(after));
    expect(warnings).toEqual([
      'preset differs: "lan" before, "wan" after',
      "pace.cutMs differs: 40000 before, 5000 after",
      "probeRepeats differs: unknown before, 0 after",
    ]);
    expect(comparisonText(compare(resultsOf(before), resultsOf(after)))).toMatch(/^Careful: preset differs/);
    // What the other has not run at all is not compared.
    const elsewhere = set({ preset: "local" }).map((run) => ({ ...run, nodes: 100 }));
    expect(compare(resultsOf(before), resultsOf([...before, ...elsewhere])).warnings).toEqual([]);
  });

  it("warn of other seeds in virtual time alone", () => {
    const of = (driver: string, seed: number) =>
      resultsOf(runsOf(3, { driver }).map((run, i) => ({ ...run, seed: seed + i })));
    const warnings = (driver: string) => compare(of(driver, 1), of(driver, 7)).warnings;
    expect(warnings("sim")).toEqual(["the seeds of virtual time differ: 1, 2, 3 before, 7, 8, 9 after"]);
    expect(warnings("process")).toEqual([]);
  });

  it("warn where one was played on networks that others had been played on, and the other was not", () => {
    const of = (more: object) => resultsOf(runsOf(3, {}).map((run, i) => (i === 0 ? run : { ...run, ...more })));
    const [shared, apart] = [of({ after: ["cold", "idle"] }), of({})];
    expect(compare(shared, apart).warnings).toEqual(["networks were shared before and not after: cold start"]);
    expect(compare(apart, shared).warnings).toEqual(["networks were shared after and not before: cold start"]);
    // One network of several may have been given up, and what came next then begins one.
    expect(compare(shared, of({ after: ["cold"] })).warnings).toEqual([]);
  });

  it("are refused where one has another schema", () => {
    const other = { ...resultsOf([]), header: { schema: 2 }, name: "new.jsonl" };
    expect(() => compare(resultsOf([]), other)).toThrow("new.jsonl: expected schema 1, got 2");
  });
});

describe("what is printed of it", () => {
  it("names the place, the medians, the ratio with its interval, and the verdict", () => {
    const before = runsOf(5, { scenario: "crash", nodes: 100, spread: 0.05 });
    const text = comparisonText(compare(resultsOf(before), resultsOf(slowed(before, 3))));
    expect(text).toMatch(
      /^hearsay, containers, crash, 100 nodes: last: .+ -> .+, ratio 3\.00 \(\d\.\d\d\.\.\d\.\d\d\): slower$/m,
    );
    expect(text).toMatch(
      /^\d+ figures compared: \d+ changed, \d+ with no change beyond noise, 0 with too few runs to tell\.$/m,
    );
  });

  it("leaves out what did not change, unless asked", () => {
    const results = resultsOf(runsOf(5, {}));
    const same = compare(results, results);
    expect(comparisonText(same).split("\n")).toHaveLength(2);
    expect(comparisonText(same, { all: true }).split("\n")).toHaveLength(2 + same.rows.length);
  });

  it("obeys nothing that a file carries", () => {
    const results = resultsOf(runsOf(3, { peer: "\u001b]0;owned\u0007\u001b[2J", scenario: "a\nb", falseDeaths: 1 }));
    const text = comparisonText(compare(results, results), { all: true });
    expect([...text].filter((letter) => letter < " " && letter !== "\n")).toEqual([]);
    expect(text).toContain("a b");
  });
});

describe("the command", () => {
  const place = () => {
    const folder = mkdtempSync(join(tmpdir(), "hearsay-compare-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
  };

  it("compares two files", () => {
    const file = place();
    const before = runsOf(5, { spread: 0.05 });
    const [one, two] = [
      file("a.jsonl", resultsText(header, before)),
      file("b.jsonl", resultsText(header, slowed(before, 4))),
    ];
    expect(execFileSync(process.execPath, [COMPARE, one, two], { encoding: "utf8" })).toContain("slower");
  });

  it("says that two have nothing in common, with exit code 1", () => {
    const file = place();
    const [one, two] = [12, 25].map((nodes) => file(`${nodes}.jsonl`, resultsText(header, runsOf(3, { nodes }))));
    const { status, stdout } = spawnSync(process.execPath, [COMPARE, String(one), String(two)], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stdout).toContain("The two have nothing in common");
    expect(stdout).not.toContain("0 figures");
  });

  it("refuses in a sentence, with exit code 2", () => {
    const file = place();
    const good = file("good.jsonl", resultsText(header, runsOf(3, {})));
    const other = file("other.jsonl", '{"schema":3,"kind":"header"}\n');
    const cases: [string[], string][] = [
      [[good], "Usage: "],
      [[good, other], "other.jsonl:1: expected schema 1, got 3"],
      [[good, `${good}.none`], "good.jsonl.none: no such file\n"],
      [[good, join(good, "..")], ": a folder, not a file\n"],
      [[good, good, "--confidence", "95"], "--confidence: expected a number from 0.5"],
      [[good, good, "--loud"], "--loud"],
    ];
    for (const [options, sentence] of cases) {
      const { status, stderr } = spawnSync(process.execPath, [COMPARE, ...options], { encoding: "utf8" });
      expect([status, stderr]).toEqual([2, expect.stringContaining(sentence)]);
    }
  });
});
