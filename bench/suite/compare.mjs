// Two results files: what changed from the first to the second beyond noise. Runs of the same driver, scenario, variant,
// size and peer are compared, their medians by an interval of the ratio; simulated runs of the same seeds are pairs. What is
// within the interval, or within what the clocks may be off, is no change.
//
// Exit codes: 0 compared, 1 they have nothing in common, 2 a wrong command line or file.
//
// Usage: node bench/suite/compare.mjs BEFORE AFTER [--all] [--confidence 0.95]

import { refuse } from "../record.mjs";
import { isMain, refusing, toldFiles } from "./command.mjs";
import { alike, clockErrorOf, grouped, ratioOf, summaryOf, valuesOf } from "./groups.mjs";
import { ResultsError, readResults, SCHEMA } from "./results.mjs";
import {
  comparable,
  counted,
  driverName,
  FIGURES,
  faults,
  peerName,
  scenarioName,
  writtenRatio,
  writtenSummary,
} from "./wording.mjs";

const UNCHANGED = "no change beyond noise";
const TOO_FEW = "too few runs to tell";
const NOTHING_SHARED = "The two have nothing in common: no driver, scenario, number of nodes and peer was run in both.";
const WORDS = { time: { less: "faster", more: "slower" }, cost: { less: "less", more: "more" } };

/**
 * @typedef {{ peer: string, driver: string, scenario: string, variant: string, nodes: number }} Place
 * @typedef {Place & { figure: string, before: any, after: any, ratio: number | null, low: number | null, high: number | null, paired: boolean, verdict: string }} Row
 * @param {{ name?: string, header: any, records: any[] }} before
 * @param {{ name?: string, header: any, records: any[] }} after
 * @param {{ confidence?: number, seed?: number }} [options]
 * @returns {{ rows: Row[], faults: (Place & { figure: string, before: string, after: string })[], onlyBefore: Place[], onlyAfter: Place[], shared: number, warnings: string[], confidence: number }}
 *   `shared`: how many places both have
 */
export function compare(before, after, { confidence = 0.95, seed = 1 } = {}) {
  for (const { name = "results", header } of [before, after]) {
    if (header.schema !== SCHEMA) {
      throw new ResultsError("schema", `${name}: expected schema ${SCHEMA}, got ${header.schema}`);
    }
  }
  const [was, is] = [columnsOf(before.records), columnsOf(after.records)];
  const shared = [...was.keys()].filter((key) => is.has(key));
  const only = (one, other) => [...one].filter(([key]) => !other.has(key)).map(([, { place }]) => place);
  return {
    rows: shared.flatMap((key) => rowsOf(was.get(key), is.get(key), { confidence, seed })),
    faults: shared.flatMap((key) => faultsOf(was.get(key), is.get(key))),
    onlyBefore: only(was, is),
    onlyAfter: only(is, was),
    shared: shared.length,
    warnings: differences(shared.map((key) => [was.get(key), is.get(key)])),
    confidence,
  };
}

/** By place, what was run there; a place where every run failed is there too, without runs. */
function columnsOf(records) {
  const columns = new Map();
  for (const { key, driver, scenario, variant, nodes, columns: of } of grouped(records)) {
    for (const { peer, runs, failed } of of) {
      if (runs.length + failed.length === 0) continue;
      columns.set(`${key} ${peer}`, { place: { peer, driver, scenario, variant, nodes }, runs, failed });
    }
  }
  return columns;
}

function rowsOf({ place, runs: before }, { runs: after }, options) {
  const pairedBy = place.driver === "sim" ? "seed" : undefined;
  return comparable
    .filter((figure) => summaryOf(before, figure) !== null && summaryOf(after, figure) !== null)
    .map((figure) => {
      const [was, is] = [summaryOf(before, figure), summaryOf(after, figure)];
      const ratio = ratioOf(after, before, figure, pairedBy, options);
      const verdict = verdictOf(figure, was, is, ratio, clockErrorOf(before) + clockErrorOf(after));
      return { ...place, figure, before: was, after: is, ...ratio, verdict };
    });
}

