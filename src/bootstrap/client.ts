// Asks a bootstrap, or any other node, for a way in: `POST /register`, and the way in the answer's headers. Who answers
// may be anybody: another program on that port, the original bootstrap, this node itself through a published port.
// All of these are outcomes, not errors.

import { formatAddress, parseAddress } from "../gossip/address.ts";
import type { Lookup } from "../http/lookup.ts";
import { HttpError, type PostJson, postJson } from "../http/post.ts";

export const REGISTER_TIMEOUT_MS = 2_000;
/** The answer's body lists every peer, and is not used: big enough for 30,000. */
const ANSWER_BYTES_MAX = 1024 * 1024;
const SEEDS_MAX = 8;
const SEEDS_CHARS_MAX = 1_024;

export type Registration =
  | { readonly outcome: "registered"; readonly nodeId: string; readonly seeds: readonly string[] }
  /** We reached ourselves. */
  | { readonly outcome: "self" }
  /** Something answered, but not a bootstrap that can lead into a gossip network. */
  | { readonly outcome: "not-hearsay"; readonly reason: string }
  | { readonly outcome: "unreachable"; readonly reason: string };

export interface RegisterOptions {
  /** This node's id, to know itself by. */
  readonly selfId: string;
  readonly signal?: AbortSignal | undefined;
  /** @default 2000 */
  readonly timeoutMs?: number;
  /** @default postJson */
  readonly post?: PostJson;
  /** @default the post's */
  readonly lookup?: Lookup;
}

/**
 * @param baseUrl of a bootstrap or a node, without a trailing slash
 * @param introduction own HTTP url and gossip address
 * @throws the signal's reason; nothing else
 */
export async function register(
  baseUrl: string,
  introduction: { readonly address: string; readonly gossip: string },
  { selfId, signal, timeoutMs = REGISTER_TIMEOUT_MS, post = postJson, lookup }: RegisterOptions,
): Promise<Registration> {
  let headers: Readonly<Record<string, string | string[] | undefined>>;
  try {
    const options = { timeoutMs, signal, bytesMax: ANSWER_BYTES_MAX, ...(lookup && { lookup }) };
    ({ headers } = await post(`${baseUrl}/register`, introduction, options));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const outcome = error.code === "ERR_STATUS" || error.code === "ERR_TOO_LARGE" ? "not-hearsay" : "unreachable";
    return { outcome, reason: error.message };
  }
  const nodeId = headers["hearsay-node"];
  if (typeof nodeId !== "string" || !/^[0-9a-f-]{36}$/i.test(nodeId)) {
    return { outcome: "not-hearsay", reason: `${baseUrl} is not a hearsay bootstrap` };
  }
  if (nodeId === selfId) return { outcome: "self" };
  const seeds = parseSeedsHeader(headers["hearsay-seeds"]).filter((seed) => seed !== introduction.gossip);
  if (seeds.length === 0) return { outcome: "not-hearsay", reason: `${baseUrl} names no seeds` };
  return { outcome: "registered", nodeId, seeds };
}

/** `ip:port, ip:port, …`: the first eight of those that are gossip addresses, each once. */
export function parseSeedsHeader(header: unknown): string[] {
  if (typeof header !== "string" || header.length > SEEDS_CHARS_MAX) return [];
  const seeds = header.split(",").flatMap((text) => {
    const address = parseAddress(text.trim());
    return address === undefined ? [] : [formatAddress(address)];
  });
  return [...new Set(seeds)].slice(0, SEEDS_MAX);
}
