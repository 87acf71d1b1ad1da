// One suspicion: how long it lasts and who shares it. Lifeguard section IV-B ("dynamic suspicion timeout"):
//
//   timeout = max(min, max - (max - min) * log(confirmations + 1) / log(K + 1))
//
// It starts long and falls with every independent accuser to the minimum, which is SWIM's. A group too
// small to send K confirmations starts at the minimum (memberlist does the same).
//
// Accusers are addresses, remembered up to K + 1: more would change nothing.

import type { Address } from "./address.ts";
import type { Claim } from "./claim.ts";

export class Suspicion {
  readonly claim: Claim;
  startedAt: number;
  readonly accusers: Address[];
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #wanted: number;

  constructor(claim: Claim, accuser: Address, startedAt: number, minMs: number, maxMs: number, wanted: number) {
    this.claim = claim;
    this.startedAt = startedAt;
    this.accusers = [accuser];
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#wanted = wanted;
  }

  /** An accuser was heard; true if it counts. */
  confirm(accuser: Address): boolean {
    if (this.accusers.length > this.#wanted || this.accusers.includes(accuser)) return false;
    this.accusers.push(accuser);
    return true;
  }

  /** We stood still for a while: nobody could refute meanwhile. */
  postpone(byMs: number): void {
    this.startedAt += byMs;
  }

  get expiresAt(): number {
    if (this.#wanted < 1) return this.startedAt + this.#minMs;
    const confirmations = this.accusers.length - 1;
    const share = Math.log(confirmations + 1) / Math.log(this.#wanted + 1);
    return this.startedAt + Math.max(this.#minMs, this.#maxMs - (this.#maxMs - this.#minMs) * share);
  }
}
