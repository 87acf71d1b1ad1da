// How far two members are from each other: a one-way delay for each pair, on top of the weather's. Computed from the seed
// and the pair whenever asked, so that it is stable and ten thousand members do not need a table of all pairs.

import { mix32 } from "../gossip/random.ts";

export interface LinkSettings {
  readonly minMs: number;
  readonly maxMs: number;
  /** The way back takes as long as the way there; if false, each direction has a delay of its own. */
  readonly isSymmetric: boolean;
}

export class Links {
  readonly settings: LinkSettings;
  readonly #seed: number;

  constructor(seed: number, settings: LinkSettings) {
    this.#seed = mix32(seed ^ 0x6c696e6b); // "link"
    this.settings = settings;
  }

  /** Ms from one member to another, by their indexes. */
  delayMs(from: number, to: number): number {
    const { minMs, maxMs, isSymmetric } = this.settings;
    const [a, b] = isSymmetric && from > to ? [to, from] : [from, to];
    const share = mix32(this.#seed ^ Math.imul(a + 1, 0x9e3779b1) ^ mix32(b + 1)) / 0x1_0000_0000;
    return minMs + share * (maxMs - minMs);
  }
}
