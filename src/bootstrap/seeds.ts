// From seeds as people write them to addresses that gossip can join. Names are resolved anew every time: what they
// stand for changes while containers come and go.

import { addressOf, formatAddress } from "../gossip/address.ts";
import type { GossipNode } from "../gossip/api.ts";
import { type Lookup, LookupError, lookupHost } from "../http/lookup.ts";
import { fannedOut } from "./deadline.ts";
import { readSeeds, type Seed } from "./ways.ts";

const SEEDS_MAX = 64;

/**
 * The gossip addresses that seeds stand for, without `self` and without doubles, at most 64; of self's IP family where
 * there are such. A seed that does not resolve is passed over if another does.
 * @throws LookupError the reasons, if none resolved; or the signal's reason
 */
export async function resolveSeeds(
  seeds: readonly Seed[],
  self: string,
  lookup: Lookup,
  signal?: AbortSignal,
): Promise<string[]> {
  const look = async ({ host, port }: Seed, each: AbortSignal) =>
    (await lookup(host, each)).flatMap((ip) => addressOf(ip, port) ?? []).map(formatAddress);
  const answers = await fannedOut(SEEDS_MAX, signal, (each) =>
    Promise.allSettled(seeds.slice(0, SEEDS_MAX).map((seed) => look(seed, each))),
  );
  signal?.throwIfAborted();
  const found = new Set(answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])));
  if (found.size === 0) {
    const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [String(answer.reason.message)] : []));
    throw new LookupError("ENOTFOUND", reasons.join("; ") || "The seeds stand for no address");
  }
  const addresses = [...found].filter((address) => address !== self);
  const akin = addresses.filter((address) => address.startsWith("[") === self.startsWith("["));
  return (akin.length > 0 ? akin : addresses).slice(0, SEEDS_MAX);
}

/**
 * Joins by seeds as an operator writes them: `host:port`, names resolved here.
 * @throws TypeError a seed makes no sense; LookupError none resolved; what `gossip.join` throws; the signal's reason
 */
export async function joinByNames(
  gossip: GossipNode,
  seeds: readonly string[],
  { defaultPort, lookup = lookupHost, signal }: { defaultPort: number; lookup?: Lookup; signal?: AbortSignal },
): Promise<void> {
  const addresses = await resolveSeeds(readSeeds(seeds, defaultPort), gossip.self.address, lookup, signal);
  if (addresses.length === 0) throw new TypeError("The seeds name nobody but this node itself");
  await gossip.join(addresses, signal ? { signal } : {});
}
