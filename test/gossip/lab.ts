// One core alone in a laboratory: the test writes letters to it, lets its time pass, and reads what it sends. Its peers
// are only names; where a test wants them to answer pings, it says so.

import { formatAddress, ringKeyOf } from "../../src/gossip/address.ts";
import { type Claim, statusName } from "../../src/gossip/claim.ts";
import { type Config, configure } from "../../src/gossip/config.ts";
import type { Message } from "../../src/gossip/messages.ts";
import { type Peer, Peers, Profiles } from "../../src/gossip/peers.ts";
import { mix32, Random } from "../../src/gossip/random.ts";
import { Swim, type Verdict } from "../../src/gossip/swim.ts";
import { ACK, CHALLENGE, CLAIMS, GOSSIP, PING, Wire } from "../../src/gossip/wire.ts";
import { alive, at, LABEL, type Letter, profileOf, readable, write } from "./letters.ts";

export interface Sent extends Letter {
  readonly at: number;
  readonly to: string;
  readonly bytes: Uint8Array;
}

export interface Change {
  readonly at: number;
  readonly member: string;
  readonly claim: Claim;
  readonly was: Claim;
}

export interface LabOptions {
  readonly address?: string;
  readonly config?: Partial<Config>;
  readonly seed?: number;
  readonly profile?: Uint8Array;
}

export class Lab {
  readonly address: string;
  readonly peers = new Peers();
  readonly profiles = new Profiles();
  readonly config: Config;
  readonly swim: Swim;
  /** Everything sent, oldest first. */
  readonly sent: Sent[] = [];
  readonly changes: Change[] = [];
  readonly delivered: Message[] = [];
  now = 0;
  /** Who answers pings, in the same moment and as one who has the same view. */
  answering: (member: string) => boolean = () => false;
  #unanswered: Sent[] = [];

  constructor({ address = "10.0.0.1:7979", config = {}, seed = 1, profile = profileOf(address) }: LabOptions = {}) {
    this.address = address;
    this.config = configure("lan", config);
    const output = {
      send: (to: Peer, bytes: Uint8Array) => this.#send(formatAddress(this.peers.address(to)), bytes),
      changed: (peer: Peer, claim: Claim, was: Claim) => {
        this.changes.push({ at: this.now, member: formatAddress(this.peers.address(peer)), claim, was });
      },
      deliver: (message: Message) => {
        this.delivered.push(message);
      },
    };
    const random = new Random(seed);
    this.swim = new Swim(at(address), profile, this.peers, this.profiles, new Wire(LABEL), this.config, random, output);
    this.swim.start(this.now);
  }

  #send(to: string, bytes: Uint8Array): void {
    const letter = { ...readable(bytes), at: this.now, to, bytes: Uint8Array.from(bytes) };
    this.sent.push(letter);
    if (letter.kind === PING) this.#unanswered.push(letter);
  }

  /** Hands a letter to the core; from one who has the same view, unless it says otherwise. */
  hear(letter: Partial<Letter> & Pick<Letter, "kind" | "from">): Verdict {
    return this.receive(write({ digest: this.swim.members.ring.digest, ...letter }));
  }

  receive(bytes: Uint8Array): Verdict {
    const verdict = this.swim.receive(this.now, bytes);
    this.#answer();
    return verdict;
  }

  /** The core is let in by this host, who knows nobody else yet and answers after `delayMs`. */
  enter(host: string, delayMs = 1): void {
    this.swim.join(this.now, [at(host)]);
    this.runFor(delayMs);
    this.welcome(host);
  }

  /** This host answers the core, which asks to be let in. */
  welcome(host: string): void {
    this.hear({ kind: CHALLENGE, from: host, b: 7 });
    const ranges = [{ first: 1, last: 0, count: 0, fingerprint: 0 }];
    this.hear({ kind: CLAIMS, from: host, a: this.cookieFor(host), b: 7, claims: [alive(host)], ranges });
  }

  /** The core hears of these members from the first of them. */
  know(...members: string[]): void {
    // A few claims a letter, so that the longest profile would fit.
    for (let i = 0; i < members.length; i += 10) {
      const claims = members.slice(i, i + 10).map((member) => alive(member));
      this.hear({ kind: GOSSIP, from: members[0] as string, claims });
    }
  }

  /** Lets time pass: wakes the core whenever it asks for it. */
  runUntil(end: number): void {
    while (this.swim.deadline <= end) {
      this.now = Math.max(this.now, this.swim.deadline);
      this.swim.wake(this.now);
      this.#answer();
    }
    this.now = end;
  }

  runFor(ms: number): void {
    this.runUntil(this.now + ms);
  }

  #answer(): void {
    for (const { to, a } of this.#unanswered.splice(0)) {
      const { digest } = this.swim.members.ring;
      if (this.answering(to)) this.swim.receive(this.now, write({ kind: ACK, from: to, a, digest }));
    }
  }

  /** Takes what was sent since the last time, of one kind or of all. */
  take(kind?: number): Sent[] {
    return this.sent.splice(0).filter((letter) => kind === undefined || letter.kind === kind);
  }

  claim(member: string): Claim {
    const peer = this.peers.find(at(member));
    return peer === undefined ? 0 : this.swim.members.claim(peer);
  }

  status(member: string): string {
    const claim = this.claim(member);
    return claim === 0 ? "unknown" : statusName(claim);
  }

  /** The cookie that this core gives a member, learned as a member would: from the ack of a ping. */
  cookieFor(member: string): number {
    const before = this.sent.length;
    this.hear({ kind: PING, from: member, a: 1 });
    const answer = this.sent.splice(before).find(({ kind, to }) => kind === ACK && to === member);
    if (!answer) throw new Error("The core did not answer a ping");
    return answer.b;
  }

  /** How often a claim about `member` was sent as gossip since the last `take`. */
  tellings(member: string): number {
    const gossip = [PING, ACK, GOSSIP, CLAIMS];
    return this.sent.filter(({ kind, claims }) => gossip.includes(kind) && claims.some((c) => c.member === member))
      .length;
  }
}

/** `count` addresses of members: 10.0.1.1:7979 and so on. */
export function names(count: number, net = "10.0.1"): string[] {
  return Array.from({ length: count }, (_, i) =>
    i < 250 ? `${net}.${i + 1}:7979` : `10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:7979`,
  );
}

/** IPv4 addresses with one and the same ring key: hosts whose hashes begin alike, each with the port that makes them equal. */
export function collidingAddresses(count: number): string[] {
  const found: string[] = [];
  for (let ip = 0x0a000000; found.length < count && ip < 0x0c000000; ip++) {
    const hash = mix32(ip);
    const port = (hash ^ 0x5678) & 0xffff;
    if (hash >>> 16 !== 0x1234 || port === 0) continue;
    found.push(`${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}:${port}`);
  }
  if (new Set(found.map((text) => ringKeyOf(at(text)))).size !== 1) throw new Error("BUG in a test: the keys differ");
  return found;
}
