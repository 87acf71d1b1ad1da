// Which runs belong together: those of one driver, scenario, variant and number of nodes stand side by side, a column for
// each peer. Also what is counted of a run, and who has won a row.

import { median, quantile, ratioOfMedians, summary } from "./stats.mjs";
import { byDriver, byPeer, byScenario, byVariant, FIGURES, headlines } from "./wording.mjs";

/** Between virtual time and real sockets, what is more wants a reason. */
export const APART_MOST = 2;
/** Why nobody has won a row, where nobody can tell. */
export const TOO_FEW = "too few runs";

/**
 * @typedef {{ peer: string, runs: any[], failed: any[], skipped: any[] }} Column
 * @typedef {{ key: string, driver: string, scenario: string, variant: string, nodes: number, columns: Column[] }} Group
 */

/** @returns {Group[]} in the order in which they are shown */
export function grouped(records) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const record of records) {
    const { driver, scenario, variant, nodes } = record;
    const key = JSON.stringify([driver, scenario, variant, nodes]);
    if (!groups.has(key)) groups.set(key, { key, driver, scenario, variant, nodes, columns: [] });
    columnOf(groups.get(key), record.peer)[stateOf(record)].push(record);
  }
  for (const { columns } of groups.values()) columns.sort((a, b) => byPeer(a.peer, b.peer));
  return [...groups.values()].sort((a, b) => byDriver(a.driver, b.driver) || byPlay(a, b));
}

/** In the order of the scenarios, and of one scenario the smaller networks first. */
const byPlay = (a, b) => byScenario(a.scenario, b.scenario) || byVariant(a.variant, b.variant) || a.nodes - b.nodes;

function columnOf(group, peer) {
  const there = group.columns.find((column) => column.peer === peer);
  if (there) return there;
  const column = { peer, runs: [], failed: [], skipped: [] };
  group.columns.push(column);
  return column;
}

/** What has the same in all these names, in the order of the first. Node 20 has no Object.groupBy. */
export function alike(things, ...names) {
  const sets = new Map();
  for (const thing of things) {
    const key = JSON.stringify(names.map((name) => thing[name]));
    if (!sets.has(key)) sets.set(key, []);
    sets.get(key).push(thing);
  }
  return [...sets.values()];
}

const stateOf = ({ error, skipped }) => (skipped !== undefined ? "skipped" : error !== undefined ? "failed" : "runs");

export const peersOf = (records) => [...new Set(records.map(({ peer }) => peer))].sort(byPeer);
export const driversOf = (records) => [...new Set(records.map(({ driver }) => driver))].sort(byDriver);
export const runsOf = (records) => records.filter((record) => stateOf(record) === "runs");
export const failedOf = (records) => records.filter((record) => stateOf(record) === "failed");
export const skippedOf = (records) => records.filter((record) => stateOf(record) === "skipped");

/** Which share of all pairs had come when. */
const SHARES = { firstMs: 0, p50Ms: 0.5, p90Ms: 0.9, p99Ms: 0.99, lastMs: 1 };

/**
 * What a run took, null where its driver cannot say. If fewer pairs came than a figure is about, it never came: to take those
 * alone that did come would reward whoever gives up.
 */
export function figureOf(run, figure) {
  if (figure === "startUpMs") return run.startUpMs;
  // Over messages, not over pairs: it says itself that it never came. Where nobody asked for it there is none.
  if (figure === "allP50Ms" && run.figures[figure] === null) return Number.POSITIVE_INFINITY;
  if (run.missed > 0 && Math.max(1, Math.ceil(SHARES[figure] * run.facts)) > run.facts - run.missed) {
    return Number.POSITIVE_INFINITY;
  }
  return run.figures[figure] ?? null;
}

export const valuesOf = (runs, figure) => runs.map((run) => figureOf(run, figure)).filter((value) => value !== null);
export const summaryOf = (runs, figure) => summary(valuesOf(runs, figure));

/**
 * The ratio of two sides' medians with its interval. Of runs that missed some there is none: "never" has no ratio. Nobody has
 * seen how much less the lesser side was than its clocks may be off, so no time of either counts for less than that.
 * @param {"repetition" | "seed" | undefined} pairedBy what two runs that were made together have in common
 */
export function ratioOf(ours, theirs, figure, pairedBy, options = {}) {
  const pairs = pairedBy === undefined ? undefined : pairsOf(ours, theirs, figure, pairedBy);
  const sides = pairs ?? [valuesOf(ours, figure), valuesOf(theirs, figure)];
  if (!sides.flat().every(Number.isFinite)) return { ratio: null, low: null, high: null, paired: false };
  const isTime = FIGURES[figure]?.kind === "time";
  const lesser = median(sides[0]) < median(sides[1]) ? ours : theirs;
  const floor = isTime ? clockErrorOf(lesser) : 0;
  const [a, b] = sides.map((values) => values.map((value) => Math.max(floor, value)));
  return ratioOfMedians(a, b, { ...options, paired: pairs !== undefined });
}

