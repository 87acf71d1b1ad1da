// Two worlds in which processes come and go at addresses, for tests about who is who: a village, where time is ours, and
// real sockets on the loopback. What a user sees is told in lines, in which each process goes by the name that the test
// gave it, whatever it calls itself.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { v7 as uuid } from "uuid";
import { vi } from "vitest";
import type { ConflictEvent, GossipNode, Member, MembershipEvent, Profile } from "../../src/gossip/api.ts";
import { start } from "../../src/gossip/index.ts";
import { Random } from "../../src/gossip/random.ts";
import { loopback, QUICK, soon, startToComeBack } from "./places.ts";
import { Village, type Villager } from "./village.ts";

type Seen = MembershipEvent | ConflictEvent;

export interface Process {
  /** The test's name for it. */
  readonly label: string;
  readonly id: string;
  readonly address: string;
  readonly self: Member;
  readonly events: readonly Seen[];
  members(): Member[];
  join(...seeds: Process[]): Promise<void>;
  leave(): Promise<void>;
  crash(): Promise<void>;
}

export interface Birth {
  /** Whose address it takes over. That one must have stopped. @default an address of its own */
  readonly at?: Process;
  readonly name?: string;
  readonly cluster?: string;
}

export interface World extends AsyncDisposable {
  /** False where a busy machine may let somebody be suspected for a moment. */
  readonly isExact: boolean;
  start(label: string, birth?: Birth): Promise<Process>;
  /** Two processes that advertise one address; what is sent there reaches them in turn. */
  startTwins(one: string, other: string): Promise<[Process, Process]>;
  /** All wall clocks are set back. */
  setClockBack(byMs: number): void;
  until(what: string, isTrue: () => boolean, withinMs: number): Promise<void>;
}

/** What an observer was told about an address, in lines. */
export function trail(observer: Process, address: string, label: (id: string) => string): string[] {
  return observer.events.flatMap((event) => {
    if (event.type === "conflict") return event.address === address ? [`conflict with ${label(event.rival.id)}`] : [];
    const { type, member, was, replaced } = event;
    if (member.address !== address) return [];
    const before = replaced ? `, in place of ${label(replaced.id)} @${replaced.incarnation}` : "";
    return [`${type} ${label(member.id)} @${member.incarnation}, was ${was ?? "unknown"}${before}`];
  });
}

/** The same, had nobody been suspected for a moment. */
export function calmed(lines: readonly string[]): string[] {
  const isFalseAlarm = (line: string, next: string | undefined) =>
    line.startsWith("suspect") && !next?.startsWith("down") && !next?.includes("in place of");
  return lines
    .filter((line, i) => !isFalseAlarm(line, lines[i + 1]))
    .filter((line) => !(line.startsWith("up") && line.endsWith("was suspect")))
    .filter((line, i, all) => !(line.startsWith("suspect") && all[i + 1]?.includes("in place of")))
    .map((line) => line.replace(/^up (.*), was suspect, in place/, "updated $1, was alive, in place"))
    .map((line) => line.replace(/@\d+/g, "@"));
}

function profileNamed(name: string): Profile {
  return { id: uuid(), name, url: "", role: "node", tags: {} };
}

// ── the village ──

export class VillageWorld implements World {
  readonly isExact = true;
  readonly village: Village;
  #houses = 0;
  readonly #random: Random;

  constructor(seed = 5) {
    this.#random = new Random(seed);
    this.village = new Village(QUICK, seed);
  }

  async start(label: string, { at, name = label, cluster }: Birth = {}): Promise<Process> {
    return this.settle(label, at?.address ?? this.freeAddress(), name, { ...(cluster && { label: cluster }) });
  }

  freeAddress(): string {
    return `10.0.3.${++this.#houses}:7979`;
  }

  settle(
    label: string,
    address: string,
    name: string,
    settling: { label?: string; isTwin?: boolean } = {},
  ): Inhabitant {
    const villager = this.village.settle(address, 1, { ...settling, profile: profileNamed(name) });
    return new Inhabitant(label, villager, this);
  }

