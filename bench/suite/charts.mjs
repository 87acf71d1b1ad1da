// The pictures of a report, each from numbers alone: how the share of pairs grows in time, the same of all runs together,
// how a figure grows with the number of nodes, peers side by side, and how many views there are at once. A run is a thin
// line, the median of the runs a bold one.

import {
  coordinate,
  countLabel,
  drawAxes,
  drawKey,
  escaped,
  frame,
  linearScale,
  logScale,
  seriesClass,
  shortened,
  timeLabel,
  WIDTH,
} from "./drawing.mjs";
import { median, quantile, summary } from "./stats.mjs";

/** Peers whose times differ by more do not fit on one linear axis. */
const MOST_LINEAR = 12;
const MOST_STEPS = 80;
const PLOT_HEIGHT = 220;
/** At which shares the median of the runs is taken: closer at the end, where the last pairs are waited for. */
const SHARES = [
  ...Array.from({ length: 50 }, (_, i) => (i + 1) / 51),
  ...[0.985, 0.99, 0.992, 0.994, 0.996, 0.998, 0.999, 0.9995, 0.9999, 1],
];

/**
 * @typedef {{ name: string, runs: { label: string, times: number[], facts: number, thinnedFrom?: number }[] }} Series
 * @param {{ id: string, title: string, series: Series[] }} of
 */
export function convergence({ id, title, series }) {
  const ends = series.map(({ runs }) => Math.max(0, ...runs.map(({ times }) => times.at(-1) ?? 0)));
  const isLog = Math.max(...ends) > MOST_LINEAR * Math.min(...ends.filter((end) => end > 0));
  const about = `Share of all pairs of observer and fact that have come true, over time. ${series.map(toldCurve).join(" ")}`;
  return plotted({ id, title, about, names: series.map(named) }, (box) => {
    const x = timeScale(
      series.flatMap(({ runs }) => runs.flatMap(edges)),
      isLog,
      box,
    );
    const y = shareScale(box);
    const parts = drawAxes(box, x, y);
    series.forEach(({ runs }, i) => {
      const thin = runs.map((run) => stepLine(stepsOf(run), x.scale.at, y.scale.at, "thin", run.label));
      const bold = medianSteps(runs);
      parts.push(`<g class="${seriesClass(i)}">`, ...thin, stepLine(bold, x.scale.at, y.scale.at, "bold"));
      parts.push(endMark(bold, x.scale.at, y.scale.at), "</g>");
    });
    return parts;
  });
}

const named = ({ name, runs }) => `${name}, ${runs.length} ${runs.length === 1 ? "run" : "runs"}`;
/** What an axis has to reach: also the first that was not at once, for a logarithmic axis begins there. */
function edges({ times }) {
  if (times.length === 0) return [];
  return [times.find((at) => at > 0) ?? 0, times[Math.floor(times.length / 20)], times.at(-1)];
}

function toldCurve({ name, runs }) {
  const told = (share) => worded(median(runs.map((run) => timeOf(run, share))), timeLabel);
  return `${name}, median of ${runs.length}: half after ${told(0.5)}, 99 % after ${told(0.99)}, all after ${told(1)}.`;
}

/** The share that has come true at each time, thinned: `[ms, share]`. */
function stepsOf({ times, facts, thinnedFrom = times.length }) {
  if (times.length === 0 || facts === 0) return [];
  const reached = thinnedFrom / facts;
  const count = Math.min(MOST_STEPS, times.length);
  return Array.from({ length: count }, (_, i) => {
    const place = Math.round(((i + 1) / count) * times.length);
    return [times[place - 1], (place / times.length) * reached];
  });
}

/** When this share of all facts had come true; not finite: never. */
function timeOf({ times, facts, thinnedFrom = times.length }, share) {
  if (facts === 0 || thinnedFrom === 0) return Number.POSITIVE_INFINITY;
  const place = Math.ceil((share * facts * times.length) / thinnedFrom - 1e-9);
  return times[Math.max(0, place - 1)] ?? Number.POSITIVE_INFINITY;
}

/** When the middle one of the runs has come to each share. */
function medianSteps(runs) {
  return SHARES.map((share) => [median(runs.map((run) => timeOf(run, share))), share]).filter(
    ([at]) => at !== null && Number.isFinite(at),
  );
}

function stepLine(steps, x, y, kind, label = "") {
  if (steps.length === 0) return "";
  const path = steps.map(([at, share]) => `H${coordinate(x(at))}V${coordinate(y(share))}`).join("");
  const title = label === "" ? "" : `<title>${escaped(label)}</title>`;
  return `<path class="line ${kind}" d="M${coordinate(x(steps[0][0]))} ${coordinate(y(0))}${path}">${title}</path>`;
}

