// A results file: one JSON line says how it was made, each further one is a run. What it holds is checked here and nowhere
// else, so that the report, the tables and the comparison can rely on it. A fault is told with the line it stands in.

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { z } from "zod";

export const SCHEMA = 1;
export const MOST_TIMES = 20_000;
const MOST_VIEWS = 20_000;
const MOST_FAULTS_TOLD = 10;

/** `code` is "schema" of a file that another version wrote, "invalid" of one that is broken, "unreadable" of none. */
export class ResultsError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "ResultsError";
    this.code = code;
  }
}

const word = z.string().min(1).max(80);
const sentence = z.string().min(1);
const figure = z
  .number()
  .nullish()
  .transform((value) => value ?? null);
const rising = (values) => values.every((value, i) => i === 0 || values[i - 1] <= value);

const figures = z.object({
  firstMs: figure,
  p50Ms: figure,
  p90Ms: figure,
  p99Ms: figure,
  lastMs: figure,
  /** Of messages; null where half or more never reached all. Older lines have none. */
  allP50Ms: z.number().nullable().optional(),
  distinctViewsMax: figure,
  falseDeaths: figure,
  falseSuspicions: figure,
  datagramsPerNodeAndSecond: figure,
  bytesPerNodeAndSecond: figure,
  framesPerNodeAndSecond: figure,
  cpuMsPerNodeAndSecond: figure,
  rssMiB: figure,
  /** How often a paused member was called down: neither right nor wrong. Of runs without a pause there is none. */
  deathsOfPaused: z.int().min(0).optional(),
});

/** What every run has, also one that failed or was never made. */
const attempt = {
  schema: z.literal(SCHEMA),
  peer: word,
  driver: word,
  scenario: word,
  variant: z.string().max(80).default(""),
  nodes: z.int().min(1).max(1_000_000),
  repetition: z.int().min(0).default(1),
  seed: z.int().nullish(),
  /** Those with the same number were meant for one network; what was played on it before says whether it still was. */
  network: z.int().min(1).optional(),
  /** What was played on that network before. */
  after: z.array(word).optional(),
  startedAt: z.string().max(80).optional(),
  machine: z.record(z.string(), z.unknown()).default({}),
  settings: z.record(z.string(), z.unknown()).default({}),
  startUpMs: figure,
  clockErrorMs: figure,
  /** Which figures this driver cannot give, in sentences. */
  lacks: z.array(sentence).optional(),
  /** What of it could not be removed. */
  leftBehind: sentence.optional(),
  error: sentence.optional(),
  skipped: sentence.optional(),
};

const measured = {
  facts: z.int().min(0),
  missed: z.int().min(0),
  times: z.array(z.number()).max(MOST_TIMES).refine(rising, "expected times that never fall"),
  thinnedFrom: z.int().min(0).optional(),
  figures,
  views: z
    .array(z.tuple([z.number(), z.int().min(0)]))
    .max(MOST_VIEWS)
    .refine((views) => rising(views.map(([at]) => at)), "expected times that never fall"),
};

const blank = { ...measured, facts: measured.facts.default(0), missed: measured.missed.default(0) };
const lost = z.object({
  ...attempt,
  ...blank,
  times: measured.times.default([]),
  figures: figures.prefault({}),
  views: measured.views.default([]),
});
const run = z.object({ ...attempt, ...measured, views: measured.views.default([]) }).superRefine(agree);

/** What the parts of a run say of each other. */
function agree({ facts, missed, times, thinnedFrom = times.length }, context) {
  const fault = (path, message) => context.addIssue({ code: "custom", path: [path], message });
  if (missed > facts) fault("missed", `expected at most the ${facts} facts, got ${missed}`);
  if (thinnedFrom < times.length)
    fault("thinnedFrom", `expected at least the ${times.length} times, got ${thinnedFrom}`);
  if (thinnedFrom > facts) fault("times", `expected at most the ${facts} facts, got ${thinnedFrom}`);
}

/**
 * Checks one record and fills in what it may leave out.
 * @returns {{ record: any, faults: string[] }} the record of a sound one, what is wrong with another
 */
