// Messages on their way: whom this member still has to tell each of them, and who is known to have it.
//
//   A                          B
//   |---- gossip: m ---------->|      first heard: B tells its own links at once, but not A
//   |<--- heard: m ------------|      … and acknowledges, when the message has gone past
//   |                          |
//   |---- gossip: m ---->  <---|      both at the same time: each is the other's acknowledgement
//
// A message goes over each link (contacts.ts) once, and again after a pause that grows until it is acknowledged: a flood,
// so a hop costs a network delay and a lost datagram only delays what the other ways do not bring sooner. Links last. A tree
// over arcs of the ring would not: from any origin it makes N - 1 new pairs of hosts (docs/protocol.md).
//
// State only; `gossip.ts` sends.

import type { Address } from "./address.ts";
import type { Message } from "./messages.ts";
import type { Peer } from "./peers.ts";

/**
 * Messages kept at once. Beyond, the oldest that somebody has from us makes room: it goes on from there. That is what a link
 * that has died leaves behind at a thousand messages a second, until it is found dead.
 */
const KEPT_MAX = 4_096;
/**
 * Messages that nobody has from us. Beyond, nothing is taken in, and so not acknowledged, and told again. Ours stop at the
 * first of the other two bounds, so that where all talk at once there is room for what others say: eight members that say
 * 12,000 messages together lose none (test/gossip/broadcast.test.ts).
 */
const FRESH_MAX = 1_024;
const BUSY_FROM = 256;
const OWN_MAX = 128;
/** A link that does not acknowledge is told so often: with pauses that grow by half, for about fifty times the first. */
const TRIES_MAX = 8;
const BACK_OFF = 1.5;
/** In `tries`: it has it. */
const KNOWS = -1;
/** Origin, epoch, seq and the payload's length in a datagram, by IPv6. */
const HEADER_BYTES_MAX = 34;

interface Telling {
  readonly message: Message;
  /** Told or known to have it, with how often and when to try again: three columns of one small table. */
  readonly peers: Peer[];
  readonly tries: number[];
  readonly againAt: number[];
  /** Somebody has it from us. */
  isPassedOn: boolean;
}

export class Broadcast {
  readonly #tellings = new Map<string, Telling>();
  readonly #self: Address;
  /** That nobody has from us: all, and our own. */
  #fresh = 0;
  #ownFresh = 0;

  constructor(self: Address) {
    this.#self = self;
  }

  /** How many messages wait to be told or acknowledged. */
  get size(): number {
    return this.#tellings.size;
  }

  /** No more messages can be taken in, whoever says them. */
  get isFull(): boolean {
    return this.#fresh >= FRESH_MAX;
  }

  /** This member may say no more for now. */
  get isBusy(): boolean {
    return this.#fresh >= BUSY_FROM || this.#ownFresh >= OWN_MAX;
  }