/** Where the bold line ends: a dot when all had it, a cross when some never did. */
function endMark(steps, x, y) {
  const end = steps.at(-1);
  if (!end) return "";
  const [cx, cy] = [coordinate(x(end[0])), coordinate(y(end[1]))];
  if (end[1] === 1) return `<circle class="fill" cx="${cx}" cy="${cy}" r="4"/>`;
  return `<path class="span" d="M${cx - 5} ${cy - 5}l10 10m0 -10l-10 10"><title>the rest never came</title></path>`;
}

/**
 * All runs of a series as one line: the mean share over time, on a logarithmic axis.
 * @param {{ id: string, title: string, series: Series[] }} of
 */
export function distribution({ id, title, series }) {
  const about = `Share of all pairs over time on a logarithmic axis, all runs together. ${series.map(toldCurve).join(" ")}`;
  return plotted({ id, title, about, names: series.map(named) }, (box) => {
    const x = timeScale(
      series.flatMap(({ runs }) => runs.flatMap(edges)),
      true,
      box,
    );
    const y = shareScale(box);
    const parts = drawAxes(box, x, y);
    series.forEach(({ runs }, i) => {
      const points = Array.from({ length: 161 }, (_, k) => {
        const at = x.scale.bottom * (x.scale.top / x.scale.bottom) ** (k / 160);
        return [at, runs.reduce((sum, run) => sum + shareAt(run, at), 0) / runs.length];
      });
      const last = points.findIndex(([, share]) => share === points.at(-1)[1]);
      parts.push(`<g class="${seriesClass(i)}">${polyline(points.slice(0, last + 1), x.scale.at, y.scale.at)}</g>`);
    });
    return parts;
  });
}

function shareAt({ times, facts, thinnedFrom = times.length }, at) {
  if (facts === 0 || times.length === 0) return 0;
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return ((low / times.length) * thinnedFrom) / facts;
}

function polyline(points, x, y, kind = "bold") {
  const places = points.map(([a, b]) => `${coordinate(x(a))},${coordinate(y(b))}`).join(" ");
  return `<polyline class="line ${kind}" points="${places}"/>`;
}

/**
 * A figure against the number of nodes, the nodes on a logarithmic axis: what grows as log N is a straight line. A panel for
 * each series, each with its own scale: it is the form that counts. The dots between are how log N would go on from the
 * first.
 * @param {{ id: string, title: string, label: (value: number) => string, series: { name: string, points: { nodes: number, values: number[] }[] }[] }} of
 */
export function growth({ id, title, label, series }) {
  const columns = Math.min(2, Math.max(1, series.length));
  const panel = { width: WIDTH / columns, height: 250 };
  const told = ({ name, points }) =>
    `${name}: ${points.map(({ nodes, values }) => `${nodes} nodes ${worded(median(values), label)}`).join(", ")}.`;
  const about = `Median, least and most against the number of nodes. ${series.map(told).join(" ")}`;
  const height = 34 + Math.ceil(series.length / columns) * panel.height;
  const panels = series.map((one, i) => {
    const [left, top] = [(i % columns) * panel.width, 34 + Math.floor(i / columns) * panel.height];
    return `<g transform="translate(${left} ${top})">${growthPanel(one, i, panel, label)}</g>`;
  });
  return frame({ id, title, about, height }, panels);
}

const worded = (value, label) => (Number.isFinite(value) ? label(value) : "never");

function growthPanel({ name, points }, index, panel, label) {
  const box = { left: 62, right: panel.width - 20, top: 48, bottom: panel.height - 50 };
  const summaries = points
    .map(({ nodes, values }) => ({
      nodes,
      ...summary(values),
      never: values.filter((value) => !Number.isFinite(value)).length,
    }))
    .sort((a, b) => a.nodes - b.nodes);
  const drawn = summaries.filter((point) => Number.isFinite(point.median));
  const highest = Math.max(0, ...points.flatMap(({ values }) => values.filter(Number.isFinite)));
  const x = {
    scale: nodesScale(
      points.map(({ nodes }) => nodes),
      box,
    ),
    label: countLabel,
    name: "nodes (log); dotted: as log N",
  };
  const y = { scale: linearScale(highest, box.bottom, box.top, 4), label, name: "" };
  const parts = [`<text x="12" y="20">${escaped(shortened(name, Math.floor(panel.width / 7)))}</text>`];
  parts.push(...drawAxes(box, x, y), logGuide(drawn, x.scale, y.scale), `<g class="${seriesClass(index)}">`);
  parts.push(
    polyline(
      drawn.map((point) => [point.nodes, point.median]),
      x.scale.at,
      y.scale.at,
    ),
  );
  for (const point of drawn) {
    const [at, low, high] = [x.scale.at(point.nodes), y.scale.at(point.least), y.scale.at(point.most)].map(coordinate);
    const middle = coordinate(y.scale.at(point.median));
    parts.push(`<path class="span" d="M${at} ${low}V${high}M${at - 4} ${low}h8M${at - 4} ${high}h8"/>`);
    parts.push(
      `<circle class="fill" cx="${at}" cy="${middle}" r="4"><title>${escaped(label(point.median))}</title></circle>`,
    );
  }
  parts.push("</g>");
  for (const { nodes, never, count } of summaries.filter((point) => point.never > 0)) {
    const text = never === count ? "never" : `${never} of ${count} never`;
    const at = Math.min(x.scale.at(nodes), panel.width - 44);
    parts.push(`<text x="${coordinate(at)}" y="${box.top - 6}" text-anchor="middle">${text}</text>`);
  }
  return parts.join("");
}