export function checkRecord(value) {
  const isLost = value?.error !== undefined || value?.skipped !== undefined;
  const { success, data, error } = (isLost ? lost : run).safeParse(value);
  if (success) return { record: data, faults: [] };
  return {
    record: undefined,
    faults: error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`),
  };
}

/**
 * Reads a whole results file; throws a ResultsError that names the lines that are wrong.
 * @param {string} text
 * @param {string} [name] what the file is called in errors
 * @returns {{ name: string, header: Record<string, unknown>, records: any[] }}
 */
export function parseResults(text, name = "results") {
  const lines = text.split("\n");
  const faults = [];
  const records = [];
  const header = parseHeader(lines[0] ?? "", name);
  for (let i = 1; i < lines.length; i++) {
    if (lines[i].trim() === "") continue;
    const value = parseLine(lines[i], i === lines.length - 1);
    const { record, faults: found } = value.fault ? { faults: [value.fault] } : checkRecord(value.parsed);
    if (value.parsed?.schema !== undefined) refuseOther(value.parsed.schema, `${name}:${i + 1}`);
    if (record) records.push(record);
    faults.push(...found.map((fault) => `${name}:${i + 1}: ${fault}`));
  }
  if (faults.length > 0) {
    const more = faults.length - MOST_FAULTS_TOLD;
    const told = faults.slice(0, MOST_FAULTS_TOLD).join("\n");
    throw new ResultsError("invalid", more > 0 ? `${told}\n… and ${more} more` : told);
  }
  return { name, header, records };
}

function parseHeader(line, name) {
  const { parsed, fault } = parseLine(line, false);
  if (fault) throw new ResultsError("invalid", `${name}:1: ${fault}`);
  if (parsed?.kind !== "header") {
    throw new ResultsError("invalid", `${name}:1: expected the header, {"schema":${SCHEMA},"kind":"header",…}`);
  }
  refuseOther(parsed.schema, `${name}:1`);
  return parsed;
}

function refuseOther(schema, where) {
  if (schema === SCHEMA) return;
  const got = JSON.stringify(schema)?.slice(0, 40);
  throw new ResultsError(
    "schema",
    `${where}: expected schema ${SCHEMA}, got ${got}: another version of the bench wrote it`,
  );
}

function parseLine(line, isCutOff) {
  try {
    return { parsed: JSON.parse(line) };
  } catch {
    if (line.trim() === "") return { fault: "expected a line of JSON, got nothing" };
    const hint = isCutOff ? "; it has no end of line: the bench was ended while it wrote, take the line out" : "";
    return { fault: `expected a line of JSON, got ${JSON.stringify(line.slice(0, 40))}${hint}` };
  }
}

const UNREADABLE = { ENOENT: "no such file", EISDIR: "a folder, not a file", EACCES: "it may not be read" };

/** Of a file whose name ends with .gz the text that is packed in it. */
export function readResults(path) {
  return parseResults(textOf(path), String(path));
}

function textOf(path) {
  try {
    const bytes = readFileSync(path);
    return (/\.gz$/.test(path) ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch (error) {
    throw new ResultsError("unreadable", `${path}: ${UNREADABLE[error.code] ?? error.message}`);
  }
}

/**
 * Several files as one: what was measured in parts, with all their commands. Each network keeps a number of its own. Throws a
 * ResultsError if a run is there twice, which would make it seem surer than it is.
 */
export function joined(files) {
  refuseTwice(files);
  const commands = [...new Set(files.flatMap(({ header }) => header.command?.split("; ") ?? []))];
  const header = { ...files[0].header, ...(commands.length > 0 ? { command: commands.join("; ") } : {}) };
  const all = [];
  let networks = 0;
  for (const { records } of files) {
    const before = networks;
    for (const record of records) {
      if (record.network === undefined) all.push(record);
      else {
        all.push({ ...record, network: before + record.network });
        networks = Math.max(networks, before + record.network);
      }
    }
  }
  return { name: files[0].name, header, records: all };
}

/** In virtual time the same seed is the same run, whenever it was played; at another pace it is no independent one. */
function refuseTwice(files) {
  const seen = new Map();
  for (const { name, records } of files) {
    for (const { driver, peer, scenario, variant, nodes, seed, settings, startedAt } of records) {
      const { pace: _pace, ...constants } = settings;
      const when = driver === "sim" ? [seed, constants] : startedAt;
      if (when === undefined) continue;
      const key = JSON.stringify([driver, peer, scenario, variant, nodes, when]);
      if (seen.has(key)) {
        const what = `${[scenario, variant].filter(Boolean).join(":")}, ${nodes} × ${peer} (${driver}), seed ${seed}`;
        throw new ResultsError("twice", `${name}: a run that is in ${seen.get(key)} already: ${what}`);
      }
      seen.set(key, name);
    }
  }
}

/** Begins a results file; throws (EEXIST) if there is one: a measurement is not overwritten. */
export function beginResults(path, header) {
  writeFileSync(path, line(headed(header)), { flag: "wx" });
}

/** Adds a run; throws a TypeError for one that could not be read back. */
export function writeRecord(path, record) {
  const written = { schema: SCHEMA, ...record };
  const { faults } = checkRecord(written);
  if (faults.length > 0) throw new TypeError(`Expected a record of a run: ${faults.join("; ")}`);
  appendFileSync(path, line(written));
}

/** As text: what `beginResults` and `writeRecord` write. */
export const resultsText = (header, records) => [headed(header), ...records].map(line).join("");

const headed = (header) => ({ schema: SCHEMA, kind: "header", ...header });
const line = (value) => `${JSON.stringify(value)}\n`;
