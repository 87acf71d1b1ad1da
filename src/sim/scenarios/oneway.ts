// Links that carry one way only, on which memberlist oscillates for ever (Rapid, ATC '18, section 7): some members of a
// settled network hear nothing for 20 s, hear for 20 s, and so on (deaf); or four of five of their datagrams are lost
// (mute). Who hears nothing cannot know what is said of it, and who is not heard cannot refute.

import type { Network } from "../network.ts";
import { Cost, type Measures, network, PATIENCE_MS, rounded, type Settings } from "./experiment.ts";
import { chosen, Witness } from "./witness.ts";

const WARM_MS = 5_000;
const FOR_MS = 120_000;
const DEAF_MS = 20_000;
const HEARING_MS = 20_000;
const MUTE_LOSS = 0.8;
const FAULTY_SHARE = 0.01;
const AGREED_EVERY_MS = 50;

export function deaf(settings: Settings): Measures {
  return oneWay(settings, (net, faulty) => {
    const from = net.now;
    net.cut = (_, to) => faulty.has(to) && (net.now - from) % (DEAF_MS + HEARING_MS) < DEAF_MS;
  });
}

export function mute(settings: Settings): Measures {
  return oneWay(settings, (net, faulty) => {
    for (const index of faulty) {
      const member = net.members[index];
      if (member) member.egressLoss = MUTE_LOSS;
    }
  });
}

function oneWay(settings: Settings, begin: (net: Network, faulty: ReadonlySet<number>) => void): Measures {
  const { nodes, seed, forMs = FOR_MS, faulty = Math.max(1, Math.round(nodes * FAULTY_SHARE)) } = settings;
  const witness = new Witness(chosen(seed, nodes, faulty));
  const net = network(settings, witness);
  net.settle(nodes);
  net.run(WARM_MS);
  witness.begin(net);
  const cost = new Cost(net);
  begin(net, witness.faulty);
  net.run(net.now + forMs);
  const { falseDeathsAtHealthy, falseDeaths, deathsAtHealthy, returnsAtHealthy, suspicions, lastChangeMs } = witness;
  const { firstDownMs } = witness;
  const rates = cost.rates();
  const endedAt = net.now;
  net.cut = undefined;
  for (const member of net.members) member.egressLoss = 0;
  const agreedAt = net.run(endedAt + PATIENCE_MS, () => net.agreed, AGREED_EVERY_MS);
  return {
    faulty,
    forMs,
    falseDeathsAtHealthy,
    falseDeaths,
    firstDownMs,
    downsPerFaulty: rounded(deathsAtHealthy / ((nodes - faulty) * faulty)),
    returnsPerFaulty: rounded(returnsAtHealthy / ((nodes - faulty) * faulty)),
    settledMs: rounded(lastChangeMs),
    suspicions,
    ...rates,
    agreedAfterMs: net.agreed ? rounded(agreedAt - endedAt) : -1,
  };
}
