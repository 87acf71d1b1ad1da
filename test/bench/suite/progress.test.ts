// What those see who wait, and what they read in the end.

import { describe, expect, it } from "vitest";

const { Progress, summaryTable } = await import(new URL("../../../bench/suite/progress.mjs", import.meta.url).href);

const RUN = { peer: "hearsay", driver: "sim", nodes: 12, scenario: "pause", variant: "3s", repetition: 2, seed: 1 };
const FIGURES = { p50Ms: 5, lastMs: 1_500, falseDeaths: 0, distinctViewsMax: 2, rssMiB: null };
const RECORD = { ...RUN, startUpMs: null, facts: 11, missed: 1, figures: FIGURES };

function screen(isTTY: boolean) {
  const out = {
    isTTY,
    text: "",
    write(text: string) {
      out.text += text;
    },
  };
  const progress = new Progress(7, out);
  progress.begin(RUN);
  return { out, progress };
}

describe("the progress", () => {
  it("is a line a phase where nobody looks on", () => {
    const { out, progress } = screen(false);
    progress.phase("settle");
    progress.share(0.5);
    progress.phase("pause");
    progress.end(RECORD);
    expect(out.text.split("\n")).toEqual([
      "[1/7] pause 3s, 12 × hearsay (sim), 2: settle",
      "[1/7] pause 3s, 12 × hearsay (sim), 2: pause",
      "[1/7] pause 3s, 12 × hearsay (sim), 2: p50 5.0 ms, last never, 10 of 11 pairs",
      "",
    ]);
  });

  it("is a bar that moves within its line on a terminal", async () => {
    const { out, progress } = screen(true);
    progress.phase("settle");
    expect(out.text).toContain("░");
    expect(out.text).not.toContain("█");
    await expect
      .poll(() => {
        progress.share(0.5);
        return out.text;
      })
      .toContain("█░");
    expect(out.text).not.toContain("\n");
    progress.end(RECORD);
    expect(out.text.endsWith("10 of 11 pairs\n")).toBe(true);
  });

  it("says why a run failed", () => {
    const { out, progress } = screen(false);
    progress.end({ ...RECORD, error: "no network" });
    expect(out.text).toContain("failed: no network");
  });
});

describe("the table", () => {
  it("has a line for each peer, below one another, with medians over the repetitions", () => {
    const runs = [5, 9, 7].map((p50Ms) => ({ ...RECORD, figures: { ...FIGURES, p50Ms } }));
    const lines = summaryTable([...runs, { ...RECORD, peer: "serf", error: "gone" }]).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/ most views +datagrams\/node\/s +B\/node\/s +CPU ms\/node\/s +RSS MiB\/node$/);
    expect(lines[1]).toMatch(/^sim +12 +pause 3s +hearsay +3 +– +7\.0 ms +never +3 +0 +2 /);
    expect(lines[2]).toMatch(/^sim +12 +pause 3s +serf +0 of 1 +– +– /);
  });
});
