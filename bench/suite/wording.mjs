// How peers, drivers, scenarios and figures are called, in which order they come, and how their values are written: one
// table each, so that the page, the Markdown, the pictures and the comparison say the same.

import { ms, number } from "../words.mjs";

const PEERS = { hearsay: "hearsay", serf: "Serf" };

const DRIVERS = {
  docker: "containers",
  "docker-routed": "containers, routed",
  process: "processes",
  udp: "one process, real sockets",
  sim: "virtual time",
};

const SCENARIOS = {
  cold: [
    "cold start",
    "all start and find each other: processes at once, containers one after another, three on their way up",
  ],
  "mass-join": ["mass join", "all run, and are told at once to join one seed"],
  "one-join": ["one join", "one more joins a network at rest"],
  crash: ["crash", "one is killed; the others declare it down"],
  leave: ["graceful leave", "one says that it leaves"],
  pause: ["pause", "one stands still for a while and goes on"],
  partition: ["partition and heal", "two halves are cut off from each other, then joined again"],
  loss: ["packet loss", "a share of all packets is lost"],
  "no-bootstrap": ["bootstrap removed", "the one that all joined through is gone"],
  broadcast: ["broadcast message", "one says something to all"],
  churn: ["churn", "one restarts every 2 s"],
  idle: ["idle cost", "nothing happens"],
};

/**
 * `kind` says what is said of less: "time" is faster, "cost" is less, "fault" must be none; in all of them less is better. Of a
 * "note" neither is: who stood still for 3 s had better not be called down, who stood still for 30 s had.
 */
export const FIGURES = {
  firstMs: { name: "first", kind: "time" },
  p50Ms: { name: "p50", kind: "time" },
  p90Ms: { name: "p90", kind: "time" },
  p99Ms: { name: "p99", kind: "time" },
  lastMs: { name: "last", kind: "time" },
  allP50Ms: { name: "all have heard, p50", kind: "time" },
  startUpMs: { name: "start-up, apart", kind: "time" },
  distinctViewsMax: { name: "most distinct views", kind: "cost" },
  datagramsPerNodeAndSecond: { name: "datagrams per node and second", kind: "cost" },
  bytesPerNodeAndSecond: { name: "bytes per node and second", kind: "cost", unit: "B" },
  framesPerNodeAndSecond: { name: "frames per node and second, ARP included", kind: "cost" },
  cpuMsPerNodeAndSecond: { name: "CPU per node and second", kind: "cost", unit: "ms" },
  rssMiB: { name: "memory per node (RSS)", kind: "cost", unit: "MiB" },
  deathsOfPaused: { name: "called the paused one down", kind: "note" },
  falseDeaths: { name: "false deaths", kind: "fault" },
  falseSuspicions: { name: "false suspicions", kind: "fault" },
};

const IDLE = ["datagramsPerNodeAndSecond", "bytesPerNodeAndSecond", "cpuMsPerNodeAndSecond", "rssMiB"];

const MESSAGES = ["p50Ms", "allP50Ms", "lastMs"];

const HEADLINES = {
  cold: ["startUpMs", "p50Ms", "lastMs"],
  idle: IDLE,
  broadcast: MESSAGES,
  loss: MESSAGES,
  "no-bootstrap": MESSAGES,
  pause: ["deathsOfPaused", "p50Ms", "lastMs"],
};

/** The figures by which a scenario is judged at a glance. */
export const headlines = (scenario) => HEADLINES[scenario] ?? ["p50Ms", "lastMs"];
/** Those of which there must be none. */
export const faults = Object.keys(FIGURES).filter((figure) => FIGURES[figure].kind === "fault");
/** Those of which less is better, and how much. Faults are counted. */
export const comparable = Object.keys(FIGURES).filter((figure) => ["time", "cost"].includes(FIGURES[figure].kind));

const known = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);

export const peerName = (peer) => known(PEERS, peer) ?? peer;
export const driverName = (driver) => known(DRIVERS, driver) ?? driver;
export const scenarioStory = (scenario) => known(SCENARIOS, scenario)?.[1] ?? "";
export function scenarioName(scenario, variant = "") {
  const name = known(SCENARIOS, scenario)?.[0] ?? scenario;
  return variant === "" ? name : `${name}, ${variant}`;
}

/** In the order of the tables above, strangers after them by name. */
const inOrderOf = (table) => {
  const names = Object.keys(table);
  const place = (name) => (Object.hasOwn(table, name) ? names.indexOf(name) : names.length);
  return (a, b) => place(a) - place(b) || (a < b ? -1 : Number(a > b));
};
export const byPeer = inOrderOf(PEERS);
export const byDriver = inOrderOf(DRIVERS);
export const byScenario = inOrderOf(SCENARIOS);
export const byVariant = (a, b) =>
  (Number.parseFloat(a) || 0) - (Number.parseFloat(b) || 0) || (a < b ? -1 : Number(a > b));

/** A value of a figure. What has no end is a run in which it did not come to that. */
export function written(figure, value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return "never";
  const { kind, unit = "" } = FIGURES[figure];
  if (kind === "time") return value < 0 ? `−${ms(-value)}` : ms(value);
  return `${number(value)}${unit === "" ? "" : ` ${unit}`}`;
}

/** Median, and the least and the most of the runs. */
export function writtenSummary(figure, summary) {
  if (summary === null) return "–";
  const range = writtenRange(figure, summary);
  return range === "" ? written(figure, summary.median) : `${written(figure, summary.median)} (${range})`;
}

/** Of how many of its runs a figure is, where that is not all: of a pause that nobody noticed there is no time. */
export const writtenShare = (summary, count) =>
  summary === null || summary.count === count ? "" : `${summary.count} of ${count} runs`;

/** The least and the most of the runs, the unit once; "" if there is but one value. */
export function writtenRange(figure, { least, most, count }) {
  const [from, to] = [written(figure, least), written(figure, most)];
  if (count === 1 || from === to) return "";
  const [unit, unitTo] = [from, to].map((text) => text.slice(text.indexOf(" ")));
  return `${unit === unitTo && from.includes(" ") ? from.slice(0, from.indexOf(" ")) : from}..${to}`;
}

/** A ratio with its interval. */
export function writtenRatio({ ratio, low, high }) {
  if (ratio === null) return "–";
  return low === null ? factor(ratio) : `${factor(ratio)} (${factor(low)}..${factor(high)})`;
}

function factor(value) {
  if (value === 0) return "0";
  if (value >= 9.95) return Math.round(value).toLocaleString("en");
  return value >= 0.095 ? value.toFixed(2) : value.toPrecision(1);
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
