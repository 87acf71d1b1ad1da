// One more joins a settled network; until all others know it.

import { ALIVE, statusOf } from "../../gossip/claim.ts";
import type { SimMember } from "../network.ts";
import { Cost, type Measures, network, PATIENCE_MS, rounded, SETTLE_MS, type Settings } from "./experiment.ts";

export function join(settings: Settings): Measures {
  const heardMs: number[] = [];
  let from = 0;
  let newcomer: SimMember | undefined;
  const net = network(settings, {
    changed: (at, observer, subject, claim, was) => {
      const isOfNewcomer = subject === newcomer?.swim.members.self && observer !== settings.nodes;
      if (from > 0 && isOfNewcomer && statusOf(claim) === ALIVE && was === 0) heardMs.push(at - from);
    },
  });
  net.settle(settings.nodes);
  net.run(SETTLE_MS);
  const joiner = net.add();
  newcomer = joiner;
  net.start(joiner);
  from = net.now;
  const cost = new Cost(net);
  net.tell(joiner, (swim, now) => swim.join(now, [net.members[0]?.address ?? 0]));
  const at = net.run(from + PATIENCE_MS, () => net.agreed);
  return {
    heardMs,
    missed: settings.nodes - heardMs.length,
    convergedMs: net.agreed ? rounded(at - from) : -1,
    ...cost.figures(),
  };
}
