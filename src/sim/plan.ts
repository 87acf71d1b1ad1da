// What a chaos run will be, wholly drawn from its seed: how many members, with which constants, what may befall them,
// how often and for how long. Most runs are small and short, so that a hundred thousand of them take minutes: what goes
// wrong among forty nearly always goes wrong among six. A few are large or long.

import { type Config, configure, type Preset } from "../gossip/config.ts";
import { Random } from "../gossip/random.ts";
import { BUFFER_BYTES } from "./buffer.ts";
import type { LinkSettings } from "./links.ts";

export const ACCIDENTS = [
  "crash",
  "restart",
  "leave",
  "pause",
  "slow",
  "cut",
  "weather",
  "ingress",
  "egress",
  "newcomer",
  "massCrash",
  "update",
  "chatter",
] as const;

export type Accident = (typeof ACCIDENTS)[number];

export interface Plan {
  readonly nodes: number;
  readonly preset: Preset;
  readonly overrides: Partial<Config>;
  /** They know each other from the start; if not, they join one after another when the chaos begins. */
  readonly isSettled: boolean;
  readonly chaosMs: number;
  /** Between two accidents. */
  readonly stepMs: number;
  readonly accidents: readonly Accident[];
  readonly links: LinkSettings | undefined;
  readonly bufferBytes: number;
}

export function drawPlan(seed: number): Plan {
  // A sequence of its own: what is drawn here does not move what the network draws.
  const random = new Random(seed ^ 0x706c616e); // "plan"
  const nodes = drawNodes(random);
  const isLong = nodes <= 12 && random.unit() < 0.04;
  const chaosMs = isLong ? 60_000 : 3_000 + random.below(nodes > 12 ? 5_000 : 9_000);
  const accidents = ACCIDENTS.filter(() => random.unit() < 0.45);
  const [preset, overrides] = drawConfig(random);
  return {
    nodes,
    preset,
    overrides,
    isSettled: random.unit() < 0.5,
    chaosMs,
    stepMs: 40 + Math.floor(600 * random.unit() ** 2),
    accidents: accidents.length > 0 ? accidents : ["crash", "restart"],
    links: drawLinks(random),
    // Some have buffers that a short stop overflows.
    bufferBytes: random.unit() < 0.2 ? 12_000 : BUFFER_BYTES,
  };
}

function drawNodes(random: Random): number {
  const share = random.unit();
  if (share < 0.75) return 3 + random.below(6);
  if (share < 0.97) return 9 + random.below(5);
  return 14 + random.below(27);
}

/** Quick: as the local preset, with everything five times as fast, so that a short run sees whole lives. */
const QUICK: Partial<Config> = {
  probeIntervalMs: 200,
  probeTimeoutMs: 100,
  probeTimeoutFloorMs: 60,
  gossipIntervalMs: 50,
  syncIntervalMs: 50,
  joinRetryMs: 50,
};

function drawConfig(random: Random): [Preset, Partial<Config>] {
  const share = random.unit();
  const preset: Preset = share < 0.85 ? "local" : "lan";
  const overrides: Partial<Config> = {
    ...(share < 0.5 ? QUICK : {}),
    // Memories short enough to be lost within the run.
    ...(random.unit() < 0.2 ? { leftMs: 2_000, deadMs: 6_000 } : {}),
  };
  return [preset, overrides];
}

function drawLinks(random: Random): LinkSettings | undefined {
  if (random.unit() < 0.6) return undefined;
  return { minMs: 0, maxMs: 0.5 + 20 * random.unit() ** 2, isSymmetric: random.unit() < 0.5 };
}

export function configOf(plan: Plan, overrides: Partial<Config> = {}): Config {
  return configure(plan.preset, { ...plan.overrides, ...overrides });
}
