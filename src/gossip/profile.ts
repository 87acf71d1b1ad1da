// A member's profile <-> bytes: one flat msgpack array, [id (16 bytes), name, url, role, key, value, key, value, …].
// The core carries the bytes without looking; here they get a meaning. What strangers wrote is read with suspicion:
// whatever is wrong becomes undefined, never a throw.

import { Packr } from "msgpackr";
import { parse, stringify, validate } from "uuid";
import type { Profile } from "./api.ts";
import { isFlat, PROFILE_BYTES_MAX } from "./wire.ts";

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "number" });
const NIL_ID = "00000000-0000-0000-0000-000000000000";

/** @throws RangeError if the profile takes more than 512 bytes, TypeError if the id is no UUID */
export function encodeProfile(profile: Profile): Uint8Array {
  if (!validate(profile.id)) throw new TypeError(`Expected \`id\` to be a UUID, got \`${profile.id}\``);
  const tags = Object.entries(profile.tags).flat();
  for (const text of [profile.name, profile.url, profile.role, ...tags]) {
    if (typeof text !== "string")
      throw new TypeError(`Expected name, url, role and tags to be strings, got \`${String(text)}\``);
  }
  const bytes = packr.pack([parse(profile.id), profile.name, profile.url, profile.role, ...tags]);
  if (bytes.length > PROFILE_BYTES_MAX) {
    throw new RangeError(
      `Expected name, url, role and tags to take at most ${PROFILE_BYTES_MAX} bytes together, got ${bytes.length}`,
    );
  }
  return Uint8Array.from(bytes);
}

/** The profile in some bytes; one without id, name and url if they hold none. */
export function decodeProfile(bytes: Uint8Array): Profile {
  const first = bytes[0] ?? 0;
  const isArray = first === 0xdc || (first & 0xf0) === 0x90;
  const elements: unknown[] = isArray && isFlat(bytes) ? (packr.unpack(bytes) as unknown[]) : [];
  const [id, name, url, role, ...rest] = elements;
  const tags: [string, string][] = [];
  for (let i = 0; i + 1 < rest.length; i += 2) {
    if (typeof rest[i] === "string" && typeof rest[i + 1] === "string")
      tags.push([rest[i] as string, rest[i + 1] as string]);
  }
  return Object.freeze({
    id: idOf(id),
    name: textOf(name),
    url: urlOf(url),
    role: textOf(role),
    // fromEntries defines, so a tag called __proto__ is only a tag.
    tags: Object.freeze(Object.fromEntries(tags)),
  });
}

function idOf(value: unknown): string {
  if (!(value instanceof Uint8Array) || value.length !== 16) return NIL_ID;
  try {
    return stringify(value);
  } catch {
    return NIL_ID; // sixteen bytes that are no UUID: the member has no name that could be used
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function urlOf(value: unknown): string {
  const text = textOf(value);
  return /^https?:\/\/[^\s/]\S*$/.test(text) && URL.canParse(text) ? text : "";
}
