// What users say, and that each of it is heard once. How it is told: broadcast.ts.
//
// A message is named by (origin, epoch, seq): the epoch is drawn when the origin's process starts, so a
// restart does not repeat names. Heard-once is kept by a sliding window for each origin and epoch, which a
// stranger cannot grow: the number of windows is bounded.

import type { Address } from "./address.ts";

/** Four times as many as may be under way (broadcast.ts): who could not take one in at once is told it again, later. */
const WINDOW_BITS = 4_096;
/** More than there can be members: a window that is let go while its messages travel lets them be heard twice. */
const WINDOWS_MAX = 32_768;

interface Window {
  highest: number;
  readonly seen: Uint32Array;
}

export interface Message {
  readonly origin: Address;
  readonly epoch: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

export class Messages {
  readonly #windows = new Map<string, Window>();

  /** True if a name was heard, or is too old to tell. */
  has(origin: Address, epoch: number, seq: number): boolean {
    const window = this.#windows.get(`${epoch}/${origin}`);
    if (!window) return false;
    const ahead = (seq - window.highest) | 0;
    if (ahead > 0) return false;
    return -ahead >= WINDOW_BITS || ((window.seen[(seq % WINDOW_BITS) >>> 5] ?? 0) & (1 << (seq & 31))) !== 0;
  }

  /** True the first time a name is heard; false for a repeat, or for one too old to tell. */
  isNews(origin: Address, epoch: number, seq: number): boolean {
    const name = `${epoch}/${origin}`;
    let window = this.#windows.get(name);
    if (!window) {
      window = { highest: seq, seen: new Uint32Array(WINDOW_BITS / 32) };
      this.#windows.set(name, window);
      if (this.#windows.size > WINDOWS_MAX) {
        for (const oldest of this.#windows.keys()) {
          this.#windows.delete(oldest);
          break;
        }
      }
    } else if (this.#windows.size > WINDOWS_MAX / 2) {
      this.#windows.delete(name); // keep the order of last use where it matters
      this.#windows.set(name, window);
    }
    // Serial number arithmetic (RFC 1982): seqs wrap at 2^32.
    const ahead = (seq - window.highest) | 0;
    if (ahead > 0) slide(window, seq, ahead);
    else if (-ahead >= WINDOW_BITS) return false;
    const slot = (seq % WINDOW_BITS) >>> 5;
    const bit = 1 << (seq & 31);
    if (((window.seen[slot] ?? 0) & bit) !== 0) return false;
    window.seen[slot] = (window.seen[slot] ?? 0) | bit;
    return true;
  }
}

/** Moves a window up by `steps` to `seq`, forgetting what falls out at its lower end. */
function slide(window: Window, seq: number, steps: number): void {
  if (steps >= WINDOW_BITS) window.seen.fill(0);
  else {
    for (let back = 0; back < steps; back++) {
      const next = (seq - back) >>> 0;
      const slot = (next % WINDOW_BITS) >>> 5;
      window.seen[slot] = (window.seen[slot] ?? 0) & ~(1 << (next & 31));
    }
  }
  window.highest = seq;
}
