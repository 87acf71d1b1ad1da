// A mass join on few processors, in virtual time. A hundred containers on one machine have most trouble with that, and in the
// simulator, where computing takes no time, it is over in a moment. Here the same core runs, each member in an event loop
// as node.ts drives it; each input takes a processor for a while, and processors go to whoever has had least of them. Nothing is
// lost: a socket holds whatever waits.
//
// The costs are rough: chosen so that it takes about as long as routed containers on two processors do (bench/README.md).
// So it tells what makes a join longer or shorter, and why, the same for each seed; how long one takes is measured elsewhere.
//
// Usage: npm run bench:processors -- [--members 100] [--processors 2] [--seeds 5] [--from 1] [--set name=number]…

import { addressOf } from "../dist/gossip/address.js";
import { configure } from "../dist/gossip/config.js";
import { Peers, Profiles } from "../dist/gossip/peers.js";
import { encodeProfile } from "../dist/gossip/profile.js";
import { Random } from "../dist/gossip/random.js";
import { Swim } from "../dist/gossip/swim.js";
import {
  ACK,
  CHALLENGE,
  CLAIMS,
  GOSSIP,
  HAVE,
  HEARD,
  JOIN,
  NACK,
  PING,
  PING_REQ,
  RANGES,
  Wire,
} from "../dist/gossip/wire.js";
import { integer, quantile, refuse, told } from "./record.mjs";
import { isMain } from "./suite/command.mjs";
import { ms, number, sum, table } from "./words.mjs";

/** ms of a processor: on average of an operator's request (by HTTP); and of each datagram, newly known member, and timer. */
export const COSTS = { request: 13, read: 0.3, send: 0.2, learn: 0.09, timer: 0.07 };
/** Between an operator's two requests, ms. */
const REQUEST_EVERY_MS = 0.8;
const HOP_MS = 0.05;
/** Whoever has a processor keeps it for so long if it has that much to do; to hand it on takes a moment. */
const SLICE_MS = 3;
const SWITCH_MS = 0.02;
/** They have been alone for so long. */
const JOIN_AT_MS = 3_000;
const WAIT_MS = 60_000;
/** As in node.ts. */
const LATE_MS = 20;
const DATAGRAMS_AT_ONCE = 32;
const CATCH_UPS_MAX = 64;
const KINDS = { PING, PING_REQ, ACK, NACK, GOSSIP, JOIN, CHALLENGE, RANGES, HAVE, CLAIMS, HEARD };
const USAGE = `Usage: npm run bench:processors -- [--members 100] [--processors 2] [--seeds 5] [--from 1] [--set read=0.3]…
  --set   costs in ms of a processor: ${Object.keys(COSTS).join(", ")}`;

/** What one member's process does, in steps that each take a processor for a while. */
class Process {
  /** Those that are on their way are in it as well: `{ at, bytes }`, or a request without bytes; in order of `at`. */
  inbox = [];
  /** What was sent in this step: `{ to, bytes }`. */
  sent = [];
  known = 0;
  /** ms of a processor. */
  had = 0;
  /** Until then it has a processor. */
  busyUntil = 0;
  /** It is in the order, because it has something to do. */
  isWaiting = false;
  #timerAt = Number.POSITIVE_INFINITY;
  #hasImmediate = false;
  #catchUps = 0;
  #read = 0;
  #costs;
  #random;

  constructor(machine, index, address, common) {
    this.machine = machine;
    this.index = index;
    this.#costs = common.costs;
    this.#random = common.random;
    const output = {
      send: (to, bytes) => this.sent.push({ to: common.peers.address(to), bytes: Uint8Array.from(bytes) }),
      changed: (peer, _claim, was) => {
        if (was === 0 && peer !== this.swim.members.self) this.known++;
      },
      deliver: () => {},
    };
    const profile = encodeProfile({
      id: `01900000-0000-7000-8000-${String(index).padStart(12, "0")}`,
      name: `node-${index}`,
      url: `http://10.0.0.${index}:5000`,
      role: "node",
      tags: {},
    });
    const own = new Random(common.random.uint32());
    const { peers, profiles, wire, config } = common;
    this.swim = new Swim(address, profile, peers, profiles, wire, config, own, output);
    this.#input((now) => this.swim.start(now), 0);
    this.steps = this.#loop();
  }

  /** When there is something to do next. */
  get dueAt() {
    const bytesAt = this.inbox[0]?.at ?? Number.POSITIVE_INFINITY;
    const at = this.#hasImmediate || this.#catchUps > 0 ? 0 : Math.min(bytesAt, this.#timerAt);
    return Math.max(at, this.busyUntil);
  }

  put(letter) {
    let i = this.inbox.length;
    while (i > 0 && this.inbox[i - 1].at > letter.at) i--;
    this.inbox.splice(i, 0, letter);
  }

