// The same figures as the page shows, as Markdown for bench/README.md: a table for each driver, medians with the least and
// the most of their runs, and who has the least of each row, whoever it is; what was asked for; virtual time beside the rest.
//
// Usage: node bench/suite/tables.mjs RESULTS…

import { ms, number, sum, table } from "../words.mjs";
import { isMain, refusing, toldFiles } from "./command.mjs";
import { escaped } from "./drawing.mjs";
import { judged } from "./goals.mjs";
import {
  alike,
  besideVirtual,
  clockErrorOf,
  grouped,
  peersOf,
  runsOf,
  summaryOf,
  valuesOf,
  winnerOf,
} from "./groups.mjs";
import { joined, readResults } from "./results.mjs";
import {
  counted,
  driverName,
  FIGURES,
  faults,
  headlines,
  peerName,
  scenarioName,
  written,
  writtenRatio,
  writtenShare,
  writtenSummary,
} from "./wording.mjs";

/**
 * @param {any[]} records
 * @returns {string} for each driver a heading and a table of its largest networks; the smaller ones are folded
 */
export function markdownTables(records) {
  return alike(grouped(runsOf(records)), "driver")
    .map(driverPart)
    .join("\n\n");
}

function driverPart(groups) {
  const name = inMarkdown(capital(driverName(groups[0].driver)));
  const sizes = [...new Set(groups.map(({ nodes }) => nodes))].sort((a, b) => b - a);
  const [largest, ...smaller] = sizes.map((size) => driverTable(groups.filter(({ nodes }) => nodes === size)));
  const folded = smaller.map(
    (text, i) => `<details><summary>${name}, ${sizes[i + 1]} nodes</summary>\n\n${text}\n\n</details>`,
  );
  return [`### ${name}, ${sizes[0]} nodes`, largest, ...folded].join("\n\n");
}

/** What was asked for, and what became of it; "" if nothing of that was measured. */
export function markdownGoals(records) {
  const rows = judged(records).map(({ scenario, figure, most, what, summary, count, within, reached }) => [
    inMarkdown(scenarioName(scenario)),
    inMarkdown(what),
    `≤ ${inMarkdown(written(figure, most))}`,
    inMarkdown(writtenSummary(figure, summary)),
    reached ? "yes" : `**no**, in ${count - within} of ${counted(count, "run")}`,
  ]);
  return rows.length === 0 ? "" : table(["scenario", "figure", "asked", "measured", "reached"], rows);
}

/** hearsay in virtual time and on real sockets; "" if it was not measured in both. */
export function markdownVirtual(records) {
  const { drivers, rows } = besideVirtual(runsOf(records));
  if (rows.length === 0) return "";
  const head = ["scenario", "nodes", "figure", driverName("sim"), ...drivers.map(driverName)].map(inMarkdown);
  const cell = (figure, one) => {
    if (one === null) return "–";
    const text = inMarkdown(written(figure, one.value));
    if (!Number.isFinite(one.times)) return text;
    const times = `× ${Number(one.times.toPrecision(2))}`;
    return one.isApart ? `${text} (**${times}**)` : `${text} (${times})`;
  };
  return table(
    head,
    rows.map(({ scenario, variant, nodes, figure, virtual, cells }) => [
      inMarkdown(scenarioName(scenario, variant)),
      String(nodes),
      inMarkdown(FIGURES[figure].name),
      inMarkdown(written(figure, virtual)),
      ...cells.map((one) => cell(figure, one)),
    ]),
  );
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
    const runs = runsOfPeer(peer);
    const summary = summaryOf(runs, figure);
    const some = writtenShare(summary, runs.length);
    const text = inMarkdown([writtenSummary(figure, summary), some].filter(Boolean).join(", "));
    return peer === winner ? `**${text}**` : text;
  });
  const besides = peers.length > 1 ? [writtenRatio(ratio), winner === null ? why : inMarkdown(peerName(winner))] : [];
  const counts = peers.map((peer) => runsOfPeer(peer).length);
  const count = [...new Set(counts)].length === 1 ? String(counts[0]) : counts.join(", ");
  return [inMarkdown(scenarioName(scenario, variant)), String(nodes), count, inMarkdown(name), ...medians, ...besides];
}

/** All runs in the order of the tables. */
const played = (records) => grouped(runsOf(records)).flatMap(({ columns }) => columns.flatMap(({ runs }) => runs));

/** Whom anybody called dead, or suspected, though it lived and could be reached, of each peer, and in what; "" if nothing was played. */
export function markdownFaults(records) {
  const cell = (runs, figure) => {
    const values = valuesOf(runs, figure);
    if (values.length === 0) return "cannot be told";
    const some = values.filter((value) => value > 0);
    const where = alike(runs, "scenario", "variant").flatMap((of) => {
      const told = sum(valuesOf(of, figure));
      return told > 0 ? [`${scenarioName(of[0].scenario, of[0].variant)}: ${number(told)}`] : [];
    });
    return some.length === 0 ? "0" : `${number(sum(some))} in ${counted(some.length, "run")} (${where.join("; ")})`;
  };
  const rows = alike(played(records), "driver", "nodes", "peer").map((runs) => {
    const [{ driver, nodes, peer }] = runs;
    const counts = [nodes, peerName(peer), runs.length, ...faults.map((figure) => cell(runs, figure))];
    return [driverName(driver), ...counts].map(inMarkdown);
  });
  const head = ["driver", "nodes", "peer", "runs", ...faults.map((figure) => FIGURES[figure].name)].map(inMarkdown);
  return rows.length === 0 ? "" : table(head, rows);
}

/** Which commit played what, and how late clocks may have been, at worst; "" if nothing was played. */
export function markdownCommits(records) {
  const runs = played(records).map((run) => ({ ...run, commit: run.machine.commit ?? "unknown" }));
  const rows = alike(runs, "driver", "commit").map((plays) => {
    const sizes = alike(plays, "nodes").map((of) => {
      const names = new Set(of.map(({ scenario, variant }) => scenarioName(scenario, variant)));
      return `${of[0].nodes}: ${[...names].join("; ")}`;
    });
    const clocks = alike(plays, "peer").map((of) => `${peerName(of[0].peer)} ${ms(clockErrorOf(of))}`);
    return [plays[0].commit, driverName(plays[0].driver), sizes.join(". "), clocks.join(", ")].map(inMarkdown);
  });
  return rows.length === 0 ? "" : table(["commit", "driver", "nodes: played", "clock error, at most"], rows);
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
  const { paths } = toldFiles("Usage: node bench/suite/tables.mjs RESULTS…");
  const { records } = refusing(() => joined(paths.map(readResults)));
  const parts = [markdownTables, markdownGoals, markdownVirtual, markdownFaults, markdownCommits, markdownNotes].map(
    (part) => part(records),
  );
  console.log(parts.filter(Boolean).join("\n\n"));
}
