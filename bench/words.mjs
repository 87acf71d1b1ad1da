// How figures are put into words and tables, and how a table gets into README.md.

import { readFileSync, writeFileSync } from "node:fs";
import { quantile as quantileOf } from "./record.mjs";

/** As in record.mjs; of no values NaN, which is within no bound. */
export const quantile = (values, share) => quantileOf(values, share) ?? Number.NaN;

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
export const sum = (values) => values.reduce((total, value) => total + value, 0);
/** One name of all runs; a list of times is spread out. */
export const all = (runs, name) => runs.flatMap((run) => run[name]);

export function ms(value) {
  if (Number.isNaN(value)) return "–";
  if (value < 0) return "never";
  if (value < 100) return `${value.toFixed(1)} ms`;
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(2)} s`;
}

export function number(value) {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const cells = (values) => `| ${values.join(" | ")} |`;

export function table(head, rows) {
  return [cells(head), cells(head.map(() => "---")), ...rows.map(cells)].join("\n");
}

/** Prints a text, and puts it between its two marks in README.md. */
export function publish(name, text) {
  console.log(text);
  const readme = new URL("README.md", import.meta.url);
  const before = readFileSync(readme, "utf8");
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Expected ${begin.trim()} … ${end} in bench/README.md`);
  writeFileSync(readme, `${before.slice(0, from) + begin}\n${text}\n\n${before.slice(to)}`);
}
