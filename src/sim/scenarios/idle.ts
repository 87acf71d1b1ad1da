// A settled network left alone: what it costs, and whether anybody is accused of anything.

import { Cost, type Measures, network, type Settings } from "./experiment.ts";
import { Witness } from "./witness.ts";

const WARM_MS = 5_000;
const IDLE_MS = 10_000;

export function idle(settings: Settings): Measures {
  const witness = new Witness(new Set());
  const net = network(settings, witness);
  net.settle(settings.nodes);
  net.run(WARM_MS);
  witness.begin(net);
  const cost = new Cost(net);
  net.run(WARM_MS + (settings.forMs ?? IDLE_MS));
  const { suspicions, falseDeaths } = witness;
  return { ...cost.rates(), suspicions, falseDeaths, agreed: net.agreed };
}
