// A settled network is cut in two for a while, then healed; until there is one view again.

import { DEAD, LEFT, statusOf } from "../../gossip/claim.ts";
import type { Network } from "../network.ts";
import { Cost, type Measures, network, PATIENCE_MS, rounded, SETTLE_MS, type Settings } from "./experiment.ts";

const CUT_MS = 60_000;

export function partition(settings: Settings): Measures {
  const { cutMs = CUT_MS } = settings;
  let deaths = 0;
  let healed = false;
  const net = network(settings, {
    changed: (_at, _observer, _subject, claim) => {
      if (healed && (statusOf(claim) === DEAD || statusOf(claim) === LEFT)) deaths++;
    },
  });
  net.settle(settings.nodes);
  net.run(SETTLE_MS);
  const half = settings.nodes >> 1;
  net.cut = (from, to) => from < half !== to < half;
  const cutAt = net.now;
  const splitAt = net.run(cutAt + cutMs, () => isSplit(net, half), 100);
  const apart = isSplit(net, half) ? splitAt - cutAt : -1;
  net.run(cutAt + cutMs);
  net.cut = undefined;
  healed = true;
  const from = net.now;
  const cost = new Cost(net);
  const at = net.run(from + PATIENCE_MS, () => net.agreed);
  return {
    cutMs,
    splitMs: apart < 0 ? -1 : rounded(apart),
    healedMs: net.agreed ? rounded(at - from) : -1,
    missed: net.unknownPairs,
    deathsAfterHealing: deaths,
    ...cost.figures(),
  };
}

function isSplit(net: Network, half: number): boolean {
  return net.members.every(({ swim }, i) => swim.members.live === (i < half ? half : net.members.length - half));
}
