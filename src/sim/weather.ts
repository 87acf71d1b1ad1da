// What the network does to every datagram alike: delay, loss, duplication, reordering, damage. Shares from 0 to 1, drawn
// for each datagram; nothing is drawn for what is 0, so a quiet network costs nothing and keeps its sequence of chance.

import type { Random } from "../gossip/random.ts";

export interface Weather {
  /** One way, uniform between the two. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  readonly loss: number;
  readonly duplicates: number;
  /** Share of datagrams that take up to `reorderingMs` longer, so that later ones overtake them. */
  readonly reordering: number;
  readonly reorderingMs: number;
  readonly damage: number;
}

/** A hop of 0.25 ms +- 50 % and no losses: a quiet LAN. */
export const CALM: Weather = {
  delayMinMs: 0.125,
  delayMaxMs: 0.375,
  loss: 0,
  duplicates: 0,
  reordering: 0,
  reorderingMs: 0,
  damage: 0,
};

/** A damaged copy: a bit flipped, some bytes overwritten, or the end lost. Never the same bytes. */
export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.below(copy.length);
  const kind = random.below(4);
  if (kind === 3) return copy.subarray(0, at);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  if (kind === 2) for (let i = at + 1; i < Math.min(copy.length, at + 8); i++) copy[i] = random.below(256);
  return copy;
}
