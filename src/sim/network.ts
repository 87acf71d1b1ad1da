// Many members, one clock, one seed: real frames through the real core, over a network that loses, delays,
// duplicates, reorders, damages and cuts as it is told to. The same options and seed give the same run, byte for byte.
//
// Virtual time in ms. Nothing here knows what a scenario wants to find out.

import { type Address, addressOf } from "../gossip/address.ts";
import type { Claim } from "../gossip/claim.ts";
import type { Config } from "../gossip/config.ts";
import { Members } from "../gossip/members.ts";
import type { Message } from "../gossip/messages.ts";
import { type Peer, Peers, Profiles } from "../gossip/peers.ts";
import { Random } from "../gossip/random.ts";
import { Swim } from "../gossip/swim.ts";
import { Wire } from "../gossip/wire.ts";
import { EventQueue } from "./queue.ts";

export interface Weather {
  /** One way, uniform between the two. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Probabilities for each datagram. */
  readonly loss: number;
  readonly duplicates: number;
  readonly damage: number;
}

/** A hop of 0.25 ms +- 50 % and no losses: a quiet LAN. */
export const CALM: Weather = { delayMinMs: 0.125, delayMaxMs: 0.375, loss: 0, duplicates: 0, damage: 0 };

/** What an experiment watches. `at` is virtual ms, members are named by their index. */
export interface Watcher {
  changed?(at: number, observer: number, subject: Peer, claim: Claim, was: Claim): void;
  delivered?(at: number, observer: number, message: Message): void;
}

interface Arrival {
  readonly to: number;
  readonly life: number;
  /** Undefined: the member's own deadline. */
  readonly bytes: Uint8Array | undefined;
}

export class SimMember {
  readonly index: number;
  readonly address: Address;
  swim: Swim;
  /** Counts restarts: what was on its way to a former life does not arrive. */
  life = 0;
  running = false;
  paused = false;
  /** Held while paused, as a socket's buffer would. */
  readonly held: Uint8Array[] = [];
  wakeAt = Number.POSITIVE_INFINITY;

  constructor(index: number, address: Address, swim: Swim) {
    this.index = index;
    this.address = address;
    this.swim = swim;
  }
}

const HELD_MAX = 90;

export class Network {
  readonly peers = new Peers();
  readonly profiles = new Profiles();
  readonly wire = new Wire("sim");
  readonly members: SimMember[] = [];
  readonly random: Random;
  now = 0;
  weather: Weather;
  /** Decides for each datagram whether the way from one member to another is cut. */
  cut: ((from: number, to: number) => boolean) | undefined;
  /** Sees every datagram that is sent. */
  tap: ((bytes: Uint8Array) => void) | undefined;
  datagrams = 0;
  bytes = 0;
  readonly #config: Config;
  readonly #watcher: Watcher;
  readonly #queue = new EventQueue<Arrival>();
  readonly #indexes = new Map<Address, number>();

  constructor(seed: number, config: Config, weather: Weather = CALM, watcher: Watcher = {}) {
    this.random = new Random(seed);
    this.#config = config;
    this.weather = weather;
    this.#watcher = watcher;
  }

  /** A new member, not started. Its profile is of the size of a real one. */
  add(): SimMember {
    const index = this.members.length;
    const address = addressOf(`10.${(index >>> 16) & 255}.${(index >>> 8) & 255}.${index & 255}`, 7979) as Address;
    this.#indexes.set(address, index);
    const member = new SimMember(index, address, this.#swim(index, address, 0));
    this.members.push(member);
    return member;
  }

  /** `count` members who know each other, started: a settled network without the way to it. */
  settle(count: number): void {
    for (let i = 0; i < count; i++) this.add();
    const view = new Members(this.peers.hold(this.members[0]?.address ?? 0) as Peer, this.peers, this.profiles);
    for (const { swim } of this.members) {
      const { self } = swim.members;
      this.peers.hold(this.peers.address(self));
      this.profiles.share(swim.members.profile(self));
      view.believe(self, swim.members.claim(self), swim.members.profile(self));
    }
    for (const member of this.members) {
      member.swim.adopt(view);
      this.start(member);
    }
  }

  #swim(index: number, address: Address, life: number): Swim {
    const output = {
      send: (to: Peer, bytes: Uint8Array) => this.#send(index, this.peers.address(to), bytes),
      changed: (subject: Peer, claim: Claim, was: Claim) =>
        this.#watcher.changed?.(this.now, index, subject, claim, was),
      deliver: (message: Message) => this.#watcher.delivered?.(this.now, index, message),
    };
    return new Swim(
      address,
      profileOf(index, life),
      this.peers,
      this.profiles,
      this.wire,
      this.#config,
      new Random(this.random.uint32()),
      output,
    );
  }

