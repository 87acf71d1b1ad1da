// Serf's agents as processes, each at a loopback address of its own, at the defaults of their profile; driven through their
// RPC. What an agent notices is timed here, when it says so:
//
//   members    by its log, which has each change as soon as the agent believes it. The event stream holds member events
//              back for a second or more to bundle them (the agent's coalescing), which would be to Serf's disadvantage
//   messages   by the event stream: user events, sent uncoalesced
//
// So the clock's error is how late we may read: the longest that our event loop stood still, and an RPC's round-trip, for one
// message may suffer both. Who suspects whom an agent does not tell.

import { execFile, spawn } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { promisify } from "node:util";
import { pause, turnstile } from "../../record.mjs";
import { bonds, bounded, ward } from "../../wards.mjs";
import { lookAtLimits, processProblems } from "../preflight.mjs";
import { ProcessCrowd } from "./crowd.mjs";
import { SerfRpc } from "./serf-rpc.mjs";

const GOSSIP_PORT = 7946;
const RPC_PORT = 7373;
const START_MS = 60_000;
const END_MS = 30_000;
const LOOP_LOOK_MS = 5;
/** As an agent does that is told at its start whom to join (`-retry-interval`). */
const RETRY_MS = 1_000;
export const CHANGE = /serf: EventMember(Join|Leave|Failed|Update)(?: \(forced\))?: m(\d+) /;
export const TYPES = { Join: "up", Leave: "left", Failed: "down", Update: "updated" };
const run = promisify(execFile);

/** A join that fails is told again, as a hearsay node does by itself; until it is in, or gone. */
export async function joinUntilIn(isThere, join) {
  while (isThere()) {
    try {
      return await join();
    } catch {
      await pause(RETRY_MS);
    }
  }
}

export class SerfDriver extends ProcessCrowd {
  static peers = ["serf"];
  static tells = new Set(["up", "down", "left", "updated", "message"]);
  static get lacks() {
    return ["suspicions are not known: an agent does not tell them", ...ProcessCrowd.lacks];
  }

  static async available() {
    if (process.platform !== "linux") return "Serf's agents need the addresses 127.0.0.0/8, which only Linux has";
    try {
      await run("serf", ["version"], { timeout: START_MS });
    } catch {
      return "Serf is not installed: apt-get install serf";
    }
  }

  static async prepare({ nodes }) {
    return processProblems(lookAtLimits(), { nodes, peer: "serf" });
  }

  static async versions() {
    const said = (await run("serf", ["version"], { timeout: START_MS })).stdout.split("\n")[0].replace(/^Serf v/, "");
    try {
      const { stdout } = await run("dpkg-query", ["--show", "serf"], { timeout: START_MS });
      return { serf: `${stdout.trim().split("\t")[1]} (it calls itself ${said})` };
    } catch {
      return { serf: said };
    }
  }

  /** Text of a message → who said it: an event does not tell. */
  #sayers = new Map();
  #tripMs = 0;
  #errorMs = 0;
  /** To start a process stops us for milliseconds: a hundred at once, and their first lines would all be read together. */
  #pass = turnstile();
  #loop = monitorEventLoopDelay({ resolution: LOOP_LOOK_MS });

  async start({ joined, atOnce = Number.POSITIVE_INFINITY }) {
    this.countTraffic(RPC_PORT);
    this.#loop.enable();
    await this.openAll((number) => this.#open(number, joined ? this.members[0]?.ip : undefined), atOnce);
    await this.#measureTrips();
  }

  /** An agent for a member, at its address. @returns when it was up */
  async #open(number, seedIp) {
    await this.#pass();
    const ip = addressOf(number);
    const join = seedIp === undefined ? [] : [`-retry-join=${seedIp}`, "-retry-interval=1s"];
    const places = [`-bind=${ip}:${GOSSIP_PORT}`, `-rpc-addr=${ip}:${RPC_PORT}`];
    const args = ["agent", `-node=m${number}`, ...places, `-profile=${this.preset}`, ...join];
    const member = new Agent(number, ip, args, this.traffic?.gid(number), (fact) => this.facts.push(fact));
    this.members[number] = member;
    await member.up((event) => this.#heard(number, event));
    return this.opened(member);
  }

  #heard(observer, { Name: text }) {
    this.facts.push({ observer, type: "message", about: this.#sayers.get(text) ?? -1, at: this.now(), text });
  }

  /** An RPC's round-trip, one after another, or they would wait for each other. */
  async #measureTrips() {
    for (const member of this.able()) await this.#ask(member, "stats");
    this.#readClock();
  }

  /** Something that is answered at once. */
  async #ask({ rpc }, command, body) {
    const asked = this.now();
    await rpc.ask(command, body);
    this.#tripMs = Math.max(this.#tripMs, this.now() - asked);
  }

  get clockErrorMs() {
    return this.#errorMs;
  }

