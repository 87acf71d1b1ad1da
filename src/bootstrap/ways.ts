// The pure half of discovery: what a way to the network is written like, and how long, how often and how many to ask.
// Nothing here resolves, reads or sends; discover.ts does.

import { isIP } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";
import type { Member } from "../gossip/api.ts";

/** Where a network is looked for. The order of these fields is the order in which they are tried. */
export interface Ways {
  /** Base URL of a bootstrap, or of any node. */
  readonly bootstrapUrl?: string;
  /** `host:port`, or a host alone; a name may give many addresses. */
  readonly seeds?: readonly string[];
  /**
   * Where a bootstrap is by convention; false: not tried. A node of role `bootstrap` never tries it: it would find itself.
   * @default "http://bootstrap:5000"
   */
  readonly conventionUrl?: string | false;
  /**
   * The HTTP port at which the default gateway (in a container: the host) is asked; false: not asked, as above.
   * @default 5000
   */
  readonly gatewayPort?: number | false;
  /** The UDP port to which a hello is broadcast on the own subnets. @default false */
  readonly broadcastPort?: number | false;
}

export interface Seed {
  readonly host: string;
  readonly port: number;
}

/** A name of the DNS is no longer than this (RFC 1035 2.3.4). */
const HOST_CHARS_MAX = 253;
const HELLOS_MAX = 8;

const BACKOFF_START_MS = 250;
const BACKOFF_CAP_MS = 5_000;
const BACKOFF_JITTER = 0.25;
const MISSING_START_MS = 5_000;
const MISSING_CAP_MS = 60_000;
const TOUCH_EVERY_MS = 5_000;
const TOUCH_JITTER = 0.4;
/** So many members of the whole network ask for a restarted bootstrap in a period: none does in 15 s once in 8,000. */
const TOUCHES_PER_PERIOD = 3;

/**
 * Reads `host:port`, `host`, `1.2.3.4:7979`, `[::1]:7979`, `[::1]` or `::1`.
 * @returns undefined if it is none of these
 */
export function parseSeed(text: string, defaultPort: number): Seed | undefined {
  const trimmed = text.trim();
  if (isIP(trimmed) !== 0) return { host: trimmed, port: defaultPort };
  const [, bracketed, plain, portText] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/i.exec(trimmed) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = portText === undefined ? defaultPort : Number(portText);
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  if (host === "" || host.length > HOST_CHARS_MAX || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/** @throws TypeError which seed makes no sense */
export function readSeeds(texts: readonly string[], defaultPort: number): Seed[] {
  return texts.map((text) => {
    const seed = parseSeed(text, defaultPort);
    if (!seed) throw new TypeError(`Expected a seed to be host:port, got ${JSON.stringify(text)}`);
    return seed;
  });
}

/** How long to rest after the `attempt`th fruitless round (from 0): 0.25 s, doubling up to 5 s, a quarter more or less. */
export function backoffMs(attempt: number, random: () => number): number {
  return jittered(Math.min(BACKOFF_CAP_MS, BACKOFF_START_MS * 2 ** Math.min(attempt, 16)), BACKOFF_JITTER, random);
}

/** How long a member rests before it thinks again of asking for a bootstrap it does not know. */
export function touchMs(random: () => number): number {
  return jittered(TOUCH_EVERY_MS, TOUCH_JITTER, random);
}

/** How long to rest after the `attempt`th search (from 0) for a missing part: 5 s, doubling up to a minute, jittered. */
export function missingMs(attempt: number, random: () => number): number {
  return jittered(Math.min(MISSING_CAP_MS, MISSING_START_MS * 2 ** Math.min(attempt, 16)), BACKOFF_JITTER, random);
}

/**
 * True when more than a third of the members known went down and did not come back. However a network is cut, at least
 * one of its parts misses half or more; and a few dead of many are no part, but dead.
 */
export function isPartMissing(members: readonly Pick<Member, "status">[]): boolean {
  let live = 0;
  let dead = 0;
  for (const { status } of members) {
    if (status === "dead") dead++;
    else if (status !== "left") live++;
  }
  return 2 * dead > live;
}

/** How likely a member then asks, so that about three do in all however big the network. */
export function touchChance(liveMembers: number): number {
  return Math.min(1, TOUCHES_PER_PERIOD / Math.max(1, liveMembers));
}

function jittered(ms: number, share: number, random: () => number): number {
  return ms * (1 + share * (2 * random() - 1));
}

/**
 * The IPv4 default gateway in the text of Linux's `/proc/net/route`, the one of the lowest metric.
 * @param isLittleEndian the kernel prints addresses as integers of the machine's own byte order
 */
export function parseDefaultGateway(route: string, isLittleEndian: boolean): string | undefined {
  const UP_AND_GATEWAY = 0x3;
  let best: { metric: number; ip: string } | undefined;
  for (const line of route.split("\n").slice(1, 1025)) {
    const [, destination, gateway = "", flags = "", , , metricText, mask] = line.trim().split(/\s+/);
    if (destination !== "00000000" || mask !== "00000000" || !/^[0-9a-f]{8}$/i.test(gateway)) continue;
    if ((Number.parseInt(flags, 16) & UP_AND_GATEWAY) !== UP_AND_GATEWAY) continue;
    const metric = Number(metricText);
    if (best && best.metric <= metric) continue;
    const bytes = [0, 2, 4, 6].map((i) => Number.parseInt(gateway.slice(i, i + 2), 16));
    best = { metric, ip: (isLittleEndian ? bytes.reverse() : bytes).join(".") };
  }
  return best?.ip;
}

/** The broadcast addresses of the own IPv4 subnets, loopback and point-to-point excluded; at most 8. */
export function broadcastAddresses(
  interfaces: Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, "cidr" | "internal">[] | undefined>>,
): string[] {
  const found = new Set<string>();
  for (const { cidr, internal } of Object.values(interfaces).flatMap((infos) => infos ?? [])) {
    const address = internal || cidr === null ? undefined : broadcastAddress(cidr);
    if (address !== undefined) found.add(address);
  }
  return [...found].slice(0, HELLOS_MAX);
}

/** `172.18.0.3/16` → `172.18.255.255`; undefined for IPv6 and for subnets without a broadcast address (/31, /32; RFC 3021). */
export function broadcastAddress(cidr: string): string | undefined {
  const [ip = "", bits = ""] = cidr.split("/");
  if (isIP(ip) !== 4 || !/^\d{1,2}$/.test(bits) || Number(bits) > 30) return undefined;
  const host = 2 ** (32 - Number(bits));
  const value = ip.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const last = Math.floor(value / host) * host + host - 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join(".");
}
