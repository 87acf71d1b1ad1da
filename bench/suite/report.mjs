// One page from one results file, or from several that belong together: who has which figure, how the news spread, what went
// wrong, and on what machine. It needs nothing from outside and runs no script; whatever comes from the file is text. What a
// picture shows is also said in its description and in a table.
//
// Usage: node bench/suite/report.mjs RESULTS… PAGE [--pictures FOLDER]

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "../record.mjs";
import { isMain, refusing, toldFiles } from "./command.mjs";
import { CHART_STYLE, shortened, slug, standalone } from "./drawing.mjs";
import { GOAL_NODES, judged } from "./goals.mjs";
import {
  APART_MOST,
  alike,
  besideVirtual,
  driversOf,
  failedOf,
  grouped,
  peersOf,
  runsOf,
  skippedOf,
  summaryOf,
  TOO_FEW,
  valuesOf,
  winnerOf,
} from "./groups.mjs";
import { drawn, html } from "./markup.mjs";
import { PAGE_STYLE } from "./page-style.mjs";
import { picturesOf } from "./pictures.mjs";
import { joined, readResults } from "./results.mjs";
import { LEAST_RUNS } from "./stats.mjs";
import {
  counted,
  driverName,
  FIGURES,
  faults,
  headlines,
  peerName,
  scenarioName,
  scenarioStory,
  written,
  writtenRange,
  writtenRatio,
  writtenShare,
  writtenSummary,
} from "./wording.mjs";

const SENTENCE_MOST = 600;
const LIST_MOST = 200;

/**
 * @param {{ header: any, records: any[] }} results
 * @param {{ title?: string }} [options]
 * @returns {string} the whole page
 */