/** Values in pairs, undefined if not every run of both has just one to go with. */
function pairsOf(ours, theirs, figure, name) {
  const values = (runs) => new Map(runs.map((run) => [run[name], figureOf(run, figure)]));
  const [a, b] = [values(ours), values(theirs)];
  if (a.size !== ours.length || b.size !== theirs.length || a.size !== b.size) return undefined;
  const names = [...a.keys()];
  const isWhole = names.every((it) => it !== undefined && a.get(it) !== null && (b.get(it) ?? null) !== null);
  return isWhole ? [names.map((it) => a.get(it)), names.map((it) => b.get(it))] : undefined;
}

/** How far off two observers' clocks may be, at worst, in these runs. */
export const clockErrorOf = (runs) => Math.max(0, ...runs.map((run) => run.clockErrorMs ?? 0));

/**
 * Who has the least of a figure beyond noise: whoever it is. Peers' runs take turns, so the same repetitions are pairs.
 * @returns {{ winner: string | null, why: string, ratio: { ratio: number | null, low: number | null, high: number | null } }}
 *   the ratio is of the second to the first
 */
export function winnerOf(columns, figure, kind) {
  const ratio = { ratio: null, low: null, high: null };
  if (kind === "note") return { winner: null, why: "neither is better", ratio };
  const sides = columns
    .map(({ peer, runs }) => ({ peer, runs, values: valuesOf(runs, figure) }))
    .filter(({ values }) => values.length > 0)
    .sort((a, b) => (a === b ? 0 : difference(median(a.values), median(b.values))));
  const [best, next] = sides;
  if (!best || !next) return { winner: null, why: "nobody beside it", ratio };
  const [worst, least] = [quantile(best.values, 1), quantile(next.values, 0)];
  if (!Number.isFinite(median(best.values))) return { winner: null, why: "neither told all", ratio };
  if (![...best.values, ...next.values].every(Number.isFinite)) {
    const isClear = worst < least && Math.min(best.values.length, next.values.length) >= 3;
    return isClear
      ? { winner: best.peer, why: "the other did not tell all", ratio }
      : { winner: null, why: "some runs did not tell all", ratio };
  }
  const between = ratioOf(next.runs, best.runs, figure, "repetition");
  const apart = difference(median(next.values), median(best.values));
  if (between.low === null) return { winner: null, why: TOO_FEW, ratio: between };
  const isWithinClocks = kind === "time" && apart <= clockErrorOf(best.runs) + clockErrorOf(next.runs);
  if (isWithinClocks) return { winner: null, why: "within what clocks may be off", ratio: between };
  if (between.low <= 1) return { winner: null, why: "no difference beyond noise", ratio: between };
  return { winner: best.peer, why: "", ratio: between };
}

/**
 * hearsay's medians by driver, for what was measured both in virtual time and on real sockets.
 * @returns {{ drivers: string[], rows: { scenario: string, variant: string, nodes: number, figure: string, virtual: number,
 *   cells: ({ value: number, times: number, isApart: boolean } | null)[] }[] }} a cell for each driver; `times` those of
 *   virtual time
 */
export function besideVirtual(runs) {
  const ours = runs.filter(({ peer }) => peer === "hearsay");
  const drivers = driversOf(ours).filter((driver) => driver !== "sim");
  const plays = alike(grouped(ours), "scenario", "variant", "nodes").sort(([a], [b]) => byPlay(a, b));
  const rows = plays.flatMap((groups) => {
    const { scenario, variant, nodes } = groups[0];
    return headlines(scenario).flatMap((figure) => {
      const middle = (driver) =>
        median(groups.filter((of) => of.driver === driver).flatMap(({ columns }) => valuesOf(columns[0].runs, figure)));
      const virtual = middle("sim");
      const values = drivers.map(middle);
      if (virtual === null || values.every((value) => value === null)) return [];
      const cells = values.map((value) => (value === null ? null : apart(value, virtual)));
      return [{ scenario, variant, nodes, figure, virtual, cells }];
    });
  });
  return { drivers, rows };
}

function apart(value, virtual) {
  const times = value === virtual ? 1 : value / virtual;
  return { value, times, isApart: times > APART_MOST || times < 1 / APART_MOST };
}

/** Of two that may be endless. */
const difference = (a, b) => (a === b ? 0 : a - b);
