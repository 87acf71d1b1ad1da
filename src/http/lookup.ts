// From a host's name to its IPs, with an end: two seconds, or the caller's signal.
//
// Not `dns.lookup`: that is getaddrinfo in one of libuv's four threads, which nothing can call off. While a resolver is
// silent it holds up every other lookup, and even `process.exit`, which joins the threads: a node would leave 10 s late
// and be killed for it. So we do what getaddrinfo does by default on Linux, on sockets that can be closed: first the
// hosts file, then the system's nameservers, with the search list of resolv.conf (resolv.conf(5)). Both files are read
// anew every time. What other sources a system may have (mDNS, NIS, LDAP) are not asked.

import { promises as dns } from "node:dns";
import { readFile } from "node:fs/promises";
import { isIP, type LookupFunction } from "node:net";

/**
 * Every IP a name stands for, IPv4 first; an IP stands for itself. Settles within two seconds.
 * @throws LookupError the name stands for none, or nobody answers; or the signal's reason
 */
export type Lookup = (host: string, signal?: AbortSignal) => Promise<readonly string[]>;

/** The world's fault. */
export class LookupError extends Error {
  override readonly name = "LookupError";
  /** As the resolver says it: `ENOTFOUND`, `ETIMEOUT`, … */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface LookupOptions {
  /** @default the system's */
  readonly hostsPath?: string;
  /** Read for `search` and `ndots`. @default "/etc/resolv.conf" */
  readonly resolvPath?: string;
  /** `ip:port` of nameservers. @default the system's */
  readonly servers?: readonly string[];
  /** @default 2000 */
  readonly timeoutMs?: number;
}

const HOSTS_PATH = process.platform === "win32" ? "C:\\Windows\\System32\\drivers\\etc\\hosts" : "/etc/hosts";
const RESOLV_PATH = "/etc/resolv.conf";
const LOOKUP_TIMEOUT_MS = 2_000;
/** A lost datagram is asked for again within the two seconds. */
const QUERY_TIMEOUT_MS = 600;
/** When one family has answered, the other is given so long (RFC 8305, section 3). */
const OTHER_FAMILY_MS = 50;
/** As many as resolv.conf(5) used to allow, and as Kubernetes writes. */
const SEARCH_MAX = 6;
/** No server has answered: another name would fare no better. */
const SILENCE = new Set(["ETIMEOUT", "ECANCELLED", "ECONNREFUSED"]);

export function createLookup(options: LookupOptions = {}): Lookup {
  const { hostsPath = HOSTS_PATH, resolvPath = RESOLV_PATH, servers, timeoutMs = LOOKUP_TIMEOUT_MS } = options;
  return async (host, signal) => {
    signal?.throwIfAborted();
    if (isIP(host) !== 0) return [host];
    const written = inHosts(await textOf(hostsPath), host);
    if (written.length > 0) return written;
    // No matter of the DNS (RFC 6761, section 6.3).
    if (host.toLowerCase() === "localhost") return ["127.0.0.1", "::1"];
    const candidates = namesToAsk(host, await textOf(resolvPath));
    signal?.throwIfAborted();
    // A new one every time reads the system's servers anew.
    const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
    if (servers) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    const deadline = setTimeout(cancel, timeoutMs);
    signal?.addEventListener("abort", cancel);
    try {
      return await firstAnswer(resolver, host, candidates);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", cancel);
      // The family that was not waited for.
      cancel();
    }
  };
}

/** Asks as this machine is configured to. */
export const lookupHost: Lookup = createLookup();

/** A `Lookup` as node:net wants it. */
export function asLookupFunction(lookup: Lookup): LookupFunction {
  return (host, { all }, done) => {
    lookup(host).then(
      (ips) => {
        const addresses = ips.map((address) => ({ address, family: isIP(address) }));
        const [first] = addresses;
        if (all) done(null, addresses);
        else done(null, first?.address ?? "", first?.family);
      },
      (error) => done(error, []),
    );
  };
}

async function firstAnswer(resolver: dns.Resolver, host: string, names: readonly string[]): Promise<string[]> {
  let code = "ENOTFOUND";
  let cause: unknown;
  for (const name of names) {
    try {
      return await bothFamilies(resolver, name);
    } catch (error) {
      cause = error;
      code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      if (SILENCE.has(code)) break;
    }
  }
  if (code === "ETIMEOUT" || code === "ECANCELLED") {
    throw new LookupError("ETIMEOUT", `${host} did not resolve: no nameserver answered in time`, { cause });
  }
  throw new LookupError(code, `${host} does not resolve: ${code}`, { cause });
}

/** @throws what the resolver says of IPv4, if it has neither */
async function bothFamilies(resolver: dns.Resolver, name: string): Promise<string[]> {
  const found: string[] = [];
  const asked = [resolver.resolve4(name), resolver.resolve6(name)].map(async (answer) => {
    found.push(...(await answer));
  });
  try {
    await Promise.any(asked);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, OTHER_FAMILY_MS);
  });
  await Promise.race([Promise.allSettled(asked), patience]);
  clearTimeout(timer);
  return ipv4First(found);
}

/** The IPs of every line of a hosts file that has the name. */
function inHosts(text: string, host: string): string[] {
  const wanted = host.toLowerCase().replace(/\.$/, "");
  const ips = text.split("\n").flatMap((line) => {
    const [ip = "", ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return isIP(ip) !== 0 && names.includes(wanted) ? [ip] : [];
  });
  return ipv4First([...new Set(ips)]);
}

function ipv4First(ips: readonly string[]): string[] {
  return [...ips].sort((a, b) => isIP(a) - isIP(b));
}

/** The name as it is, and with the suffixes of the search list: which first, says `ndots`. */
function namesToAsk(host: string, resolv: string): string[] {
  if (host.endsWith(".")) return [host];
  let search: string[] = [];
  let ndots = 1;
  for (const line of resolv.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "search" || keyword === "domain") search = words.slice(0, SEARCH_MAX);
    if (keyword !== "options") continue;
    for (const word of words) ndots = Number(/^ndots:(\d{1,2})$/.exec(word)?.[1] ?? ndots);
  }
  const suffixed = search.map((domain) => domain.replace(/^\.|\.$/g, "")).filter((domain) => domain !== "");
  const longer = suffixed.map((domain) => `${host}.${domain}`);
  const dots = host.split(".").length - 1;
  return dots >= ndots ? [host, ...longer] : [...longer, host];
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // Not every system has these files, and none must.
    return "";
  }
}