export function report({ header, records }, { title = "hearsay: convergence, measured" } = {}) {
  const runs = runsOf(records);
  const scenarios = alike(grouped(records), "scenario", "variant");
  const pictures = picturesOf(records);
  const sections = [
    ["side-by-side", "Side by side", sideBySide(runs, pictures)],
    ["goals", "What was asked for", goals(records)],
    ...scenarios.map((groups, i) => scenarioSection(groups, pictures, i + 1)),
    ["simulated", "Virtual time beside real sockets", simulated(runs)],
    ["false-positives", "False positives", falsePositives(runs)],
    ["not-counted", "Runs that do not count", notCounted(records)],
    ["machine", "Machine, versions, settings", provenance(header, records)],
    ["reading", "How to read this", READING],
  ].filter(([, , content]) => content !== "");
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>
${drawn(PAGE_STYLE)}
${drawn(CHART_STYLE)}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header>
<h1>${title}</h1>
${summaryOfPage(header, records)}
</header>
<nav aria-label="On this page"><ul>
${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>\n`)}</ul></nav>
<main id="main" tabindex="-1">
${sections.map(([id, name, content]) => html`<section aria-labelledby="${id}">\n<h2 id="${id}">${name}</h2>\n${content}\n</section>\n`)}</main>
</body>
</html>
`;
  return String(page);
}

/** What there is to say in a few sentences. */
function summaryOfPage(header, records) {
  const runs = runsOf(records);
  const peers = peersOf(runs).map(peerName);
  const sizes = [...new Set(runs.map(({ nodes }) => nodes))].sort((a, b) => a - b);
  const dates = runs.flatMap(({ startedAt }) => startedAt ?? []).sort();
  const when = [...new Set([dates[0], dates.at(-1)].map((date) => date?.slice(0, 16).replace("T", " ")))].filter(
    Boolean,
  );
  const lost = failedOf(records).length;
  if (runs.length === 0) return html`<p>No run came to its end.</p>`;
  return html`<p>${counted(runs.length, "run")} of ${peers.join(" and ")}, ${sizes.join(", ")} nodes, ${driversOf(runs).map(driverName).join("; ")}.
${when.length > 0 && html`Measured ${when.join(" to ")} UTC.`}
${lost > 0 ? html`<strong>${counted(lost, "run")} failed.</strong>` : "No run failed."}</p>
<p>${score(runs)}</p>
${typeof header.command === "string" && html`<p>Made by <code>${shortened(header.command, SENTENCE_MOST)}</code></p>`}`;
}

/** Who has how many rows of the table below. */
function score(runs) {
  const verdicts = grouped(runs).flatMap(({ scenario, columns }) =>
    columns.length < 2 ? [] : headlines(scenario).map((figure) => winnerOf(columns, figure, FIGURES[figure].kind)),
  );
  const settled = verdicts.filter(({ winner, ratio }) => winner !== null || ratio.ratio !== null);
  if (settled.length === 0) return "Nothing was measured of two peers side by side.";
  const few = settled.filter(({ why }) => why === TOO_FEW).length;
  if (few === settled.length) return `Too few runs to tell who has less: that takes ${LEAST_RUNS} of each.`;
  const won = peersOf(runs).map(
    (peer) => `${peerName(peer)} ${settled.filter(({ winner }) => winner === peer).length}`,
  );
  const even = settled.filter(({ winner }) => winner === null).length - few;
  const untold = few > 0 ? `, ${few} with too few runs to tell` : "";
  return `Rows with less beyond noise, of ${settled.length}: ${won.join(", ")}; ${even} without a difference beyond noise${untold}.`;
}

/** The largest networks of each driver first, the smaller ones folded. */
function sideBySide(runs, pictures) {
  if (runs.length === 0) return "";
  return html`${alike(grouped(runs), "driver").map((groups, i) => {
    const { driver } = groups[0];
    const largest = Math.max(...groups.map(({ nodes }) => nodes));
    const rows = (of) => of.flatMap((group) => headlines(group.scenario).map((figure) => [group, figure]));
    const smaller = groups.filter(({ nodes }) => nodes !== largest);
    const sizes = [...new Set(smaller.map(({ nodes }) => nodes))].sort((a, b) => a - b);
    const id = `side-${i + 1}-${slug(driver)}`;
    return html`<h3 id="${id}">${capital(driverName(driver))}</h3>
${figureTable(id, rows(groups.filter(({ nodes }) => nodes === largest)))}
${shown(pictures.filter((picture) => picture.kind === "bars" && picture.driver === driver))}
${smaller.length > 0 && html`<details><summary>The same with ${sizes.join(", ")} nodes</summary>\n${figureTable(id, rows(smaller))}</details>`}`;
  })}`;
}

/** A row for each figure of each group, a column for each peer, the least marked beyond noise. */
function figureTable(id, rows) {
  const told = rows.filter(([{ columns }, figure]) => columns.some(({ runs }) => summaryOf(runs, figure) !== null));
  const peers = peersOf(rows.flatMap(([{ columns }]) => columns));
  const isBeside = peers.length > 1;
  return scrolling(
    id,
    html`<table>
<caption>Median of the runs, the least and the most of them in brackets.${isBeside && " ✓ marks the peer with less, where it is more than noise. The ratio is of the one with more to the one with less, with its 95 % interval."}</caption>
<thead><tr><th scope="col">scenario</th><th scope="col">nodes</th><th scope="col">runs</th><th scope="col">figure</th>${peers.map(
      (peer) => html`<th scope="col">${peerName(peer)}</th>`,
    )}${isBeside && html`<th scope="col">ratio</th><th scope="col">less</th>`}</tr></thead>
<tbody>
${told.map(([group, figure]) => figureRow(group, figure, peers))}</tbody>
</table>`,
  );
}

function figureRow({ scenario, variant, nodes, columns }, figure, peers) {
  const { name, kind } = FIGURES[figure];
  const { winner, why, ratio } = winnerOf(columns, figure, kind);
  const cell = (peer) => {
    const runs = columns.find((column) => column.peer === peer)?.runs ?? [];
    const summary = summaryOf(runs, figure);
    const range = summary === null ? "" : writtenRange(figure, summary);
    const some = writtenShare(summary, runs.length);
    const text = html`${written(figure, summary?.median)}${range && html` <small>(${range})</small>`}${some && html` <small>${some}</small>`}`;
    return winner === peer
      ? html`<td class="won"><span aria-hidden="true">✓ </span>${text}</td>`
      : html`<td>${text}</td>`;
  };
  const verdict =
    winner === null
      ? html`<span class="soft">${why}</span>`
      : html`<strong>${peerName(winner)}</strong>${why && ` (${why})`}`;
  return html`<tr><th scope="row">${scenarioName(scenario, variant)}</th><td>${nodes}</td><td>${runCounts(columns, peers)}</td><td>${name}</td>${peers.map(cell)}${
    peers.length > 1 && html`<td>${writtenRatio(ratio)}</td><td>${verdict}</td>`
  }</tr>\n`;
}

/** One number if all have as many. */
function runCounts(columns, peers) {
  const counts = peers.map((peer) => columns.find((column) => column.peer === peer)?.runs.length ?? 0);
  return new Set(counts).size === 1 ? String(counts[0]) : counts.join(", ");
}

function goals(records) {
  const verdicts = judged(records);
  if (verdicts.length === 0) return "";
  const row = ({ scenario, figure, most, what, summary, count, within, reached }) =>
    html`<tr><th scope="row">${scenarioName(scenario)}</th><td>${what}</td><td>≤ ${written(figure, most)}</td><td>${writtenSummary(figure, summary)}</td><td class="${reached ? "won" : "bad"}">${
      reached ? "reached" : `missed in ${count - within} of ${counted(count, "run")}`
    }</td></tr>\n`;
  return scrolling(
    "goals",
    html`<table>
<caption>hearsay, ${GOAL_NODES} containers. A goal is reached when every run reaches it; one that failed does not.</caption>
<thead><tr><th scope="col">scenario</th><th scope="col">figure</th><th scope="col">asked</th><th scope="col">measured</th><th scope="col">verdict</th></tr></thead>
<tbody>
${verdicts.map(row)}</tbody>
</table>`,
  );
}

/** A scenario: what happens in it, its curves by driver, the largest network open and the others folded, all figures. */
function scenarioSection(groups, pictures, place) {
  const { scenario, variant } = groups[0];
  const ours = pictures.filter(
    (picture) => picture.scenario === scenario && picture.variant === variant && picture.kind !== "bars",
  );
  const id = `scenario-${place}-${slug(`${scenario}-${variant}`)}`;
  const name = capital(scenarioName(scenario, variant));
  const rows = groups.flatMap((group) => Object.keys(FIGURES).map((figure) => [group, figure]));
  const story = scenarioStory(scenario);
  const hasRuns = groups.some(({ columns }) => columns.some(({ runs }) => runs.length > 0));
  const content = html`${story && html`<p>${capital(story)}.</p>`}
${notesOf(groups)}
${alike(groups, "driver").map((of) => driverPart(of, ours))}
${shown(ours.filter(({ driver }) => driver === ""))}
${
  hasRuns &&
  html`<details><summary>All figures of ${scenarioName(scenario, variant)}</summary>
${alike(groups, "driver").map((of, i) => {
  const label = `${id}-${i + 1}`;
  return html`<h4 id="${label}">${capital(driverName(of[0].driver))}</h4>${figureTable(
    label,
    rows.filter(([{ driver }]) => driver === of[0].driver),
  )}`;
})}</details>`
}`;
  return [id, name, content];
}

function driverPart(groups, pictures) {
  const { driver } = groups[0];
  const ours = pictures.filter((picture) => picture.driver === driver);
  if (ours.length === 0) return "";
  const largest = Math.max(...ours.map(({ nodes }) => nodes));
  const folded = ours.filter(({ nodes }) => nodes !== 0 && nodes !== largest);
  const sizes = [...new Set(folded.map(({ nodes }) => nodes))];
  return html`<h3>${capital(driverName(driver))}</h3>
${shown(ours.filter((picture) => !folded.includes(picture)))}
${folded.length > 0 && html`<details><summary>The same with ${sizes.join(", ")} nodes</summary>\n${shown(folded)}</details>`}`;
}

const shown = (pictures) =>
  pictures.length > 0 &&
  html`<div class="charts">\n${pictures.map(({ svg }) => html`<figure>${drawn(svg)}</figure>\n`)}</div>\n`;

/** What went wrong in a scenario, and what was left out, is said where its curves are. */
function notesOf(groups) {
  const columns = groups.flatMap(({ columns: of }) => of);
  const sum = (name) => columns.reduce((total, column) => total + column[name].length, 0);
  const missed = columns.flatMap(({ runs }) => runs).filter((run) => run.missed > 0).length;
  const bad = [
    sum("failed") > 0 && `${counted(sum("failed"), "run")} failed`,
    missed > 0 && `in ${counted(missed, "run")} some pairs never came true`,
  ].filter(Boolean);
  const why = [
    ...new Set(columns.flatMap(({ skipped }) => skipped.map((record) => shortened(record.skipped, SENTENCE_MOST)))),
  ];
  return html`${bad.length > 0 && html`<p class="bad">${capital(bad.join("; "))}.</p>`}
${sum("skipped") > 0 && html`<p class="note">${capital(counted(sum("skipped"), "run was", "runs were"))} skipped: ${why.slice(0, 4).join("; ")}</p>`}`;
}

function simulated(runs) {
  const { drivers, rows } = besideVirtual(runs);
  if (rows.length === 0) return "";
  return scrolling(
    "simulated",
    html`<table>
<caption>hearsay: medians, and how many times those of virtual time. More than ${APART_MOST} times apart is marked and wants a reason.</caption>
<thead><tr><th scope="col">scenario</th><th scope="col">nodes</th><th scope="col">figure</th><th scope="col">${driverName("sim")}</th>${drivers.map(
      (driver) => html`<th scope="col">${driverName(driver)}</th>`,
    )}</tr></thead>
<tbody>
${rows.map(simulatedRow)}</tbody>
</table>`,
  );
}

function simulatedRow({ scenario, variant, nodes, figure, virtual, cells }) {
  const cell = (one) => {
    if (one === null) return html`<td>–</td>`;
    const { value, times, isApart } = one;
    const factor = Number.isFinite(times) && html` <small>× ${Number(times.toPrecision(2))}</small>`;
    return html`<td class="${isApart && "bad"}">${isApart && html`<span aria-hidden="true">! </span>`}${written(figure, value)}${factor}</td>`;
  };
  return html`<tr><th scope="row">${scenarioName(scenario, variant)}</th><td>${nodes}</td><td>${FIGURES[figure].name}</td><td>${written(figure, virtual)}</td>${cells.map(cell)}</tr>\n`;
}

/** Deaths and suspicions of those who lived, by peer, and each run that had one. */
function falsePositives(runs) {
  if (runs.length === 0) return "";
  const of = (peer, figure) =>
    valuesOf(
      runs.filter((run) => run.peer === peer),
      figure,
    );
  const cell = (peer, figure) => {
    const values = of(peer, figure);
    if (values.length === 0) return html`<td>cannot be told</td>`;
    const sum = values.reduce((total, value) => total + value, 0);
    return html`<td class="${sum > 0 ? "bad" : "won"}">${sum.toLocaleString("en")} in ${counted(values.length, "run")}</td>`;
  };
  const guilty = runs.filter((run) => faults.some((figure) => run.figures[figure] > 0));
  return html`${scrolling(
    "false-positives",
    html`<table>
<caption>Members that were called dead, or suspected, though they lived and could be reached.</caption>
<thead><tr><th scope="col">peer</th>${faults.map((figure) => html`<th scope="col">${FIGURES[figure].name}</th>`)}</tr></thead>
<tbody>
${peersOf(runs).map((peer) => html`<tr><th scope="row">${peerName(peer)}</th>${faults.map((figure) => cell(peer, figure))}</tr>\n`)}</tbody>
</table>`,
  )}
${guilty.length > 0 && html`<ul>\n${bounded(guilty, (run) => html`<li>${runName(run)}: ${faults.flatMap((figure) => (run.figures[figure] > 0 ? [`${FIGURES[figure].name} ${run.figures[figure]}`] : [])).join(", ")}</li>\n`)}</ul>`}`;
}

const runName = ({ peer, driver, scenario, variant, nodes, repetition }) =>
  `${peerName(peer)}, ${driverName(driver)}, ${scenarioName(scenario, variant)}, ${nodes} nodes, run ${repetition}`;

function bounded(list, shownAs) {
  const rest = list.length - LIST_MOST;
  return [...list.slice(0, LIST_MOST).map(shownAs), rest > 0 && html`<li>and ${counted(rest, "other")}</li>`];
}

function notCounted(records) {
  const [failed, skipped] = [failedOf(records), skippedOf(records)];
  const list = (title, of, why) =>
    of.length > 0 &&
    html`<h3>${title}</h3>\n<ul>\n${bounded(
      alike(
        of.map((record) => ({ ...record, why: why(record) })),
        "peer",
        "driver",
        "scenario",
        "variant",
        "nodes",
        "why",
      ),
      (same) =>
        html`<li>${runName(same[0]).replace(/, run \d+$/, "")}, ${same.length === 1 ? `run ${same[0].repetition}` : counted(same.length, "run")}: ${shortened(same[0].why, SENTENCE_MOST)}</li>\n`,
    )}</ul>`;
  if (failed.length + skipped.length === 0) return html`<p>None failed, none was skipped.</p>`;
  return html`${list("Failed", failed, ({ error }) => error)}${list("Skipped", skipped, (record) => record.skipped)}`;
}

/** What the figures were measured with: each name once, with all the values it had. */
function provenance(header, records) {
  const { schema: _schema, kind: _kind, machine, ...rest } = header;
  const clock = records.flatMap(({ clockErrorMs }) => clockErrorMs ?? []);
  const seeds = records.flatMap(({ seed }) => seed ?? []);
  const besides = {
    ...(seeds.length > 0 ? { seed: seeds } : {}),
    ...(clock.length > 0 ? { "clock error between observers, at most": [`${Math.max(...clock)} ms`] } : {}),
  };
  return html`${terms("The bench", [rest])}
${terms("Machine and versions", [machine ?? {}, ...records.map((record) => record.machine)])}
${terms(
  "Settings",
  records.map(({ settings }) => settings),
  besides,
)}`;
}

function terms(title, objects, besides = {}) {
  const values = new Map(Object.entries(besides));
  for (const object of objects) {
    if (object === null || typeof object !== "object") continue;
    for (const [name, value] of Object.entries(object)) {
      if (!values.has(name)) values.set(name, []);
      values.get(name).push(value);
    }
  }
  if (values.size === 0) return "";
  return html`<h3>${title}</h3>\n<dl>\n${[...values].slice(0, LIST_MOST).map(([name, all]) => html`<div><dt>${shortened(name, 60)}</dt><dd>${distinct(all)}</dd></div>\n`)}</dl>`;
}

/** Some values in words; many numbers by their ends. */
function distinct(values) {
  const different = [...new Set(values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))))];
  if (different.length > 4 && values.every((value) => typeof value === "number")) {
    return `${Math.min(...values)} to ${Math.max(...values)}`;
  }
  const rest = different.length - 8;
  const text = different
    .slice(0, 8)
    .map((value) => shortened(value, SENTENCE_MOST))
    .join("; ");
  return rest > 0 ? `${text}; and ${counted(rest, "other")}` : text;
}

