// A gossip node without a network: a view that a test writes, and the events it wants. Stands in for src/gossip/node.ts
// wherever the HTTP face is what is tested.

import { EventEmitter } from "node:events";
import {
  GossipError,
  type GossipEvent,
  type GossipNode,
  type Member,
  type MembershipEvent,
  type Profile,
} from "../../src/gossip/api.ts";

let made = 0;

/** A member with its own uuid, address and url, and whatever else the test says. */
export function someMember(change: Partial<Member> = {}): Member {
  const n = ++made;
  const host = `172.18.${Math.floor(n / 250)}.${(n % 250) + 1}`;
  return {
    id: `01900000-0000-7000-8000-${String(n).padStart(12, "0")}`,
    name: `member${n}`,
    url: `http://${host}:5000`,
    role: "node",
    tags: {},
    address: `${host}:7979`,
    status: "alive",
    incarnation: 1,
    since: Date.UTC(2026, 0, 1),
    rttMs: undefined,
    self: false,
    ...change,
  };
}

export class FakeGossip implements GossipNode {
  self: Member;
  health = 0;
  digest = "0badcafe";
  converged = true;
  stats: Record<string, number> = { sendErrors: 0 };
  others: Member[] = [];
  readonly broadcasts: Uint8Array[] = [];
  isClosed = false;
  isBusy = false;
  readonly closed = new Promise<void>(() => {});
  readonly #emitter = new EventEmitter();

  constructor(self: Partial<Member> = {}) {
    this.self = someMember({ ...self, self: true });
  }

  members(): Member[] {
    return [...this.others, this.self];
  }

  /** In the order of addresses, round and round; the dead do not stand on the ring. */
  neighbours(address: string, count: number): Member[] {
    const ring = this.members()
      .filter((member) => member.status === "alive" || member.status === "suspect")
      .sort((a, b) => (a.address < b.address ? -1 : 1));
    const after = ring.filter((member) => member.address > address);
    const before = ring.filter((member) => member.address < address);
    return [...after, ...before].slice(0, count);
  }

  broadcast(payload: Uint8Array | string): number {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    if (bytes.length > 1024) throw new RangeError(`Expected at most 1,024 bytes, got ${bytes.length}`);
    if (this.isClosed) throw new GossipError("ERR_CLOSED", "This node is closed");
    if (this.isBusy) throw new GossipError("ERR_BUSY", "Too many messages are under way; say it again soon");
    this.broadcasts.push(bytes);
    return this.members().filter((member) => member.status === "alive" || member.status === "suspect").length;
  }

  /** Puts the member into the view and tells of it. */
  happen(type: MembershipEvent["type"], member: Member, change: Partial<MembershipEvent> = {}): void {
    this.others = [...this.others.filter((other) => other.address !== member.address), member];
    this.emit({ type, at: Date.now(), member, was: undefined, replaced: undefined, ...change });
  }

  /** A payload arrives from `from`. */
  hear(payload: Uint8Array, from: Member | undefined, origin = from?.address ?? "172.31.0.1:7979"): void {
    this.emit({ type: "message", at: Date.now(), origin, from, payload });
  }

  emit(event: GossipEvent): void {
    this.#emitter.emit(event.type, event);
    this.#emitter.emit("event", event);
  }

  listenerCount(): number {
    return this.#emitter.eventNames().reduce((sum, name) => sum + this.#emitter.listenerCount(name), 0);
  }

  on(type: GossipEvent["type"] | "event", listener: (event: never) => void): this {
    this.#emitter.on(type, listener as (event: GossipEvent) => void);
    return this;
  }

  off(type: GossipEvent["type"] | "event", listener: (event: never) => void): this {
    this.#emitter.off(type, listener as (event: GossipEvent) => void);
    return this;
  }

  update(change: Partial<Pick<Profile, "name" | "url" | "tags">>): void {
    this.self = { ...this.self, ...change };
  }

  join(): Promise<void> {
    return Promise.reject(new Error("the HTTP face joins through its own deps"));
  }

  hello(): void {}

  async leave(): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
