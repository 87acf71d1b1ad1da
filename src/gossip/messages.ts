// What users say: told like rumors, heard once.
//
// A message is named by (origin, epoch, seq): the epoch is drawn when the origin's process starts, so a
// restart does not repeat names. Heard-once is kept by a sliding window for each origin and epoch, which a
// stranger cannot grow: the number of windows is bounded, and so is the number of messages waiting.

import type { Address } from "./address.ts";
import { Rumors } from "./rumors.ts";

const WINDOW_BITS = 1_024;
/** More than there can be members: a window that is let go while its messages travel lets them be heard twice. */
const WINDOWS_MAX = 32_768;
/** Origin, epoch, seq and the payload's length in a datagram, by IPv6. */
const HEADER_BYTES_MAX = 34;
const PENDING_MAX = 1_024;

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
  readonly #pending = new Map<number, Message>();
  readonly #rumors = new Rumors();
  #ticket = 0;

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

  /** Keeps a message to be told; the oldest makes room when too many wait. */
  add(message: Message): void {
    if (this.#pending.size >= PENDING_MAX) {
      for (const oldest of this.#pending.keys()) {
        this.#pending.delete(oldest);
        this.#rumors.drop(oldest);
        break;
      }
    }
    const ticket = this.#ticket++;
    this.#pending.set(ticket, message);
    this.#rumors.add(ticket);
  }

  /** Offers messages to `tell`, least told first, as `Rumors.tell` does; what was told `limit` times is let go. */
  tell(limit: number, tell: (message: Message) => boolean): void {
    this.#rumors.tell(limit, (ticket) => tell(this.#pending.get(ticket) as Message));
    for (const ticket of this.#pending.keys()) if (!this.#rumors.has(ticket)) this.#pending.delete(ticket);
  }

  /** What is due to the waiting messages of `room` bytes: half at most, but never less than the largest takes. */
  share(room: number): number {
    let all = 0;
    let largest = 0;
    for (const { payload } of this.#pending.values()) {
      const bytes = payload.length + HEADER_BYTES_MAX;
      largest = Math.max(largest, bytes);
      all += bytes;
      if (all > room * 2) break;
    }
    return Math.min(room, Math.max(largest, Math.min(all, room >> 1)));
  }

  /** How many wait to be told. */
  get size(): number {
    return this.#pending.size;
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
