// Names become small numbers here: addresses and profiles are interned, counted, and their numbers
// recycled when nobody holds them any more, so that views are typed arrays of integers.
//
// One process holds one table of each; a simulator's thousand members share them. Numbers fit 16 bits:
// 65,535 peers is the most that anybody can make us remember.

import { type Address, ringKeyOf } from "./address.ts";
import { mix32 } from "./random.ts";

/** A dense integer standing for an address. 0 is the stranger: whoever is being answered just now. */
export type Peer = number;

export const STRANGER: Peer = 0;
export const PEERS_MAX = 65_535;

export class Peers {
  readonly #numbers = new Map<Address, Peer>();
  readonly #addresses: Address[] = [0];
  readonly #keys: number[] = [0];
  readonly #holders: number[] = [1];
  readonly #free: Peer[] = [];

  /** Numbers handed out so far, the stranger included: views are at least this long. */
  get span(): number {
    return this.#addresses.length;
  }

  /** The peer at an address, or undefined if nobody holds it. */
  find(address: Address): Peer | undefined {
    return this.#numbers.get(address);
  }

  /** Takes hold of an address; undefined when the table is full. */
  hold(address: Address): Peer | undefined {
    const known = this.#numbers.get(address);
    if (known !== undefined) {
      this.#holders[known] = (this.#holders[known] ?? 0) + 1;
      return known;
    }
    const peer = this.#free.pop() ?? this.#addresses.length;
    if (peer > PEERS_MAX) return undefined;
    this.#numbers.set(address, peer);
    this.#addresses[peer] = address;
    this.#keys[peer] = ringKeyOf(address);
    this.#holders[peer] = 1;
    return peer;
  }

  /** One more holder of what is already held. */
  share(peer: Peer): void {
    this.#holders[peer] = (this.#holders[peer] ?? 0) + 1;
  }

  /** Lets go of a peer; with the last hold its number is free for another address. */
  release(peer: Peer): void {
    const holders = (this.#holders[peer] ?? 0) - 1;
    this.#holders[peer] = holders;
    if (holders > 0) return;
    this.#numbers.delete(this.address(peer));
    this.#free.push(peer);
  }

  /** The stranger, for one answer to an address that is not worth remembering. */
  stranger(address: Address): Peer {
    this.#addresses[STRANGER] = address;
    return STRANGER;
  }

  address(peer: Peer): Address {
    return this.#addresses[peer] as Address;
  }

  key(peer: Peer): number {
    return this.#keys[peer] as number;
  }

  /** Ring order: by key, and by address where two keys collide. */
  compare(a: Peer, b: Peer): number {
    const difference = this.key(a) - this.key(b);
    if (difference !== 0 || a === b) return difference;
    return String(this.address(a)) < String(this.address(b)) ? -1 : 1;
  }
}

/** A dense integer standing for the bytes of a profile. 0 is no profile. */
export type ProfileId = number;

const NO_BYTES = new Uint8Array(0);

export class Profiles {
  /** Keyed hash of some bytes → the first profile that has it; `#next` leads to the others. */
  readonly #first = new Map<number, ProfileId>();
  readonly #next: ProfileId[] = [0];
  readonly #bytes: Uint8Array[] = [NO_BYTES];
  readonly #hashes: number[] = [0];
  readonly #holders: number[] = [1];
  readonly #free: ProfileId[] = [];
  readonly #key: number;

  /** @param key a secret where strangers are about, who else could make all their profiles fall on one hash */
  constructor(key = 1) {
    this.#key = key;
  }

  /** Takes hold of some bytes (copied, so the datagram they came in may go); undefined when the table is full. */
  hold(bytes: Uint8Array): ProfileId | undefined {
    const place = hashOf(bytes, this.#key);
    const known = this.#find(bytes, place);
    if (known !== 0) {
      this.#holders[known] = (this.#holders[known] ?? 0) + 1;
      return known;
    }
    const id = this.#free.pop() ?? this.#bytes.length;
    if (id > PEERS_MAX) return undefined;
    this.#next[id] = this.#first.get(place) ?? 0;
    this.#first.set(place, id);
    this.#bytes[id] = new Uint8Array(bytes);
    this.#hashes[id] = hashOf(bytes, 1) || 1;
    this.#holders[id] = 1;
    return id;
  }

  #find(bytes: Uint8Array, place: number): ProfileId {
    let id = this.#first.get(place) ?? 0;
    while (id !== 0 && !equalBytes(bytes, this.bytes(id))) id = this.#next[id] as ProfileId;
    return id;
  }

  /** One more holder of what is already held. */
  share(id: ProfileId): void {
    if (id !== 0) this.#holders[id] = (this.#holders[id] ?? 0) + 1;
  }

  release(id: ProfileId): void {
    if (id === 0) return;
    const holders = (this.#holders[id] ?? 0) - 1;
    this.#holders[id] = holders;
    if (holders > 0) return;
    this.#unlink(id);
    this.#bytes[id] = NO_BYTES;
    this.#free.push(id);
  }

  #unlink(id: ProfileId): void {
    const place = hashOf(this.bytes(id), this.#key);
    const next = this.#next[id] as ProfileId;
    let before = this.#first.get(place) ?? 0;
    if (before === id) {
      if (next === 0) this.#first.delete(place);
      else this.#first.set(place, next);
      return;
    }
    while (before !== 0 && this.#next[before] !== id) before = this.#next[before] as ProfileId;
    if (before === 0) throw new Error(`BUG: profile ${id} is let go of more often than held`);
    this.#next[before] = next;
  }

  bytes(id: ProfileId): Uint8Array {
    return this.#bytes[id] as Uint8Array;
  }

  /** 32 bits to tell profiles apart without sending them; 0 for no profile. */
  hash(id: ProfileId): number {
    return this.#hashes[id] as number;
  }
}

function hashOf(bytes: Uint8Array, seed: number): number {
  let hash = seed;
  for (let i = 0; i < bytes.length; i++) hash = mix32(hash ^ (bytes[i] as number));
  return hash;
}

/** True if they are the same bytes; a loop, for `every` calls a function for each. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
