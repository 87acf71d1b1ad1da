// How guests travel: `["guests", owner's id, [urls that are here], [urls that are gone]]`, JSON, as many of them as
// it takes. Nothing here remembers or sends; what comes from the wire is believed only as far as it is checked.

import { PAYLOAD_BYTES_MAX } from "../gossip/wire.ts";
import { openEnvelope, sealEnvelope } from "../http/envelope.ts";
import { isGuestUrl } from "./guests.ts";

/** What an owner has to tell. */
export interface News {
  readonly live: readonly string[];
  readonly gone: readonly string[];
}

/**
 * News with the id of the process that tells it: what a process said before its successor came up at the same address
 * must not be taken for the successor's word, which would leave the guests to an owner that knows nothing of them.
 */
export interface Announcement extends News {
  readonly by: string;
}

/** The fewest payloads that say it all; none if there is nothing to say. Urls are ASCII, so a character is a byte. */
export function encodeAnnouncement({ by, live, gone }: Announcement): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let lists: [string[], string[]] = [[], []];
  let bytes = 0;
  const flush = () => {
    if (bytes > 0) payloads.push(sealEnvelope("guests", by, ...lists));
    lists = [[], []];
    bytes = 0;
  };
  const empty = sealEnvelope("guests", by, [], []).length;
  const add = (which: 0 | 1, url: string) => {
    const cost = JSON.stringify(url).length + 1;
    if (empty + bytes + cost > PAYLOAD_BYTES_MAX) flush();
    lists[which].push(url);
    bytes += cost;
  };
  for (const url of live) add(0, url);
  for (const url of gone) add(1, url);
  flush();
  return payloads;
}

/** Reads a payload; undefined if it is of another kind or breaks a rule. */
export function decodeAnnouncement(payload: Uint8Array): Announcement | undefined {
  if (payload.length > PAYLOAD_BYTES_MAX) return undefined;
  const envelope = openEnvelope(payload);
  if (envelope?.kind !== "guests" || envelope.fields.length !== 3) return undefined;
  const [by, live, gone] = envelope.fields;
  return typeof by === "string" && isUrls(live) && isUrls(gone) ? { by, live, gone } : undefined;
}

function isUrls(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isGuestUrl);
}
