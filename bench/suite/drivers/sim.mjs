// Members in virtual time, on the simulated network of dist/sim: the same core, no processes, no sockets. A second of the
// clock passes when `pass` says so; acts happen at once. The same seed, the same run.

import { statusOf } from "../../../dist/gossip/claim.js";
import { configure } from "../../../dist/gossip/config.js";
import { CALM, Network } from "../../../dist/sim/network.js";
import { ACTS, Driver, TROUBLES } from "./driver.mjs";

const [ALIVE, SUSPECT, DEAD] = [0, 1, 2];
/** How often it looks whether a leaver is gone. */
const LOOK_MS = 1;
/** What IPv4 and UDP put before a datagram: the kernel's counters, which the real drivers read, count it as well. */
const HEADER_BYTES = 28;

export class SimDriver extends Driver {
  static name = "sim";
  static isVirtual = true;
  static get can() {
    return new Set([...ACTS, ...TROUBLES]);
  }
  static get lacks() {
    return ["CPU time and memory are not known: one process computes all members"];
  }

  #net;
  #facts = [];
  #upAt = [];
  /** Bytes that each member's processes sent, by its number. */
  #bytes = [];
  /** observer → subject's peer → hash of the profile that was last seen. */
  #profiles = [];
  #text = new TextDecoder();

  constructor(options) {
    super(options);
    this.#net = new Network(this.seed, configure(this.preset, this.config), CALM, {
      started: (at, observer) => {
        this.#upAt[observer] = at;
        this.#profiles[observer] = new Map();
      },
      changed: (...change) => this.#changed(...change),
      delivered: (at, observer, { origin, payload }) => {
        const about = this.#net.indexOf(origin) ?? -1;
        this.#facts.push({ observer, type: "message", about, at, text: this.#text.decode(payload) });
      },
    });
    this.#net.tap = (bytes, from) => {
      this.#bytes[from] = (this.#bytes[from] ?? 0) + bytes.length + HEADER_BYTES;
    };
  }

  /** As node.ts tells it to its user (witness.ts), without what needs the profile's content. */
  #changed(at, observer, subject, claim, was) {
    const { members } = this.#net.members[observer].swim;
    if (subject === members.self || claim === 0) return;
    const profile = members.profileHash(subject);
    const before = this.#profiles[observer].get(subject);
    this.#profiles[observer].set(subject, profile);
    const type = typeOf(claim, was, profile === before);
    const about = this.#net.indexOf(this.#net.peers.address(subject)) ?? -1;
    if (type !== undefined) this.#facts.push({ observer, type, about, at });
  }

  async start({ joined }) {
    for (let i = 0; i < this.nodes; i++) this.#net.add();
    for (const member of this.#net.members) this.#net.start(member);
    if (joined) await this.joinAll();
    this.progress(this.nodes);
  }

  now() {
    return this.#net.now;
  }

  async pass(ms) {
    this.#net.run(this.#net.now + ms);
  }

  running() {
    return this.#net.running.filter(({ leaving }) => !leaving).map(({ index }) => index);
  }

  get size() {
    return this.#net.members.length;
  }

  upAt(member) {
    return this.#upAt[member];
  }

  async observe() {
    return this.#facts.splice(0);
  }

  async views() {
    return this.running().map((observer) => {
      const { members } = this.#net.members[observer].swim;
      return { observer, live: members.live, digest: String(members.ring.digest) };
    });
  }

  async usage() {
    return this.running().map((observer) => {
      const { sent } = this.#net.members[observer];
      const bytes = this.#bytes[observer] ?? 0;
      return { observer, at: this.now(), cpuMs: null, rssMiB: null, datagrams: sent, bytes };
    });
  }

  // ── acts ──

  #join(member) {
    const seed = this.#net.running.find(({ index, leaving }) => index !== member.index && !leaving);
    if (seed) this.#net.tell(member, (swim, now) => swim.join(now, [seed.address]));
  }

  async joinAll() {
    for (const member of this.#net.members.slice(1)) this.#join(member);
    return this.now();
  }

  async addOne() {
    const member = this.#net.add();
    this.#net.start(member);
    this.#join(member);
    return this.now();
  }

  async crash(number) {
    this.#net.crash(this.#net.members[number]);
    return this.now();
  }

  async stopBootstrap() {
    return this.crash(0);
  }

  async leave(number) {
    this.#net.leave(this.#net.members[number]);
    return this.now();
  }

  /** Needs time to pass, and somebody else to let it. */
  async restart(number) {
    const member = this.#net.members[number];
    await this.leave(number);
    return new Promise((resolve) => {
      const look = () => {
        if (member.running) {
          this.#net.at(this.now() + LOOK_MS, look);
          return;
        }
        this.#net.restart(member);
        this.#join(member);
        resolve(this.now());
      };
      look();
    });
  }

  async pause(number) {
    this.#net.pause(this.#net.members[number]);
    return this.now();
  }

  async resume(number) {
    this.#net.resume(this.#net.members[number]);
    return this.now();
  }

  async say(number, text) {
    const payload = new TextEncoder().encode(text);
    this.#net.tell(this.#net.members[number], (swim, now) => swim.broadcast(now, payload));
    return this.now();
  }

  async cut(groupA, groupB) {
    const sides = new Map([...groupA.map((member) => [member, "a"]), ...groupB.map((member) => [member, "b"])]);
    this.#net.cut = (from, to) => sides.has(from) && sides.has(to) && sides.get(from) !== sides.get(to);
    return this.now();
  }

  async heal() {
    this.#net.cut = undefined;
    return this.now();
  }

  async loss(share) {
    this.#net.weather = { ...this.#net.weather, loss: share };
    return this.now();
  }
}

function typeOf(claim, was, isSameProfile) {
  const [status, before] = [statusOf(claim), was === 0 ? undefined : statusOf(was)];
  if (status === ALIVE) return before !== ALIVE ? "up" : isSameProfile ? undefined : "updated";
  if (status === SUSPECT) return "suspect";
  // Who was never known cannot be missed, and who is gone already is not missed again.
  if (before === undefined || before === status) return undefined;
  return status === DEAD ? "down" : "left";
}
