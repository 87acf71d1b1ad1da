import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  beginResults,
  checkRecord,
  joined,
  parseResults,
  ResultsError,
  readResults,
  resultsText,
  writeRecord,
} from "../../../bench/suite/results.mjs";
import { header, plausible, plausibleSweep, skipped } from "./plausible.ts";

const HEAD = '{"schema":1,"kind":"header"}\n';

function refusal(text: string): ResultsError {
  try {
    parseResults(text, "runs.jsonl");
  } catch (error) {
    if (error instanceof ResultsError) return error;
    throw error;
  }
  throw new Error("expected it to be refused");
}

const lines = (...records: unknown[]) => HEAD + records.map((record) => `${JSON.stringify(record)}\n`).join("");

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "hearsay-results-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "runs.jsonl");
}

describe("a results file", () => {
  it("reads back what was written, run by run", () => {
    const path = place();
    const records = [plausible(), plausible({ scenario: "idle" }), plausible({ nodes: 150, missed: 4 })];
    beginResults(path, header);
    for (const record of records) writeRecord(path, record);
    const read = readResults(path);
    expect(read.header).toEqual({ schema: 1, kind: "header", ...header });
    expect(read.records).toEqual(records);
    expect(records[2]?.thinnedFrom).toBe(150 * 149 - 4);
  });

  it("may be packed, and says so by its name", () => {
    const path = `${place()}.gz`;
    const records = [plausible(), plausible({ scenario: "idle" })];
    writeFileSync(path, gzipSync(resultsText(header, records)));
    expect(readResults(path).records).toEqual(parseResults(resultsText(header, records)).records);
    writeFileSync(path, resultsText(header, records));
    expect(() => readResults(path)).toThrow(expect.objectContaining({ name: "ResultsError", code: "unreadable" }));
  });

  it("is not joined with another that has the same run, in virtual time the same seed", () => {
    const of = (name: string, ...runs: object[]) => parseResults(lines(...runs), name);
    const virtual = plausible({ driver: "sim" });
    expect(() => joined([of("a", plausible()), of("b", plausible())])).toThrow(
      /^b: a run that is in a already: cold, 12 /,
    );
    const paced = { ...virtual, settings: { ...virtual.settings, pace: { messages: 5 } } };
    expect(() => joined([of("a", virtual), of("b", paced)])).toThrow("seed 1");
    const changed = { ...virtual, settings: { ...virtual.settings, probeRepeats: 0 } };
    expect(joined([of("a", virtual), of("b", changed)]).records).toHaveLength(2);
    const later = { ...virtual, startedAt: new Date(0).toISOString() };
    expect(() => joined([of("a", virtual), of("b", later)])).toThrow("seed 1");
    expect(joined([of("a", virtual), of("b", plausible({ driver: "sim", seed: 2 }))]).records).toHaveLength(2);
    expect(
      joined([of("a", plausible()), of("b", { ...plausible(), startedAt: later.startedAt })]).records,
    ).toHaveLength(2);
  });

  it("keeps networks apart when it is joined with another", () => {
    let repetition = 0;
    const file = (...networks: number[]) =>
      parseResults(
        resultsText(
          { command: "bench" },
          networks.map((network) => ({ ...plausible({ repetition: ++repetition }), network })),
        ),
      );
    const alone = parseResults(lines(plausible({ repetition: 9 })));
    const { records, header: head } = joined([file(1, 1, 2), alone, file(1, 2)]);
    expect(records.map(({ network }) => network)).toEqual([1, 1, 2, undefined, 3, 4]);
    expect(head.command).toBe("bench");
  });

  it("takes a whole sweep with failed and skipped runs", () => {
    const records = plausibleSweep({ drivers: ["docker"], sizes: [12] });
    expect(parseResults(resultsText(header, records)).records).toHaveLength(records.length);
  });

  it("fills in what a run that failed or was skipped leaves out", () => {
    const failed = {
      schema: 1,
      peer: "serf",
      driver: "process",
      scenario: "crash",
      nodes: 12,
      error: "it did not start",
    };
    const { records } = parseResults(lines(failed, skipped({ driver: "udp", scenario: "partition" })));
    expect(records[0]).toMatchObject({
      variant: "",
      times: [],
      views: [],
      facts: 0,
      machine: {},
      figures: { lastMs: null },
    });
    expect(records[1]).toMatchObject({ skipped: expect.stringContaining("cannot be cut off"), times: [] });
  });

  it("passes over empty lines, and keeps a figure null that is left out", () => {
    const { figures, ...rest } = plausible();
    const { records } = parseResults(`${lines({ ...rest, figures: { p50Ms: figures.p50Ms } })}\n\n`);
    expect(records[0].figures).toMatchObject({ p50Ms: figures.p50Ms, rssMiB: null });
  });
});

