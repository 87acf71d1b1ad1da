// Many members in one process, each with a socket of its own on the loopback: real datagrams, one event loop. Standing
// still is not to be had, and neither are losses: what happens to one happens to all.

import { start as startNode } from "../../../dist/gossip/index.js";
import { bounded } from "../../wards.mjs";
import { lookAtLimits, socketProblems } from "../preflight.mjs";
import { Crowd } from "./crowd.mjs";
import { ACTS } from "./driver.mjs";

/** What IPv4 and UDP put before a datagram: the kernel's counters, which other drivers read, count it as well. */
const HEADER_BYTES = 28;
const LEAVE_MS = 10_000;

export class UdpDriver extends Crowd {
  static name = "udp";
  static get can() {
    return new Set(ACTS.filter((act) => act !== "pause" && act !== "resume"));
  }
  static get lacks() {
    return ["CPU time and memory are those of the process, the bench included, by the number of members"];
  }

  static async prepare(given) {
    return socketProblems(lookAtLimits(), given);
  }

  #numbers = new Map();
  #text = new TextDecoder();

  async start({ joined, atOnce = Number.POSITIVE_INFINITY }) {
    const open = async (number) => {
      await this.#open(number);
      if (joined && number > 0) void this.#join(number);
    };
    await this.openAll(open, atOnce);
  }

  async #open(number, port = 0) {
    const { preset, config } = this;
    const node = await startNode({ host: "127.0.0.1", port, preset, config });
    const { address } = node.self;
    const member = { node, number, address, upAt: this.now(), isRunning: false, isPaused: false };
    this.members[number] = member;
    this.#numbers.set(address, number);
    this.#watch(number, node);
    return this.opened(member);
  }

  #watch(observer, node) {
    const note = (type, address, more) => {
      this.facts.push({ observer, type, about: this.#numbers.get(address) ?? -1, at: this.now(), ...more });
    };
    node.on("event", ({ type, member }) => {
      if (member !== undefined && !member.self && type !== "message") note(type, member.address);
    });
    node.on("message", ({ origin, payload }) => note("message", origin, { text: this.#text.decode(payload) }));
  }

  /** Until it is in, or gone. Nobody waits for it. */
  async #join(number) {
    const member = this.members[number];
    const seed = this.another(number);
    while (member.isRunning && seed !== undefined) {
      try {
        return await member.node.join([seed.address]);
      } catch (error) {
        if (error.code !== "ERR_JOIN_TIMEOUT" && error.code !== "ERR_CLOSED") throw error;
      }
    }
  }

  async stop() {
    // Of those that failed to start there is none.
    const members = this.members.splice(0).filter(Boolean);
    for (const member of members) member.isRunning = false;
    await Promise.all(members.map(({ node }) => node.close()));
  }

  async views() {
    return this.running().map((observer) => {
      const { node } = this.members[observer];
      const live = node.members().filter(({ status }) => status === "alive" || status === "suspect").length;
      return { observer, live, digest: node.digest };
    });
  }

  async usage() {
    const running = this.running();
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1_000 / this.nodes;
    const rssMiB = process.memoryUsage.rss() / 2 ** 20 / this.nodes;
    return running.map((observer) => {
      const { node, upAt } = this.members[observer];
      const { sent, sentBytes } = node.stats;
      const bytes = sentBytes + sent * HEADER_BYTES;
      return { observer, upAt, at: this.now(), cpuMs, rssMiB, datagrams: sent, bytes };
    });
  }

  // ── acts ──

  async joinAll() {
    const at = this.now();
    for (const number of this.running().slice(1)) void this.#join(number);
    return at;
  }

  async addOne() {
    const number = this.size;
    const at = await this.#open(number);
    void this.#join(number);
    return at;
  }

  async crash(number) {
    const member = this.members[number];
    member.isRunning = false;
    const at = this.now();
    await member.node.close();
    return at;
  }

  async leave(number) {
    const member = this.members[number];
    member.isRunning = false;
    const at = this.now();
    member.gone = member.node.leave();
    return at;
  }

  async restart(number) {
    const member = this.members[number];
    await this.leave(number);
    await bounded(member.gone, LEAVE_MS, `the end of member ${number}`);
    const at = await this.#open(number, Number(member.address.split(":").at(-1)));
    void this.#join(number);
    return at;
  }

  async say(number, text) {
    const at = this.now();
    this.members[number].node.broadcast(text);
    return at;
  }
}
