// Cookies: proof that whoever asks also receives at the address it names, without remembering it.
// A cookie is a keyed hash of the address, valid for one to two minutes; it is asked for with a datagram no
// smaller than the answer, so nobody can aim a large answer of ours at a third party.
//
// HalfSipHash-2-4 (Aumasson, Bernstein: "SipHash", and the 32-bit variant that Linux uses for its sequence
// numbers). 32 bits with a changing epoch are enough against a guesser who does not see the answers.

import { type Address, ringKeyOf } from "./address.ts";

const EPOCH_MS = 60_000;

export class Cookies {
  readonly #key0: number;
  readonly #key1: number;

  /** Two secret 32-bit numbers. */
  constructor(key0: number, key1: number) {
    this.#key0 = key0;
    this.#key1 = key1;
  }

  /** The cookie for an address now; never 0, which means "none". */
  issue(address: Address, now: number): number {
    return this.#hash(address, Math.floor(now / EPOCH_MS));
  }

  accepts(cookie: number, address: Address, now: number): boolean {
    if (cookie === 0) return false;
    const epoch = Math.floor(now / EPOCH_MS);
    return cookie === this.#hash(address, epoch) || cookie === this.#hash(address, epoch - 1);
  }

  #hash(address: Address, epoch: number): number {
    const state = new HalfSip(this.#key0, this.#key1);
    if (typeof address === "number") {
      state.absorb(Math.floor(address / 65536) | 0);
      state.absorb(address % 65536);
    } else {
      for (let i = 0; i < address.length; i += 2)
        state.absorb((address.charCodeAt(i) << 8) | address.charCodeAt(i + 1));
    }
    state.absorb(ringKeyOf(address) | 0);
    state.absorb(epoch | 0);
    return state.finish() || 1;
  }
}

class HalfSip {
  #v0: number;
  #v1: number;
  #v2: number;
  #v3: number;

  constructor(key0: number, key1: number) {
    this.#v0 = key0;
    this.#v1 = key1;
    this.#v2 = 0x6c796765 ^ key0;
    this.#v3 = 0x74656462 ^ key1;
  }

  absorb(word: number): void {
    this.#v3 ^= word;
    this.#round();
    this.#round();
    this.#v0 ^= word;
  }

  finish(): number {
    this.#v2 ^= 0xff;
    for (let i = 0; i < 4; i++) this.#round();
    return (this.#v1 ^ this.#v3) >>> 0;
  }

  #round(): void {
    this.#v0 = (this.#v0 + this.#v1) | 0;
    this.#v1 = rotate(this.#v1, 5) ^ this.#v0;
    this.#v0 = rotate(this.#v0, 16);
    this.#v2 = (this.#v2 + this.#v3) | 0;
    this.#v3 = rotate(this.#v3, 8) ^ this.#v2;
    this.#v0 = (this.#v0 + this.#v3) | 0;
    this.#v3 = rotate(this.#v3, 7) ^ this.#v0;
    this.#v2 = (this.#v2 + this.#v1) | 0;
    this.#v1 = rotate(this.#v1, 13) ^ this.#v2;
    this.#v2 = rotate(this.#v2, 16);
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
