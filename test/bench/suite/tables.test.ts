import { describe, expect, it } from "vitest";
import { judged } from "../../../bench/suite/goals.mjs";
import { figureOf, ratioOf, winnerOf } from "../../../bench/suite/groups.mjs";
import { picturesOf } from "../../../bench/suite/pictures.mjs";
import { chosen, madeBy } from "../../../bench/suite/publish.mjs";
import { joined } from "../../../bench/suite/results.mjs";
import {
  inMarkdown,
  markdownCommits,
  markdownFaults,
  markdownGoals,
  markdownNotes,
  markdownTables,
  markdownVirtual,
} from "../../../bench/suite/tables.mjs";
import { written, writtenRatio, writtenSummary } from "../../../bench/suite/wording.mjs";
import { plausible, plausibleSweep, resultsOf, runsOf, skipped } from "./plausible.ts";

const CURVES = ["broadcast", "cold", "crash", "mass-join"];

/** Cells as Markdown splits them: at bars that are not escaped. */
const cellsOf = (line: string) => line.slice(2, -2).split(/(?<!\\)(?:\\\\)* \| /);

describe("the Markdown tables", () => {
  const { records } = resultsOf(plausibleSweep({ drivers: ["docker", "sim"], sizes: [12] }));
  const text = markdownTables(records);

  it("are one for each driver and size, the largest open, with as many cells in each row as in its head", () => {
    const heads = text.match(/^(?:### |<details><summary>).*$/gm);
    const folded = "<details><summary>Containers, 12 nodes</summary>";
    expect(heads).toEqual(["### Containers, 100 nodes", folded, "### Virtual time, 12 nodes"]);
    const tables = text.split(/\n\n/).filter((block) => block.startsWith("| "));
    expect(tables.map((table) => new Set(table.split("\n").map((row) => cellsOf(row).length)))).toEqual([
      new Set([8]),
      new Set([8]),
      new Set([5]),
    ]);
    expect(tables[1]?.split("\n").length).toBeGreaterThan(10);
  });

  it("give medians with the least and the most, and mark who has less, whoever it is", () => {
    expect(text).toMatch(/^\| cold start \| 12 \| 5 \| p50 \| \*\*\d+ ms \(\d+\.\.\d+ ms\)\*\* \| .* \| hearsay \|$/m);
    expect(text).toMatch(/^\| packet loss, 30% \| 12 \| 5 \| p50 \| \d.* \| \*\*\d.*\*\* \| .* \| Serf \|$/m);
  });

  it("say of how many runs a figure is, where that is not all of them", () => {
    const [first, ...rest] = runsOf(3, { scenario: "pause", variant: "3s" });
    const silent = rest.map((run) => ({ ...run, facts: 0, times: [], figures: { ...run.figures, p50Ms: null } }));
    const rows = markdownTables(resultsOf([first, ...silent]).records).split("\n");
    expect(rows.find((row) => row.includes("| p50 |"))).toMatch(/ \| 3 \| p50 \| [\d.]+ m?s, 1 of 3 runs \|$/);
    expect(rows.find((row) => row.includes("| last |"))).not.toContain("of 3 runs");
  });

  it("have no columns to compare where there is one peer", () => {
    expect(markdownTables(resultsOf(runsOf(3, {})).records)).toContain(
      "| scenario | nodes | runs | figure | hearsay |\n",
    );
  });

  it("tell failed and skipped runs, the same ones together", () => {
    const lost = [1, 2].map((repetition) => ({ ...plausible({ repetition }), error: "it did not start" }));
    expect(markdownNotes(resultsOf([...lost, skipped({ driver: "udp", scenario: "partition" })]).records)).toBe(
      "- hearsay, containers, cold start, 12 nodes: 2 runs failed: it did not start\n" +
        "- hearsay, one process, real sockets, partition and heal, 12 nodes: 1 run skipped: sockets in one process cannot be cut off from each other",
    );
    expect(markdownNotes(resultsOf(runsOf(2, {})).records)).toBe("");
  });

  it.each([
    ["a | b\n\n# c", "a \\| b # c"],
    ["[x](http://y.z) *b* `c`", "\\[x\\](http:&#47;&#47;y.z) \\*b\\* \\`c\\`"],
    ["<b>&", "&lt;b&gt;&amp;"],
    ["a\\| b", "a\\\\\\| b"],
  ])("mean nothing by what a file carries: %j", (hostile, harmless) => {
    expect(inMarkdown(hostile)).toBe(harmless);
  });
});

describe("how values are written", () => {
  it("gives a range its unit once, and leaves out what says nothing", () => {
    const of = (median: number, least: number, most: number, count = 5) => ({ median, least, most, count });
    expect(writtenSummary("lastMs", of(200, 150, 300))).toBe("200 ms (150..300 ms)");
    expect(writtenSummary("lastMs", of(1_000, 900, 1_500))).toBe("1.00 s (900 ms..1.50 s)");
    expect(writtenSummary("rssMiB", of(64, 60, 70))).toBe("64 MiB (60..70 MiB)");
    expect(writtenSummary("lastMs", of(5, 5, 5, 1))).toBe("5.0 ms");
    expect(writtenSummary("lastMs", of(9, 8, Number.POSITIVE_INFINITY))).toBe("9.0 ms (8.0 ms..never)");
    expect([writtenSummary("lastMs", null), written("lastMs", null), written("p50Ms", -0.3)]).toEqual([
      "–",
      "–",
      "−0.3 ms",
    ]);
  });

  it("gives a ratio as many digits as it is worth", () => {
    expect(writtenRatio({ ratio: 2, low: 1.5, high: 2.5 })).toBe("2.00 (1.50..2.50)");
    expect(writtenRatio({ ratio: 1234.5, low: null, high: null })).toBe("1,235");
    expect(writtenRatio({ ratio: 0.0123, low: null, high: null })).toBe("0.01");
    expect(writtenRatio({ ratio: null, low: null, high: null })).toBe("–");
  });
});

describe("a figure of a run that missed some", () => {
  const run = {
    ...plausible(),
    facts: 10,
    missed: 2,
    figures: { firstMs: 1, p50Ms: 5, p90Ms: 7, lastMs: 8, rssMiB: 64 },
  };

  it("never came if fewer pairs did than it is about, whatever an older bench wrote of it", () => {
    const of = (record: object) =>
      ["firstMs", "p50Ms", "p90Ms", "lastMs", "rssMiB"].map((name) => figureOf(record, name));
    expect(of(run)).toEqual([1, 5, Infinity, Infinity, 64]);
    expect(of({ ...run, missed: 6 })).toEqual([1, Infinity, Infinity, Infinity, 64]);
    expect(of({ ...run, missed: 10 })).toEqual([Infinity, Infinity, Infinity, Infinity, 64]);
    expect(of({ ...run, missed: 0 })).toEqual([1, 5, 7, 8, 64]);
  });

  it("does not win by what it missed", () => {
    const column = (peer: string, p50Ms: number, missed: number) => {
      const runs = runsOf(5, { peer, p50Ms }).map((each) => ({ ...each, facts: 10, missed }));
      return { peer, runs, failed: [], skipped: [] };
    };
    const columns = [column("hearsay", 200, 0), column("serf", 20, 6)];
    expect(winnerOf(columns, "p50Ms", "time")).toMatchObject({ winner: "hearsay" });
  });
});

describe("a difference within what the clocks may be off", () => {
  const column = (peer: string, p50Ms: number, clockErrorMs: number) => {
    const runs = runsOf(5, { peer, p50Ms, spread: 0.01 }).map((run) => ({ ...run, clockErrorMs }));
    return { peer, runs, failed: [], skipped: [] };
  };

  it("is no victory: two clocks may be off by both their errors", () => {
    expect(winnerOf([column("hearsay", 10, 3), column("serf", 15, 3)], "p50Ms", "time").winner).toBeNull();
    expect(winnerOf([column("hearsay", 10, 3), column("serf", 25, 3)], "p50Ms", "time").winner).toBe("hearsay");
  });

  it("makes no ratio: a time is no finer than its clock", () => {
    const [ours, theirs] = [column("hearsay", 0.1, 2), column("serf", 100, 2)];
    const { ratio } = ratioOf(theirs.runs, ours.runs, "p50Ms", undefined);
    expect(ratio).toBeGreaterThan(45);
    expect(ratio).toBeLessThan(55);
    // Serf's clock is the worse one: that is no reason for it to seem slower.
    const blurred = column("serf", 10, 40);
    expect(ratioOf(blurred.runs, column("hearsay", 1.5, 0).runs, "p50Ms", undefined).ratio).toBeLessThan(8);
    expect(ratioOf(blurred.runs, column("hearsay", 20, 0).runs, "p50Ms", undefined).ratio).toBe(1);
    const costs = ratioOf(theirs.runs, ours.runs, "datagramsPerNodeAndSecond", undefined);
    expect(costs.ratio).toBeGreaterThan(0.9);
  });
});

describe("what was asked for", () => {
  const leave = (lastMs: number[]) =>
    lastMs.map((ms, i) => {
      const run = plausible({ scenario: "leave", nodes: 100, repetition: i + 1 });
      return { ...run, figures: { ...run.figures, lastMs: ms } };
    });

  it("is reached when the worst run reaches it", () => {
    expect(judged(leave([10, 20, 150]))[0]).toMatchObject({ scenario: "leave", reached: true, within: 3 });
    expect(judged(leave([10, 20, 151]))[0]).toMatchObject({ scenario: "leave", reached: false, within: 2 });
  });

  it("is no false death in any run, whatever was played", () => {
    const runs = (falseDeaths: number) => [
      plausible({ scenario: "leave", nodes: 100 }),
      plausible({ scenario: "churn", nodes: 100, falseDeaths }),
    ];
    expect(judged(runs(0)).at(-1)).toMatchObject({ figure: "falseDeaths", reached: true, within: 2 });
    expect(judged(runs(1)).at(-1)).toMatchObject({ figure: "falseDeaths", reached: false, within: 1 });
  });

  it("is not reached by a run that failed, also if all did", () => {
    const failed = { ...plausible({ scenario: "leave", nodes: 100, repetition: 9 }), error: "it did not start" };
    expect(judged([...leave([10, 20]), failed])).toMatchObject([
      { figure: "lastMs", reached: false, within: 2, count: 3 },
      { figure: "falseDeaths", reached: false, within: 2, count: 3 },
    ]);
    expect(judged([failed])[0]).toMatchObject({ figure: "lastMs", reached: false, summary: null, count: 1 });
    expect(judged([{ ...failed, error: undefined, skipped: "it cannot" }])).toEqual([]);
  });

  it("is judged of containers that reach each other directly and of routed ones, together", () => {
    const routed = runsOf(1, { scenario: "leave", nodes: 100, driver: "docker-routed", p50Ms: 1_000 });
    expect(judged(routed)[0]).toMatchObject({ figure: "lastMs", reached: false, count: 1 });
    expect(judged([...leave([10, 20]), ...routed])[0]).toMatchObject({ reached: false, count: 3, within: 2 });
  });

  it("is not reached by a run that missed some, nor judged of other drivers, sizes and peers", () => {
    expect(
      judged([...leave([10, 20]), plausible({ scenario: "leave", nodes: 100, missed: 1, p50Ms: 1 })]),
    ).toMatchObject([{ figure: "lastMs", reached: false }, { figure: "falseDeaths" }]);
    const others = [{ driver: "sim" }, { nodes: 50 }, { peer: "serf" }].map((other) =>
      plausible({ scenario: "leave", nodes: 100, ...other }),
    );
    expect(judged(others)).toEqual([]);
  });
});

describe("what goes into README.md", () => {
  const sweep = resultsOf(plausibleSweep({ sizes: [12, 100] }));

  it("says what of the goals is reached, and in how many runs it is not", () => {
    const rows = markdownGoals(sweep.records).split("\n").slice(2);
    expect(rows.length).toBeGreaterThan(3);
    for (const [name, within] of [
      ["cold start", "5\\.00 s"],
      ["mass join", "2\\.00 s"],
    ]) {
      const row = rows.find((each) => each.startsWith(`| ${name} |`));
      expect(row).toMatch(new RegExp(`\\| ≤ ${within} \\| .* \\| (yes|\\*\\*no\\*\\*, in \\d of \\d runs?) \\|$`));
    }
    const quick = ["cold", "crash"].flatMap((scenario) => runsOf(3, { scenario, nodes: 100, p50Ms: 1 }));
    expect(markdownGoals(resultsOf(quick).records).match(/ \| yes \|$/gm)).toHaveLength(3);
    expect(markdownGoals(resultsOf(runsOf(3, { nodes: 12 })).records)).toBe("");
  });

  it("marks what is more than twice apart from virtual time, and only that", () => {
    const rows = markdownVirtual(sweep.records).split("\n").slice(2);
    const times = rows.flatMap((row) => [...row.matchAll(/(\*\*)?× ([\d.]+)(\*\*)?\)/g)]);
    expect(times.length).toBeGreaterThan(20);
    for (const [, mark, factor] of times) {
      expect(mark === "**", `× ${factor}`).toBe(Number(factor) > 2 || Number(factor) < 0.5);
    }
    expect(markdownVirtual(resultsOf(runsOf(3, {})).records)).toBe("");
  });

  it("has the rows beside virtual time in the order of the scenarios and sizes, whatever was measured on which driver", () => {
    const parts = [
      ...["sim", "process"].flatMap((driver) => runsOf(3, { driver, scenario: "partition", nodes: 50 })),
      ...["sim", "docker"].flatMap((driver) => runsOf(3, { driver, scenario: "partition", nodes: 12 })),
      ...["sim", "docker"].flatMap((driver) => runsOf(3, { driver, scenario: "churn", nodes: 12 })),
    ];
    const rows = markdownVirtual(resultsOf(parts).records).split("\n").slice(2);
    expect([...new Set(rows.map((row) => cellsOf(row).slice(0, 2).join(" ")))]).toEqual([
      "partition and heal 12",
      "partition and heal 50",
      "churn 12",
    ]);
  });

  it("counts whom each peer called dead or suspected by mistake, by driver and size, and does not call nothing told none", () => {
    const runs = [
      ...runsOf(3, { nodes: 12 }),
      ...runsOf(2, { nodes: 12, scenario: "crash", falseDeaths: 4 }),
      ...runsOf(2, { nodes: 50, peer: "serf" }),
    ].map((run) => (run.peer === "serf" ? { ...run, figures: { ...run.figures, falseSuspicions: null } } : run));
    const rows = markdownFaults(resultsOf(runs).records).split("\n").slice(2).map(cellsOf);
    expect(rows.map((row) => row.slice(0, 5))).toEqual([
      ["containers", "12", "hearsay", "5", "8 in 2 runs (crash: 8)"],
      ["containers", "50", "Serf", "2", "0"],
    ]);
    expect(rows[1]?.[5]).toBe("cannot be told");
    expect(markdownFaults([])).toBe("");
  });

  it("names each commit with what it played, and how late the clocks may have been", () => {
    const of = (commit: string, wish: object, clockErrorMs: number) =>
      runsOf(2, wish).map((run, i) => ({
        ...run,
        machine: { ...run.machine, commit },
        clockErrorMs: clockErrorMs - i,
      }));
    const runs = [
      ...of("aaa", { nodes: 12 }, 3),
      ...of("bbb", { nodes: 100 }, 2),
      ...of("aaa", { nodes: 12, scenario: "pause", variant: "3s" }, 5),
      ...of("aaa", { nodes: 50, peer: "serf" }, 9),
    ];
    const rows = markdownCommits(resultsOf(runs).records).split("\n").slice(2).map(cellsOf);
    expect(rows).toEqual([
      ["aaa", "containers", "12: cold start; pause, 3s. 50: cold start", "hearsay 5.0 ms, Serf 9.0 ms"],
      ["bbb", "containers", "100: cold start", "hearsay 2.0 ms"],
    ]);
    expect(markdownCommits([])).toBe("");
  });

  it("shows curves of the largest networks, growth, how all drivers differ, and all scenarios side by side", () => {
    const shown = chosen(picturesOf(sweep.records));
    expect(
      shown
        .map(({ kind, driver, scenario }: { kind: string; driver: string; scenario: string }) =>
          [kind, driver, scenario].join(" "),
        )
        .sort(),
    ).toEqual([
      "bars docker ",
      "bars process ",
      ...["docker", "process"].flatMap((driver) => CURVES.map((scenario) => `convergence ${driver} ${scenario}`)),
      ...CURVES.map((scenario) => `distribution  ${scenario}`),
      ...["docker", "process"].flatMap((driver) => CURVES.map((scenario) => `growth ${driver} ${scenario}`)),
    ]);
    for (const { kind, nodes } of shown) expect(nodes).toBe(kind === "growth" ? 0 : 100);
  });

  it("shows the containers where both peers fit, if they were measured", () => {
    const routed = resultsOf(plausibleSweep({ drivers: ["docker", "docker-routed"], sizes: [12, 100] }));
    const drivers = chosen(picturesOf(routed.records)).map(({ driver }: { driver: string }) => driver);
    expect(new Set(drivers)).toEqual(new Set(["docker-routed", ""]));
  });

  it("names every command, the machine and the days", () => {
    const files = ["a", "b"].map((name, half) => ({
      ...sweep,
      records: sweep.records.filter((_, i) => i % 2 === half),
      header: { ...sweep.header, command: `bench --nodes ${name} --out /somewhere/else` },
    }));
    const text = madeBy(joined(files));
    expect(text).toMatch(/^[\d,]+ runs, 20\d\d-\d\d-\d\d.*on 2 CPUs \(Example CPU @ 2\.00GHz\)/);
    expect(text).toContain("; Node v20.19.0; ");
    const contained = runsOf(1, {}).map((run) => ({ ...run, machine: { ...run.machine, imageNode: "v24.1.0" } }));
    expect(madeBy(resultsOf(contained))).toContain("; Node v20.19.0 (in containers v24.1.0); ");
    expect(text).toContain("\n\n    npm run bench -- --nodes a\n\n    npm run bench -- --nodes b");
  });
});