/** Marks just the sizes that were measured. */
function nodesScale(nodes, { left, right }) {
  const ticks = [...new Set(nodes)].sort((a, b) => a - b);
  const [from, to] = [Math.log(ticks[0] / 1.2), Math.log(ticks.at(-1) * 1.2)];
  return { at: (count) => left + ((Math.log(count) - from) / (to - from)) * (right - left), ticks };
}

function logGuide(drawn, x, y) {
  const first = drawn[0];
  if (drawn.length < 2 || first.nodes < 2) return "";
  const last = drawn.at(-1);
  const end = (first.median * Math.log(last.nodes)) / Math.log(first.nodes);
  // Where log N leaves the panel it is cut, not bent.
  const share = end > y.top ? (y.top - first.median) / (end - first.median) : 1;
  const [x1, x2] = [x.at(first.nodes), x.at(last.nodes)];
  const [from, to] = [`${coordinate(x1)} ${coordinate(y.at(first.median))}`, coordinate(x1 + (x2 - x1) * share)];
  return `<path class="axis guide" d="M${from}L${to} ${coordinate(y.at(first.median + (end - first.median) * share))}"><title>as log N would grow</title></path>`;
}

const ROW = { bar: 16, gap: 3, apart: 12 };
const LABELS = { left: 190, right: 90 };

/**
 * Peers side by side, a group of bars for each row. Each row has its own scale, the longest bar of it is the whole width:
 * what is compared is within a row.
 * @param {{ id: string, title: string, names: string[], rows: { label: string, bars: ({ median?: number, least?: number, most?: number, text: string, about: string } | null)[] }[] }} of
 *   `bars` in the order of `names`, null if it was not measured, without `median` if there was nothing to measure; `text` beside
 *   the bar, `about` for those who do not see it
 */
export function sideBySide({ id, title, names, rows }) {
  const key = drawKey(names, 46);
  const rowHeight = names.length * (ROW.bar + ROW.gap) + ROW.apart;
  const told = ({ label, bars }) =>
    `${label}: ${bars.map((bar, i) => `${names[i]} ${bar?.about ?? "not measured"}`).join(", ")}.`;
  const about = `Medians with least and most, each row on its own scale. ${rows.map(told).join(" ")}`;
  const top = 46 + key.height;
  const drawn = rows.flatMap((row, i) => barsOf(row, top + i * rowHeight));
  return frame({ id, title, about, height: top + rows.length * rowHeight + 8 }, [...key.parts, ...drawn]);
}

function barsOf({ label, bars }, top) {
  const finite = bars.flatMap((bar) => (bar ? [bar.median, bar.most] : [])).filter(Number.isFinite);
  const longest = Math.max(0, ...finite) || 1;
  const width = WIDTH - LABELS.left - LABELS.right;
  const x = (value) => coordinate(LABELS.left + (Number.isFinite(value) ? Math.max(0, value) / longest : 1) * width);
  const middle = top + (bars.length * (ROW.bar + ROW.gap)) / 2 + 2;
  const parts = [
    `<text x="${LABELS.left - 10}" y="${middle}" text-anchor="end">${escaped(shortened(label, 28))}</text>`,
  ];
  bars.forEach((bar, i) => {
    const y = top + i * (ROW.bar + ROW.gap);
    if (bar?.median === undefined) {
      parts.push(
        `<text class="soft" x="${LABELS.left + 4}" y="${y + 12}">${escaped(bar?.text ?? "not measured")}</text>`,
      );
      return;
    }
    const end = x(bar.median);
    const [from, to] = [x(bar.least), x(bar.most)];
    const whisker =
      from < to ? `<path class="axis whisker" d="M${from} ${y + 8}H${to}M${from} ${y + 4}v8M${to} ${y + 4}v8"/>` : "";
    parts.push(
      `<g class="${seriesClass(i)}"><rect class="bar" x="${LABELS.left}" y="${y}" width="${coordinate(Math.max(1, end - LABELS.left))}" height="${ROW.bar}"/></g>`,
      whisker,
      `<text x="${Math.max(end, to) + 6}" y="${y + 12}">${escaped(shortened(bar.text, 13))}</text>`,
    );
  });
  return parts;
}

