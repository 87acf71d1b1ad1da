// Many members, one clock, one seed: real frames through the real core, over a network that loses, delays,
// duplicates, reorders, damages and cuts as it is told to, between processes that crash, restart, stand still and
// stutter. The same options and seed give the same run, byte for byte.
//
// Virtual time in ms. Nothing here knows what a scenario wants to find out. What is not asked for costs at most one
// comparison a datagram: ten thousand idle members are to run faster than real time.

import { type Address, addressOf } from "../gossip/address.ts";
import type { Claim } from "../gossip/claim.ts";
import type { Config } from "../gossip/config.ts";
import { Members } from "../gossip/members.ts";
import type { Message } from "../gossip/messages.ts";
import { type Peer, Peers, Profiles } from "../gossip/peers.ts";
import { Random } from "../gossip/random.ts";
import { Swim } from "../gossip/swim.ts";
import { Wire } from "../gossip/wire.ts";
import { BUFFER_BYTES, ReceiveBuffer } from "./buffer.ts";
import type { Links } from "./links.ts";
import { EventQueue } from "./queue.ts";
import { CALM, damaged, type Weather } from "./weather.ts";

export { CALM, type Weather } from "./weather.ts";

/** What an experiment watches. `at` is virtual ms, members are named by their index. */
export interface Watcher {
  /** A process starts, or starts anew: what it believed is gone. */
  started?(at: number, observer: number): void;
  changed?(at: number, observer: number, subject: Peer, claim: Claim, was: Claim): void;
  delivered?(at: number, observer: number, message: Message): void;
}

interface Arrival {
  /** The member's index, or ACTION. */
  readonly to: number;
  /** The life it is meant for; of an action, its number. */
  readonly life: number;
  /** Undefined: the member's own deadline. */
  readonly bytes: Uint8Array | undefined;
}

/** How often a leaver looks whether its goodbye was told. */
const LEAVE_LOOK_MS = 1;

/** Datagrams that wait to be sent at most. */
const HELD_MAX = 1_024;

/** In `to` of an arrival: something the experiment does at that time. */
const ACTION = -1;

export class SimMember {
  readonly index: number;
  readonly address: Address;
  swim: Swim;
  /** Counts restarts: what was on its way to a former life does not arrive. */
  life = 0;
  running = false;
  paused = false;
  /** It was told to say goodbye. */
  leaving = false;
  /** Shares of the datagrams to and from this member that are lost, on top of the weather's. */
  ingressLoss = 0;
  egressLoss = 0;
  /** Datagrams that its processes sent and took in. */
  sent = 0;
  received = 0;
  /** What it sends and what arrives waits, but its timers run. */
  blocked = false;
  /** What waits to be sent. */
  readonly held: { readonly to: Address; readonly bytes: Uint8Array }[] = [];
  /** What waits while it stands still. */
  readonly buffer: ReceiveBuffer;
  wakeAt = Number.POSITIVE_INFINITY;
  /** Counts what it was told about its pace: a later word ends an earlier stutter. */
  pace = 0;

