// The same figures as the page shows, as Markdown for bench/README.md: a table for each driver, medians with the least and
// the most of their runs, and who has the least of each row, whoever it is.
//
// Usage: node bench/suite/tables.mjs RESULTS

import { table } from "../words.mjs";
import { isMain, refusing } from "./command.mjs";
import { escaped } from "./drawing.mjs";
import { alike, grouped, peersOf, runsOf, summaryOf, winnerOf } from "./groups.mjs";
import { readResults } from "./results.mjs";
import {
  counted,
  driverName,
  FIGURES,
  headlines,
  peerName,
  scenarioName,
  writtenRatio,
  writtenSummary,
} from "./wording.mjs";

/**
 * @param {any[]} records
 * @returns {string} a heading and a table for each driver
 */
export function markdownTables(records) {
  const runs = runsOf(records);
  return alike(grouped(runs), "driver")
    .map((groups) => `### ${inMarkdown(capital(driverName(groups[0].driver)))}\n\n${driverTable(groups)}`)
    .join("\n\n");
}

function driverTable(groups) {
  const peers = peersOf(groups.flatMap(({ columns }) => columns));
  const besides = peers.length > 1 ? ["ratio", "less"] : [];
  const head = ["scenario", "nodes", "runs", "figure", ...peers.map(peerName), ...besides].map(inMarkdown);
  const rows = groups.flatMap((group) =>
    headlines(group.scenario)
      .filter((figure) => group.columns.some(({ runs }) => summaryOf(runs, figure) !== null))
      .map((figure) => rowOf(group, figure, peers)),
  );
  return table(head, rows);
}

function rowOf({ scenario, variant, nodes, columns }, figure, peers) {
  const { kind, name } = FIGURES[figure];
  const { winner, why, ratio } = winnerOf(columns, figure, kind);
  const runsOfPeer = (peer) => columns.find((column) => column.peer === peer)?.runs ?? [];
  const medians = peers.map((peer) => {
    const text = inMarkdown(writtenSummary(figure, summaryOf(runsOfPeer(peer), figure)));
    return peer === winner ? `**${text}**` : text;
  });
  const besides = peers.length > 1 ? [writtenRatio(ratio), winner === null ? why : inMarkdown(peerName(winner))] : [];
  const counts = peers.map((peer) => runsOfPeer(peer).length);
  const count = [...new Set(counts)].length === 1 ? String(counts[0]) : counts.join(", ");
  return [inMarkdown(scenarioName(scenario, variant)), String(nodes), count, inMarkdown(name), ...medians, ...besides];
}

/** What went wrong, as a sentence each; "" if nothing did. */
export function markdownNotes(records) {
  const lost = records.filter(({ error, skipped }) => error !== undefined || skipped !== undefined);
  return alike(
    lost.map((record) => ({
      ...record,
      why: record.skipped ?? record.error,
      state: record.skipped ? "skipped" : "failed",
    })),
    "peer",
    "driver",
    "scenario",
    "variant",
    "nodes",
    "state",
    "why",
  )
    .map(([first, ...more]) => {
      const { peer, driver, scenario, variant, nodes, state, why } = first;
      const what = `${peerName(peer)}, ${driverName(driver)}, ${scenarioName(scenario, variant)}, ${nodes} nodes`;
      return `- ${inMarkdown(`${what}: ${counted(more.length + 1, "run")} ${state}: ${why}`)}`;
    })
    .join("\n");
}

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Text that means nothing but itself in a cell or a line of Markdown. */
export const inMarkdown = (text) =>
  escaped(String(text).replace(/\s+/g, " ").trim())
    .replaceAll("&#39;", "'")
    .replace(/[\\`*_[\]|~]/g, (sign) => `\\${sign}`)
    .replace(/(https?):\/\//gi, "$1:&#47;&#47;");

if (isMain(import.meta.url)) {
  const [path, ...others] = process.argv.slice(2);
  if (!path || others.length > 0) refusing("Usage: node bench/suite/tables.mjs RESULTS");
  const { records } = refusing(() => readResults(path));
  console.log([markdownTables(records), markdownNotes(records)].filter(Boolean).join("\n\n"));
}
