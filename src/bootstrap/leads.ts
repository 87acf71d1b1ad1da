// The ways to the network as things that can be tried: each finds out whom it leads to, and joins nobody. Names are
// resolved, the routing table and the interfaces read, on every try. In which order and how often: discover.ts.

import { readFile } from "node:fs/promises";
import { endianness, type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { GossipNode } from "../gossip/api.ts";
import type { Lookup } from "../http/lookup.ts";
import type { PostJson } from "../http/post.ts";
import { REGISTER_TIMEOUT_MS, register } from "./client.ts";
import { withDeadline } from "./deadline.ts";
import { resolveSeeds } from "./seeds.ts";
import { broadcastAddresses, parseDefaultGateway, readSeeds, type Ways } from "./ways.ts";

const CONVENTION_URL = "http://bootstrap:5000";
const GATEWAY_PORT = 5000;

/** Whom a way leads to. */
export interface Lead {
  /** Who answered, where somebody did. */
  readonly nodeId?: string;
  /** Gossip addresses; none: who heard us may come forward by himself. */
  readonly seeds: readonly string[];
}

/** A way that can be tried. */
export interface Way {
  readonly name: string;
  /** `named`: the operator's bootstrap. `guessed`: where one is by convention. */
  readonly kind: "named" | "seeds" | "guessed" | "hello";
  /** @throws Error why it leads nowhere, within 2 s; or the signal's reason */
  find(signal: AbortSignal): Promise<Lead>;
}

export interface WayDeps {
  readonly gossip: GossipNode;
  readonly ways: Ways;
  /** Where a seed without a port listens. */
  readonly defaultSeedPort: number;
  readonly lookup: Lookup;
  /** @default postJson */
  readonly post?: PostJson;
  /** The default gateway's IP. @default from `/proc/net/route`; undefined where there is none */
  readonly gateway?: () => Promise<string | undefined>;
  /** @default os.networkInterfaces */
  readonly interfaces?: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
}

/**
 * The ways in the order of preference.
 * @throws TypeError if a seed makes no sense
 */
export function waysInOrder(deps: WayDeps): Way[] {
  const { gossip, lookup, gateway = defaultGateway, interfaces = networkInterfaces } = deps;
  const { bootstrapUrl, conventionUrl = CONVENTION_URL, gatewayPort = GATEWAY_PORT, broadcastPort } = deps.ways;
  const seeds = readSeeds(deps.ways.seeds ?? [], deps.defaultSeedPort);
  // By convention a bootstrap would only find itself.
  const isBootstrap = gossip.self.role === "bootstrap";
  const found: Way[] = [];
  if (bootstrapUrl) {
    found.push({ name: bootstrapUrl, kind: "named", find: (signal) => ask(bootstrapUrl, deps, signal) });
  }
  if (seeds.length > 0) {
    const find = async (signal: AbortSignal) => ({
      seeds: await resolveSeeds(seeds, gossip.self.address, lookup, signal),
    });
    found.push({ name: "seeds", kind: "seeds", find });
  }
  if (conventionUrl !== false && !isBootstrap) {
    found.push({ name: conventionUrl, kind: "guessed", find: (signal) => ask(conventionUrl, deps, signal) });
  }
  if (gatewayPort !== false && !isBootstrap) {
    const find = async (signal: AbortSignal) => {
      const late = `the default gateway was not read within ${REGISTER_TIMEOUT_MS} ms`;
      const ip = await withDeadline(REGISTER_TIMEOUT_MS, late, signal, gateway);
      if (ip === undefined) throw new Error("there is no default gateway");
      return ask(`http://${ip}:${gatewayPort}`, deps, signal);
    };
    found.push({ name: "gateway", kind: "guessed", find });
  }
  if (broadcastPort) {
    const find = async () => {
      for (const ip of broadcastAddresses(interfaces())) gossip.hello(ip, broadcastPort);
      return { seeds: [] };
    };
    found.push({ name: "broadcast", kind: "hello", find });
  }
  return found;
}

/** The default gateway of a Linux machine; undefined elsewhere and where there is none. */
export async function defaultGateway(): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  return parseDefaultGateway(await readFile("/proc/net/route", "latin1"), endianness() === "LE");
}

function ask(url: string, { gossip, lookup, post }: WayDeps, signal: AbortSignal): Promise<Lead> {
  const late = `${url} did not answer within ${REGISTER_TIMEOUT_MS} ms`;
  return withDeadline(REGISTER_TIMEOUT_MS, late, signal, async (bounded) => {
    // Looked up here, so that a name that is nobody's is told as such and the post begins with an address.
    const ips = await lookup(new URL(url).hostname.replace(/^\[|\]$/g, ""), bounded);
    const { id, url: address, address: gossipAddress } = gossip.self;
    const options = { selfId: id, signal: bounded, lookup: async () => ips, ...(post && { post }) };
    const answer = await register(url.replace(/\/+$/, ""), { address, gossip: gossipAddress }, options);
    if (answer.outcome === "self") throw new Error(`${url} is this node itself`);
    if (answer.outcome !== "registered") throw new Error(answer.reason);
    return answer;
  });
}
