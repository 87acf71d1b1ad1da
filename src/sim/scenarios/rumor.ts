// Members of a settled network say something; until all others heard it. One says one thing, or all say something at the
// same moment (a storm).

import { Wire } from "../../gossip/wire.ts";
import type { SimMember } from "../network.ts";
import { type Measures, network, PATIENCE_MS, rounded, SETTLE_MS, type Settings } from "./experiment.ts";

const PAYLOAD_BYTES = 64;
/** It goes on being told for a while after everybody has it, and that counts as well. */
const TELLING_MS = 5_000;

export function rumor(settings: Settings): Measures {
  return said(settings, 1);
}

export function storm(settings: Settings): Measures {
  return said(settings, settings.nodes);
}

function said(settings: Settings, sayers: number): Measures {
  const heardMs: number[] = [];
  let from = 0;
  const net = network(settings, { delivered: (at) => heardMs.push(at - from) });
  net.settle(settings.nodes);
  net.run(SETTLE_MS);
  from = net.now;
  const reader = new Wire("sim");
  let carriers = 0;
  net.tap = (bytes) => {
    if (reader.read(bytes) === "ok" && reader.frame.messageCount > 0) carriers++;
  };
  const first = net.random.below(settings.nodes);
  for (let i = 0; i < sayers; i++) {
    const origin = net.members[(first + i) % settings.nodes] as SimMember;
    net.tell(origin, (swim, now) => swim.broadcast(now, new Uint8Array(PAYLOAD_BYTES)));
  }
  const wanted = sayers * (settings.nodes - 1);
  net.run(from + PATIENCE_MS, () => heardMs.length >= wanted, 1);
  net.run(net.now + TELLING_MS);
  return { heardMs, missed: wanted - heardMs.length, datagramsPerMember: rounded(carriers / settings.nodes) };
}
