// A member on a real network: one socket, one timer, typed events around one `Swim`. The only file of this room that
// touches sockets, clocks and the operating system's chance.
//
// Events are collected during an input and emitted after it, so a listener may call back into the node. Datagrams go
// out through the plain socket: dgram-as-promised makes a promise for each, and its `recv` listens only while awaited
// (69 of 2,000 datagrams arrived), so only its bind and close are used, and the message callback.

import { randomBytes, randomInt } from "node:crypto";
import { EventEmitter } from "node:events";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { DgramAsPromised, type SocketAsPromised } from "dgram-as-promised";
import { v7 as uuid } from "uuid";
import { Knocks } from "../udp/knock.ts";
import { type Address, addressOf, formatAddress, ipOf, parseAddress, portOf } from "./address.ts";
import {
  GossipError,
  type GossipEvent,
  type GossipEvents,
  type GossipNode,
  type Member,
  type Profile,
  type Waiting,
} from "./api.ts";
import type { Claim } from "./claim.ts";
import { type Config, configure, type Preset } from "./config.ts";
import { Cookies } from "./cookie.ts";
import type { Message } from "./messages.ts";
import { type Peer, Peers, Profiles } from "./peers.ts";
import { encodeProfile } from "./profile.ts";
import { Random } from "./random.ts";
import { Swim } from "./swim.ts";
import { Wire } from "./wire.ts";
import { Witness } from "./witness.ts";

export interface Options extends Waiting {
  /** IP to bind. @default "0.0.0.0" */
  readonly host?: string;
  /** UDP port to bind; 0 picks a free one. @default 7979 */
  readonly port?: number;
  /** `ip` or `ip:port` that others reach this node at. @default the bound address, or the first outward interface's */
  readonly advertise?: string;
  /** Label in every datagram; those of other clusters are dropped. @default "p2p" */
  readonly cluster?: string;
  /** @default "lan" */
  readonly preset?: Preset;
  /** Overrides of single protocol constants. */
  readonly config?: Partial<Config>;
  /** What this node says of itself. @default a new UUID (v7), no name, no url, role "node", no tags */
  readonly profile?: Partial<Profile>;
}

const OPTIONS = new Set(["host", "port", "advertise", "cluster", "preset", "config", "profile", "signal"]);
const RECEIVE_BUFFER_BYTES = 1 << 20;
/** Node's timers take 31 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** A timer that fires so long after its time says that the process stood still: datagrams may be waiting. */
const LATE_MS = 20;
/** The event loop takes at most so many from a socket at once (libuv); when it took fewer, none is left. */
const DATAGRAMS_AT_ONCE = 32;
/** So often at most: whoever floods us does not keep us from our timers. */
const CATCH_UPS_MAX = 64;

/**
 * Starts a member, alone until it joins others.
 * @throws GossipError `ERR_ADDRESS_IN_USE` or `ERR_BIND`; RangeError or TypeError for a wrong option
 */
export async function start(options: Options = {}): Promise<GossipNode> {
  options.signal?.throwIfAborted();
  const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
  if (unknown !== undefined)
    throw new TypeError(`Expected options among ${[...OPTIONS].join(", ")}, got \`${unknown}\``);
  const { host = "0.0.0.0", port = 7979, cluster = "p2p" } = options;
  const config = configure(options.preset, options.config);
  const family = isIP(host);
  if (family === 0) throw new RangeError(`Expected \`host\` to be an IP address, got \`${host}\``);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`Expected \`port\` to be an integer from 0 to 65535, got \`${port}\``);
  }
  const profile = { id: uuid(), name: "", url: "", role: "node", tags: {}, ...options.profile };
  encodeProfile(profile); // the caller's faults come before anything is opened
  const wire = new Wire(cluster);
  let receive: (bytes: Uint8Array) => void = () => {};
  const socket = DgramAsPromised.createSocket(
    { type: family === 6 ? "udp6" : "udp4", lookup: literally, recvBufferSize: RECEIVE_BUFFER_BYTES },
    (bytes) => receive(bytes),
  );
  const bound = await bind(socket, host, port);
  try {
    options.signal?.throwIfAborted();
    const address = advertised(options.advertise, host, bound);
    const node = new Node(socket, address, profile, wire, config);
    receive = (bytes) => node.receive(bytes);
    node.begin();
    return node;
  } catch (error) {
    await socket.close();
    throw error;
  }
}

/** Addresses are literal: nothing to look up, and a synchronous answer keeps datagrams in order and their bytes intact. */
function literally(
  hostname: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, hostname, isIP(hostname));
}

