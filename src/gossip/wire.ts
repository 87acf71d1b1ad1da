// Datagram <-> frame. Trusts nothing: whatever arrives ends as a frame or as a verdict, never as a throw.
//
// A frame is ONE flat msgpack array of numbers, one string and bytes (positional: 113 bytes where named
// fields take 455):
//
//   check   version label kind from claim digest   a b c   n (member claim extra)*n
//   uint32  1       str   1..  addr of the sender  args    m (origin epoch seq payload)*m
//                                                          (first last count fingerprint)*
//
// `check` is a checksum of all that follows: UDP's own is 16 bits and optional, and a flipped bit must
// not become a belief. `label` names the cluster; frames of another are dropped. `extra` is the profile of
// an alive claim, the accuser of a suspect or dead one, 0 where there is none; in a `have`, the profile's hash.
//
// msgpackr also decodes maps, extensions and records, which a stranger could use against us; so the bytes
// are walked first and only what a frame may hold gets as far as the library.

import { Packr } from "msgpackr";
import { type Address, isAddress } from "./address.ts";
import { ALIVE, type Claim, isClaim, statusOf } from "./claim.ts";
import { mix32 } from "./random.ts";

/** Fits every path of today: 1,280 is IPv6's least MTU, 1,500 Ethernet's, tunnels take up to 100. */
export const DATAGRAM_BYTES_MAX = 1_400;
export const PROFILE_BYTES_MAX = 512;
export const PAYLOAD_BYTES_MAX = 1_024;
export const LABEL_BYTES_MAX = 32;

/** Four numbers, five bytes each. */
export const RANGE_BYTES = 20;

const VERSION = 1;

export const PING = 1;
export const ACK = 2;
export const PING_REQ = 3;
export const NACK = 4;
export const GOSSIP = 5;
export const JOIN = 6;
export const CHALLENGE = 7;
export const RANGES = 8;
export const HAVE = 9;
export const CLAIMS = 10;
export const HELLO = 11;
/** Names messages, with empty payloads: they were heard. */
export const HEARD = 12;

/** Why a datagram was not understood; `ok` if it was. */
export type Reading = "ok" | "damaged" | "malformed" | "otherVersion" | "otherCluster";

/** The last frame read. Reused: good until the next `read`. */
export class Frame {
  kind = 0;
  from: Address = 0;
  /** The sender's claim about itself. */
  fromClaim: Claim = 0;
  digest = 0;
  a = 0;
  b = 0;
  c = 0;
  claimCount = 0;
  readonly members: Address[] = [];
  readonly claims: Claim[] = [];
  /** Profile of an alive claim, else undefined. */
  readonly profiles: (Uint8Array | undefined)[] = [];
  /** Accuser of a suspect or dead claim, else undefined. */
  readonly accusers: (Address | undefined)[] = [];
  /** In a `have`: the hash of the profile that goes with each claim. */
  readonly hashes: number[] = [];
  messageCount = 0;
  readonly origins: Address[] = [];
  readonly epochs: number[] = [];
  readonly seqs: number[] = [];
  readonly payloads: Uint8Array[] = [];
  rangeCount = 0;
  /** first, last, count, fingerprint of each range, in turn. */
  readonly ranges: number[] = [];
}

type Element = number | string | Uint8Array;

const AT_COUNT = 10;

export class Wire {
  readonly frame = new Frame();
  readonly #packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "number" });
  readonly #label: string;
  /** `version label` as bytes: what every frame of this cluster has after its checksum. */
  readonly #prefix: Uint8Array;
  readonly #seed: number;
  #out: Element[] = [];
  #bytes = 0;
  #reserved = 0;
  #messagesAt = 0;

