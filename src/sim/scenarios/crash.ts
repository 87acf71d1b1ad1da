// One member of a settled network dies without a word; until all others say so.

import { type Claim, DEAD, statusOf } from "../../gossip/claim.ts";
import type { SimMember } from "../network.ts";
import { Cost, type Measures, network, PATIENCE_MS, rounded, SETTLE_MS, type Settings } from "./experiment.ts";

export function crash(settings: Settings): Measures {
  const declaredMs: number[] = [];
  let from = 0;
  let falsely = 0;
  let victim = -1;
  const net = network(settings, {
    changed: (at, observer, subject, claim: Claim) => {
      if (statusOf(claim) !== DEAD || claim === 0) return;
      if (subject === net.members[victim]?.swim.members.self && observer !== victim) declaredMs.push(at - from);
      else falsely++;
    },
  });
  net.settle(settings.nodes);
  net.run(SETTLE_MS + net.random.unit() * 1_000);
  victim = net.random.below(settings.nodes);
  from = net.now;
  const cost = new Cost(net);
  net.crash(net.members[victim] as SimMember);
  net.run(from + PATIENCE_MS, () => declaredMs.length >= settings.nodes - 1, 1);
  const [first = -1] = declaredMs;
  return {
    firstMs: rounded(first),
    declaredMs,
    spreadMs: rounded((declaredMs.at(-1) ?? first) - first),
    missed: settings.nodes - 1 - declaredMs.length,
    falsely,
    ...cost.figures(),
  };
}
