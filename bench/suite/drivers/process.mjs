// Members as child processes on the loopback: bare gossip nodes that write down what they notice (member.mjs) and are
// asked afterwards. One clock for all, CLOCK_MONOTONIC. What they use is read from /proc, what they send is counted by
// nftables where we are root, as for the peers.

import { Bare } from "../../fleet.mjs";
import { bounded } from "../../wards.mjs";
import { Driver } from "./driver.mjs";
import { used } from "./procfs.mjs";
import { Traffic, whyNoTraffic } from "./traffic.mjs";

const ACTS = ["joinAll", "addOne", "crash", "leave", "restart", "pause", "resume", "stopBootstrap", "say"];
const TROUBLES = ["cut", "heal", "loss"];
/** Beyond the leaver's own patience. */
const LEAVE_MS = 10_000;

export class ProcessDriver extends Driver {
  static name = "process";
  static get can() {
    return new Set(whyNoTraffic() === "" ? [...ACTS, ...TROUBLES] : ACTS);
  }
  static get lacks() {
    const why = whyNoTraffic();
    return why === "" ? [] : [`datagrams and bytes are not known: ${why}`];
  }

  #members = [];
  #numbers = new Map();
  #facts = [];
  #traffic;
  /** One clock, read to the nanosecond; a reading takes less than this. */
  clockErrorMs = 0.01;

  async start({ joined, atOnce = Number.POSITIVE_INFINITY }) {
    if (whyNoTraffic() === "") this.#traffic = new Traffic();
    const began = this.now();
    // The first alone: the others join by it.
    await this.#open(0, undefined);
    const seed = joined ? this.#members[0].address : undefined;
    let next = 1;
    const openSome = async () => {
      while (next < this.nodes) await this.#open(next++, seed);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, this.nodes - 1) }, openSome));
    this.startUpMs = this.now() - began;
  }

  /** A process for a member, at its former address if it had one. @returns when it was up */
  async #open(number, seed, port = 0) {
    const { preset, config } = this;
    const child = new Bare(seed, { preset, config, port, gid: this.#traffic?.gid(number) });
    const member = { child, number, address: "", upAt: Number.NaN, isRunning: false, isPaused: false };
    this.#members[number] = member;
    member.upAt = await child.up();
    member.address = child.address;
    member.isRunning = true;
    this.#numbers.set(child.address, number);
    this.progress(this.running().length);
    return member.upAt;
  }

  async stop() {
    const children = this.#members.filter(Boolean).map(({ child }) => child);
    this.#members = [];
    await Promise.all(children.map((child) => child.kill())).finally(() => this.#traffic?.close());
  }

  now() {
    return Bare.now();
  }

  running() {
    return this.#members.filter((member) => member?.isRunning).map(({ number }) => number);
  }

  get size() {
    return this.#members.length;
  }

  upAt(member) {
    return this.#members[member].upAt;
  }

  async observe() {
    await this.#ask();
    return this.#facts.splice(0);
  }

  async views() {
    return (await this.#ask()).map(({ number, report: { live, digest } }) => ({ observer: number, live, digest }));
  }

  async usage() {
    const sent = this.#traffic?.counts();
    return this.running().map((observer) => {
      const none = this.#traffic ? { datagrams: 0, bytes: 0 } : { datagrams: null, bytes: null };
      const { child } = this.#members[observer];
      return { observer, at: this.now(), ...used(child.process.pid), ...none, ...sent?.get(observer) };
    });
  }

  /** All who can answer say what they noted. */
  async #ask() {
    const able = this.#members.filter((member) => member?.isRunning && !member.isPaused);
    return Promise.all(able.map(async (member) => ({ number: member.number, report: await this.#report(member) })));
  }

  async #report({ child, number: observer }, order) {
    const report = await child.report(order);
    const about = (address) => this.#numbers.get(address) ?? -1;
    for (const [type, address, at] of report.changes) this.#facts.push({ observer, type, about: about(address), at });
    for (const [text, at, origin] of report.heard) {
      this.#facts.push({ observer, type: "message", about: about(origin), at, text });
    }
    return report;
  }

  // ── acts ──

  #seedFor(number) {
    return this.#members.find((member) => member?.isRunning && !member.isPaused && member.number !== number)?.address;
  }

  async joinAll() {
    const [first, ...others] = this.#members;
    const at = this.now();
    for (const { child } of others) child.tell({ join: [first.address] });
    return at;
  }

  async addOne() {
    return this.#open(this.size, this.#seedFor(this.size));
  }

  async crash(number) {
    const member = this.#members[number];
    await this.#report(member);
    member.isRunning = false;
    const at = this.now();
    await member.child.kill();
    return at;
  }

  async stopBootstrap() {
    return this.crash(0);
  }

  async leave(number) {
    const member = this.#members[number];
    await this.#report(member);
    member.isRunning = false;
    const at = this.now();
    member.child.tell({ leave: true });
    // `stop` kills it if it does not go; that it was waited for in vain is the restarter's business.
    return at;
  }

  async restart(number) {
    const member = this.#members[number];
    await this.leave(number);
    await bounded(member.child.gone, LEAVE_MS, `the end of member ${number}`);
    return this.#open(number, this.#seedFor(number), Number(member.address.split(":").at(-1)));
  }

  async pause(number) {
    const member = this.#members[number];
    await this.#report(member);
    member.isPaused = true;
    member.child.process.kill("SIGSTOP");
    return this.now();
  }

  async resume(number) {
    const member = this.#members[number];
    const at = this.now();
    member.child.process.kill("SIGCONT");
    member.isPaused = false;
    return at;
  }

  async say(number, text) {
    const { said } = await this.#report(this.#members[number], { say: text });
    return said.at(-1)[1];
  }

  async cut(groupA, groupB) {
    this.#traffic.cut(this.#places(groupA), this.#places(groupB));
    return this.now();
  }

  async heal() {
    this.#traffic.calm();
    return this.now();
  }

  async loss(share) {
    this.#traffic.calm();
    if (share > 0) this.#traffic.lose(share);
    return this.now();
  }

  #places(numbers) {
    return numbers.map((member) => {
      const [ip, port] = this.#members[member].address.split(":");
      return { member, ip, port };
    });
  }
}