  /** How late we may have read what an agent said. */
  #readClock() {
    this.#errorMs = this.#tripMs + Math.max(0, this.#loop.max / 1e6 - LOOP_LOOK_MS);
  }

  /** What was slow before, when all started at once or something else was played here, says nothing of what comes. */
  async settled() {
    this.#tripMs = 0;
    await this.#measureTrips();
    this.#loop.reset();
    this.#readClock();
  }

  async stop() {
    this.#loop.disable();
    try {
      await Promise.all(this.members.splice(0).map((member) => member.kill()));
    } finally {
      this.traffic?.close();
    }
  }

  now() {
    return Agent.now();
  }

  pidOf(agent) {
    return agent.pid;
  }

  placeOf(member) {
    return { member, ip: addressOf(member), port: GOSSIP_PORT };
  }

  async observe() {
    const died = this.members.find((member) => member?.isRunning && member.isGone);
    if (died) throw new Error(`Serf's agent ${died.number} ended by itself: ${died.lastWords}`);
    this.#readClock();
    return super.observe();
  }

  async views() {
    return this.able().map(({ number, live }) => {
      const digest = [...live].sort((a, b) => a - b).join();
      return { observer: number, live: live.size, digest };
    });
  }

  // ── acts ──

  async joinAll() {
    const [first, ...others] = this.members;
    const at = this.now();
    // An answer comes when it is in; who is not shows as a pair that does not come true.
    for (const member of others) {
      const isThere = () => this.members[member.number] === member && member.isRunning;
      void joinUntilIn(isThere, () => member.rpc.ask("join", { Existing: [first.ip], Replay: false }));
    }
    return at;
  }

  async addOne() {
    return this.#open(this.size, this.another(this.size)?.ip);
  }

  async crash(number) {
    const member = this.members[number];
    member.isRunning = false;
    const at = this.now();
    await member.kill();
    return at;
  }

  async leave(number) {
    const member = this.members[number];
    member.isRunning = false;
    const at = this.now();
    member.rpc.ask("leave").catch(() => {});
    return at;
  }

  async restart(number) {
    await this.leave(number);
    await bounded(this.members[number].gone, END_MS, `the end of Serf's agent ${number}`);
    return this.#open(number, this.another(number)?.ip);
  }

  async pause(number) {
    const member = this.members[number];
    member.isPaused = true;
    member.signal("SIGSTOP");
    return this.now();
  }

  async resume(number) {
    const member = this.members[number];
    const at = this.now();
    member.signal("SIGCONT");
    member.isPaused = false;
    return at;
  }

  async say(number, text) {
    this.#sayers.set(text, number);
    const at = this.now();
    await this.#ask(this.members[number], "event", { Name: text, Payload: Buffer.alloc(0), Coalesce: false });
    return at;
  }
}

/** Each process that measures has a network of its own. */
function addressOf(number) {
  return `127.${16 + (process.pid % 200)}.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
}

/** One agent's process, and what its log says. */
class Agent {
  static now = () => Number(process.hrtime.bigint()) / 1e6;
  isRunning = false;
  isPaused = false;
  isGone = false;
  upAt = Number.NaN;
  lastWords = "";
  rpc;
  /** Resolves when it has ended. */
  gone;
  #process;
  #note;
  #markUp;

  constructor(number, ip, args, gid, note) {
    Object.assign(this, { number, ip, live: new Set([number]) });
    this.#note = note;
    const [command, ...before] = [...bonds, "serf"];
    const options = { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH } };
    this.#process = ward(spawn(command, [...before, ...args], gid === undefined ? options : { ...options, gid }));
    this.gone = new Promise((resolve) => this.#process.once("close", resolve)).then(() => {
      this.isGone = true;
      this.rpc?.close();
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8");
      let rest = "";
      stream.on("data", (text) => {
        const at = Agent.now();
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        for (const line of lines) this.#read(line, at);
      });
    }
  }

  get pid() {
    return this.#process.pid;
  }

  signal(name) {
    this.#process.kill(name);
  }

  /** Waits until it is up, and listens to its events. */
  async up(onEvent) {
    const ended = this.gone.then(() => {
      throw new Error(`Serf's agent ${this.number} did not start: ${this.lastWords}`);
    });
    const running = new Promise((resolve) => {
      this.#markUp = resolve;
    });
    await bounded(Promise.race([running, ended]), START_MS, `the start of Serf's agent ${this.number}`);
    ended.catch(() => {});
    this.rpc = await SerfRpc.open(this.ip, RPC_PORT);
    await this.rpc.stream("user", onEvent);
  }

  kill() {
    this.#process.kill("SIGKILL");
    return bounded(this.gone, END_MS, `the end of Serf's agent ${this.number}`);
  }

  #read(line, at) {
    if (line.includes("Serf agent running")) {
      this.upAt = at;
      this.#markUp?.();
    }
    if (line.trim() !== "") this.lastWords = line.trim();
    const [, change, name] = CHANGE.exec(line) ?? [];
    if (change !== undefined) this.#change(TYPES[change], Number(name), at);
  }

  #change(type, about, at) {
    if (about === this.number) return;
    if (type === "down" || type === "left") this.live.delete(about);
    else this.live.add(about);
    this.#note({ observer: this.number, type, about, at });
  }
}