async function bind(socket: SocketAsPromised, host: string, port: number): Promise<number> {
  try {
    return (await socket.bind({ port, address: host, exclusive: true })).port;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    if (code === "EADDRINUSE") {
      throw new GossipError("ERR_ADDRESS_IN_USE", `UDP port ${port} on ${host} is taken by another program`, { cause });
    }
    throw new GossipError("ERR_BIND", `Cannot bind UDP port ${port} on ${host} (${String(code)})`, { cause });
  }
}

function advertised(option: string | undefined, host: string, boundPort: number): Address {
  if (option !== undefined) {
    const address = parseAddress(option) ?? addressOf(option.replace(/^\[(.*)\]$/, "$1"), boundPort);
    if (address === undefined) throw new RangeError(`Expected \`advertise\` to be ip or ip:port, got \`${option}\``);
    return address;
  }
  const own = addressOf(host, boundPort);
  if (own !== undefined) return own;
  return addressOf(outwardIp(isIP(host) === 6 ? "IPv6" : "IPv4"), boundPort) as Address;
}

/** The first address of an interface that is not the loopback. */
export function outwardIp(family: "IPv4" | "IPv6" = "IPv4"): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, internal, family: of } of addresses ?? []) {
      // Link-local IPv6 addresses mean nothing without an interface.
      if (!internal && of === family && !address.startsWith("fe80")) return address;
    }
  }
  return family === "IPv4" ? "127.0.0.1" : "::1";
}

/** A wait that ends when a condition holds; looked at after every input. */
interface Wait {
  readonly isOver: () => boolean;
  readonly end: () => void;
}

class Node extends EventEmitter<GossipEvents> implements GossipNode {
  readonly closed: Promise<void>;
  readonly #socket: SocketAsPromised;
  readonly #address: Address;
  readonly #config: Config;
  readonly #peers = new Peers();
  readonly #profiles = new Profiles(randomInt(2 ** 32));
  readonly #swim: Swim;
  readonly #witness: Witness;
  readonly #waits = new Set<Wait>();
  readonly #sendErrors = new Map<string, number>();
  readonly #knocks = new Knocks();
  #events: GossipEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #received = 0;
  #isSettling = false;
  #isClosed = false;
  #isLeaving = false;
  #isJoining = false;
  #markClosed: () => void = () => {};

  constructor(socket: SocketAsPromised, address: Address, profile: Profile, wire: Wire, config: Config) {
    super();
    this.#socket = socket;
    this.#address = address;
    this.#config = config;
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
    // An ICMP refusal or a full buffer is weather.
    socket.socket.on("error", (error) => this.#countSendError(error));
    const output = {
      send: (to: Peer, bytes: Uint8Array) => this.#send(this.#peers.address(to), bytes),
      changed: (peer: Peer, claim: Claim, was: Claim) => this.#changed(peer, claim, was),
      deliver: (message: Message) => this.#deliver(message),
      doubted: (peer: Peer) => this.#knock(this.#peers.address(peer)),
    };
    const cookies = new Cookies(randomInt(2 ** 32), randomInt(2 ** 32));
    const random = new Random(randomBytes(4).readUInt32LE());
    this.#swim = new Swim(
      address,
      encodeProfile(profile),
      this.#peers,
      this.#profiles,
      wire,
      config,
      random,
      output,
      cookies,
    );
    this.#witness = new Witness(profile, this.#swim.members, this.#peers, this.#profiles);
  }

  begin(): void {
    this.#input((now) => this.#swim.start(now));
  }

  receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#received++;
    // An empty one is a knock (../udp/knock.ts): that nothing refused it was the answer.
    if (bytes.length === 0) return;
    const now = performance.now();
    this.#swim.receive(now, bytes);
    // Of a member it is told at once, for anybody can see it in `members()`; of a message nobody can know before it is told.
    if (this.#events.length > 0 && this.#events.every(({ type }) => type === "message")) this.#settleSoon();
    else this.#settle(now);
  }

  // ── what is believed ──

  get self(): Member {
    return this.#witness.self;
  }

  get health(): number {
    return this.#swim.health;
  }

  get digest(): string {
    return this.#swim.members.ring.digest.toString(16).padStart(8, "0");
  }

  get converged(): boolean {
    return this.#swim.converged;
  }

