// A town of gossip nodes without a network: one table of members that all see alike, messages that arrive at once. What
// src/bootstrap does with gossip, and nothing of how gossip does it.

import type { Member, Waiting } from "../../src/gossip/api.ts";
import { FakeGossip, someMember } from "../http/fake-gossip.ts";

export { someMember };

/** A node that notes whom it was told to join. */
export class Townsman extends FakeGossip {
  readonly joins: (readonly string[])[] = [];
  readonly hellos: string[] = [];
  /** How a join ends; replaced by tests. At first: the first seed becomes a member. */
  admit: (seeds: readonly string[], signal?: AbortSignal) => Promise<void> = async (seeds) => {
    this.happen("up", someMember({ address: seeds[0] ?? "" }));
  };
  onBroadcast: (payload: Uint8Array) => void = () => {};
  #joined: (() => void)[] = [];

  override async join(seeds: readonly string[] = [], { signal }: Waiting = {}): Promise<void> {
    this.joins.push(seeds);
    for (const wake of this.#joined.splice(0)) wake();
    await this.admit(seeds, signal);
  }

  /** Resolves with the next join that is asked for. */
  async nextJoin(): Promise<readonly string[]> {
    await new Promise<void>((resolve) => this.#joined.push(resolve));
    return this.joins.at(-1) ?? [];
  }

  override hello(ip = "", port = 0): void {
    this.hellos.push(`${ip}:${port}`);
  }

  override broadcast(payload: Uint8Array): number {
    const live = super.broadcast(payload);
    this.onBroadcast(payload);
    return live;
  }
}

/** Nodes that all are members of one another. */
export class Town {
  readonly nodes: Townsman[] = [];
  /** Messages to these addresses are lost. */
  readonly deaf = new Set<string>();

  /** A node comes up and everybody sees it; `address` decides about ring and precedence. */
  add(self: Partial<Member> = {}): Townsman {
    const node = new Townsman(self);
    const member = { ...node.self, self: false };
    node.others = this.nodes.map((other) => ({ ...other.self, self: false }));
    node.onBroadcast = (payload) => {
      for (const other of this.#othersThan(node)) {
        if (!this.deaf.has(other.self.address))
          other.hear(
            payload,
            other.others.find((m) => m.id === member.id),
          );
      }
    };
    this.nodes.push(node);
    for (const other of this.#othersThan(node)) other.happen("up", member);
    return node;
  }

  /** The others learn that a node is suspect, dead or gone; the dead hear and say nothing any more. */
  turn(node: Townsman, type: "suspect" | "down" | "left"): void {
    const status = ({ suspect: "suspect", down: "dead", left: "left" } as const)[type];
    if (type !== "suspect") this.nodes.splice(this.nodes.indexOf(node), 1);
    for (const other of this.#othersThan(node)) other.happen(type, { ...node.self, self: false, status });
  }

  #othersThan(node: Townsman): Townsman[] {
    return this.nodes.filter((other) => other !== node);
  }
}
