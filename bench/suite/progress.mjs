// What is going on, for who waits: on a terminal one bar that moves, a phase at a time; otherwise a line for each phase. All
// of that goes to stderr. The table at the end is for stdout.

import { ms, number } from "../words.mjs";
import { figureOf } from "./groups.mjs";
import { median } from "./stats.mjs";
import { written } from "./wording.mjs";

const BAR_CELLS = 24;
const REDRAW_MS = 50;

export class Progress {
  #out;
  #isLive;
  #all;
  #done = 0;
  #title = "";
  #phase = "";
  #share = 0;
  #drawnAt = 0;

  constructor(runs, out = process.stderr) {
    this.#all = runs;
    this.#out = out;
    this.#isLive = out.isTTY === true;
  }

  begin(run) {
    this.#done++;
    this.#title = titleOf(run);
  }

  phase(name) {
    this.#phase = name;
    this.#share = 0;
    if (this.#isLive) this.#draw(true);
    else this.#out.write(`${this.#place} ${this.#title}: ${name}\n`);
  }

  share(part) {
    this.#share = part;
    if (this.#isLive) this.#draw(false);
  }

  end(record) {
    const line = `${this.#place} ${this.#title}: ${summary(record)}`;
    this.#out.write(this.#isLive ? `\r\x1b[K${line}\n` : `${line}\n`);
  }

  get #place() {
    return `[${this.#done}/${this.#all}]`;
  }

  #draw(isNow) {
    const now = performance.now();
    if (!isNow && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    const full = Math.round(Math.max(0, Math.min(1, this.#share)) * BAR_CELLS);
    const bar = "█".repeat(full) + "░".repeat(BAR_CELLS - full);
    this.#out.write(`\r\x1b[K${this.#place} ${this.#title} ${bar} ${this.#phase}`);
  }
}

const nameOf = ({ scenario, variant }) => (variant === "" ? scenario : `${scenario} ${variant}`);
const titleOf = (run) => `${nameOf(run)}, ${run.nodes} × ${run.peer} (${run.driver}), ${run.repetition}`;

function summary(record) {
  const { error, facts, missed, figures } = record;
  if (error !== undefined) return `failed: ${error}`;
  const deaths = figures.falseDeaths > 0 ? `, ${figures.falseDeaths} false deaths` : "";
  if (facts === 0) return `nothing to notice${deaths}`;
  if (missed === facts) return `none of ${facts} pairs${deaths}`;
  const [half, last] = ["p50Ms", "lastMs"].map((name) => written(name, figureOf(record, name)));
  return `p50 ${half}, last ${last}, ${facts - missed} of ${facts} pairs${deaths}`;
}

/** Medians over the repetitions, a line for each driver, size, scenario and peer; peers below one another. */
export function summaryTable(records) {
  const groups = new Map();
  for (const record of records) {
    const key = [record.driver, record.nodes, nameOf(record), record.peer].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const rows = [...groups].map(([key, runs]) => ({ key: key.split("\n"), runs }));
  rows.sort(
    (a, b) =>
      order(a.key[0], b.key[0]) || a.key[1] - b.key[1] || order(a.key[2], b.key[2]) || order(a.key[3], b.key[3]),
  );
  return aligned([HEAD, ...rows.map(({ key, runs }) => [...key, ...cellsOf(runs)])]);
}

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const HEAD = [
  ...["driver", "nodes", "scenario", "peer", "runs", "start", "p50", "last", "missed", "false deaths", "most views"],
  ...["datagrams/node/s", "B/node/s", "CPU ms/node/s", "RSS MiB/node"],
];

function cellsOf(runs) {
  const good = runs.filter(({ error }) => error === undefined);
  const told = (values, format = number) => {
    const known = values.filter((value) => value !== null && value !== undefined);
    return known.length === 0 ? "–" : format(median(known));
  };
  const figure = (name, format) =>
    told(
      good.map((run) => figureOf(run, name)),
      format,
    );
  const total = (values) => String(values.reduce((sum, value) => sum + (value ?? 0), 0));
  return [
    good.length === runs.length ? String(runs.length) : `${good.length} of ${runs.length}`,
    told(
      good.map(({ startUpMs }) => startUpMs),
      ms,
    ),
    figure("p50Ms", (value) => written("p50Ms", value)),
    figure("lastMs", (value) => written("lastMs", value)),
    total(good.map(({ missed }) => missed)),
    total(good.map(({ figures }) => figures.falseDeaths)),
    figure("distinctViewsMax"),
    figure("datagramsPerNodeAndSecond"),
    figure("bytesPerNodeAndSecond"),
    figure("cpuMsPerNodeAndSecond"),
    figure("rssMiB"),
  ];
}

function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
