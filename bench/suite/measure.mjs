// From what members noticed to a record's figures. Pure: what happened, what should have been noticed of it, by whom and
// from when on, are arguments.
//
//   pair      (observer, fact) that should come true after an event. Its time is counted from that event. One whose observer
//             or subject went away first is not due
//   excuse    a member of whom a death may be told, since when, until when, and by whom
//
// Of paused members a death is neither right nor wrong; it is counted apart.

import { mean } from "../words.mjs";
import { median } from "./stats.mjs";
import { replay } from "./views.mjs";

export const TIMES_MAX = 20_000;
export const VIEWS_MAX = 500;
const ROUNDED = 100;

/** What makes a pair of this kind true. */
const KINDS = {
  up: new Set(["up"]),
  down: new Set(["down"]),
  gone: new Set(["left", "down"]),
  back: new Set(["up", "updated"]),
  message: new Set(["message"]),
};

const rounded = (value) => (value === null ? null : Math.round(value * ROUNDED) / ROUNDED);
const keyOf = ({ observer, about, text = "" }) => `${observer} ${about} ${text}`;

/** Facts by observer and subject, so that a pair finds its own at once. */
export class Ledger {
  #facts = new Map();
  all = [];

  add(facts) {
    for (const fact of facts) {
      this.all.push(fact);
      const key = keyOf(fact);
      const before = this.#facts.get(key);
      if (before) before.push(fact);
      else this.#facts.set(key, [fact]);
    }
  }

  /** How long after its event a pair came true; undefined if it has not. */
  timeOf(pair, clockErrorMs = 0) {
    let least;
    for (const { type, at } of this.#facts.get(keyOf(pair)) ?? []) {
      if (!KINDS[pair.kind].has(type) || at < pair.from - clockErrorMs) continue;
      const time = Math.max(0, at - pair.from);
      if (least === undefined || time < least) least = time;
    }
    return least;
  }
}

/**
 * @param {object} outcome
 * @param {Ledger} outcome.ledger
 * @param {{ observer, about, kind, from, text? }[]} outcome.pairs
 * @param {{ at, observer, live? }[]} outcome.entries  who came, and who went (without `live`)
 * @param {{ member, from, until?, observers?: Set, isPause? }[]} outcome.excuses
 * @param {number} outcome.from  when measuring began
 * @param {ReadonlySet<string>} outcome.tells  the types of facts that members tell
 * @param {{ before, after }} outcome.usage
 * @returns the part of a record that was measured
 */
export function measure({ ledger, pairs, entries, excuses, from, clockErrorMs, tells, usage }) {
  const timed = pairs.map((pair) => ({ pair, time: ledger.timeOf(pair, clockErrorMs) }));
  const due = timed.filter(({ pair, time }) => time !== undefined || isDue(pair, excuses));
  const times = due.flatMap(({ time }) => (time === undefined ? [] : [time])).sort((a, b) => a - b);
  // Of all that are due: to leave out what was missed would reward it. Null: so many never came.
  const share = (part) => rounded(times[Math.ceil(part * due.length) - 1] ?? null);
  const views = viewsOver(entries, ledger.all, from);
  const accusations = (type) => ledger.all.filter((fact) => fact.type === type && fact.at >= from);
  const unexcused = (type) => accusations(type).filter((fact) => excuseOf(fact, excuses) === undefined).length;
  const paused = accusations("down").filter((fact) => excuseOf(fact, excuses)?.isPause).length;
  const isPausing = excuses.some(({ isPause }) => isPause);
  return {
    facts: due.length,
    missed: due.length - times.length,
    times: thinned(times, TIMES_MAX).map(rounded),
    ...(times.length > TIMES_MAX ? { thinnedFrom: times.length } : {}),
    figures: {
      firstMs: rounded(times[0] ?? null),
      p50Ms: share(0.5),
      p90Ms: share(0.9),
      p99Ms: share(0.99),
      lastMs: rounded(times.at(-1) ?? null),
      ...untilAll(due),
      distinctViewsMax: views.reduce((most, [, distinct]) => Math.max(most, distinct), 0) || null,
      falseDeaths: unexcused("down"),
      falseSuspicions: tells.has("suspect") ? unexcused("suspect") : null,
      ...(isPausing ? { deathsOfPaused: paused } : {}),
      ...rates(usage),
    },
    views: thinned(views, VIEWS_MAX),
  };
}

/**
 * The median over messages of when the last that should have heard one has; null if half or more never reached all. Empty
 * where there were no messages.
 */
function untilAll(due) {
  const lasts = new Map();
  for (const { pair, time = Number.POSITIVE_INFINITY } of due) {
    if (pair.text !== undefined) lasts.set(pair.text, Math.max(lasts.get(pair.text) ?? 0, time));
  }
  if (lasts.size === 0) return {};
  const middle = median([...lasts.values()]);
  return { allP50Ms: Number.isFinite(middle) ? rounded(middle) : null };
}

/** False if its observer or its subject went away after the event: nobody can say whether it would have come true. */
function isDue({ observer, about, from }, excuses) {
  return !excuses.some(
    (excuse) =>
      !excuse.isPause &&
      excuse.observers === undefined &&
      (excuse.member === observer || excuse.member === about) &&
      excuse.from > from,
  );
}

function excuseOf({ observer, about, at }, excuses) {
  return excuses.find(
    ({ member, from, until = Number.POSITIVE_INFINITY, observers }) =>
      member === about && at >= from && at <= until && (observers === undefined || observers.has(observer)),
  );
}

/** [ms since measuring began, how many different views] at each change. */
function viewsOver(entries, facts, from) {
  const series = [];
  replay(entries, facts, (at, { distinct }) => {
    const time = rounded(Math.max(0, at - from));
    if (series.at(-1)?.[0] === time) series.at(-1)[1] = distinct;
    else if (series.at(-1)?.[1] !== distinct) series.push([time, distinct]);
  });
  return series;
}

/** At most so many of a list, evenly, the first and the last among them. */
export function thinned(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]);
}

/** What each node used a second, on average over those who ran from the beginning to the end. */
function rates({ before, after }) {
  const earlier = new Map((before ?? []).map((sample) => [sample.observer, sample]));
  const perSecond = (name) => {
    const each = (after ?? []).flatMap((sample) => {
      const was = earlier.get(sample.observer);
      if (was === undefined || (sample[name] ?? null) === null || (was[name] ?? null) === null) return [];
      // Another process since, though it may have used more by now.
      if (sample.upAt !== was.upAt || sample[name] < was[name]) return [];
      return sample.at > was.at ? [((sample[name] - was[name]) * 1_000) / (sample.at - was.at)] : [];
    });
    return each.length === 0 ? null : rounded(mean(each));
  };
  const rss = (after ?? []).map(({ rssMiB }) => rssMiB).filter((value) => value !== null);
  return {
    datagramsPerNodeAndSecond: perSecond("datagrams"),
    bytesPerNodeAndSecond: perSecond("bytes"),
    framesPerNodeAndSecond: perSecond("frames"),
    cpuMsPerNodeAndSecond: perSecond("cpuMs"),
    rssMiB: rss.length === 0 ? null : rounded(mean(rss)),
  };
}
