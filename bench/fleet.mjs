// Many members as processes of this machine. None outlives the script (wards.mjs). Ports are the system's to pick.
//
//   Plain  flood-member.mjs: passes on what it hears, no protocol
//   Bare   member.mjs: a gossip node and a notebook. Clock: CLOCK_MONOTONIC, one for all processes
//   Full   `hearsay node`, watched through what it shows to everybody: its log, `/health`, `/stats`. Clock: the wall's, in ms

import { fork } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd, bonds, bounded, ward } from "./wards.mjs";

const MEMBER = fileURLToPath(new URL("./member.mjs", import.meta.url));
const FLOOD_MEMBER = fileURLToPath(new URL("./flood-member.mjs", import.meta.url));
const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
/** Longest wait for a process to come up, and for it to answer. */
const START_MS = 60_000;
const ANSWER_MS = 20_000;
const LOG_CHUNK_BYTES = 1 << 16;

let folder;

atEnd(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** A process that says `ready` when it is in, and is gone when it is killed. */
class Child {
  address = "";
  #process;
  #gone;

  /** `gid`: the group it runs as, if not ours */
  constructor(file, args, stdio, gid) {
    const [execPath = process.execPath, ...execArgv] = [...bonds, process.execPath];
    const options = { execPath, execArgv, stdio: [...stdio, "ipc"], env: { PATH: process.env.PATH } };
    this.#process = ward(fork(file, args, gid === undefined ? options : { ...options, gid }));
    this.#gone = new Promise((resolve) => this.#process.once("exit", resolve));
  }

  get process() {
    return this.#process;
  }

  /** The first message for which `pick` has an answer. */
  hear(pick, withinMs, what) {
    let listener;
    const message = new Promise((resolve, reject) => {
      listener = (said) => pick(said) && resolve(said);
      this.#process.on("message", listener);
      this.#gone.then((code) => reject(new Error(`${what}: the process ended with code ${code}`)));
    });
    return bounded(message, withinMs, what).finally(() => this.#process.off("message", listener));
  }

  /** Resolves when it has ended. */
  get gone() {
    return this.#gone;
  }

  kill() {
    this.#process.kill("SIGKILL");
    return bounded(this.#gone, ANSWER_MS, "kill");
  }
}

/** A process that writes down what it notices, and says so when it is asked. */
class Noting extends Child {
  static now = () => Number(process.hrtime.bigint()) / 1e6;
  #asked = 0;

  async broadcast(text) {
    this.process.send({ say: text });
  }

  /** What it noted since it was last asked, after it did what it was told. */
  report(order = {}) {
    const number = ++this.#asked;
    const answer = this.hear((message) => message.number === number, ANSWER_MS, "report");
    this.process.send({ ...order, number });
    return answer;
  }

  /** Tells it to do something, and does not wait. */
  tell(order) {
    this.process.send(order);
  }
}

export class Bare extends Noting {
  /** `config`: protocol constants other than the preset's */
  static async start(seed, preset, config) {
    const member = new Bare(seed, { preset, config });
    member.address = (await member.hear(({ ready }) => ready, START_MS, "start")).ready;
    return member;
  }

  /** Tells it to join `seed` as soon as its socket is open. That it is open says `up`. */
  constructor(seed, { preset, config = {}, port = 0, gid }) {
    super(MEMBER, [seed ?? "", preset, JSON.stringify(config), String(port)], ["ignore", "ignore", "inherit"], gid);
  }

  /** Resolves with the time at which its socket was open. */
  async up() {
    const { up, at } = await this.hear((message) => message.up, START_MS, "start");
    this.address = up;
    return at;
  }
}

/** A process without a protocol, see floor.mjs. */
export class Plain extends Noting {
  static async start() {
    const member = new Plain(FLOOD_MEMBER, [], ["ignore", "ignore", "inherit"]);
    member.address = (await member.hear(({ ready }) => ready, START_MS, "start")).ready;
    return member;
  }

  /** The ports it passes on to. */
  link(ports) {
    this.tell({ links: ports });
  }
}

export class Full extends Child {
  static now = Date.now;
  static #count = 0;
  #url = "";
  #log = -1;
  #read = 0;
  #rest = "";
  #said = [];
  /** What it was asked to tell: its inbox holds that, too. */
  #own = new Set();

  static async start(seed, preset) {
    folder ??= mkdtempSync(join(tmpdir(), "hearsay-bench-"));
    const name = `m${++Full.#count}`;
    const log = openSync(join(folder, `${name}.log`), "a+", 0o600);
    const args = ["node", "--host", "127.0.0.1", "--http-port", "0", "--gossip-port", "0", "--name", name];
    const seeds = seed ? ["--seeds", seed] : [];
    const member = new Full(MAIN, [...args, "--preset", preset, ...seeds], ["ignore", log, log]);
    member.#log = log;
    const { ready } = await member.hear((message) => message.ready, START_MS, "start");
    member.address = ready.address;
    member.#url = ready.url;
    return member;
  }

  async broadcast(text) {
    this.#said.push([text, Full.now()]);
    this.#own.add(text);
    const body = JSON.stringify({ sender: "bench", msg: text, to: "all" });
    const headers = { "content-type": "application/json" };
    await fetch(`${this.#url}/message`, { method: "POST", headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
  }

  async report() {
    const [{ stats }, { members }] = await Promise.all([this.#get("/stats"), this.#get("/health")]);
    const report = { at: Full.now(), heard: [], said: this.#said, changes: [] };
    this.#said = [];
    for (const line of this.#lines()) {
      const { time, msg, event, member } = JSON.parse(line);
      const text = /^Received message from bench: (.*)$/.exec(msg)?.[1];
      if (text !== undefined && !this.#own.has(text)) report.heard.push([text, Date.parse(time)]);
      if (event !== undefined && member) report.changes.push([event, member.address, Date.parse(time)]);
    }
    const { alive = 0, suspect = 0 } = members;
    return { ...report, live: alive + suspect, datagrams: stats.sent, stalls: stats.stalls };
  }

  async #get(path) {
    return (await fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) })).json();
  }

  /** The lines that its log has grown by. */
  #lines() {
    const chunk = Buffer.alloc(LOG_CHUNK_BYTES);
    for (let size = -1; size !== 0; this.#read += size) {
      size = readSync(this.#log, chunk, 0, chunk.length, this.#read);
      this.#rest += chunk.toString("utf8", 0, size);
    }
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop();
    return lines.filter((line) => line !== "");
  }

  async kill() {
    await super.kill();
    if (this.#log >= 0) closeSync(this.#log);
    this.#log = -1;
  }
}
