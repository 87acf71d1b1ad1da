// Real processes on real sockets: how soon a broadcast message has reached all, and how soon a killed process is known to
// be down. Each process notes what it was told and when, and says so after the measurement, so that saying does not
// disturb it; the clock is one for all of the machine.
//
// Usage: npm run bench:real -- [--members 100] [--broadcasts 50] [--kills 5] [--full] [--preset lan] [--at-once 4]
//                               [--idle-ms 5000] [--set heardDelayMs=1 …]
//   --full   `hearsay node`s with log and HTTP; a broadcast then counts from the request to the first node on

import { configure } from "../dist/gossip/config.js";
import { Bare, Full } from "./fleet.mjs";
import { eachOf, integer, loadNow, machine, pause, print, quantile, refuse, round, told, until } from "./record.mjs";
import { mean } from "./words.mjs";

const FORM_MS = 120_000;
const HEAR_MS = 10_000;
const FALL_MS = 30_000;
/** Nobody is asked for so long after a broadcast. Usually all have it by then; who has not is waited for. */
const QUIET_MS = 200;
const QUIET_TIMES = 5;
const LOOK_MS = 500;
const IDLE_MS = 5_000;
const USAGE = `Usage: npm run bench:real -- [--members 100] [--broadcasts 50] [--kills 5] [--full] [--preset lan]
                             [--at-once 4] [--idle-ms ${IDLE_MS}] [--set heardDelayMs=1 …]`;

function settings() {
  const text = (fallback) => ({ type: "string", default: String(fallback) });
  const { values } = told(USAGE, {
    members: text(100),
    broadcasts: text(50),
    kills: text(5),
    "at-once": text(4),
    "idle-ms": text(IDLE_MS),
    preset: text("lan"),
    set: { type: "string", multiple: true, default: [] },
    full: { type: "boolean", default: false },
  });
  const config = constants(values.preset, values.set);
  if (values.full && values.set.length > 0) refuse("--set is not for --full: `hearsay node` has presets");
  const members = integer("members", values.members, 3, 500);
  return {
    members,
    broadcasts: integer("broadcasts", values.broadcasts, 0, 10_000),
    kills: integer("kills", values.kills, 0, 1_000),
    atOnce: integer("at-once", values["at-once"], 1, 100),
    idleMs: integer("idle-ms", values["idle-ms"], 100, 600_000),
    preset: values.preset,
    config,
    kind: values.full ? Full : Bare,
  };
}

/** Protocol constants given as `name=number`, refused before any process is started with them. */
function constants(preset, given) {
  const pairs = given.map((text) => {
    const [name, value = ""] = text.split("=");
    const number = value.trim() === "" ? Number.NaN : Number(value);
    if (!name || !Number.isFinite(number)) refuse(`--set: expected name=number, got ${JSON.stringify(text)}`);
    return [name, number];
  });
  const config = Object.fromEntries(pairs);
  try {
    configure(preset, config);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(error.message);
  }
  return config;
}

/** The processes and everything they have reported. */
class Run {
  members = [];
  /** text → when it was said. */
  said = new Map();
  /** text → what each process that heard it says: [address, when]. */
  heard = new Map();
  /** All changes that any of them noticed: { observer, type, about, at }. */
  changes = [];
  stalls = new Map();
  /** Addresses of those we killed. */
  killed = new Set();
  #kind;
  #preset;
  #config;

  constructor({ kind, preset, config }) {
    this.#kind = kind;
    this.#preset = preset;
    this.#config = config;
  }

  now() {
    return this.#kind.now();
  }