  /** Turns of an event loop (timers, sockets, immediates); yields what a step cost, or undefined when nothing is left to do. */
  *#loop() {
    for (;;) {
      const { machine } = this;
      const read = this.#read;
      let isIdle = true;
      if (this.#timerAt <= machine.now && !this.#hasImmediate && this.#catchUps === 0) {
        isIdle = false;
        if (machine.now - this.#timerAt > LATE_MS) this.#catchUps = CATCH_UPS_MAX;
        else yield this.#wake();
      }
      while (this.#read - read < DATAGRAMS_AT_ONCE && this.inbox[0]?.at <= machine.now) {
        isIdle = false;
        const { bytes, seed } = this.inbox.shift();
        if (bytes === undefined) yield* this.#request(seed);
        else {
          this.#read++;
          yield this.#input((now) => this.swim.receive(now, bytes), this.#costs.read);
        }
      }
      if (this.#hasImmediate) {
        isIdle = false;
        this.#hasImmediate = false;
        yield this.#wake();
      }
      if (this.#catchUps > 0) {
        isIdle = false;
        this.#catchUps = this.#read - read >= DATAGRAMS_AT_ONCE ? this.#catchUps - 1 : 0;
        if (this.#catchUps === 0) yield this.#wake();
      }
      if (isIdle) yield undefined;
    }
  }

  /** Most take less than the average, a few three times as long. */
  *#request(seed) {
    let left = this.#costs.request * (0.3 - 0.7 * Math.log(1 - this.#random.unit()));
    for (; left > 0.5; left -= 0.5) yield 0.5;
    yield this.#input((now) => this.swim.join(now, [seed]), left);
  }

  #input(input, cost) {
    const { now } = this.machine;
    const known = this.known;
    input(now);
    const { deadline } = this.swim;
    if (deadline <= now && deadline > now - LATE_MS) this.swim.wake(now);
    this.#arm();
    return cost + (this.known - known) * this.#costs.learn + this.sent.length * this.#costs.send;
  }

  #arm() {
    const { deadline } = this.swim;
    if (deadline >= this.#timerAt) return;
    this.#timerAt = deadline;
    if (deadline <= this.machine.now) this.#hasImmediate = true;
  }

  #wake() {
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (this.machine.now >= this.swim.deadline) return this.#input((now) => this.swim.wake(now), this.#costs.timer);
    this.#arm();
    return this.#costs.timer;
  }
}

/** Processors, and who has them: as Linux shares them, whoever has had least is next, and a sleeper does not save up. */
class Machine {
  /** Of the step that is under way. */
  now = 0;
  /** When each processor is free again. */
  #freeAt;
  /** Process → what it has had, for the order. */
  #turns = new Map();
  #least = 0;

  constructor(processors) {
    this.#freeAt = Array.from({ length: processors }, () => 0);
  }

  /** Runs until `isOver`, asked after each turn of a process, or until that time. */
  run(processes, onStep, isOver, until) {
    for (;;) {
      const cpu = this.#freeAt.indexOf(Math.min(...this.#freeAt));
      const now = this.#freeAt[cpu];
      if (now > until) return;
      const next = this.#next(processes, now);
      if (next === undefined) this.#freeAt[cpu] = Math.max(this.#wakeAt(processes), now) + SWITCH_MS;
      else this.#freeAt[cpu] = this.#give(next, now, onStep);
      if (isOver()) return;
    }
  }

  #next(processes, now) {
    let next;
    for (const process of processes) {
      if (process.dueAt > now) continue;
      const had = this.#turns.get(process) ?? 0;
      if (!process.isWaiting) this.#turns.set(process, Math.max(had, this.#least - SLICE_MS));
      process.isWaiting = true;
      if (next === undefined || this.#turns.get(process) < this.#turns.get(next)) next = process;
    }
    if (next !== undefined) this.#least = Math.max(this.#least, this.#turns.get(next));
    return next;
  }

  #wakeAt(processes) {
    return Math.min(...processes.map(({ dueAt }) => dueAt));
  }

  /** @returns when the processor is free again */
  #give(process, from, onStep) {
    let at = from + SWITCH_MS;
    while (at - from < SLICE_MS) {
      this.now = at;
      const cost = process.steps.next().value;
      process.isWaiting = cost !== undefined;
      if (cost === undefined) break;
      at += cost;
      process.had += cost;
      onStep(process, at);
    }
    this.#turns.set(process, this.#turns.get(process) + at - from);
    process.busyUntil = at;
    // Whose slice ended with the last of its work sleeps now.
    process.isWaiting = process.dueAt <= at;
    return at;
  }
}

/**
 * All but the first are told, in this order, to join the first. A member that is forgotten and known again counts once more: in
 * a mass join nobody is.
 * @param {{ members?: number, processors?: number, seed?: number, costs?: Partial<typeof COSTS> }} options
 * @returns times in ms from the first request on: of each (observer, member) pair, sorted; how many `missed` it within a minute;
 *   what was `sent` from then on, by its kind, and the `hostBytes` of it that the first sent; and since the start, in ms of a
 *   processor, `hadMs` by all and `hostMs` by the first
 */
