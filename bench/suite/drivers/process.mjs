// Members as child processes on the loopback: bare gossip nodes that write down what they notice (member.mjs) and are
// asked afterwards. One clock for all, CLOCK_MONOTONIC. What they use is read from /proc, what they send is counted by
// nftables where we are root, as for the peers.

import { Bare } from "../../fleet.mjs";
import { bounded } from "../../wards.mjs";
import { lookAtLimits, processProblems } from "../preflight.mjs";
import { ProcessCrowd } from "./crowd.mjs";

/** Beyond the leaver's own patience. */
const LEAVE_MS = 10_000;

export class ProcessDriver extends ProcessCrowd {
  static async prepare({ nodes }) {
    return processProblems(lookAtLimits(), { nodes, peer: "hearsay" });
  }

  #numbers = new Map();

  /** One clock, read to the nanosecond; a reading takes less than this. */
  get clockErrorMs() {
    return 0.01;
  }

  /** Each is asked, and each answer takes it and us about half a millisecond of a processor. */
  get lookMs() {
    return 10 * this.nodes;
  }

  async start({ joined, atOnce = Number.POSITIVE_INFINITY }) {
    this.countTraffic();
    await this.openAll((number) => this.#open(number, joined ? this.members[0]?.address : undefined), atOnce);
  }

  /** A process for a member, at its former address if it had one. @returns when it was up */
  async #open(number, seed, port = 0) {
    const { preset, config } = this;
    const child = new Bare(seed, { preset, config, port, gid: this.traffic?.gid(number) });
    const member = { child, number, address: "", upAt: Number.NaN, isRunning: false, isPaused: false };
    this.members[number] = member;
    member.upAt = await child.up();
    member.address = child.address;
    this.#numbers.set(child.address, number);
    return this.opened(member);
  }

  async stop() {
    const children = this.members.filter(Boolean).map(({ child }) => child);
    this.members = [];
    await Promise.all(children.map((child) => child.kill())).finally(() => this.traffic?.close());
  }

  now() {
    return Bare.now();
  }

  pidOf({ child }) {
    return child.process.pid;
  }

  placeOf(member) {
    const [ip, port] = this.members[member].address.split(":");
    return { member, ip, port };
  }

  async observe() {
    await this.#ask();
    return super.observe();
  }

  async views() {
    return (await this.#ask()).map(({ number, report: { live, digest } }) => ({ observer: number, live, digest }));
  }

  /** All who can answer say what they noted. */
  async #ask() {
    return Promise.all(
      this.able().map(async (member) => ({ number: member.number, report: await this.#report(member) })),
    );
  }

  async #report({ child, number: observer }, order) {
    const report = await child.report(order);
    const about = (address) => this.#numbers.get(address) ?? -1;
    for (const [type, address, at] of report.changes) this.facts.push({ observer, type, about: about(address), at });
    for (const [text, at, origin] of report.heard) {
      this.facts.push({ observer, type: "message", about: about(origin), at, text });
    }
    return report;
  }

  // ── acts ──

  async joinAll() {
    const [first, ...others] = this.members;
    const at = this.now();
    for (const { child } of others) child.tell({ join: [first.address] });
    return at;
  }

  async addOne() {
    return this.#open(this.size, this.another(this.size)?.address);
  }

  async crash(number) {
    const member = this.members[number];
    await this.#report(member);
    member.isRunning = false;
    const at = this.now();
    await member.child.kill();
    return at;
  }

  async leave(number) {
    const member = this.members[number];
    await this.#report(member);
    member.isRunning = false;
    const at = this.now();
    member.child.tell({ leave: true });
    // `stop` kills it if it does not go; that it was waited for in vain is the restarter's business.
    return at;
  }

  async restart(number) {
    const member = this.members[number];
    await this.leave(number);
    await bounded(member.child.gone, LEAVE_MS, `the end of member ${number}`);
    return this.#open(number, this.another(number)?.address, Number(member.address.split(":").at(-1)));
  }

  async pause(number) {
    const member = this.members[number];
    await this.#report(member);
    member.isPaused = true;
    member.child.process.kill("SIGSTOP");
    return this.now();
  }

  async resume(number) {
    const member = this.members[number];
    const at = this.now();
    member.child.process.kill("SIGCONT");
    member.isPaused = false;
    return at;
  }

  async say(number, text) {
    const at = this.now();
    await this.#report(this.members[number], { say: text });
    return at;
  }
}