/**
 * How many different views the nodes have at once, over time.
 * @param {{ id: string, title: string, series: { name: string, runs: { label: string, views: [number, number][] }[] }[] }} of
 */
export function distinctViews({ id, title, series }) {
  const seen = series.map(({ name, runs }) => ({
    name,
    runs: runs.filter(({ views }) => views.length > 0).map(({ label, views }) => ({ label, views: thinned(views) })),
  }));
  const ends = seen.map(({ runs }) => Math.max(0, ...runs.map(({ views }) => views.at(-1)[0])));
  const isLog = Math.max(...ends) > MOST_LINEAR * Math.min(...ends.filter((end) => end > 0));
  const most = Math.max(1, ...seen.flatMap(({ runs }) => runs.flatMap(({ views }) => views.map(([, count]) => count))));
  const told = ({ name, runs }) => {
    const peaks = runs.map(({ views }) => Math.max(...views.map(([, count]) => count)));
    return `${name}: at most ${median(peaks) ?? "no"} at once in the median of ${runs.length}.`;
  };
  const about = `Number of different views over time. ${seen.map(told).join(" ")}`;
  return plotted({ id, title, about, names: seen.map(named) }, (box) => {
    const times = seen.flatMap(({ runs }) => runs.flatMap(({ views }) => views.map(([at]) => at)));
    // Each pair has an event of its own (in a cold start the later of its two starts), a view has none.
    const x = timeScale(
      [quantile(times, 0.05) ?? 0, quantile(times, 1) ?? 0],
      isLog,
      box,
      "time since measuring began",
    );
    const y = { scale: linearScale(most, box.bottom, box.top, 5, 1), label: countLabel, name: "distinct views" };
    const parts = drawAxes(box, x, y);
    seen.forEach(({ runs }, i) => {
      parts.push(`<g class="${seriesClass(i)}">`);
      for (const { label, views } of runs) parts.push(levels(views, x.scale.at, y.scale.at, "thin", label));
      parts.push(levels(medianLevels(runs), x.scale.at, y.scale.at, "bold"), "</g>");
    });
    return parts;
  });
}

/** Of each stretch the highest, so that no peak is lost, and the end. */
function thinned(points) {
  const every = Math.ceil(points.length / MOST_STEPS);
  const kept = [];
  for (let i = 0; i < points.length; i += every) {
    kept.push(points.slice(i, i + every).reduce((high, point) => (point[1] > high[1] ? point : high)));
  }
  if (kept.at(-1) !== points.at(-1)) kept.push(points.at(-1));
  return kept;
}

function medianLevels(runs) {
  const times = [...new Set(runs.flatMap(({ views }) => views.map(([at]) => at)))].sort((a, b) => a - b);
  return thinned(times.map((at) => [at, 0])).map(([at]) => [at, median(runs.map(({ views }) => levelAt(views, at)))]);
}

const levelAt = (views, at) => (views.findLast(([since]) => since <= at) ?? views[0])[1];

/** Each level lasts until the next. */
function levels(points, x, y, kind, label = "") {
  if (points.length === 0) return "";
  const [[at, count], ...rest] = points;
  const path = rest.map(([since, level]) => `H${coordinate(x(since))}V${coordinate(y(level))}`).join("");
  const title = label === "" ? "" : `<title>${escaped(label)}</title>`;
  return `<path class="line ${kind}" d="M${coordinate(x(at))} ${coordinate(y(count))}${path}">${title}</path>`;
}

/** A frame with a key and one box for a plot. */
function plotted({ id, title, about, names }, draw) {
  const key = drawKey(names, 46);
  const top = 46 + key.height + 18;
  const box = { left: 62, right: WIDTH - 24, top, bottom: top + PLOT_HEIGHT };
  return frame({ id, title, about, height: box.bottom + 48 }, [...key.parts, ...draw(box)]);
}

function timeScale(times, isLog, { left, right }, name = "time since the event") {
  const most = Math.max(0, ...times);
  const least = Math.min(...times.filter((at) => at > 0), most);
  if (isLog) return { scale: logScale(least, most, left, right), label: timeLabel, name: `${name} (log)` };
  return { scale: linearScale(most, left, right, 6), label: timeLabel, name };
}

const shareScale = ({ top, bottom }) => ({
  scale: { at: (share) => bottom - share * (bottom - top), ticks: [0, 0.25, 0.5, 0.75, 1] },
  label: (share) => `${Math.round(share * 100)} %`,
  name: "pairs that know",
});