export function massJoin({ members = 100, processors = 2, seed = 1, costs = {} } = {}) {
  const random = new Random(seed);
  const [peers, profiles, wire] = [new Peers(), new Profiles(), new Wire("processors")];
  const common = { peers, profiles, wire, config: configure("lan"), random, costs: { ...COSTS, ...costs } };
  const machine = new Machine(processors);
  const addresses = Array.from({ length: members }, (_, i) => addressOf(`10.0.${i >> 8}.${i & 255}`, 7979));
  const all = addresses.map((address, i) => new Process(machine, i, address, common));
  const byAddress = new Map(addresses.map((address, i) => [address, all[i]]));
  const names = new Map(Object.entries(KINDS).map(([name, kind]) => [kind, name]));
  const sent = Object.fromEntries(Object.keys(KINDS).map((name) => [name, 0]));
  const times = [];
  let hostBytes = 0;
  const before = all.map(() => 0);
  const post = (process, at) => {
    for (; before[process.index] < process.known; before[process.index]++) times.push(at - JOIN_AT_MS);
    for (const { to, bytes } of process.sent.splice(0)) {
      byAddress.get(to)?.put({ at: at + HOP_MS, bytes });
      if (at < JOIN_AT_MS || wire.read(bytes) !== "ok") continue;
      sent[names.get(wire.frame.kind)]++;
      if (process === all[0]) hostBytes += bytes.length;
    }
  };
  const [seedAddress] = addresses;
  for (const each of all.slice(1))
    each.put({ at: JOIN_AT_MS + (each.index - 1) * REQUEST_EVERY_MS, seed: seedAddress });
  const isOver = () => all.every(({ swim }) => swim.members.live === members);
  machine.run(all, post, isOver, JOIN_AT_MS + WAIT_MS);
  times.sort((a, b) => a - b);
  const hadMs = sum(all.map(({ had }) => had));
  return {
    times,
    missed: members * (members - 1) - times.length,
    sent,
    hostBytes,
    hadMs,
    hostMs: all[0].had,
  };
}

function settings() {
  const text = (fallback) => ({ type: "string", default: String(fallback) });
  const { values } = told(USAGE, {
    members: text(100),
    processors: text(2),
    seeds: text(5),
    from: text(1),
    set: { type: "string", multiple: true, default: [] },
  });
  const costs = Object.fromEntries(
    values.set.map((given) => {
      const [name, ...rest] = given.split("=");
      const value = rest.join("=");
      const cost = value.trim() === "" ? Number.NaN : Number(value);
      const isCost = Object.hasOwn(COSTS, name) && cost >= 0 && cost <= 1_000;
      return isCost
        ? [name, cost]
        : refuse(`--set: expected a cost as read=0.3, up to 1000, got ${JSON.stringify(given)}`);
    }),
  );
  const seeds = integer("seeds", values.seeds, 1, 1_000);
  const from = integer("from", values.from, 0, 2 ** 31);
  return {
    seeds: Array.from({ length: seeds }, (_, i) => from + i),
    join: {
      members: integer("members", values.members, 2, 500),
      processors: integer("processors", values.processors, 1, 1_000),
      costs,
    },
  };
}

function main() {
  const { seeds, join } = settings();
  const runs = seeds.map((seed) => massJoin({ ...join, seed }));
  const spread = (of, put) => {
    const values = runs.map(of);
    return [quantile(values, 0.5), Math.min(...values), Math.max(...values)].map(put);
  };
  const pairs = join.members * (join.members - 1);
  const timeOf = (share) => (run) => run.times[Math.ceil(share * pairs) - 1] ?? Number.POSITIVE_INFINITY;
  const time = (value) => ms(Number.isFinite(value) ? value : -1);
  const aMember = (of) => spread((run) => of(run) / join.members, number);
  const rows = [
    ["half of the pairs", ...spread(timeOf(0.5), time)],
    ["99 % of the pairs", ...spread(timeOf(0.99), time)],
    ["the last pair", ...spread(timeOf(1), time)],
    ["datagrams a member", ...aMember(({ sent }) => sum(Object.values(sent)))],
    ...Object.keys(KINDS).map((name) => [`… ${name}`, ...aMember(({ sent }) => sent[name])]),
    ["kB that the host sends", ...spread(({ hostBytes }) => hostBytes / 1_000, number)],
    ["ms of a processor a member", ...aMember(({ hadMs }) => hadMs)],
    ["… the host", ...spread(({ hostMs }) => hostMs, number)],
  ];
  console.log(`${join.members} members, ${join.processors} processors, seeds ${seeds[0]} to ${seeds.at(-1)}\n`);
  console.log(table(["", "median", "least", "most"], rows));
}

if (isMain(import.meta.url)) main();