describe("a results file that is wrong", () => {
  it.each([
    ["nothing at all", "", "runs.jsonl:1: expected a line of JSON, got nothing"],
    ["no header", `${JSON.stringify(plausible())}\n`, "runs.jsonl:1: expected the header"],
    [
      "a line that is no JSON",
      `${lines(plausible())}garbage\n`,
      'runs.jsonl:3: expected a line of JSON, got "garbage"',
    ],
    ["a list for a record", lines([1]), "runs.jsonl:2: it: "],
    ["null for a record", lines(null), "runs.jsonl:2: it: "],
    ["no nodes", lines({ ...plausible(), nodes: 0 }), "runs.jsonl:2: nodes: "],
    ["a word for a time", lines({ ...plausible(), times: [1, "2"] }), "runs.jsonl:2: times.1: "],
    ["times that fall", lines({ ...plausible(), times: [2, 1] }), "expected times that never fall"],
    ["more times than facts", lines({ ...plausible(), facts: 3 }), "runs.jsonl:2: times: expected at most the 3 facts"],
    ["more missed than facts", lines({ ...plausible(), missed: 9_999 }), "runs.jsonl:2: missed: "],
    ["fewer times before thinning", lines({ ...plausible(), thinnedFrom: 1 }), "runs.jsonl:2: thinnedFrom: "],
    ["a run without figures", lines({ ...plausible(), figures: undefined }), "runs.jsonl:2: figures: "],
    [
      "a figure that is a word",
      lines({ ...plausible(), figures: { lastMs: "soon" } }),
      "runs.jsonl:2: figures.lastMs: ",
    ],
  ])("is told with its line: %s", (_name, text, sentence) => {
    const { code, message } = refusal(text);
    expect(code).toBe("invalid");
    expect(message).toContain(sentence);
  });

  it("says of a last line that was cut off what to do", () => {
    const path = place();
    beginResults(path, header);
    appendFileSync(path, JSON.stringify(plausible()).slice(0, 200));
    expect(() => readResults(path)).toThrow(/runs\.jsonl:2: .*the bench was ended while it wrote, take the line out/);
  });

  it("names every wrong line, but no more than ten", () => {
    const { message } = refusal(HEAD + "x\n".repeat(30));
    expect(message.split("\n")).toHaveLength(11);
    expect(message).toContain("runs.jsonl:11: ");
    expect(message).toContain("… and 20 more");
  });

  it.each([
    ["the header's", '{"schema":2,"kind":"header"}\n', "runs.jsonl:1"],
    ["a record's", lines({ ...plausible(), schema: 7 }), "runs.jsonl:2"],
  ])("is refused for another schema: %s", (_name, text, where) => {
    const { code, message } = refusal(text);
    expect(code).toBe("schema");
    expect(message).toContain(`${where}: expected schema 1`);
  });
});

describe("writing a record", () => {
  it("refuses one that could not be read back", () => {
    const path = place();
    beginResults(path, header);
    const record = { ...plausible(), times: [Number.NaN] };
    expect(() => writeRecord(path, record)).toThrow(/Expected a record of a run: times\.0/);
    expect(readResults(path).records).toEqual([]);
  });

  it("takes at most as many times as are agreed", () => {
    const times = Array.from({ length: 20_001 }, (_, i) => i);
    const { faults } = checkRecord({ ...plausible(), facts: 20_001, times });
    expect(faults).toEqual([expect.stringContaining("times: ")]);
  });
});
