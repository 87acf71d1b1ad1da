// All but one are told at the same moment to join that one; until all agree.

import { Cost, type Measures, network, PATIENCE_MS, rounded, type Settings } from "./experiment.ts";

export function converge(settings: Settings): Measures {
  const net = network(settings);
  for (let i = 0; i < settings.nodes; i++) net.start(net.add());
  const seed = net.members[0]?.address ?? 0;
  const cost = new Cost(net);
  for (const member of net.members.slice(1)) net.tell(member, (swim, now) => swim.join(now, [seed]));
  const knownAt = net.run(PATIENCE_MS, () => net.unknownPairs === 0);
  const missed = net.unknownPairs;
  const agreedAt = net.run(PATIENCE_MS, () => net.agreed);
  return {
    allPairsMs: missed === 0 ? rounded(knownAt) : -1,
    missed,
    agreedMs: net.agreed ? rounded(agreedAt) : -1,
    ...cost.figures(),
  };
}