function verdictOf(figure, was, is, { ratio, low, high }, clockErrorMs) {
  const { kind } = FIGURES[figure];
  if (ratio === null) return endless(was, is, WORDS[kind]);
  if (low === null) return TOO_FEW;
  const isWithinClocks = kind === "time" && Math.abs(is.median - was.median) <= clockErrorMs;
  if (isWithinClocks || (low <= 1 && high >= 1)) return UNCHANGED;
  return high < 1 ? WORDS[kind].less : WORDS[kind].more;
}

/** Where some runs never came to it: a change only if one side always did and the other never. */
function endless(was, is, { less, more }) {
  const [always, never] = [({ most }) => Number.isFinite(most), ({ least }) => !Number.isFinite(least)];
  if (Math.min(was.count, is.count) < 3) return TOO_FEW;
  if (always(was) && never(is)) return more;
  return never(was) && always(is) ? less : UNCHANGED;
}

/** What must not happen is counted: no interval makes one more death noise. Only what happened on either side. */
function faultsOf({ place, runs: before, failed: failedBefore }, { runs: after, failed: failedAfter }) {
  const total = (runs, figure) => valuesOf(runs, figure).reduce((sum, value) => sum + value, 0);
  const told = (runs, figure) => `${total(runs, figure)} in ${counted(valuesOf(runs, figure).length, "run")}`;
  const counts = faults
    .filter((figure) => total(before, figure) + total(after, figure) > 0)
    .map((figure) => ({
      ...place,
      figure: FIGURES[figure].name,
      before: told(before, figure),
      after: told(after, figure),
    }));
  const missed = (runs) => `${runs.reduce((sum, run) => sum + run.missed, 0)} in ${counted(runs.length, "run")}`;
  if ([...before, ...after].some((run) => run.missed > 0)) {
    counts.push({ ...place, figure: "missed", before: missed(before), after: missed(after) });
  }
  const of = (failed, runs) => `${failed.length} of ${failed.length + runs.length}`;
  if (failedBefore.length + failedAfter.length > 0) {
    counts.push({ ...place, figure: "failed", before: of(failedBefore, before), after: of(failedAfter, after) });
  }
  return counts;
}

const MACHINE = ["model", "cpus", "memoryMiB", "kernel", "node", "imageNode", "engine", "serf"];

/** What else differs than the program, in what both have: then a change may not be the program's. */
function differences(pairs) {
  const [before, after] = [0, 1].map((side) => pairs.flatMap((pair) => pair[side].runs));
  const settings = [...new Set([...before, ...after].flatMap((run) => Object.keys(settingsOf(run))))];
  return [
    ...MACHINE.flatMap((name) => difference(name, before, after, ({ machine }) => machine[name])),
    ...settings.flatMap((name) => difference(name, before, after, (run) => settingsOf(run)[name])),
    ...seedsApart(pairs),
    ...networksApart(pairs),
  ];
}

function difference(name, before, after, read) {
  const words = (runs) => [...new Set(runs.map((run) => JSON.stringify(read(run)) ?? "unknown"))].sort().join(", ");
  const [was, is] = [words(before), words(after)];
  return was === is || was === "" || is === "" ? [] : [`${name} differs: ${was} before, ${is} after`];
}

/** Flat, so that what differs has a name: `pace.cutMs`. */
function settingsOf({ settings }) {
  const inParts = ([name, value]) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).map(([part, of]) => [`${name}.${part}`, of])
      : [[name, value]];
  return Object.fromEntries(Object.entries(settings).flatMap(inParts));
}

const bySize = (a, b) => a - b;

/** In virtual time a seed is the whole run: other seeds are other runs, and make no pairs. */
function seedsApart(pairs) {
  const virtual = pairs.filter(([{ place }]) => place.driver === "sim");
  const seeds = (runs) => [...new Set(runs.map(({ seed }) => seed ?? "unknown"))].sort(bySize).join(", ");
  const apart = virtual.map((sides) => sides.map(({ runs }) => seeds(runs))).filter(([was, is]) => was !== is);
  const known = apart.filter((sides) => !sides.includes(""));
  return [...new Set(known.map(([was, is]) => `the seeds of virtual time differ: ${was} before, ${is} after`))];
}

