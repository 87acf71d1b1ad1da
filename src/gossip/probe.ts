// This period's probe, and the round-trip estimate that its patience follows from.
//
//   prober            target           helpers (k = 3)
//     |---- ping -------->|               |          SWIM 4.1
//     |<--- ack ----------|               |
//     |   (no ack within the timeout)     |
//     |---- ping -------->|               |          again, five times till the end: most often a datagram was lost,
//     |---- ping-req -------------------->|          not a member
//     |                   |<---- ping ----|
//     |                   |----- ack ---->|
//     |<--- ack, or nack (Lifeguard: "I live, it does not answer me") --|
//     |   (no ack by the end of the period: suspect)
//
// State only; `swim.ts` sends and decides.

import type { Address } from "./address.ts";
import type { Peer } from "./peers.ts";

const NOBODY: Set<Address> = new Set();
/** Reaches any cap from a variation of a thousandth of a millisecond; from none there is nothing to reach. */
const BACK_OFF_MAX = 2 ** 30;

export class Probe {
  readonly target: Peer;
  readonly seq: number;
  readonly sentAt: number;
  acked = false;
  /** How often it was asked again: an answer then tells no round-trip (Karn's rule, RFC 6298 section 3). */
  repeats = 0;
  readonly repeatMs: number;
  /** How many helpers were asked who send nacks, and those of them that gave no sign of life. */
  asked = 0;
  silent: Set<Address> = NOBODY;

  constructor(target: Peer, seq: number, sentAt: number, repeatMs: number) {
    this.target = target;
    this.seq = seq;
    this.sentAt = sentAt;
    this.repeatMs = repeatMs;
  }

  /**
   * What this probe says of our own health (Lifeguard section IV-A, and memberlist's reading of it): -1 for an
   * answer; on failure one for each helper that kept silent, or 1 if none was asked. Helpers that all
   * sent their nack vouch for us: 0.
   */
  get verdict(): number {
    if (this.acked) return -1;
    return this.asked === 0 ? 1 : this.silent.size;
  }
}

/** RFC 6298: srtt + 4 * rttvar, between a floor and a cap. */
export class RoundTrip {
  readonly #floorMs: number;
  readonly #capMs: number;
  #smoothedMs = 0;
  #variationMs = 0;
  /** The variation's, for what was missed since the last measurement. */
  #backOff = 1;

  constructor(floorMs: number, capMs: number) {
    this.#floorMs = floorMs;
    this.#capMs = capMs;
  }

  measured(rttMs: number): void {
    this.#backOff = 1;
    if (this.#smoothedMs === 0) {
      this.#smoothedMs = rttMs;
      this.#variationMs = rttMs / 2;
      return;
    }
    this.#variationMs += (Math.abs(this.#smoothedMs - rttMs) - this.#variationMs) / 4;
    this.#smoothedMs += (rttMs - this.#smoothedMs) / 8;
  }

  /**
   * Nothing answered in time: what was measured may no longer hold, until the next measurement (RFC 6298 5.5, 5.7). It must not
   * outlast that: where one datagram in three is lost there are more misses than measurements, for ever.
   */
  missed(): void {
    if (this.#variationMs * this.#backOff < this.#capMs) this.#backOff = Math.min(BACK_OFF_MAX, this.#backOff * 2);
  }

  /** The mean of what was measured, without what was missed; 0 before the first measurement. */
  get meanMs(): number {
    return this.#smoothedMs;
  }

  /** 0 before the first measurement. */
  get estimateMs(): number {
    return this.#smoothedMs + 4 * Math.min(this.#capMs, this.#variationMs * this.#backOff);
  }

  get timeoutMs(): number {
    if (this.#smoothedMs === 0) return this.#capMs;
    return Math.min(this.#capMs, Math.max(this.#floorMs, this.estimateMs));
  }
}
