// Which pictures there are of some records, and what each is called: the same for the page and, each alone, for README.md.

import { convergence, distinctViews, distribution, growth, sideBySide } from "./charts.mjs";
import { countLabel, slug, timeLabel } from "./drawing.mjs";
import { alike, grouped, peersOf, runsOf, summaryOf, valuesOf } from "./groups.mjs";
import { driverName, FIGURES, headlines, peerName, scenarioName, written, writtenSummary } from "./wording.mjs";

/**
 * @typedef {{ name: string, title: string, kind: "convergence" | "views" | "distribution" | "growth" | "bars", scenario: string, variant: string, driver: string, nodes: number, svg: string }} Picture
 * @param {any[]} records
 * @returns {Picture[]} `driver` is "" where a picture shows all of them, `scenario` where it shows all; `nodes` is 0 where it
 *   shows all sizes
 */
export function picturesOf(records) {
  const groups = grouped(runsOf(records));
  return named([
    ...groups.flatMap(ofGroup),
    ...alike(groups, "scenario", "variant").flatMap(ofScenario),
    ...alike(groups, "scenario", "variant", "driver").flatMap(ofSizes),
    ...alike(groups, "driver").flatMap(ofDriver),
  ]);
}

/** Draws each with a name that no other has. */
function named(pictures) {
  const used = new Set();
  return pictures.map(({ draw, title, ...about }) => {
    const words = [about.scenario, about.variant, about.driver, about.nodes || "", about.figure, about.kind];
    const base = slug(words.filter(Boolean).join("-"));
    let name = base;
    for (let i = 2; used.has(name); i++) name = `${base}-${i}`;
    used.add(name);
    return { name, title, ...about, svg: draw({ id: name, title }) };
  });
}

const runLabel = ({ peer, repetition, seed }) =>
  `${peerName(peer)}, run ${repetition}${seed === undefined || seed === null ? "" : `, seed ${seed}`}`;
const curveOf = (run) => ({
  label: runLabel(run),
  times: run.times,
  facts: run.facts,
  ...(run.thinnedFrom === undefined ? {} : { thinnedFrom: run.thinnedFrom }),
});
const hasCurve = ({ times, facts }) => facts > 0 && times.length > 0;

function ofGroup({ driver, scenario, variant, nodes, columns }) {
  const about = { scenario, variant, driver, nodes };
  const where = `${scenarioName(scenario, variant)}, ${nodes} nodes, ${driverName(driver)}`;
  const series = (isShown, of) =>
    columns
      .filter(({ runs }) => runs.some(isShown))
      .map(({ peer, runs }) => ({ name: peerName(peer), runs: runs.map(of) }));
  const curves = series(({ facts }) => facts > 0, curveOf);
  const views = series(
    (run) => run.views.length > 0,
    (run) => ({ label: runLabel(run), views: run.views }),
  );
  const pictures = [];
  if (columns.some(({ runs }) => runs.some(hasCurve))) {
    pictures.push({
      ...about,
      kind: "convergence",
      title: where,
      draw: (it) => convergence({ ...it, series: curves }),
    });
  }
  if (views.length > 0) {
    const title = `Distinct views: ${where}`;
    pictures.push({ ...about, kind: "views", title, draw: (it) => distinctViews({ ...it, series: views }) });
  }
  return pictures;
}

/** Peers and drivers together, at the most nodes that were measured. */
function ofScenario(groups) {
  const { scenario, variant } = groups[0];
  const nodes = Math.max(...groups.map((group) => group.nodes));
  const series = groups
    .filter((group) => group.nodes === nodes)
    .flatMap(({ driver, columns }) =>
      columns
        .filter(({ runs }) => runs.some(hasCurve))
        .map(({ peer, runs }) => ({ name: `${peerName(peer)}, ${driverName(driver)}`, runs: runs.map(curveOf) })),
    );
  if (series.length < 2) return [];
  const title = `All runs together: ${scenarioName(scenario, variant)}, ${nodes} nodes`;
  const draw = (it) => distribution({ ...it, series });
  return [{ scenario, variant, driver: "", nodes, kind: "distribution", title, draw }];
}

function ofSizes(groups) {
  const { scenario, variant, driver } = groups[0];
  if (groups.length < 2) return [];
  const figure = headlines(scenario).at(scenario === "idle" ? 0 : -1);
  const peers = [...new Set(groups.flatMap(({ columns }) => columns.map(({ peer }) => peer)))];
  const series = peers
    .map((peer) => ({ name: peerName(peer), points: groups.flatMap((group) => pointOf(group, peer, figure)) }))
    .filter(({ points }) => points.length > 1);
  if (series.length === 0) return [];
  const title = `${scenarioName(scenario, variant)}, ${driverName(driver)}: ${FIGURES[figure].name} against nodes`;
  const label = FIGURES[figure].kind === "time" ? timeLabel : countLabel;
  const draw = (it) => growth({ ...it, label, series });
  return [{ scenario, variant, driver, nodes: 0, kind: "growth", title, draw }];
}

function pointOf({ nodes, columns }, peer, figure) {
  const values = valuesOf(columns.find((column) => column.peer === peer)?.runs ?? [], figure);
  return values.length === 0 ? [] : [{ nodes, values }];
}

/** All scenarios of a driver at the most nodes that were measured of it. */
function ofDriver(groups) {
  const { driver } = groups[0];
  const peers = peersOf(groups.flatMap(({ columns }) => columns));
  const nodes = Math.max(...groups.map((group) => group.nodes));
  const rows = groups
    .filter((group) => group.nodes === nodes)
    .flatMap(({ scenario, variant, columns }) =>
      headlines(scenario)
        .filter(isBetterLess)
        .map((figure) => ({
          label:
            scenario === "idle"
              ? `idle: ${SHORT[figure]}`
              : `${scenarioName(scenario, variant)}: ${FIGURES[figure].name}`,
          bars: peers.map((peer) => barOf(columns.find((column) => column.peer === peer)?.runs ?? [], figure)),
        })),
    )
    .filter(({ bars }) => bars.some((bar) => bar?.median !== undefined));
  if (rows.length === 0) return [];
  const title = `Side by side, ${nodes} nodes, ${driverName(driver)}: less is better`;
  const draw = (it) => sideBySide({ ...it, names: peers.map(peerName), rows });
  return [{ scenario: "", variant: "", driver, nodes, kind: "bars", title, draw }];
}

const isBetterLess = (figure) => FIGURES[figure].kind !== "note";

const SHORT = {
  datagramsPerNodeAndSecond: "datagrams",
  bytesPerNodeAndSecond: "bytes",
  cpuMsPerNodeAndSecond: "CPU",
  rssMiB: "memory",
};

const NOTHING = "nothing to notice";

/** Played, but what is timed did not happen: nobody who was paused was given up. */
const isPlayedForNothing = (runs, figure) =>
  runs.length > 0 && FIGURES[figure].kind === "time" && runs.every(({ facts }) => facts === 0);

function barOf(runs, figure) {
  const summary = summaryOf(runs, figure);
  if (summary === null) return isPlayedForNothing(runs, figure) ? { text: NOTHING, about: NOTHING } : null;
  return { ...summary, text: written(figure, summary.median), about: writtenSummary(figure, summary) };
}