  constructor(index: number, address: Address, swim: Swim, bufferBytes: number) {
    this.index = index;
    this.address = address;
    this.swim = swim;
    this.buffer = new ReceiveBuffer(bufferBytes);
  }
}

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
  /** How far the members are from each other; undefined: all alike. */
  links: Links | undefined;
  /** The receive buffers of members to be added. */
  bufferBytes = BUFFER_BYTES;
  /** Sees every datagram that is sent, and by whom. */
  tap: ((bytes: Uint8Array, from: number) => void) | undefined;
  datagrams = 0;
  bytes = 0;
  /** What became of datagrams on their way, and in the buffers of those who stood still. */
  readonly fates = { lost: 0, duplicated: 0, reordered: 0, damaged: 0, overflowed: 0 };
  readonly #config: Config;
  readonly #watcher: Watcher;
  readonly #queue = new EventQueue<Arrival>();
  readonly #indexes = new Map<Address, number>();
  readonly #actions = new Map<number, () => void>();
  #actionNumber = 0;

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
    const member = new SimMember(index, address, this.#swim(index, address, 0), this.bufferBytes);
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
    this.#watcher.started?.(this.now, member.index);
    member.swim.start(this.now);
    this.#arm(member);
  }

  /** Stops without a word. */
  crash(member: SimMember): void {
    member.running = false;
    member.paused = false;
    member.blocked = false;
    member.held.length = 0;
    member.life++;
    member.pace++;
    member.buffer.take();
  }

  /** A new process at the same address, which remembers nothing. */
  restart(member: SimMember): void {
    this.crash(member);
    member.leaving = false;
    member.swim = this.#swim(member.index, member.address, member.life);
    member.wakeAt = Number.POSITIVE_INFINITY;
    this.start(member);
  }

  /** Says goodbye and stops when that is told, or when patience is over. */
  leave(member: SimMember): void {
    member.leaving = true;
    this.tell(member, (swim, now) => swim.leave(now));
    const { life } = member;
    const until = this.now + this.#config.leaveTimeoutMs;
    const look = () => {
      if (member.life !== life) return;
      if (member.swim.gone || this.now >= until) this.crash(member);
      else this.at(Math.min(until, this.now + LEAVE_LOOK_MS), look);
    };
    look();
  }

  /** Stands still, like a process under SIGSTOP: datagrams wait, as many as a socket holds, and timers come late. */
  pause(member: SimMember): void {
    member.pace++;
    member.paused = true;
  }

  resume(member: SimMember): void {
    member.pace++;
    this.#go(member);
  }

  /**
   * Stutters until told otherwise, as the processes of Lifeguard's experiment (section V): stands still, runs for a
   * moment, stands still again.
   */
  slow(member: SimMember, stoppedMs: number, runMs: number): void {
    const pace = ++member.pace;
    const stop = () => {
      if (member.pace !== pace) return;
      member.paused = true;
      this.at(this.now + stoppedMs, go);
    };
    const go = () => {
      if (member.pace !== pace) return;
      this.#go(member);
      this.at(this.now + runMs, stop);
    };
    stop();
  }

  /**
   * Lifeguard's anomaly (section V): every send and receive waits until the end, while timers run. A process of one thread
   * does not stall like that (see `pause`); one whose input and output have threads of their own does.
   */
  block(member: SimMember, blockedMs: number, freeMs: number): void {
    const pace = ++member.pace;
    const begin = () => {
      if (member.pace !== pace) return;
      member.blocked = true;
      this.at(this.now + blockedMs, end);
    };
    const end = () => {
      if (member.pace !== pace) return;
      this.#unblock(member);
      this.at(this.now + freeMs, begin);
    };
    begin();
  }

  unblock(member: SimMember): void {
    member.pace++;
    this.#unblock(member);
  }

  #unblock(member: SimMember): void {
    member.blocked = false;
    for (const { to, bytes } of member.held.splice(0)) this.#send(member.index, to, bytes);
    for (const bytes of member.buffer.take()) this.#receive(member, bytes);
    this.#arm(member);
  }

  /**
   * A process that goes on sees its due timers first and only then what waited at its socket: that is the order in
   * which Node 20 goes on after SIGCONT (the wait for datagrams ends empty-handed).
   */
  #go(member: SimMember): void {
    if (!member.running || !member.paused) return;
    member.paused = false;
    if (member.wakeAt <= this.now) this.#wake(member);
    for (const bytes of member.buffer.take()) this.#receive(member, bytes);
    this.#arm(member);
  }

  /** Does something at a time to come. */
  at(time: number, action: () => void): void {
    const number = this.#actionNumber++;
    this.#actions.set(number, action);
    this.#queue.push(time, { to: ACTION, life: number, bytes: undefined });
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
      this.#happen(this.#queue.pop() as Arrival, at);
    }
    this.now = until;
    return until;
  }

  #happen(arrival: Arrival, at: number): void {
    if (arrival.to === ACTION) {
      const action = this.#actions.get(arrival.life);
      this.#actions.delete(arrival.life);
      action?.();
      return;
    }
    const member = this.members[arrival.to] as SimMember;
    if (!member.running || member.life !== arrival.life) return;
    if (arrival.bytes === undefined) this.#onDeadline(member, at);
    else if (!member.paused && !member.blocked) {
      this.#receive(member, arrival.bytes);
      this.#arm(member);
    } else if (!member.buffer.add(arrival.bytes)) this.fates.overflowed++;
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
    member.received++;
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
    const sender = this.members[from] as SimMember;
    if (sender.blocked) {
      if (sender.held.length < HELD_MAX) sender.held.push({ to: address, bytes });
      return;
    }
    this.datagrams++;
    this.bytes += bytes.length;
    sender.sent++;
    this.tap?.(bytes, from);
    const to = this.#indexes.get(address);
    if (to === undefined) return;
    const receiver = this.members[to] as SimMember;
    if (this.cut?.(from, to) || this.#isLost(sender, receiver)) {
      this.fates.lost++;
      return;
    }
    const { weather, random } = this;
    this.#carry(from, receiver, bytes);
    if (weather.duplicates > 0 && random.unit() < weather.duplicates) {
      this.fates.duplicated++;
      this.#carry(from, receiver, bytes);
    }
  }

  #isLost(sender: SimMember, receiver: SimMember): boolean {
    const { random } = this;
    const { loss } = this.weather;
    if (loss > 0 && random.unit() < loss) return true;
    if (sender.egressLoss > 0 && random.unit() < sender.egressLoss) return true;
    return receiver.ingressLoss > 0 && random.unit() < receiver.ingressLoss;
  }

  #carry(from: number, receiver: SimMember, bytes: Uint8Array): void {
    const { weather, random } = this;
    let delay = weather.delayMinMs + random.unit() * (weather.delayMaxMs - weather.delayMinMs);
    if (this.links) delay += this.links.delayMs(from, receiver.index);
    if (weather.reordering > 0 && random.unit() < weather.reordering) {
      this.fates.reordered++;
      delay += random.unit() * weather.reorderingMs;
    }
    let arriving = bytes;
    if (weather.damage > 0 && random.unit() < weather.damage) {
      this.fates.damaged++;
      arriving = damaged(bytes, random);
    }
    this.#queue.push(this.now + delay, { to: receiver.index, life: receiver.life, bytes: arriving });
  }

  /** The index of the member at an address; undefined if nobody was ever there. */
  indexOf(address: Address): number | undefined {
    return this.#indexes.get(address);
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
