// What a member says of itself, as bytes and back. Our own is checked and refused loudly; a stranger's is read with
// suspicion and never throws.

import fc from "fast-check";
import { Packr } from "msgpackr";
import { v4, v7 } from "uuid";
import { describe, expect, test } from "vitest";
import type { Profile } from "../../src/gossip/api.ts";
import { decodeProfile, encodeProfile } from "../../src/gossip/profile.ts";
import { PROFILE_BYTES_MAX } from "../../src/gossip/wire.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const NOBODY = { id: "00000000-0000-0000-0000-000000000000", name: "", url: "", role: "", tags: {} };

const profile = (change: Partial<Profile> = {}): Profile => ({
  id: ID,
  name: "node1",
  url: "http://172.18.0.3:5000",
  role: "node",
  tags: {},
  ...change,
});

/** Bytes that a stranger might send: any values as one array. */
const packed = (elements: readonly unknown[]) =>
  Uint8Array.from(new Packr({ useRecords: false, moreTypes: false }).pack(elements));
const idBytes = Uint8Array.from(ID.replaceAll("-", "").match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));

const anyProfile: fc.Arbitrary<Profile> = fc.record({
  id: fc.constantFrom(ID, v4(), v7()),
  name: fc.string({ maxLength: 30, unit: "grapheme" }),
  url: fc.oneof(
    fc.constant(""),
    fc.constantFrom("http://10.0.0.1:5000", "https://[fd00::1]:8443", "http://node1:5000"),
  ),
  role: fc.constantFrom("node", "bootstrap", ""),
  tags: fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 5 }),
});

describe("a profile", () => {
  test("survives being written and read", () => {
    fc.assert(
      fc.property(anyProfile, (profile) => {
        expect(decodeProfile(encodeProfile(profile))).toEqual(profile);
      }),
    );
  });

  test("is the same bytes for the same profile, for its digest is compared", () => {
    expect(encodeProfile(profile({ tags: { zone: "a" } }))).toEqual(encodeProfile(profile({ tags: { zone: "a" } })));
  });

  test("that is a usual one takes less than a hundred bytes", () => {
    expect(encodeProfile(profile()).length).toBeLessThan(100);
  });

  test(`takes ${PROFILE_BYTES_MAX} bytes at most`, () => {
    const room = PROFILE_BYTES_MAX - encodeProfile(profile({ name: "x".repeat(300) })).length;
    expect(encodeProfile(profile({ name: "x".repeat(300 + room) })).length).toBe(PROFILE_BYTES_MAX);
    expect(() => encodeProfile(profile({ name: "x".repeat(301 + room) }))).toThrow(RangeError);
    expect(() => encodeProfile(profile({ tags: { a: "\u00e4".repeat(300) } }))).toThrow(/at most 512 bytes/);
  });

  test("needs a UUID as its id", () => {
    for (const id of ["", "node1", "01890a5d-ac96-774b-bcce-b302099a805", `${ID}0`]) {
      expect(() => encodeProfile(profile({ id })), id).toThrow(TypeError);
    }
  });

  test("may have a tag called like a property of every object", () => {
    const tags = JSON.parse('{"__proto__": "x", "constructor": "y", "toString": "z"}') as Record<string, string>;
    const read = decodeProfile(encodeProfile(profile({ tags }))).tags;
    expect(Object.entries(read).sort()).toEqual(Object.entries(tags).sort());
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test("that was read cannot be changed", () => {
    const read = decodeProfile(encodeProfile(profile({ tags: { a: "b" } })));
    expect(Object.isFrozen(read) && Object.isFrozen(read.tags)).toBe(true);
  });
});

describe("a stranger's profile", () => {
  test("that is no profile is nobody's", () => {
    for (const bytes of [[], [0xc0], [0x90], [0xff, 0xff], [0x81, 0xa1, 0x61, 0x01], [0xdc, 0xff, 0xff], [0xc1]]) {
      expect(decodeProfile(Uint8Array.from(bytes))).toEqual(NOBODY);
    }
  });

  test("with nested values, maps or extensions is nobody's", () => {
    for (const elements of [[[]], [{ a: 1 }], [null], [true], [idBytes, "n", "", "", ["a"], "b"]]) {
      expect(decodeProfile(packed(elements))).toEqual(NOBODY);
    }
    const extension = Uint8Array.of(0x91, 0xc7, 0x02, 0x01, 0x61, 0x62);
    expect(decodeProfile(extension)).toEqual(NOBODY);
  });

  test("loses whatever is of the wrong type, and keeps the rest", () => {
    expect(decodeProfile(packed([idBytes, 7, "http://a:1", "node", "k", "v", 1, "x", "odd"]))).toEqual({
      ...NOBODY,
      id: ID,
      url: "http://a:1",
      role: "node",
      tags: { k: "v" },
    });
    expect(decodeProfile(packed([idBytes.subarray(1), "name"]))).toEqual({ ...NOBODY, name: "name" });
    expect(decodeProfile(packed([new Uint8Array(16).fill(0xff).fill(0x13, 6, 9), "name"])).name).toBe("name");
  });

  test.each([
    "ftp://a/",
    "javascript:alert(1)",
    "http://",
    "http:///x",
    "//host",
    "http://a b/",
    "http://a/\r\nX-Header: 1",
    "http://a/\n",
    " http://a/",
    "http://[::1/",
    "http://a:99999/",
  ])("has no url where it says %j", (url) => {
    expect(decodeProfile(packed([idBytes, "n", url, "node"])).url).toBe("");
  });

  test("of any bytes is read without a throw, into texts", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const first of [0x90, 0x95, 0xdc, bytes[0] ?? 0]) {
          const mangled = Uint8Array.from(bytes);
          if (mangled.length > 0) mangled[0] = first;
          const { id, name, url, role, tags } = decodeProfile(mangled);
          for (const text of [id, name, url, role, ...Object.entries(tags).flat()]) expect(typeof text).toBe("string");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