  /**
   * Only where it is not full. A name that is under way is not taken twice: whoever invents messages can make one news again,
   * by others that go once round all serial numbers.
   */
  add(message: Message): void {
    const name = nameOf(message);
    if (this.#tellings.has(name)) return;
    if (this.#tellings.size >= KEPT_MAX) this.#makeRoom();
    this.#tellings.set(name, { message, peers: [], tries: [], againAt: [], isPassedOn: false });
    this.#count(message, 1);
  }

  #makeRoom(): void {
    for (const [name, { isPassedOn }] of this.#tellings) {
      if (!isPassedOn) continue;
      this.#tellings.delete(name);
      return;
    }
    throw new Error("BUG: a message is added where it is full");
  }

  #count({ origin }: Message, more: number): void {
    this.#fresh += more;
    if (origin === this.#self) this.#ownFresh += more;
  }

  /** A peer has it: it told us, or said so. */
  knows(origin: Address, epoch: number, seq: number, peer: Peer): void {
    const telling = this.#tellings.get(nameOf({ origin, epoch, seq }));
    if (!telling) return;
    const row = rowOf(telling, peer);
    const isFromUs = (telling.tries[row] ?? 0) > 0;
    telling.tries[row] = KNOWS;
    if (!isFromUs || telling.isPassedOn) return;
    telling.isPassedOn = true;
    this.#count(telling.message, -1);
  }

  /** True if our own copy for this peer is on its way, which acknowledges the peer's. */
  isCrossing(origin: Address, epoch: number, seq: number, peer: Peer, now: number): boolean {
    const telling = this.#tellings.get(nameOf({ origin, epoch, seq }));
    const row = telling?.peers.indexOf(peer) ?? -1;
    return row >= 0 && (telling?.tries[row] ?? KNOWS) !== KNOWS && now < (telling?.againAt[row] ?? 0);
  }

  /** True if a peer is to be told something now. */
  isDue(peer: Peer, now: number): boolean {
    for (const telling of this.#tellings.values()) if (dueAt(telling, peer) <= now) return true;
    return false;
  }

  /** What is due to a peer's messages of `room` bytes: half at most, but never less than the largest takes. */
  share(peer: Peer, room: number, now: number): number {
    let all = 0;
    let largest = 0;
    for (const telling of this.#tellings.values()) {
      if (dueAt(telling, peer) > now) continue;
      const bytes = telling.message.payload.length + HEADER_BYTES_MAX;
      largest = Math.max(largest, bytes);
      all += bytes;
      if (all > room * 2) break;
    }
    return Math.min(room, Math.max(largest, Math.min(all, room >> 1)));
  }

  /** Offers what a peer is to be told, oldest first, to `tell`, which returns false if there is no room. */
  tell(peer: Peer, now: number, pauseMs: number, tell: (message: Message) => boolean): void {
    for (const telling of this.#tellings.values()) {
      if (dueAt(telling, peer) > now) continue;
      if (!tell(telling.message)) return;
      const row = rowOf(telling, peer);
      const tries = (telling.tries[row] ?? 0) + 1;
      telling.tries[row] = tries;
      telling.againAt[row] = now + pauseMs * BACK_OFF ** (tries - 1);
    }
  }

  /** Lets go of what all of these have, or will not acknowledge. @returns when the next one is due; Infinity: never */
  settle(links: readonly Peer[]): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [name, telling] of this.#tellings) {
      let due = Number.POSITIVE_INFINITY;
      for (const link of links) due = Math.min(due, dueAt(telling, link));
      if (due === Number.POSITIVE_INFINITY) {
        this.#tellings.delete(name);
        if (!telling.isPassedOn) this.#count(telling.message, -1);
      }
      next = Math.min(next, due);
    }
    return next;
  }

  /** A peer's number is about to become another's. */
  forget(peer: Peer): void {
    for (const telling of this.#tellings.values()) {
      const row = telling.peers.indexOf(peer);
      if (row < 0) continue;
      telling.peers.splice(row, 1);
      telling.tries.splice(row, 1);
      telling.againAt.splice(row, 1);
    }
  }
}

function nameOf({ origin, epoch, seq }: Pick<Message, "origin" | "epoch" | "seq">): string {
  return `${seq}/${epoch}/${origin}`;
}

/** When a peer is to be told: -Infinity if it was not yet, Infinity if it has it or did not acknowledge it for too long. */
function dueAt(telling: Telling, peer: Peer): number {
  const row = telling.peers.indexOf(peer);
  if (row < 0) return Number.NEGATIVE_INFINITY;
  const tries = telling.tries[row] ?? 0;
  // After the last try nothing is waited for: somebody else may tell it, or nobody can.
  return tries === KNOWS || tries >= TRIES_MAX ? Number.POSITIVE_INFINITY : (telling.againAt[row] ?? 0);
}

function rowOf(telling: Telling, peer: Peer): number {
  const row = telling.peers.indexOf(peer);
  if (row >= 0) return row;
  telling.tries.push(0);
  telling.againAt.push(0);
  return telling.peers.push(peer) - 1;
}