const READING = html`<p>A <em>pair</em> is one observer and one fact: that node 7 has heard that node 3 is up. Times count from the event: the word to join, the kill; after a cold start for each pair from when both its nodes were up. <em>First</em>, <em>p50</em>, <em>p90</em>, <em>p99</em> and <em>last</em> are over all pairs of a run; what stands in a table is the median of the runs, the least and the most of them beside it. The time that processes or containers take to start is a figure of its own.</p>
<p>A pair that never came true is slower than all that did: a run in which some did not has no last pair, and one in which more than half did not has no p50. They count as <em>never</em>, not as the last of those that came.</p>
<p>The runs of the peers take turns, so that a machine that grows slower is fair to both. A peer has less <em>beyond noise</em> when the 95 % interval of the ratio of the two medians does not hold 1, and the difference is more than the clocks may be off: in a ratio no time counts for less than the clock of the lesser side may be off, so that it may be nearer to 1 than the two figures are. Of fewer than ${LEAST_RUNS} runs on a side nothing is said. Of twenty such rows one may be chance.</p>
<p>A thin line is one run, a bold one the median of the runs: when the middle one had come to each share. A dot ends it where all pairs came true, a cross where some did not.</p>`;

const scrolling = (label, table) =>
  html`<div class="scroll" role="region" aria-labelledby="${label}" tabindex="0">${table}</div>`;

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

function main() {
  const usage = "Usage: node bench/suite/report.mjs RESULTS… PAGE [--pictures FOLDER]";
  const { values, paths } = toldFiles(usage, { pictures: { type: "string" } }, 2);
  const to = paths.pop();
  // A page that was forgotten would take the place of what was measured last.
  if (/\.jsonl(\.gz)?$/.test(to)) refuse(`${to} is the name of results, not of a page. ${usage}`);
  const results = refusing(() => joined(paths.map(readResults)));
  refusing(() => writeFileSync(to, report(results)));
  if (values.pictures !== undefined) refusing(() => writePictures(results.records, values.pictures));
}

/** Each picture as a file of its own, for README.md. */
export function writePictures(records, folder) {
  mkdirSync(folder, { recursive: true });
  const pictures = picturesOf(records);
  for (const { name, svg } of pictures) writeFileSync(join(folder, `${name}.svg`), standalone(svg));
  return pictures.map(({ name }) => `${name}.svg`);
}

if (isMain(import.meta.url)) main();
