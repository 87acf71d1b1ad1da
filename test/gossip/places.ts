// Two worlds for one suite of scenarios: the simulated network, where time is ours, and real sockets on the loopback.
// A scenario starts residents, lets them act and says what must come true within how long; it cannot tell where it is.

import { vi } from "vitest";
import { type Address, formatAddress } from "../../src/gossip/address.ts";
import type { GossipError, GossipEvents, GossipNode, MembershipEvent } from "../../src/gossip/api.ts";
import { ALIVE, type Claim, DEAD, incarnationOf, LEFT, statusName, statusOf } from "../../src/gossip/claim.ts";
import { type Config, configure } from "../../src/gossip/config.ts";
import { type Options, start } from "../../src/gossip/index.ts";
import { CALM, Network, type SimMember } from "../../src/sim/network.ts";
import { at } from "./letters.ts";

/** A quick protocol, so that deaths take tenths of seconds; patient enough for a busy machine. */
export const QUICK: Partial<Config> = {
  probeIntervalMs: 100,
  probeTimeoutMs: 80,
  probeTimeoutFloorMs: 50,
  suspicionMult: 5,
  gossipIntervalMs: 20,
  syncIntervalMs: 25,
  joinRetryMs: 50,
  joinTimeoutMs: 1_500,
  leaveTimeoutMs: 1_000,
};

export interface Happening {
  readonly type: MembershipEvent["type"];
  readonly member: string;
}

export interface Resident {
  readonly address: string;
  /** Addresses of the live members it knows, its own included, sorted. */
  readonly live: string[];
  readonly digest: number | string;
  /** What it was told of others, oldest first. */
  readonly happenings: Happening[];
  /** The messages it heard. */
  readonly heard: string[];
  status(of: Resident): string;
  incarnation(of: Resident): number;
  /** Rejects if nobody answers in time. */
  join(...seeds: Resident[]): Promise<void>;
  broadcast(text: string): number;
  /** Says something new of itself. */
  update(): void;
  leave(): Promise<void>;
  /** Stops without a word. */
  crash(): Promise<void>;
}

export interface Place extends AsyncDisposable {
  readonly residents: Resident[];
  start(): Promise<Resident>;
  /** A new process at the address of one that crashed or is about to. */
  restart(former: Resident): Promise<Resident>;
  /** Waits until it is true; rejects if it is not within that time. */
  until(what: string, isTrue: () => boolean, withinMs: number): Promise<void>;
}

// ── simulated ──

class SimPlace implements Place {
  readonly residents: Simulated[] = [];
  readonly network: Network;
  readonly config = configure("lan", QUICK);
  /** Who lives at each index now. */
  readonly #at: Simulated[] = [];

  constructor(seed: number) {
    this.network = new Network(seed, this.config, CALM, {
      changed: (_, observer, subject, claim, was) => this.#at[observer]?.changed(subject, claim, was),
      delivered: (_, observer, { payload }) => {
        this.#at[observer]?.heard.push(new TextDecoder().decode(payload));
      },
    });
  }

