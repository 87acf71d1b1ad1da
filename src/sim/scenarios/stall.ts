// Some members of a settled network stand still in cycles, all at the same time: they stop, run for a moment, stop again.
// False deaths are those of the others. Either the whole process stands still (`stall`), or only what it sends and
// receives, while its timers run: that is the interval experiment of Lifeguard's section V.

import { Cost, type Measures, network, PATIENCE_MS, rounded, type Settings } from "./experiment.ts";
import { chosen, Witness } from "./witness.ts";

const WARM_MS = 5_000;
const AGREED_EVERY_MS = 50;

export function stall(settings: Settings): Measures {
  return inCycles(settings, "slow", "resume");
}

export function blocked(settings: Settings): Measures {
  return inCycles(settings, "block", "unblock");
}

function inCycles(settings: Settings, begin: "slow" | "block", end: "resume" | "unblock"): Measures {
  const { stalled = 16, stallMs = 6_000, runMs = 64, forMs = 60_000 } = settings;
  const witness = new Witness(chosen(settings.seed, settings.nodes, stalled));
  const net = network(settings, witness);
  net.settle(settings.nodes);
  net.run(WARM_MS);
  witness.begin(net);
  const cost = new Cost(net);
  const victims = net.members.filter(({ index }) => witness.faulty.has(index));
  for (const victim of victims) net[begin](victim, stallMs, runMs);
  net.run(net.now + forMs);
  for (const victim of victims) net[end](victim);
  const { suspicions, suspicionsOfHealthy, falseDeaths, falseDeathsAtHealthy, deaths, returns, firstDownMs } = witness;
  const rates = cost.rates();
  const endedAt = net.now;
  const agreedAt = net.run(endedAt + PATIENCE_MS, () => net.agreed, AGREED_EVERY_MS);
  return {
    stalled,
    stallMs,
    runMs,
    forMs,
    falseDeathsAtHealthy,
    falseDeaths,
    failEvents: deaths,
    returns,
    suspicions,
    suspicionsOfHealthy,
    firstDownMs,
    ...rates,
    agreedAfterMs: net.agreed ? rounded(agreedAt - endedAt) : -1,
    falseDeathsAfterwards: witness.falseDeaths - falseDeaths,
  };
}
