// One cell of Lifeguard's interval experiment (section V): the input and output of the same members stand still in the same
// cycles, once with our protocol and once with plain SWIM (plain.ts).

import type { Measures, Settings } from "./experiment.ts";
import { plainSwim } from "./plain.ts";
import { blocked } from "./stall.ts";

const FOR_MS = 120_000;

export function lifeguard(settings: Settings): Measures {
  const cell = { forMs: FOR_MS, ...settings };
  const ours = blocked(cell);
  const plain = blocked({ ...cell, config: plainSwim(settings.nodes) });
  const { stalled = 0, stallMs = 0, runMs = 0, forMs = 0 } = ours;
  return { stalled, stallMs, runMs, forMs, ...told(ours, ""), ...told(plain, "Plain") };
}

function told(measures: Measures, suffix: string): Measures {
  const { falseDeathsAtHealthy = 0, falseDeaths = 0, failEvents = 0, firstDownMs = [] } = measures;
  const { datagramsPerMemberAndSecond = 0 } = measures;
  return {
    [`falseDeathsAtHealthy${suffix}`]: falseDeathsAtHealthy,
    [`falseDeaths${suffix}`]: falseDeaths,
    [`failEvents${suffix}`]: failEvents,
    [`firstDown${suffix}Ms`]: firstDownMs,
    [`datagramsPerMemberAndSecond${suffix}`]: datagramsPerMemberAndSecond,
  };
}