  async startTwins(one: string, other: string): Promise<[Process, Process]> {
    const address = this.freeAddress();
    this.village.deliver = (those) => those[this.#random.below(those.length)];
    return [this.settle(one, address, one), this.settle(other, address, other, { isTwin: true })];
  }

  setClockBack(byMs: number): void {
    const { wallClock } = this.village;
    this.village.wallClock = () => wallClock() - byMs;
  }

  async until(what: string, isTrue: () => boolean, withinMs: number): Promise<void> {
    if (this.village.runUntil(isTrue, withinMs) === undefined)
      throw new Error(`Not within ${withinMs} virtual ms: ${what}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class Inhabitant implements Process {
  readonly label: string;
  readonly villager: Villager;
  readonly #world: VillageWorld;

  constructor(label: string, villager: Villager, world: VillageWorld) {
    this.label = label;
    this.villager = villager;
    this.#world = world;
  }

  get address(): string {
    return this.villager.address;
  }

  get id(): string {
    return this.self.id;
  }

  get self(): Member {
    return this.villager.witness.self;
  }

  get events(): readonly Seen[] {
    return this.villager.events;
  }

  members(): Member[] {
    return this.villager.witness.all();
  }

  async join(...seeds: Process[]): Promise<void> {
    this.#world.village.join(this.villager, ...seeds.map((seed) => (seed as Inhabitant).villager));
    await this.#world.until("joined", () => !this.villager.swim.joining, QUICK.joinTimeoutMs ?? 0);
  }

  async leave(): Promise<void> {
    this.#world.village.tell(this.villager, (swim, now) => swim.leave(now));
    await this.#world.until("said goodbye", () => this.villager.swim.gone, QUICK.leaveTimeoutMs ?? 0);
    await this.crash();
  }

  async crash(): Promise<void> {
    this.#world.village.crash(this.villager);
  }
}

// ── real ──

export class RealWorld implements World {
  readonly isExact = false;
  readonly #nodes: GossipNode[] = [];
  readonly #closers: (() => void)[] = [];
  #behindMs = 0;

  start(label: string, { at, name = label, cluster = "p2p" }: Birth = {}): Promise<Process> {
    return this.#start(label, name, cluster, at === undefined ? undefined : { port: Number(at.address.split(":")[1]) });
  }

  async #start(label: string, name: string, cluster: string, where: object | undefined): Promise<Citizen> {
    const options = { ...where, cluster, profile: { name } };
    const node = where === undefined ? await startToComeBack(options) : await start(loopback(options));
    this.#nodes.push(node);
    return new Citizen(label, node);
  }

  async startTwins(one: string, other: string): Promise<[Process, Process]> {
    const door = createSocket("udp4");
    door.bind(0, "127.0.0.1");
    await once(door, "listening");
    const advertise = `127.0.0.1:${(door.address() as AddressInfo).port}`;
    const ports = [await freePort(), await freePort()] as const;
    const twins = [
      await this.#start(one, one, "p2p", { port: ports[0], advertise }),
      await this.#start(other, other, "p2p", { port: ports[1], advertise }),
    ] as const;
    this.#passOn(door, ports, twins);
    return [...twins];
  }

  /** What comes to the door goes to one of those who run behind it: in turn, one twin would get all answers. */
  #passOn(door: Socket, ports: readonly number[], twins: readonly Citizen[]): void {
    const random = new Random(1);
    door.on("message", (bytes) => {
      const open = ports.filter((_, i) => twins[i]?.isOpen);
      const port = open[random.below(open.length)];
      if (port !== undefined) door.send(bytes, port, "127.0.0.1");
    });
    this.#closers.push(() => door.close());
  }

  /** Only `Date`: timers and the monotonic clock go on. */
  setClockBack(byMs: number): void {
    this.#behindMs += byMs;
    if (this.#behindMs > byMs) return;
    const now = Date.now.bind(Date);
    const spy = vi.spyOn(Date, "now").mockImplementation(() => now() - this.#behindMs);
    this.#closers.push(() => spy.mockRestore());
  }

  until(what: string, isTrue: () => boolean, withinMs: number): Promise<void> {
    return soon(what, isTrue, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
    for (const close of this.#closers) close();
  }
}

/** Free a moment ago; the twins behind a door must be told their own ports, for the door has the advertised one. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

class Citizen implements Process {
  readonly label: string;
  readonly events: Seen[] = [];
  readonly address: string;
  readonly id: string;
  readonly #node: GossipNode;
  isOpen = true;

  constructor(label: string, node: GossipNode) {
    this.label = label;
    this.#node = node;
    this.address = node.self.address;
    this.id = node.self.id;
    node.on("event", (event) => {
      if (event.type !== "message") this.events.push(event);
    });
  }

  get self(): Member {
    return this.#node.self;
  }

  members(): Member[] {
    return this.#node.members();
  }

  join(...seeds: Process[]): Promise<void> {
    return this.#node.join(seeds.map(({ address }) => address));
  }

  async leave(): Promise<void> {
    await this.#node.leave();
    this.isOpen = false;
  }

  async crash(): Promise<void> {
    this.isOpen = false;
    await this.#node.close();
  }
}

export const WORLDS: Readonly<Record<string, () => World>> = {
  "a village": () => new VillageWorld(),
  "real sockets": () => new RealWorld(),
};