  constructor(label: string) {
    this.#label = label;
    const text = Uint8Array.from(this.#packr.pack(label));
    if (label.length === 0 || text.length > LABEL_BYTES_MAX + 2) {
      throw new RangeError(`Expected a cluster label of 1 to ${LABEL_BYTES_MAX} bytes, got \`${label}\``);
    }
    this.#prefix = Uint8Array.of(VERSION, ...text);
    this.#seed = 0x68656172; // "hear"
  }

  // ── writing: begin, then claims, then messages, then ranges, then end ──

  begin(kind: number, from: Address, fromClaim: Claim, digest: number, a: number, b: number, c: number): void {
    const source = toElement(from);
    // 0xffffffff holds five bytes for the checksum whatever it will be.
    this.#out = [0xffffffff, VERSION, this.#label, kind, source, fromClaim, digest, a, b, c, 0];
    this.#messagesAt = 0;
    this.#reserved = 0;
    this.#bytes = 3 + 5 + this.#prefix.length + 1 + 6 + sizeOf(source) + 5 + 5 + 5 + 5 + 5;
  }

  /** Room left in the datagram, in bytes, less what is reserved. */
  get room(): number {
    return DATAGRAM_BYTES_MAX - this.#bytes - this.#reserved;
  }

  /** Keeps room for what comes later; 0 gives it free. */
  reserve(bytes: number): void {
    this.#reserved = bytes;
  }

  /** Adds a claim; false (and nothing added) if it does not fit. */
  claim(member: Address, claim: Claim, extra: Address | Uint8Array): boolean {
    const about = toElement(member);
    const more = typeof extra === "object" ? extra : extra === 0 ? 0 : toElement(extra);
    const bytes = sizeOf(about) + 5 + sizeOf(more);
    if (bytes > this.room) return false;
    this.#bytes += bytes;
    this.#out.push(about, claim, more);
    this.#out[AT_COUNT] = (this.#out[AT_COUNT] as number) + 1;
    return true;
  }

  /** Adds a claim whose extra is the hash of a profile, as a `have` names it. */
  namedClaim(member: Address, claim: Claim, profile: number): boolean {
    const about = toElement(member);
    const bytes = sizeOf(about) + 10;
    if (bytes > this.room) return false;
    this.#bytes += bytes;
    this.#out.push(about, claim, profile);
    this.#out[AT_COUNT] = (this.#out[AT_COUNT] as number) + 1;
    return true;
  }

  message(origin: Address, epoch: number, seq: number, payload: Uint8Array): boolean {
    const source = toElement(origin);
    const bytes = sizeOf(source) + 10 + sizeOf(payload);
    if (bytes > this.room) return false;
    this.#bytes += bytes;
    const at = this.#endClaims();
    this.#out.push(source, epoch, seq, payload);
    this.#out[at] = (this.#out[at] as number) + 1;
    return true;
  }

  range(first: number, last: number, count: number, fingerprint: number): boolean {
    if (this.room < RANGE_BYTES) return false;
    this.#bytes += RANGE_BYTES;
    this.#endClaims();
    this.#out.push(first, last, count, fingerprint);
    return true;
  }

  /** Where the number of messages stands, which ends the claims. */
  #endClaims(): number {
    if (this.#messagesAt === 0) this.#messagesAt = this.#out.push(0) - 1;
    return this.#messagesAt;
  }

  end(): Uint8Array {
    this.#endClaims();
    const bytes = this.#packr.pack(this.#out);
    const at = bodyAt(bytes);
    const check = checksum(bytes, at, this.#seed);
    bytes[at - 4] = check >>> 24;
    bytes[at - 3] = check >>> 16;
    bytes[at - 2] = check >>> 8;
    bytes[at - 1] = check;
    return bytes;
  }

  // ── reading ──

  /** Reads a datagram into `frame`. Never throws; `frame` means something only after `ok`. */
  read(bytes: Uint8Array): Reading {
    const at = bodyAt(bytes);
    if (at < 0 || bytes.length > DATAGRAM_BYTES_MAX) return "malformed";
    const check =
      ((bytes[at - 4] ?? 0) * 16777216 +
        ((bytes[at - 3] ?? 0) << 16) +
        ((bytes[at - 2] ?? 0) << 8) +
        (bytes[at - 1] ?? 0)) >>>
      0;
    if (checksum(bytes, at, this.#seed) !== check) return "damaged";
    if (bytes[at] !== VERSION) return "otherVersion";
    for (let i = 1; i < this.#prefix.length; i++) {
      if (bytes[at + i] !== this.#prefix[i]) return "otherCluster";
    }
    if (!isFlat(bytes)) return "malformed";
    return this.#understand(this.#packr.unpack(bytes) as Element[]) ? "ok" : "malformed";
  }

  #understand(elements: Element[]): boolean {
    const frame = this.frame;
    const [, , , kind, source, fromClaim, digest, a, b, c, claimCount] = elements;
    const from = toAddress(source);
    if (!isUint32(kind) || from === undefined || !isClaim(fromClaim) || !isUint32(digest)) return false;
    if (!isUint32(a) || !isUint32(b) || !isUint32(c) || !isUint32(claimCount)) return false;
    frame.kind = kind;
    frame.from = from;
    frame.fromClaim = fromClaim;
    frame.digest = digest;
    frame.a = a;
    frame.b = b;
    frame.c = c;
    const afterClaims = this.#readClaims(elements, AT_COUNT + 1, claimCount);
    return afterClaims > 0 && this.#readRanges(elements, this.#readMessages(elements, afterClaims));
  }

  #readClaims(elements: Element[], start: number, count: number): number {
    const frame = this.frame;
    frame.claimCount = count;
    let at = start;
    for (let i = 0; i < count; i++, at += 3) {
      const member = toAddress(elements[at]);
      const claim = elements[at + 1];
      const extra = elements[at + 2];
      if (member === undefined || !isClaim(claim) || extra === undefined) return -1;
      frame.members[i] = member;
      frame.claims[i] = claim;
      if (frame.kind === HAVE) {
        if (!isUint32(extra)) return -1;
        frame.hashes[i] = extra;
        continue;
      }
      const alive = statusOf(claim) === ALIVE;
      const isProfile = alive && typeof extra === "object";
      if (isProfile && (extra.length === 0 || extra.length > PROFILE_BYTES_MAX)) return -1;
      const accuser = alive || extra === 0 ? undefined : toAddress(extra);
      if (extra !== 0 && !isProfile && accuser === undefined) return -1;
      frame.profiles[i] = isProfile ? extra : undefined;
      frame.accusers[i] = accuser;
    }
    return at;
  }

  #readMessages(elements: Element[], start: number): number {
    const frame = this.frame;
    const count = elements[start];
    if (!isUint32(count)) return -1;
    frame.messageCount = count;
    let at = start + 1;
    for (let i = 0; i < count; i++, at += 4) {
      const origin = toAddress(elements[at]);
      const epoch = elements[at + 1];
      const seq = elements[at + 2];
      const payload = elements[at + 3];
      if (origin === undefined || !isUint32(epoch) || !isUint32(seq)) return -1;
      if (!(payload instanceof Uint8Array) || payload.length > PAYLOAD_BYTES_MAX) return -1;
      frame.origins[i] = origin;
      frame.epochs[i] = epoch;
      frame.seqs[i] = seq;
      frame.payloads[i] = payload;
    }
    return at;
  }

  #readRanges(elements: Element[], start: number): boolean {
    if (start < 0 || start > elements.length || (elements.length - start) % 4 !== 0) return false;
    const frame = this.frame;
    frame.rangeCount = (elements.length - start) / 4;
    for (let i = 0; i < elements.length - start; i++) {
      const value = elements[start + i];
      if (!isUint32(value)) return false;
      frame.ranges[i] = value;
    }
    return true;
  }
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

function toElement(address: Address): number | Uint8Array {
  if (typeof address === "number") return address;
  const bytes = new Uint8Array(address.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = address.charCodeAt(i);
  return bytes;
}

function toAddress(element: Element | undefined): Address | undefined {
  if (typeof element === "number") return isAddress(element) ? element : undefined;
  if (typeof element !== "object" || element.length !== 18) return undefined;
  const address = String.fromCharCode(...element);
  return isAddress(address) ? address : undefined;
}

/** An upper bound of an element's encoded size. */
function sizeOf(element: Element): number {
  if (typeof element === "number") return element === 0 ? 1 : 9;
  return element.length + 3;
}

/** Where the checksummed part begins, or -1 if this is no array that starts with a uint32. */
function bodyAt(bytes: Uint8Array): number {
  const first = bytes[0] ?? 0;
  const header = first === 0xdc ? 3 : (first & 0xf0) === 0x90 ? 1 : -1;
  return header > 0 && bytes[header] === 0xce && bytes.length > header + 5 ? header + 5 : -1;
}

/** Murmur3's body over four bytes at a time: catches damage, keeps nobody out. */
function checksum(bytes: Uint8Array, start: number, seed: number): number {
  const end = bytes.length;
  // The array's header stands before the checksum, and counts.
  let hash = seed ^ (end << 8);
  for (let i = 0; i < start - 5; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x85ebca6b);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash ^= Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x85ebca6b);
  return mix32(hash);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** True if the bytes are exactly one array of numbers, strings and bytes, nothing nested, nothing left over. */
export function isFlat(bytes: Uint8Array): boolean {
  const wide = bytes[0] === 0xdc;
  const count = wide ? ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0) : (bytes[0] ?? 0) & 0x0f;
  let at = wide ? 3 : 1;
  for (let i = 0; i < count && at > 0; i++) at = afterElement(bytes, at);
  return at === bytes.length;
}

function afterElement(bytes: Uint8Array, at: number): number {
  const type = bytes[at];
  if (type === undefined) return -1;
  let next = -1;
  if (type < 0x80) next = at + 1;
  else if ((type & 0xe0) === 0xa0) next = at + 1 + (type & 0x1f);
  else if (type === 0xcc) next = at + 2;
  else if (type === 0xcd) next = at + 3;
  else if (type === 0xce) next = at + 5;
  else if (type === 0xcb) next = at + 9;
  else if (type === 0xd9 || type === 0xc4) next = at + 2 + (bytes[at + 1] ?? 0);
  else if (type === 0xda || type === 0xc5) next = at + 3 + ((bytes[at + 1] ?? 0) << 8) + (bytes[at + 2] ?? 0);
  return next <= bytes.length ? next : -1;
}