  start(member: SimMember): void {
    member.running = true;
    member.swim.start(this.now);
    this.#arm(member);
  }

  /** Stops without a word. */
  crash(member: SimMember): void {
    member.running = false;
    member.life++;
  }

  /** A new process at the same address, which remembers nothing. */
  restart(member: SimMember): void {
    this.crash(member);
    member.paused = false;
    member.held.splice(0);
    member.swim = this.#swim(member.index, member.address, member.life);
    member.wakeAt = Number.POSITIVE_INFINITY;
    this.start(member);
  }

  /** Stands still, like a process under SIGSTOP: datagrams wait, as many as a socket holds. */
  pause(member: SimMember): void {
    member.paused = true;
  }

  resume(member: SimMember): void {
    member.paused = false;
    for (const bytes of member.held.splice(0)) this.#receive(member, bytes);
    if (member.wakeAt <= this.now) this.#wake(member);
    this.#arm(member);
  }

  /** Gives a member an input of the experiment's own. */
  tell(member: SimMember, input: (swim: Swim, now: number) => void): void {
    input(member.swim, this.now);
    this.#arm(member);
  }

  /** Runs until `until`, or until `done` says so (asked every `everyMs`). Returns the time. */
  run(until: number, done?: () => boolean, everyMs = 10): number {
    if (until < this.now) throw new Error(`BUG: the clock stands at ${this.now}, it cannot run until ${until}`);
    let asked = this.now;
    while (this.#queue.nextAt <= until) {
      const at = this.#queue.nextAt;
      if (done && at - asked >= everyMs) {
        if (done()) return this.now;
        asked = at;
      }
      this.now = at;
      const arrival = this.#queue.pop() as Arrival;
      const member = this.members[arrival.to] as SimMember;
      if (!member.running || member.life !== arrival.life) continue;
      if (arrival.bytes === undefined) this.#onDeadline(member, at);
      else if (!member.paused) {
        this.#receive(member, arrival.bytes);
        this.#arm(member);
      } else if (member.held.length < HELD_MAX) member.held.push(arrival.bytes);
    }
    this.now = until;
    return until;
  }

  #onDeadline(member: SimMember, at: number): void {
    if (member.wakeAt !== at || member.paused) return; // moved since, or waits for the resumption
    this.#wake(member);
    this.#arm(member);
  }

  #wake(member: SimMember): void {
    member.wakeAt = Number.POSITIVE_INFINITY;
    member.swim.wake(this.now);
  }

  #receive(member: SimMember, bytes: Uint8Array): void {
    member.swim.receive(this.now, bytes);
  }

  #arm(member: SimMember): void {
    const deadline = Math.max(this.now, member.swim.deadline);
    if (deadline === member.wakeAt) return;
    member.wakeAt = deadline;
    if (deadline < Number.POSITIVE_INFINITY)
      this.#queue.push(deadline, { to: member.index, life: member.life, bytes: undefined });
  }

  #send(from: number, address: Address, bytes: Uint8Array): void {
    this.datagrams++;
    this.bytes += bytes.length;
    this.tap?.(bytes);
    const to = this.#indexes.get(address);
    if (to === undefined) return;
    const { weather, random } = this;
    if (this.cut?.(from, to) || (weather.loss > 0 && random.unit() < weather.loss)) return;
    const copies = weather.duplicates > 0 && random.unit() < weather.duplicates ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delay = weather.delayMinMs + random.unit() * (weather.delayMaxMs - weather.delayMinMs);
      const { life } = this.members[to] as SimMember;
      this.#queue.push(this.now + delay, { to, life, bytes: this.#damaged(bytes) });
    }
  }

  #damaged(bytes: Uint8Array): Uint8Array {
    if (this.weather.damage === 0 || this.random.unit() >= this.weather.damage) return bytes;
    const damaged = Uint8Array.from(bytes);
    const at = this.random.below(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << this.random.below(8));
    return damaged;
  }

  /** The running members. */
  get running(): SimMember[] {
    return this.members.filter((member) => member.running);
  }

  /** How many of all (member, member) pairs of running members are not known yet. */
  get unknownPairs(): number {
    const running = this.running;
    let unknown = 0;
    for (const { swim } of running) unknown += Math.max(0, running.length - swim.members.live);
    return unknown;
  }

  /** True when all running members hold the same view of exactly the running members. */
  get agreed(): boolean {
    const running = this.running;
    const digest = running[0]?.swim.members.ring.digest;
    return running.every(({ swim }) => swim.members.live === running.length && swim.members.ring.digest === digest);
  }
}

function profileOf(index: number, life: number): Uint8Array {
  const bytes = new Uint8Array(70);
  const random = new Random(index * 65_536 + life + 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.uint32() & 255;
  return bytes;
}
