// What can be asked of a simulated network, by name, and how what was measured is put into figures.

import { bridge } from "./scenarios/bridge.ts";
import { converge } from "./scenarios/converge.ts";
import { crash } from "./scenarios/crash.ts";
import { type Measures, rounded, type Settings } from "./scenarios/experiment.ts";
import { idle } from "./scenarios/idle.ts";
import { join } from "./scenarios/join.ts";
import { lifeguard } from "./scenarios/lifeguard.ts";
import { deaf, mute } from "./scenarios/oneway.ts";
import { partition } from "./scenarios/partition.ts";
import { rumor, storm } from "./scenarios/rumor.ts";
import { blocked, stall } from "./scenarios/stall.ts";

export type { Measures, Settings } from "./scenarios/experiment.ts";
export { plainSwim } from "./scenarios/plain.ts";

export type Figures = Readonly<Record<string, number | string | boolean>>;

export const scenarios = {
  converge,
  bridge,
  join,
  rumor,
  storm,
  crash,
  partition,
  idle,
  stall,
  blocked,
  lifeguard,
  deaf,
  mute,
} as const;
export type ScenarioName = keyof typeof scenarios;

/** Plays one scenario: figures, with p50, p99 and last in place of each list of times. */
export function play(scenario: ScenarioName, settings: Settings): Figures {
  const figures: Record<string, number | string | boolean> = {};
  for (const [name, value] of Object.entries<Measures[string]>(scenarios[scenario](settings))) {
    if (typeof value === "object") Object.assign(figures, spread(name.replace(/Ms$/, ""), value));
    else figures[name] = value;
  }
  return figures;
}

/** p50, p99 and last of some times, -1 where there are none. */
function spread(name: string, times: readonly number[]): Record<string, number> {
  return {
    [`${name}P50Ms`]: rounded(quantile(times, 0.5)),
    [`${name}P99Ms`]: rounded(quantile(times, 0.99)),
    [`${name}LastMs`]: rounded(quantile(times, 1)),
  };
}

/** The least of some values that this share of them does not exceed; -1 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? -1;
}