  get stats(): Readonly<Record<string, number>> {
    const { datagrams, bytes } = this.#swim.outbox;
    const errors = Object.fromEntries([...this.#sendErrors].map(([code, count]) => [`sendErrors.${code}`, count]));
    const load = Object.fromEntries(Object.entries(this.#swim.load).map(([name, count]) => [`held.${name}`, count]));
    return { ...this.#swim.stats, ...this.#swim.begun, sent: datagrams, sentBytes: bytes, ...errors, ...load };
  }

  members(): Member[] {
    return this.#witness.all();
  }

  neighbours(address: string, count: number): Member[] {
    const parsed = parseAddress(address);
    const peer = parsed === undefined ? undefined : this.#peers.find(parsed);
    if (peer === undefined) return [];
    const { ring } = this.#swim.members;
    const position = ring.positionOf(peer);
    const isOn = position < ring.size && ring.at(position) === peer;
    const near = new Set<Peer>();
    for (let step = 1; near.size < count && step <= ring.size; step++) {
      for (const place of [isOn ? position + step : position + step - 1, position - step]) {
        const neighbour = ring.at(place);
        if (neighbour !== peer && near.size < count) near.add(neighbour);
      }
    }
    return [...near].map((neighbour) => this.#witness.member(neighbour));
  }

  // ── commands ──

  async join(seeds: readonly string[], waiting: Waiting = {}): Promise<void> {
    this.#mustBeOpen();
    waiting.signal?.throwIfAborted();
    if (!Array.isArray(seeds))
      throw new TypeError(`Expected \`seeds\` to be an array of ip:port, got \`${String(seeds)}\``);
    const addresses = seeds.map((seed) => {
      const address = parseAddress(seed);
      if (address === undefined) throw new RangeError(`Expected a seed to be ip:port, got \`${seed}\``);
      return address;
    });
    if (!addresses.some((address) => address !== this.#address)) {
      throw new RangeError("Expected at least one seed that is not this node itself");
    }
    // One at a time, or one's answer would be taken for another's.
    while (this.#isJoining) await this.#wait(() => !this.#isJoining, this.#config.joinTimeoutMs, waiting.signal);
    this.#mustBeOpen();
    this.#isJoining = true;
    try {
      this.#input((now) => this.#swim.join(now, addresses));
      const isOver = () => this.#swim.admitted || this.#isLeaving;
      await this.#wait(isOver, this.#config.joinTimeoutMs, waiting.signal);
      this.#mustBeOpen();
      if (this.#swim.admitted) return;
    } finally {
      this.#swim.endJoin();
      this.#isJoining = false;
      this.#endWaits();
    }
    const asked = seeds.slice(0, 3).join(", ") + (seeds.length > 3 ? `, … (${seeds.length} in all)` : "");
    throw new GossipError(
      "ERR_JOIN_TIMEOUT",
      `No answer over UDP from ${asked} in ${this.#config.joinTimeoutMs} ms: is the port open both ways, and the cluster label the same?`,
    );
  }

  hello(broadcastIp: string, port: number): void {
    this.#mustBeOpen();
    const address = addressOf(broadcastIp, port);
    if (address === undefined)
      throw new RangeError(`Expected a broadcast IP and a port, got \`${broadcastIp}:${port}\``);
    this.#socket.setBroadcast(true);
    this.#input((now) => this.#swim.hello(now, address));
  }

  broadcast(payload: Uint8Array | string): number {
    this.#mustBeOpen();
    if (typeof payload !== "string" && !(payload instanceof Uint8Array)) {
      throw new TypeError(
        `Expected \`payload\` to be a string or a Uint8Array, got \`${String(payload)}\` (${typeof payload})`,
      );
    }
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : Uint8Array.from(payload);
    return this.#input((now) => this.#swim.broadcast(now, bytes));
  }

  update(change: Partial<Pick<Profile, "name" | "url" | "tags">>): void {
    this.#mustBeOpen();
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    const profile = { ...this.#witness.own, ...given };
    const bytes = encodeProfile(profile);
    this.#witness.own = profile;
    this.#input((now) => this.#swim.update(now, bytes));
  }

  async leave(waiting: Waiting = {}): Promise<void> {
    if (this.#isClosed) return;
    this.#isLeaving = true;
    this.#input((now) => this.#swim.leave(now));
    try {
      await this.#wait(() => this.#swim.gone, this.#config.leaveTimeoutMs, waiting.signal);
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    // What was heard is told.
    if (this.#isSettling && !this.#isClosed) this.#settle(performance.now());
    if (this.#isClosed) {
      await this.closed;
      return;
    }
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const wait of this.#waits) wait.end();
    try {
      await this.#socket.close();
    } finally {
      this.#markClosed();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  #mustBeOpen(): void {
    if (this.#isClosed || this.#isLeaving) throw new GossipError("ERR_CLOSED", "This node has left or is closed");
  }

  /** True when the condition came to hold, false when time ran out or the node was closed. */
  async #wait(isOver: () => boolean, timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    signal?.throwIfAborted();
    if (isOver()) return true;
    await new Promise<void>((resolve, reject) => {
      const wait: Wait = { isOver, end: () => settle(resolve) };
      const timer = setTimeout(() => settle(resolve), timeoutMs);
      const abort = () => settle(() => reject(signal?.reason));
      const settle = (how: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#waits.delete(wait);
        how();
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waits.add(wait);
    });
    return isOver();
  }

  // ── driving the core: one input, then look at the deadline, then wait ──

  #input<T>(input: (now: number) => T): T {
    const now = performance.now();
    const result = input(now);
    this.#settle(now);
    return result;
  }

  /** News is passed on, waits end, and our user is told. */
  #settle(now: number): void {
    // At once; but after a standstill everything is overdue, and datagrams that lie there come first.
    const { deadline } = this.#swim;
    if (deadline <= now && deadline > now - LATE_MS) this.#swim.wake(now);
    this.#arm();
    this.#endWaits();
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) {
      if (event.type === "message") this.emit("message", event);
      else if (event.type === "conflict") this.emit("conflict", event);
      else this.emit(event.type, event);
      this.emit("event", event);
    }
  }

  /**
   * A message is passed on, and told to our user, when the datagrams that lie beside it are read: one of them may be a copy
   * that a link has sent, which then need not be told. Where many members share few processors that is often so
   * (docs/docker.md).
   */
  #settleSoon(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    // After the sockets; a timer would take a millisecond.
    setImmediate(() => {
      this.#isSettling = false;
      if (!this.#isClosed) this.#settle(performance.now());
    });
  }

  #endWaits(): void {
    for (const wait of this.#waits) if (wait.isOver()) wait.end();
  }

  #arm(): void {
    const { deadline } = this.#swim;
    // A timer that comes too early only looks again; one for each datagram would cost more.
    if (this.#isClosed || deadline >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    const waitMs = deadline - performance.now();
    // What is overdue is done when the datagrams that came together are read: a timer would take a millisecond.
    if (waitMs <= 0) setImmediate(() => this.#wake());
    else this.#timer = setTimeout(() => this.#ring(), Math.min(TIMER_MS_MAX, waitMs));
  }

  /**
   * The event loop runs timers that are due before it reads its sockets. After a standstill that would bury whoever has
   * refuted its suspicion in a datagram that lies there; immediates come after the sockets.
   */
  #ring(): void {
    if (performance.now() - this.#timerAt > LATE_MS) this.#catchUp(CATCH_UPS_MAX);
    else this.#wake();
  }

  /** Wakes when the datagrams that waited are read. */
  #catchUp(times: number): void {
    const received = this.#received;
    setImmediate(() => {
      if (this.#received - received >= DATAGRAMS_AT_ONCE && times > 1) this.#catchUp(times - 1);
      else this.#wake();
    });
  }

  #wake(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (this.#isClosed) return;
    if (performance.now() >= this.#swim.deadline) this.#input((now) => this.#swim.wake(now));
    else this.#arm();
  }

  #send(to: Address, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#socket.socket.send(bytes, portOf(to), ipOf(to), this.#onSent);
  }

  /** A member does not answer: perhaps its host says that it is gone. */
  #knock(address: Address): void {
    if (this.#isClosed) return;
    this.#knocks.knock(ipOf(address), portOf(address), () => {
      if (!this.#isClosed) this.#input((now) => this.#swim.refused(now, address));
    });
  }

  readonly #onSent = (error: Error | null): void => {
    if (error) this.#countSendError(error);
  };

  #countSendError(error: Error): void {
    const code = "code" in error ? String(error.code) : error.name;
    this.#sendErrors.set(code, (this.#sendErrors.get(code) ?? 0) + 1);
  }

  // ── what the core tells ──

  #changed(peer: Peer, claim: Claim, was: Claim): void {
    const event = this.#witness.changed(peer, claim, was, Date.now(), this.eventNames().length > 0);
    if (event) this.#events.push(event);
  }

  #deliver(message: Message): void {
    const peer = this.#peers.find(message.origin);
    this.#events.push({
      type: "message",
      at: Date.now(),
      origin: formatAddress(message.origin),
      from: peer === undefined || !this.#witness.knows(peer) ? undefined : this.#witness.member(peer),
      payload: message.payload,
    });
  }
}
