// How many datagrams a member may send in a stretch of time: what it may begin by itself follows from the configuration
// and the number of others, and what it answers from what it received. A member that amplifies, or two that keep
// answering each other, break it.
//
//   news     gossipBurst, and gossipPerSecond; no more
//   probes   one a period, and one out of turn for each other; each a ping and its repetitions, twice indirectProbes
//            requests, and in the end a word to the accused and its neighbours
//   syncs    one per syncIntervalMs begun
//   answers  ANSWERS_MAX to each datagram received; and of those no more count than a few members may begin
//
// At rest there is a sharper one for all together: two datagrams a member and period, and one for each lost member.

import type { Config } from "../gossip/config.ts";
import type { Network, SimMember } from "./network.ts";

/** On average: a `have` is answered by five at most, nearly everything else by one. */
const ANSWERS_MAX = 2;
/** The ping, five repetitions, the word to the accused, and to two neighbours on either side, suspects among them. */
const PER_PROBE = 6 + 1 + 6;
/** A member is asked by no more than a few others as busy as itself: else two could answer each other for ever. */
const ASKERS_MAX = 2;

export class Budget {
  /** The greatest share of its budget that a member ever used. */
  peakShare = 0;
  readonly #config: Config;
  readonly #seen = new Map<SimMember, { at: number; sent: number; received: number }>();

  constructor(config: Config) {
    this.#config = config;
  }

  /** Looks at each member of which a period has passed; returns what is wrong. */
  inspect(network: Network): string[] {
    const wrong: string[] = [];
    for (const member of network.members) {
      const seen = this.#seen.get(member);
      const { sent, received } = member;
      if (seen && network.now - seen.at < this.#config.probeIntervalMs) continue;
      this.#seen.set(member, { at: network.now, sent, received });
      if (!seen) continue;
      const allowed = this.allowed(network.now - seen.at, network.members.length - 1, received - seen.received);
      this.peakShare = Math.max(this.peakShare, (sent - seen.sent) / allowed);
      if (sent - seen.sent > allowed) {
        const passed = (network.now - seen.at).toFixed(0);
        wrong.push(
          `member ${member.index} sent ${sent - seen.sent} datagrams in ${passed} ms, ${Math.floor(allowed)} allowed`,
        );
      }
    }
    return wrong;
  }

  /** How many datagrams a member may send within so long, among so many others, having received so many. */
  allowed(elapsedMs: number, others: number, received: number): number {
    const { gossipBurst, gossipPerSecond, probeIntervalMs, indirectProbes, syncIntervalMs } = this.#config;
    const news = gossipBurst + (elapsedMs / 1_000) * gossipPerSecond;
    const probes = (1 + elapsedMs / probeIntervalMs) * (1 + others);
    const syncs = 1 + elapsedMs / syncIntervalMs;
    const begun = news + probes * (PER_PROBE + 2 * indirectProbes) + syncs;
    return begun + ANSWERS_MAX * Math.min(received, ASKERS_MAX * begun);
  }

  /** What all running members together may send at rest. */
  allowedAtRest(elapsedMs: number, running: number, all: number): number {
    const periods = elapsedMs / this.#config.probeIntervalMs;
    // One more a member: a period may begin at either end.
    return 2 * running * (periods + 1) + 2 * (all - running) * (periods + 1);
  }
}
