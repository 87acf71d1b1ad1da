// Datagrams as an attacker who has read the source would make them: any bytes at all behind a header and a checksum that
// are right. The one place in the tests that knows the layout of a frame, so that bombs get past the checksum;
// `fuzz.test.ts` first makes sure that it still knows it.

import { mix32, Random } from "../../src/gossip/random.ts";

const SEED = 0x68656172;

export function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The checksum of a frame whose checked part starts at `start`. */
function checksum(bytes: Uint8Array, start: number): number {
  const end = bytes.length;
  let hash = SEED ^ (end << 8);
  for (let i = 0; i < start - 5; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x85ebca6b);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
    hash ^= Math.imul(rotate(Math.imul(a | (b << 8) | (c << 16) | (d << 24), 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x85ebca6b);
  return mix32(hash);
}

/** Puts the right checksum into a frame that was changed; no frame is left as it is. */
export function signed(bytes: Uint8Array): Uint8Array {
  const start = (bytes[0] === 0xdc ? 3 : 1) + 5;
  if (bytes.length <= start) return bytes;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(start - 4, checksum(bytes, start));
  return bytes;
}

/** A frame of `count` elements by its header, with a checksum, a version, this label, and whatever follows. */
export function forge(count: number, label: string, body: Uint8Array | readonly number[]): Uint8Array {
  const name = new TextEncoder().encode(label);
  const head = [0xdc, count >> 8, count & 255, 0xce, 0, 0, 0, 0, 1, 0xa0 | name.length, ...name];
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return signed(bytes);
}

/** Chance for attackers. */
export class Mischief extends Random {
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() & 255;
    return bytes;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }
}
