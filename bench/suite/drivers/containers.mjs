// Members as containers on one network of their own, whatever runs in them. What they notice is read from the engine's log
// files, on the clock of the machine that they share, and what they use from /proc; nobody is asked while anything happens.
//
//   crash, pause       the engine's kill and pause
//   cut, loss          nftables in the container's own network namespace, on arrival: who sends learns nothing of it. It
//                      goes with the container. What comes from the machine itself is never lost, so that we are heard
//   datagrams, bytes   what the namespace's IP has sent, IP header included
//   frames             what its interface has sent: ARP as well
//
// Routed, a container reaches the others by way of the machine instead of directly. It then needs one entry of the kernel's
// neighbour table and not one for each whom it talks to, so that a hundred who all talk to each other fit.

import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { eachOf } from "../../record.mjs";
import { bounded } from "../../wards.mjs";
import { sweep, sweepAtEnd } from "../sweepings.mjs";
import { ContainerLog } from "./container-log.mjs";
import { Crowd } from "./crowd.mjs";
import { ACTS, TROUBLES } from "./driver.mjs";
import { BenchNetwork, docker, within } from "./engine.mjs";
import { used } from "./procfs.mjs";

const run = promisify(execFile);
/** A start is processor time, for the engine and for what starts: more at once only wait in a queue (docs/docker.md). */
const STARTED_AT_ONCE = 3;
const MADE_AT_ONCE = 4;
const START_MS = 120_000;
const LOOK_MS = 20;
const END_MS = 30_000;
const RULES_AT_ONCE = 8;
const ENTRY_MS = 20_000;
/** The machine says that there is a shorter way (RFC 1122, 3.2.2.2). */
const DEAF_TO_REDIRECTS = { "net.ipv4.conf.all.accept_redirects": "0", "net.ipv4.conf.default.accept_redirects": "0" };
/** A share is told in steps of one in so many. */
const SHARES = 10_000;

let tools;
/** Why nothing can be cut or lost here; an empty text if it can. */
export function whyNoTrouble() {
  tools ??= ["nft", "nsenter"].filter((tool) => spawnSync(tool, ["--version"]).status !== 0);
  return tools.length === 0 ? "" : `${tools.join(" and ")} not found: apt-get install nftables util-linux`;
}

export class ContainerDriver extends Crowd {
  static name = "docker";
  static get can() {
    return new Set(whyNoTrouble() === "" ? [...ACTS, ...TROUBLES] : ACTS);
  }
  static async versions() {
    const { Version, ApiVersion, KernelVersion } = await within(docker.version(), "the engine's version");
    return { engine: `Docker ${Version}, API ${ApiVersion}, kernel ${KernelVersion}` };
  }

  network = new BenchNetwork();
  joined = false;
  isRouted = false;
  #takeBack;
  #unswept;
  #starting = Promise.resolve();
  /** Of containers that are on their way out. */
  #ends = new Set();
  /** The wall clock, which containers write down, by the monotonic one. */
  #wallLead = Date.now() - performance.now();

  // ── what a peer says of itself ──
  //
  // specOf(number, seed)      { image, command, env } of a member that is told to join `seed`, if that is given
  // read(member, line)        calls up(member, at), change(…), heard(…) for what a line says

