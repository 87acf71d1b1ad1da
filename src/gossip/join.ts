// A search for somebody who lets us in: which seeds to ask next, when, and whose challenge to answer.
//
//   newcomer                          seed
//      |-- join, no proof -------------->|    stateless, and the answer is smaller than the question:
//      |<- challenge: a cookie ----------|    nobody can aim it at a third party
//      |-- join, the cookie, who I am -->|    now the seed believes the address and tells everybody
//      |<- claims: who the seed is ------|    and the newcomer pulls the rest (sync.ts)
//
// A challenge says too what the seed holds about the newcomer's address, so that a restart outbids its former life.

import type { Address } from "./address.ts";

const ASKED_AT_ONCE = 3;
const CHALLENGES_PER_TRY = 4;
export const SEEDS_MAX = 256;

export class Join {
  readonly #retryMs: number;
  #seeds: readonly Address[] = [];
  /** Proofs that seeds gave us: with one, a lost answer costs one round-trip, not two. */
  readonly #proofs = new Map<Address, number>();
  /** Whose challenge was answered in this search: one of them may let us in. Strangers can challenge us, so not without end. */
  readonly #hosts = new Set<Address>();
  #next = 0;
  #tries = 0;
  #challenges = 0;
  /** True from the question until somebody let us in, or it is given up. */
  pending = false;
  /** True when the last search ended with somebody letting us in. */
  admitted = false;

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  begin(seeds: readonly Address[]): void {
    this.#seeds = seeds;
    this.#next = 0;
    this.#tries = 0;
    this.#proofs.clear();
    this.#hosts.clear();
    this.pending = true;
    this.admitted = false;
  }

  /** Whom to ask in this try. */
  nextSeeds(): Address[] {
    this.#tries++;
    this.#challenges = CHALLENGES_PER_TRY;
    // The first alone: where it answers, nobody else need hear of us yet.
    const count = Math.min(this.#tries, ASKED_AT_ONCE, this.#seeds.length);
    const asked: Address[] = [];
    for (let i = 0; i < count; i++) asked.push(this.#seeds[this.#next++ % this.#seeds.length] as Address);
    return asked;
  }

  /** Everybody was asked: the first challenge is answered, and no other until the next question. */
  expectOne(): void {
    this.#challenges = 1;
  }

  /** How long to wait before the next try. */
  get pauseMs(): number {
    return this.#retryMs * Math.min(4, 1.5 ** (this.#tries - 1));
  }

  /** The proof for a seed, 0 before it challenged us. */
  proofFor(seed: Address): number {
    return this.#proofs.get(seed) ?? 0;
  }

  /** True if a challenge may be answered: we asked, and few have been answered since. */
  mayAnswer(from: Address, proof: number): boolean {
    if (!this.pending || this.#challenges-- <= 0) return false;
    if (this.#seeds.includes(from)) this.#proofs.set(from, proof);
    if (this.#hosts.size < SEEDS_MAX) this.#hosts.add(from);
    return true;
  }

  /**
   * True if it may let us in. A member of ours whose view we still take over answers with claims, too: taken for a welcome,
   * they ended a search for seeds that had not even been asked, and two groups never met.
   */
  mayWelcome(from: Address): boolean {
    return this.pending && this.#hosts.has(from);
  }
}