  async start() {
    this.members.push(await this.#kind.start(this.members[0]?.address, this.#preset, this.#config));
  }

  /** Starts so many, a few at a time, or the machine has nothing left for those who are up. */
  async grow(count, atOnce) {
    // The first alone: the others join by it.
    await this.start();
    await eachOf(Array(count - 1).fill(), atOnce, () => this.start());
  }

  /** Everybody says what it noted since the last time. */
  async ask() {
    const reports = await Promise.all(this.members.map((member) => member.report()));
    reports.forEach(({ heard, said, changes, stalls }, i) => {
      const observer = this.members[i].address;
      for (const [text, at] of said) this.said.set(text, at);
      for (const [text, at] of heard) this.heard.set(text, [...(this.heard.get(text) ?? []), [observer, at]]);
      for (const [type, about, at] of changes) this.changes.push({ observer, type, about, at });
      this.stalls.set(observer, stalls);
    });
    return reports;
  }

  async allKnowAll() {
    const isFull = async () => (await this.ask()).every(({ live }) => live === this.members.length);
    if (!(await until(isFull, FORM_MS, LOOK_MS))) throw new Error(`Not all know all within ${FORM_MS} ms`);
  }

  /** Datagrams that each sent between two rounds of reports, on average, and per second. */
  static datagrams(before, after) {
    const each = after.map(({ datagrams }, i) => datagrams - before[i].datagrams);
    const perSecond = after.map(({ at }, i) => (each[i] * 1_000) / (at - before[i].at));
    return { each: mean(each), perSecond: mean(perSecond), ms: mean(after.map(({ at }, i) => at - before[i].at)) };
  }

  /** What each used of a CPU between two rounds of reports, one of the two included; NaN where nobody says. */
  static cpuMs(before, after) {
    return mean(after.map(({ cpuMs }, i) => cpuMs - before[i].cpuMs));
  }

  any() {
    return Math.floor(Math.random() * this.members.length);
  }

  /** Deaths and suspicions of those who lived. */
  wrong(type, since = 0) {
    return this.changes.filter(
      (change) => change.type === type && change.at >= since && !this.killed.has(change.about),
    );
  }
}

/** What a broadcast's time costs without a broadcast. */
async function quietly(run) {
  const costs = [];
  for (let i = 0; i < QUIET_TIMES; i++) {
    const before = await run.ask();
    await pause(QUIET_MS);
    costs.push(Run.cpuMs(before, await run.ask()));
  }
  return mean(costs);
}

/** Broadcasts from members drawn at random, one after another. */
async function broadcasts(run, { broadcasts: count, idleMs }) {
  const since = run.now();
  const quiet = await run.ask();
  await pause(idleMs);
  const idle = Run.datagrams(quiet, await run.ask()).perSecond;
  const quietCpuMs = await quietly(run);
  const others = run.members.length - 1;
  const datagrams = [];
  const cpu = [];
  for (let i = 0; i < count; i++) {
    const text = `broadcast ${i}`;
    const before = await run.ask();
    await run.members[run.any()].broadcast(text);
    await pause(QUIET_MS);
    let after = await run.ask();
    const haveAll = async () => {
      if ((run.heard.get(text)?.length ?? 0) >= others) return true;
      after = await run.ask();
      return false;
    };
    await until(haveAll, HEAR_MS, LOOK_MS);
    const sent = Run.datagrams(before, after);
    cpu.push(Run.cpuMs(before, after) - quietCpuMs);
    datagrams.push(sent.each - (idle * sent.ms) / 1_000);
  }
  const pairs = [...run.said].map(([text, at]) => (run.heard.get(text) ?? []).map(([, heardAt]) => heardAt - at));
  const last = pairs.map((times) => Math.max(...times));
  return {
    broadcasts: count,
    allP50Ms: round(quantile(last, 0.5)),
    allP90Ms: round(quantile(last, 0.9)),
    allMaxMs: round(quantile(last, 1)),
    pairP50Ms: round(quantile(pairs.flat(), 0.5)),
    pairP99Ms: round(quantile(pairs.flat(), 0.99)),
    missed: count * others - pairs.flat().length,
    datagramsPerMember: round(mean(datagrams)),
    cpuMsPerMember: Number.isNaN(quietCpuMs) ? null : round(mean(cpu)),
    idlePerMemberAndSecond: round(idle),
    falseSuspicions: run.wrong("suspect", since).length,
    falseDeaths: run.wrong("down", since).length,
  };
}

/** SIGKILL of members drawn at random, one after another; each is replaced before the next falls. */
async function kills(run, { kills: count }) {
  const since = run.now();
  const first = [];
  const last = [];
  let unnoticed = 0;
  for (let i = 0; i < count; i++) {
    const [victim] = run.members.splice(run.any(), 1);
    run.killed.add(victim.address);
    const at = run.now();
    await victim.kill();
    const noticed = () => run.changes.filter(({ type, about }) => type === "down" && about === victim.address);
    const haveAll = async () => {
      await run.ask();
      return new Set(noticed().map(({ observer }) => observer)).size >= run.members.length;
    };
    if (!(await until(haveAll, FALL_MS, LOOK_MS))) unnoticed++;
    const times = noticed().map((change) => change.at - at);
    first.push(Math.min(...times));
    last.push(Math.max(...times));
    await run.start();
    await run.allKnowAll();
  }
  return {
    kills: count,
    firstP50Ms: round(quantile(first, 0.5)),
    firstMaxMs: round(quantile(first, 1)),
    lastP50Ms: round(quantile(last, 0.5)),
    lastMaxMs: round(quantile(last, 1)),
    notNoticedByAll: unnoticed,
    falseSuspicions: run.wrong("suspect", since).length,
    falseDeaths: run.wrong("down", since).length,
  };
}

async function measure() {
  const given = settings();
  const { members, kind, preset } = given;
  const on = machine(loadNow());
  const run = new Run(given);
  const startedAt = performance.now();
  await run.grow(members, given.atOnce);
  await run.allKnowAll();
  const subject = { members, processes: kind === Full ? "hearsay node" : "gossip only", preset, ...given.config };
  const record = (experiment, figures) => ({ experiment, ...subject, ...figures, loadAfter: loadNow() });
  const records = [];
  records.push(record("form", { allKnowAllMs: round(performance.now() - startedAt) }));
  if (given.broadcasts > 0) records.push(record("broadcast", await broadcasts(run, given)));
  if (given.kills > 0) records.push(record("kill", await kills(run, given)));
  await Promise.all(run.members.map((member) => member.kill()));
  const stalls = [...run.stalls.values()].reduce((sum, count) => sum + count, 0);
  print(records.map((one) => ({ ...one, stalls, machine: on })));
}

await measure();