  async start({ joined, atOnce = STARTED_AT_ONCE }) {
    this.joined = joined;
    this.#takeBack = sweepAtEnd();
    // What an earlier bench, or an earlier run of this one, left behind. Containers would share the processors with ours; a
    // network that stays is told of when this run is over.
    await sweep().catch((error) => {
      if (error.containers !== 0) throw error;
      this.#unswept = error;
    });
    await this.network.open();
    const numbers = Array.from({ length: this.nodes }, (_, i) => i);
    await eachOf(numbers, MADE_AT_ONCE, (number) => this.#make(number, joined ? (number === 0 ? 1 : 0) : undefined));
    await this.prepareClock();
    await this.openAll((number) => this.#open(this.members[number]), Math.min(atOnce, STARTED_AT_ONCE));
  }

  /** Before the first member runs. */
  async prepareClock() {}

  async #make(number, seed) {
    const spec = this.specOf(number, seed);
    const sysctls = this.isRouted ? DEAF_TO_REDIRECTS : {};
    const container = await this.network.container(number, { ...spec, sysctls });
    const ip = this.network.addressOf(number);
    const member = { number, container, ip, pid: 0, startedAt: 0, upAt: Number.NaN, isRunning: false, isPaused: false };
    Object.assign(member, { log: undefined, ended: undefined, live: new Map(), starts: 0 });
    this.members[number] = member;
    return member;
  }

  /**
   * One start after another, as far as the engine is concerned: if two attach a container to a network in the same moment,
   * Docker 20.10 may count one endpoint too many, and then never lets the network go ("has active endpoints"). So it may
   * if one comes while another goes.
   */
  async #start(member) {
    const turn = this.#starting.then(async () => {
      await Promise.all(this.#ends);
      member.startedAt = this.now();
      return within(member.container.start(), `the start of container ${member.number}`);
    });
    // Whose start fails says so itself.
    this.#starting = turn.catch(() => {});
    await turn;
  }

  /** Starts a member's container, again or for the first time. @returns when it was up */
  async #open(member) {
    const { number, container, starts } = member;
    if (member.log) this.#readLog(member);
    member.live = new Map([[number, ""]]);
    await this.#start(member);
    const { State, LogPath } = await within(container.inspect(), `a look at container ${number}`);
    member.pid = State.Pid;
    if (this.isRouted) {
      const { subnet, gateway } = this.network;
      await within(
        enter(member.pid, ["ip", "route", "replace", subnet, "via", gateway]),
        `the route of container ${number}`,
      );
    }
    member.log ??= new ContainerLog(LogPath);
    const end = this.now() + START_MS;
    for (;;) {
      this.#readLog(member);
      if (member.starts > starts) break;
      if (this.now() > end || !existsSync(`/proc/${member.pid}`)) {
        throw new Error(`The member in container ${number} did not start: ${member.log.last}`);
      }
      await this.pass(LOOK_MS);
    }
    return this.opened(member);
  }

  /** A container is about to end: until it has, no other starts. `ended` tells its restarter when. */
  ending(member) {
    member.ended = bounded(member.container.wait(), END_MS, `the end of container ${member.number}`);
    // That it did not end in time is the restarter's business alone.
    const over = member.ended.catch(() => {}).then(() => this.#ends.delete(over));
    this.#ends.add(over);
  }

  async stop() {
    for (const member of this.members.splice(0)) member?.log?.close();
    await sweep();
    this.#takeBack?.();
    if (this.#unswept) throw this.#unswept;
  }

  /** Unix time. The wall clock itself may be set; how far it went from this one is part of the clock's error. */
  now() {
    return this.#wallLead + performance.now();
  }

  get wallDriftMs() {
    return Math.abs(Date.now() - performance.now() - this.#wallLead);
  }

  // ── what members notice ──

  #readLog(member) {
    for (const line of member.log.read()) this.read(member, line);
  }

  /** A member's process is up. Those whose logs were read before know it already, some of them since before this. */
  up(member, at) {
    member.starts++;
    member.upAt = at;
    for (const fact of this.facts)
      if (fact.observer === member.number || fact.about === member.number) settle(fact, member);
  }

  /** @param id tells a member's processes apart, where the peer does */
  change(member, type, about, at, id = "") {
    if (about === member.number) return;
    if (type !== "down" && type !== "left") member.live.set(about, id);
    else if (member.live.get(about) === id) member.live.delete(about);
    const fact = { observer: member.number, type, about, at };
    // Its log may be read after that of whom it is about.
    settle(fact, this.members[about] ?? {});
    this.facts.push(fact);
  }

  heard(member, about, at, text) {
    this.facts.push({ observer: member.number, type: "message", about, at, text });
  }

  #readAll() {
    for (const member of this.members) {
      if (!member?.log) continue;
      this.#readLog(member);
      if (member.isRunning && !existsSync(`/proc/${member.pid}`)) {
        throw new Error(`The member in container ${member.number} ended by itself: ${member.log.last}`);
      }
    }
  }

  async observe() {
    this.#readAll();
    return super.observe();
  }

  async views() {
    this.#readAll();
    return this.able().map(({ number, live }) => {
      const digest = [...live.keys()].sort((a, b) => a - b).join();
      return { observer: number, live: live.size, digest };
    });
  }

  async usage() {
    return this.running().map((observer) => {
      const { pid, upAt } = this.members[observer];
      return { observer, upAt, at: this.now(), ...used(pid), ...sentBy(pid) };
    });
  }

  // ── acts ──

  async addOne() {
    return this.#open(await this.#make(this.size, this.another(this.size)?.number));
  }

  async crash(number) {
    const member = this.members[number];
    member.isRunning = false;
    this.ending(member);
    const at = this.now();
    await within(member.container.kill({ signal: "SIGKILL" }), `the kill of container ${number}`);
    return at;
  }

  async restart(number) {
    const member = this.members[number];
    await this.leave(number);
    await member.ended;
    return this.#open(member);
  }

  async pause(number) {
    const member = this.members[number];
    member.isPaused = true;
    await within(member.container.pause(), `the pause of container ${number}`);
    return this.now();
  }

  async resume(number) {
    const member = this.members[number];
    const at = this.now();
    await within(member.container.unpause(), `the end of the pause of container ${number}`);
    member.isPaused = false;
    return at;
  }

  async cut(groupA, groupB) {
    const from = (numbers) => `ip saddr { ${numbers.map((number) => this.members[number].ip).join(", ")} } drop`;
    await Promise.all([this.#rule(groupA, from(groupB)), this.#rule(groupB, from(groupA))]);
    return this.now();
  }

  async heal() {
    const at = this.now();
    await this.#rule(this.running(), "");
    return at;
  }

  async loss(share) {
    const which = share < 1 ? `numgen random mod ${SHARES} < ${Math.round(share * SHARES)}` : "";
    await this.#rule(this.running(), share > 0 ? `${which} drop` : "");
    return this.now();
  }

  /** What happens to packets that arrive at these members, instead of what was said before. */
  async #rule(numbers, rule) {
    const table = `table ip hearsay_bench`;
    const chain = `chain input { type filter hook input priority 0; policy accept;
      iifname "lo" accept
      ip saddr ${this.network.gateway} accept
      ${rule}
    }`;
    const text = `${table}\ndelete ${table}\n${rule === "" ? "" : `${table} {\n${chain}\n}\n`}`;
    await eachOf(numbers, RULES_AT_ONCE, (number) => enter(this.members[number].pid, ["nft", "-f", "-"], text));
  }
}

/** Runs a tool of the machine in the network of a process. */
async function enter(pid, command, input = "") {
  const tool = run("nsenter", ["--target", String(pid), "--net", ...command], { timeout: ENTRY_MS });
  // Who ends without having read it says why by how it ends.
  tool.child.stdin.on("error", () => {}).end(input);
  await tool;
}

/**
 * A member hears of others, and they of it, while it starts, and perhaps before it has said that it is up: as early as can be,
 * then, not before it happened.
 */
function settle(fact, { startedAt, upAt }) {
  const isEarly = fact.at >= startedAt && fact.at < upAt;
  if (isEarly && (fact.type === "up" || fact.type === "updated")) fact.at = upAt;
}

/** What a process's network has sent; nulls where that is not known. Its loopback carries nothing. */
function sentBy(pid) {
  try {
    const read = (file) => readFileSync(`/proc/${pid}/net/${file}`, "utf8").split("\n");
    const device = read("dev").find((line) => line.trim().startsWith("eth0:"));
    return {
      datagrams: counter(read("snmp"), "Ip:", "OutRequests"),
      bytes: counter(read("netstat"), "IpExt:", "OutOctets"),
      // After the name eight figures of what was received; then bytes and packets sent.
      frames: Number(device.split(":")[1].trim().split(/\s+/)[9]),
    };
  } catch {
    return { datagrams: null, bytes: null, frames: null };
  }
}

/** Two lines that begin with the same word: names, and values below them. */
function counter(lines, group, name) {
  const [names, values] = lines.filter((line) => line.startsWith(group)).map((line) => line.split(/\s+/));
  return Number(values[names.indexOf(name)]);
}