/** A network that was played on before is not what a new one is. */
function networksApart(pairs) {
  const isWorn = ({ runs }) => runs.some(({ after = [] }) => after.length > 0);
  const [before, after] = [0, 1].map((side) =>
    pairs.filter((pair) => isWorn(pair[side]) && !isWorn(pair[1 - side])).map((pair) => pair[side].place),
  );
  const words = (places) =>
    [...new Set(places.map(({ scenario, variant }) => scenarioName(scenario, variant)))].join(", ");
  const told = (places, when, other) =>
    places.length === 0 ? [] : [`networks were shared ${when} and not ${other}: ${words(places)}`];
  return [...told(before, "before", "after"), ...told(after, "after", "before")];
}

/**
 * What changed, as a person reads it; with `all` also what did not.
 * @param {ReturnType<typeof compare>} comparison
 */
export function comparisonText(comparison, { all = false } = {}) {
  const { rows, faults, onlyBefore, onlyAfter, shared, warnings, confidence } = comparison;
  const changed = rows.filter(({ verdict }) => verdict !== UNCHANGED && verdict !== TOO_FEW);
  const shown = all ? rows : changed;
  const lines = warnings.map((warning) => `Careful: ${warning}`);
  for (const row of shown) lines.push(rowText(row));
  for (const fault of faults) lines.push(`${placeText(fault)}: ${fault.figure}: ${fault.before} -> ${fault.after}`);
  lines.push(...onlyTexts(onlyBefore, "only before"), ...onlyTexts(onlyAfter, "only after"));
  if (shared === 0) return plain([...lines, NOTHING_SHARED].join("\n"));
  const few = rows.filter(({ verdict }) => verdict === TOO_FEW).length;
  const still = rows.length - changed.length - few;
  const chance = Math.round((rows.length - few) * (1 - confidence) * 10) / 10;
  lines.push(
    `${counted(rows.length, "figure")} compared: ${changed.length} changed, ${still} with ${UNCHANGED}, ${few} with ${TOO_FEW}.`,
    `At ${Number((confidence * 100).toFixed(2))} % about ${chance} would seem changed by chance alone.`,
  );
  return plain(lines.join("\n"));
}

const rowText = ({ figure, before, after, ratio, low, high, paired, verdict, ...place }) =>
  `${placeText(place)}: ${FIGURES[figure].name}: ${writtenSummary(figure, before)} -> ${writtenSummary(figure, after)}, ` +
  `ratio ${writtenRatio({ ratio, low, high })}${paired ? ", in pairs" : ""}: ${verdict}`;

/** Nothing compared is no success. */
export const exitCodeOf = ({ shared }) => (shared === 0 ? 1 : 0);

/** A line for each scenario, with its sizes. */
const onlyTexts = (places, when) =>
  alike(places, "peer", "driver", "scenario", "variant").map(
    (same) => `${sceneText(same[0])}, ${same.map(({ nodes }) => nodes).join(", ")} nodes: ${when}`,
  );

const sceneText = ({ peer, driver, scenario, variant }) =>
  [peerName(peer), driverName(driver), scenarioName(scenario, variant)]
    .map((word) => word.replace(/\s+/g, " "))
    .join(", ");
const placeText = (place) => `${sceneText(place)}, ${counted(place.nodes, "node")}`;

/** A file may carry what a terminal would obey. */
const plain = (text) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are meant
  text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

function main() {
  const usage = "Usage: node bench/suite/compare.mjs BEFORE AFTER [--all] [--confidence 0.95]";
  const options = { all: { type: "boolean" }, confidence: { type: "string", default: "0.95" } };
  const { values, paths } = toldFiles(usage, options, 2, 2);
  const confidence = Number(values.confidence);
  if (!(confidence >= 0.5 && confidence < 1)) {
    refuse(`--confidence: expected a number from 0.5 to below 1, got ${JSON.stringify(values.confidence)}`);
  }
  const [before, after] = refusing(() => paths.map((path) => readResults(path)));
  const comparison = compare(before, after, { confidence });
  console.log(comparisonText(comparison, { all: values.all ?? false }));
  process.exitCode = exitCodeOf(comparison);
}

if (isMain(import.meta.url)) main();
