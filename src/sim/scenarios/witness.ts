// What the observers of a network say of its members while some of them are in trouble: of the faulty, and of the healthy,
// about whom every death is a false one. Lifeguard (section V) counts those anywhere, and those at healthy observers.

import { ALIVE, type Claim, DEAD, SUSPECT, statusOf } from "../../gossip/claim.ts";
import type { Peer } from "../../gossip/peers.ts";
import { Random } from "../../gossip/random.ts";
import type { Network, Watcher } from "../network.ts";

/** Which members are in trouble follows from the seed alone: the same ones suffer whatever the protocol. */
export function chosen(seed: number, nodes: number, count: number): ReadonlySet<number> {
  const random = new Random(seed ^ 0x66617465); // "fate"
  const members = new Set<number>();
  while (members.size < Math.min(count, nodes)) members.add(random.below(nodes));
  return members;
}

export class Witness implements Watcher {
  readonly faulty: ReadonlySet<number>;
  /** Set when the trouble begins, with the network. */
  #network: Network | undefined;
  #from = 0;
  suspicions = 0;
  suspicionsOfHealthy = 0;
  falseDeaths = 0;
  falseDeathsAtHealthy = 0;
  /** Of the faulty: over all observers, and over the healthy ones. */
  deaths = 0;
  returns = 0;
  deathsAtHealthy = 0;
  returnsAtHealthy = 0;
  /** When a healthy observer's view of a faulty member last changed, since the beginning. */
  lastChangeMs = 0;
  /** By faulty member: when a healthy observer first declared it dead. */
  readonly #firstDownMs = new Map<number, number>();

  constructor(faulty: ReadonlySet<number>) {
    this.faulty = faulty;
  }

  begin(network: Network): void {
    this.#network = network;
    this.#from = network.now;
  }

  changed(at: number, observer: number, peer: Peer, claim: Claim, was: Claim): void {
    const subject = claim === 0 ? undefined : this.#network?.indexOf(this.#network.peers.address(peer));
    if (subject === undefined || subject === observer) return;
    const isHealthyObserver = !this.faulty.has(observer);
    if (this.faulty.has(subject)) this.#ofFaulty(at - this.#from, subject, claim, was, isHealthyObserver);
    else this.#ofHealthy(claim, isHealthyObserver);
  }

  #ofHealthy(claim: Claim, isHealthyObserver: boolean): void {
    if (statusOf(claim) === SUSPECT) {
      this.suspicions++;
      this.suspicionsOfHealthy++;
    }
    if (statusOf(claim) !== DEAD) return;
    this.falseDeaths++;
    if (isHealthyObserver) this.falseDeathsAtHealthy++;
  }

  #ofFaulty(atMs: number, subject: number, claim: Claim, was: Claim, isHealthyObserver: boolean): void {
    const isReturn = statusOf(claim) === ALIVE && statusOf(was) === DEAD;
    if (statusOf(claim) === SUSPECT) this.suspicions++;
    if (statusOf(claim) === DEAD) this.deaths++;
    if (isReturn) this.returns++;
    if (!isHealthyObserver) return;
    if (statusOf(claim) === DEAD) {
      this.deathsAtHealthy++;
      if (!this.#firstDownMs.has(subject)) this.#firstDownMs.set(subject, atMs);
    }
    if (isReturn) this.returnsAtHealthy++;
    if (isReturn || statusOf(claim) === DEAD) this.lastChangeMs = atMs;
  }

  /** For each faulty member that went down, when a healthy observer first said so. */
  get firstDownMs(): number[] {
    return [...this.#firstDownMs.values()];
  }
}