  #move(member: SimMember): Simulated {
    const resident = new Simulated(this, member);
    this.#at[member.index] = resident;
    this.residents.push(resident);
    return resident;
  }

  async start(): Promise<Resident> {
    const resident = this.#move(this.network.add());
    this.network.start(resident.member);
    return resident;
  }

  async restart(former: Resident): Promise<Resident> {
    const { member } = former as Simulated;
    const resident = this.#move(member);
    this.network.restart(member);
    return resident;
  }

  async until(what: string, isTrue: () => boolean, withinMs: number): Promise<void> {
    const { network } = this;
    const end = network.now + withinMs;
    while (!isTrue() && network.now < end) network.run(network.now + 1);
    if (!isTrue()) throw new Error(`Not within ${withinMs} virtual ms: ${what}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class Simulated implements Resident {
  readonly place: SimPlace;
  readonly member: SimMember;
  readonly address: string;
  readonly happenings: Happening[] = [];
  readonly heard: string[] = [];
  readonly #profiles = new Map<number, string>();

  constructor(place: SimPlace, member: SimMember) {
    this.place = place;
    this.member = member;
    this.address = formatAddress(member.address);
  }

  /** What the core tells, in the words of the public events. */
  changed(subject: number, claim: Claim, was: Claim): void {
    const { members } = this.member.swim;
    const { network } = this.place;
    const before = this.#profiles.get(subject);
    const profile = network.profiles.bytes(members.profile(subject)).join();
    if (claim === 0) this.#profiles.delete(subject);
    else this.#profiles.set(subject, profile);
    if (subject === members.self || claim === 0) return;
    const sameStatus = was !== 0 && statusOf(was) === statusOf(claim);
    let type: Happening["type"] = "suspect";
    if (statusOf(claim) === ALIVE) type = sameStatus ? "updated" : "up";
    if (statusOf(claim) === DEAD) type = "down";
    if (statusOf(claim) === LEFT) type = "left";
    if (sameStatus && (type !== "updated" || before === profile)) return;
    // Who was never known cannot be missed (witness.ts).
    if ((type === "down" || type === "left") && profile === "") return;
    this.happenings.push({ type, member: formatAddress(network.peers.address(subject)) });
  }

  get live(): string[] {
    const { ring } = this.member.swim.members;
    const { peers } = this.place.network;
    return Array.from({ length: ring.size }, (_, i) => formatAddress(peers.address(ring.at(i)))).sort();
  }

  get digest(): number {
    return this.member.swim.members.ring.digest;
  }

  #claim(of: Resident): Claim {
    const peer = this.place.network.peers.find(at(of.address));
    return peer === undefined ? 0 : this.member.swim.members.claim(peer);
  }

  status(of: Resident): string {
    return this.#claim(of) === 0 ? "unknown" : statusName(this.#claim(of));
  }

  incarnation(of: Resident): number {
    return incarnationOf(this.#claim(of));
  }

  async join(...seeds: Resident[]): Promise<void> {
    const addresses: Address[] = seeds.map(({ address }) => at(address));
    const { member, place } = this;
    place.network.tell(member, (swim, now) => swim.join(now, addresses));
    try {
      await place.until("joined", () => !member.swim.joining, place.config.joinTimeoutMs);
    } finally {
      member.swim.endJoin();
    }
  }

  broadcast(text: string): number {
    let told = 0;
    this.place.network.tell(this.member, (swim, now) => {
      told = swim.broadcast(now, new TextEncoder().encode(text));
    });
    return told;
  }

  update(): void {
    const profile = new TextEncoder().encode(`new profile of ${this.address}`);
    this.place.network.tell(this.member, (swim, now) => swim.update(now, profile));
  }

  async leave(): Promise<void> {
    const { member, place } = this;
    place.network.tell(member, (swim, now) => swim.leave(now));
    await place.until("said goodbye", () => member.swim.gone, place.config.leaveTimeoutMs);
    place.network.crash(member);
  }

  async crash(): Promise<void> {
    this.place.network.crash(this.member);
  }
}

// ── real ──

/** Options of a node on the loopback, at any free port. */
export function loopback(options: Options = {}): Options {
  return { host: "127.0.0.1", port: 0, ...options, config: { ...QUICK, ...options.config } };
}

/** Below what Linux hands out by itself (32768 and up). */
const OWN_PORTS = { from: 10_000, count: 20_000 };
const OWN_PORT_TRIES = 20;

/**
 * A node at a port that it can come back to: one of those that the system hands out may be another test's meanwhile. So one
 * is drawn that nobody is given, and another if somebody has it.
 */
export async function startToComeBack(options: Options = {}): Promise<GossipNode> {
  for (let tries = 1; ; tries++) {
    const port = OWN_PORTS.from + Math.floor(Math.random() * OWN_PORTS.count);
    try {
      return await start(loopback({ ...options, port }));
    } catch (error) {
      if ((error as GossipError).code !== "ERR_ADDRESS_IN_USE" || tries === OWN_PORT_TRIES) throw error;
    }
  }
}

class RealPlace implements Place {
  readonly residents: Real[] = [];

  #settle(node: GossipNode): Resident {
    const resident = new Real(node);
    this.residents.push(resident);
    return resident;
  }

  async start(): Promise<Resident> {
    return this.#settle(await startToComeBack());
  }

  async restart(former: Resident): Promise<Resident> {
    await former.crash();
    return this.#settle(await start(loopback({ port: Number(former.address.split(":")[1]) })));
  }

  async until(what: string, isTrue: () => boolean, withinMs: number): Promise<void> {
    await soon(what, isTrue, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.residents.map(({ node }) => node.close()));
  }
}

/** Waits until it is true; rejects if it is not within that time. */
export async function soon(what: string, isTrue: () => boolean, withinMs = 5_000): Promise<void> {
  await vi.waitFor(
    () => {
      if (!isTrue()) throw new Error(`Not within ${withinMs} ms: ${what}`);
    },
    { timeout: withinMs, interval: 5 },
  );
}

/** The next event of a kind that a node emits; rejects if none comes within 5 s. */
export function next<K extends keyof GossipEvents>(node: GossipNode, type: K): Promise<GossipEvents[K][0]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(new Error(`No \`${type}\` within 5 s`))), 5_000);
    const listener = (...[event]: GossipEvents[K]) => settle(() => resolve(event));
    const settle = (how: () => void) => {
      clearTimeout(timer);
      node.off(type, listener);
      how();
    };
    node.on(type, listener);
  });
}

class Real implements Resident {
  readonly node: GossipNode;
  readonly address: string;
  readonly happenings: Happening[] = [];
  readonly heard: string[] = [];

  constructor(node: GossipNode) {
    this.node = node;
    this.address = node.self.address;
    node.on("event", (event) => {
      if (event.type === "message") this.heard.push(new TextDecoder().decode(event.payload));
      else if (event.type !== "conflict") this.happenings.push({ type: event.type, member: event.member.address });
    });
  }

  get live(): string[] {
    const live = this.node.members().filter(({ status }) => status === "alive" || status === "suspect");
    return live.map(({ address }) => address).sort();
  }

  get digest(): string {
    return this.node.digest;
  }

  status(of: Resident): string {
    return this.node.members().find(({ address }) => address === of.address)?.status ?? "unknown";
  }

  incarnation(of: Resident): number {
    return this.node.members().find(({ address }) => address === of.address)?.incarnation ?? 0;
  }

  join(...seeds: Resident[]): Promise<void> {
    return this.node.join(seeds.map(({ address }) => address));
  }

  broadcast(text: string): number {
    return this.node.broadcast(text);
  }

  update(): void {
    this.node.update({ tags: { updated: "yes" } });
  }

  leave(): Promise<void> {
    return this.node.leave();
  }

  crash(): Promise<void> {
    return this.node.close();
  }
}

export const PLACES: Readonly<Record<string, () => Place>> = {
  "the simulated network": () => new SimPlace(2_002),
  "real sockets": () => new RealPlace(),
};
