// A few cores that write to each other, each with tables of its own, as processes have: one clock, every datagram takes
// exactly one millisecond, and a tap sees them all. The simulator (src/sim) is for crowds and bad weather; this is for
// reading along.

import { formatAddress } from "../../src/gossip/address.ts";
import type { ConflictEvent, MembershipEvent, Profile } from "../../src/gossip/api.ts";
import { type Claim, statusName } from "../../src/gossip/claim.ts";
import { type Config, configure } from "../../src/gossip/config.ts";
import type { Message } from "../../src/gossip/messages.ts";
import { type Peer, Peers, Profiles } from "../../src/gossip/peers.ts";
import { decodeProfile, encodeProfile } from "../../src/gossip/profile.ts";
import { Random } from "../../src/gossip/random.ts";
import { Swim } from "../../src/gossip/swim.ts";
import { Wire } from "../../src/gossip/wire.ts";
import { Witness } from "../../src/gossip/witness.ts";
import { EventQueue } from "../../src/sim/queue.ts";
import { at, LABEL, type Letter, profileOf, readable } from "./letters.ts";

const DELAY_MS = 1;

/** What the tap sees: a datagram as it is sent, whether or not it arrives; a changed belief; a message handed over. */
export type Sight =
  | {
      readonly at: number;
      readonly what: "letter";
      readonly from: string;
      readonly to: string;
      readonly letter: Letter;
      readonly lost: boolean;
    }
  | {
      readonly at: number;
      readonly what: "belief";
      readonly by: string;
      readonly of: string;
      readonly claim: Claim;
      readonly was: Claim;
    }
  | { readonly at: number; readonly what: "message"; readonly by: string; readonly text: string };

export class Villager {
  readonly address: string;
  readonly swim: Swim;
  /** What its user sees. */
  readonly witness: Witness;
  readonly events: (MembershipEvent | ConflictEvent)[] = [];
  readonly #peers: Peers;
  isUp = true;

  constructor(address: string, swim: Swim, peers: Peers, witness: Witness) {
    this.address = address;
    this.swim = swim;
    this.#peers = peers;
    this.witness = witness;
  }

  claim(member: string): Claim {
    const peer = this.#peers.find(at(member));
    return peer === undefined ? 0 : this.swim.members.claim(peer);
  }

  status(member: string): string {
    const claim = this.claim(member);
    return claim === 0 ? "unknown" : statusName(claim);
  }
}

export interface Settling {
  /** What it says of itself. @default some text, no profile that could be read */
  readonly profile?: Profile;
  readonly label?: string;
  /** Whoever is at that address already stays. */
  readonly isTwin?: boolean;
}

interface Arrival {
  readonly to: Villager;
  readonly bytes: Uint8Array;
}

export class Village {
  readonly villagers = new Map<string, Villager>();
  readonly config: Config;
  readonly sights: Sight[] = [];
  now = 0;
  /** Decides which letters get lost. */
  isLost: (from: string, to: string, letter: Letter) => boolean = () => false;
  /** Which of those at one address a letter to it reaches. */
  deliver: (those: readonly Villager[]) => Villager | undefined = (those) => those.at(-1);
  /** What the wall clocks say; nobody but users looks at them. */
  wallClock: () => number = () => this.now;
  readonly #inhabitants: Villager[] = [];
  readonly #queue = new EventQueue<Arrival>();
  #seed: number;

  constructor(config: Partial<Config> = {}, seed = 1) {
    this.config = configure("lan", config);
    this.#seed = seed;
  }

  /** A new process at an address; whoever was there before is gone. */
  settle(address: string, life = 1, { profile, label = LABEL, isTwin = false }: Settling = {}): Villager {
    if (!isTwin) for (const before of this.#at(address)) this.crash(before);
    const peers = new Peers();
    const profiles = new Profiles();
    const name = (peer: Peer) => formatAddress(peers.address(peer));
    const output = {
      send: (to: Peer, bytes: Uint8Array) => this.#send(address, name(to), bytes, label),
      changed: (peer: Peer, claim: Claim, was: Claim) => {
        this.sights.push({ at: this.now, what: "belief", by: address, of: name(peer), claim, was });
        const event = villager.witness.changed(peer, claim, was, this.wallClock(), true);
        if (event) villager.events.push(event);
      },
      deliver: ({ payload }: Message) => {
        this.sights.push({ at: this.now, what: "message", by: address, text: new TextDecoder().decode(payload) });
      },
    };
    const bytes = profile ? encodeProfile(profile) : profileOf(`${address} in life`, life);
    const random = new Random(this.#seed++);
    const swim = new Swim(at(address), bytes, peers, profiles, new Wire(label), this.config, random, output);
    const witness = new Witness(profile ?? decodeProfile(bytes), swim.members, peers, profiles);
    const villager = new Villager(address, swim, peers, witness);
    this.villagers.set(address, villager);
    this.#inhabitants.push(villager);
    swim.start(this.now);
    return villager;
  }

  #at(address: string): Villager[] {
    return this.#inhabitants.filter((villager) => villager.isUp && villager.address === address);
  }

  #send(from: string, to: string, bytes: Uint8Array, label: string): void {
    const letter = readable(bytes, label);
    const receiver = this.deliver(this.#at(to));
    const lost = !receiver || this.isLost(from, to, letter);
    this.sights.push({ at: this.now, what: "letter", from, to, letter, lost });
    if (receiver && !lost) this.#queue.push(this.now + DELAY_MS, { to: receiver, bytes: Uint8Array.from(bytes) });
  }

  /** Stops without a word. */
  crash(villager: Villager): void {
    villager.isUp = false;
  }

  tell(villager: Villager, input: (swim: Swim, now: number) => void): void {
    input(villager.swim, this.now);
  }

  join(villager: Villager, ...seeds: Villager[]): void {
    this.tell(villager, (swim, now) =>
      swim.join(
        now,
        seeds.map(({ address }) => at(address)),
      ),
    );
  }

  runFor(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const up = this.#inhabitants.filter(({ isUp }) => isUp);
      const wakeAt = Math.min(...up.map(({ swim }) => swim.deadline));
      const next = Math.min(wakeAt, this.#queue.nextAt);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (this.#queue.nextAt <= this.now) {
        const arrival = this.#queue.pop();
        if (arrival?.to.isUp) arrival.to.swim.receive(this.now, arrival.bytes);
      } else {
        for (const { swim } of up) if (swim.deadline <= this.now) swim.wake(this.now);
      }
    }
    this.now = end;
  }

  /** Runs until it is true, at most `mostMs`. Returns how long it took, or undefined if it never came true. */
  runUntil(isTrue: () => boolean, mostMs: number): number | undefined {
    const began = this.now;
    while (this.now - began < mostMs) {
      if (isTrue()) return this.now - began;
      this.runFor(1);
    }
    return isTrue() ? mostMs : undefined;
  }
}
