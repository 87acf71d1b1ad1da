// Plain SWIM, to compare with: the paper's suspicion with memberlist's constants and without Lifeguard, by turning off what
// we add. A named set of overrides, nothing else.
//
// What it still shares with ours: lasting contacts on a ring instead of random targets, rumors told until the contacts show
// the same digest, the first telling at once, reconciliation by digests, greetings of the dead. What remains is the difference
// that local health, insisting, active confirmation, stall detection, deafness to the dead and damping make.

import type { Config } from "../../gossip/config.ts";

/** memberlist's SuspicionMult; times log10(members), times the period. */
const SUSPICION_MULT = 4;

export function plainSwim(nodes: number): Partial<Config> {
  return {
    // No Lifeguard.
    healthMax: 0,
    nacks: false,
    buddySystem: false,
    suspicionConfirmations: 0,
    suspicionMult: SUSPICION_MULT * Math.max(1, Math.log10(nodes)),
    // None of our own.
    probeRepeats: 0,
    probeTimeoutMs: 500,
    probeTimeoutFloorMs: 500,
    confirmersEachSide: 0,
    stallDetection: false,
    damping: false,
    heedDead: true,
    // As often as memberlist's rounds; but the first of some news is told at once.
    coalesceMs: 200,
  };
}
