// Those for whom we cannot vouch: who were live when we stood still for longer than a goodbye is remembered, and of whom
// nothing was heard since. Somebody may have left meanwhile, and all others have forgotten that; our word would raise
// the dead everywhere. So a doubtful member is not told to those who know nothing of it. We take it for gone instead,
// and keep that to ourselves; if it lives after all, the next reconciliation asks it, as it does with any such death.

import type { Members } from "./members.ts";
import type { Peer } from "./peers.ts";

export class Doubts {
  readonly #peers = new Set<Peer>();

  get size(): number {
    return this.#peers.size;
  }

  /** We stood still for very long. */
  awoke({ ring, self }: Members): void {
    for (let position = 0; position < ring.size; position++) {
      const peer = ring.at(position);
      if (peer !== self) this.#peers.add(peer);
    }
  }

  has(peer: Peer): boolean {
    return this.#peers.has(peer);
  }

  /** It spoke, somebody said something new of it, or it is forgotten. */
  end(peer: Peer | undefined): void {
    if (peer !== undefined) this.#peers.delete(peer);
  }
}
