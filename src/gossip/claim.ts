// What is said of a member, as ONE integer: incarnation * 4 + status.
// SWIM's precedence (paper 4.2: alive < suspect < dead within an incarnation, a higher incarnation
// beats all) is then `>`, and merging two beliefs is `max`: commutative, associative, idempotent, so
// views converge whatever the order of arrival. `left` is our addition: the member's own goodbye, which
// nothing but a higher incarnation outbids.
//
// Nothing here knows of members, time or datagrams.

import type { Status } from "./api.ts";

/** incarnation * 4 + status; 0 means that nothing is known. Incarnations start at 1. */
export type Claim = number;

export const ALIVE = 0;
export const SUSPECT = 1;
export const DEAD = 2;
export const LEFT = 3;

const NAMES = ["alive", "suspect", "dead", "left"] as const satisfies readonly Status[];

/**
 * Nobody is accused beyond this; a member may say one more, so that it can outbid whatever is said of it. All fit 32 bits. Who
 * gets there was lied about (nobody refutes a billion times), and is not found dead any more.
 */
export const INCARNATION_MAX = 2 ** 30 - 2;

export function claimOf(incarnation: number, status: number): Claim {
  return incarnation * 4 + status;
}

export function incarnationOf(claim: Claim): number {
  return claim >>> 2;
}

export function statusOf(claim: Claim): number {
  return claim & 3;
}

export function statusName(claim: Claim): Status {
  return NAMES[claim & 3] as Status;
}

/** Live members are probed, gossiped to and counted: the alive and, until proven dead, the suspected. */
export function isLive(claim: Claim): boolean {
  return claim !== 0 && (claim & 3) <= SUSPECT;
}

/** True if its subject could not outbid it. */
export function isUnanswerable(claim: Claim): boolean {
  const status = statusOf(claim);
  return incarnationOf(claim) > INCARNATION_MAX && (status === SUSPECT || status === DEAD);
}

/** True for a number that may be believed: an integer whose incarnation is in range. */
export function isClaim(value: unknown): value is Claim {
  return (
    typeof value === "number" && Number.isInteger(value) && value >= 4 && value <= claimOf(INCARNATION_MAX + 1, LEFT)
  );
}
