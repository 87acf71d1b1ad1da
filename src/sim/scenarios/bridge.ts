// Members start one after another within half a minute on one Ethernet with a neighbour table of the default size, as
// containers do, and join the first; until all know all, and a minute more. And how full the table is two minutes later.

import { DEAD, statusOf } from "../../gossip/claim.ts";
import { NeighbourTable } from "../neighbours.ts";
import { type Measures, network, PATIENCE_MS, rounded, type Settings } from "./experiment.ts";

/** Linux's default for gc_thresh3. */
const TABLE_ENTRIES = 1_024;
const START_MS = 30_000;
/** Far contacts are made one by one within a minute, and pairs that are not used any more are forgotten half a minute later. */
const REST_MS = 120_000;

export function bridge(settings: Settings): Measures {
  let deaths = 0;
  const net = network(settings, {
    changed: (_at, _observer, _subject, claim) => {
      if (statusOf(claim) === DEAD) deaths++;
    },
  });
  net.weather = { ...net.weather, delayMinMs: 0.5, delayMaxMs: 20 };
  const table = new NeighbourTable(TABLE_ENTRIES);
  net.cut = (from, to) => !table.admits(from, to, net.now);
  for (let i = 0; i < settings.nodes; i++) {
    const member = net.add();
    net.start(member);
    if (i > 0) net.tell(member, (swim, now) => swim.join(now, [net.members[0]?.address ?? 0]));
    net.run(net.now + START_MS / settings.nodes);
  }
  const from = net.now;
  const knownAt = net.run(from + PATIENCE_MS, () => net.unknownPairs === 0);
  const missed = net.unknownPairs;
  net.run(net.now + 60_000);
  const { entriesMax, refused } = table;
  const untilThen = { allPairsMs: missed === 0 ? rounded(knownAt - from) : -1, missed, entriesMax, refused, deaths };
  net.run(net.now + REST_MS);
  return { ...untilThen, entriesAtRest: table.entries(net.now) };
}
