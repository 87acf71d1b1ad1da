// A million hostile datagrams through the front door. Nothing throws; what does not verify changes nothing; what
// verifies is bounded in memory; and afterwards the core still answers a good ping. A failing run prints its seed,
// which FUZZ_SEED repeats; FUZZ_DATAGRAMS says how many.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { ALIVE, claimOf, DEAD, INCARNATION_MAX, LEFT, SUSPECT } from "../../src/gossip/claim.ts";
import { ACK, DATAGRAM_BYTES_MAX, PAYLOAD_BYTES_MAX, PING, PROFILE_BYTES_MAX } from "../../src/gossip/wire.ts";
import { forge, Mischief, signed } from "./forge.ts";
import { Lab, names } from "./lab.ts";
import { alive, at, LABEL, type Letter, profileOf, read, write } from "./letters.ts";

const SEED = Number(process.env.FUZZ_SEED ?? 20_020_623);
const DATAGRAMS = Number(process.env.FUZZ_DATAGRAMS ?? 1_000_000);
const MEMBERS_MAX = 300;
const KNOWN = names(20);
const packr = new Packr({ useRecords: false, moreTypes: true });

/** A core with twenty members, a message on its way and somebody under suspicion. */
function victim(): Lab {
  const lab = new Lab({ config: { membersMax: MEMBERS_MAX } });
  lab.know(...KNOWN);
  lab.hear({
    kind: PING,
    from: KNOWN[0] as string,
    claims: [{ member: KNOWN[1] as string, claim: claimOf(1, SUSPECT), accuser: KNOWN[2] }],
    messages: [{ origin: KNOWN[3] as string, epoch: 1, seq: 1, payload: profileOf("a message") }],
  });
  return lab;
}

/** Good frames of all kinds, from members and strangers, to be spoiled. */
function goodFrames(chance: Mischief): Uint8Array[] {
  return Array.from({ length: 400 }, (_, i) => {
    const from = chance.one([...KNOWN, "10.0.77.1:7979", "[fd00::9]:7979"]);
    const letter: Partial<Letter> & Pick<Letter, "kind" | "from"> = {
      kind: 1 + (i % 11),
      from,
      digest: chance.uint32(),
      a: chance.uint32(),
      b: chance.uint32(),
      claims: names(chance.below(8)).map((member) => alive(member, 1 + chance.below(3))),
      messages:
        i % 3 === 0 ? [{ origin: from, epoch: chance.uint32(), seq: chance.uint32(), payload: chance.bytes(40) }] : [],
      ranges:
        i % 4 === 0 ? [{ first: 0, last: chance.uint32(), count: chance.below(9), fingerprint: chance.uint32() }] : [],
    };
    return write(letter);
  });
}

/** Garbage: random bytes, good frames cut or flipped, right headers before nonsense, wrong checksums. */
function garbage(chance: Mischief, good: readonly Uint8Array[]): Uint8Array {
  switch (chance.below(6)) {
    case 0:
      return chance.bytes(chance.below(chance.below(8) === 0 ? 1_500 : 64));
    case 1: {
      const frame = chance.one(good);
      return frame.subarray(0, chance.below(frame.length));
    }
    case 2:
    case 3: {
      const frame = Uint8Array.from(chance.one(good));
      const flips = 1 + chance.below(8);
      for (let i = 0; i < flips; i++) {
        const bit = chance.below(frame.length * 8);
        frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7));
      }
      // An even number of flips of one bit is none.
      return good.some((other) => same(other, frame)) ? frame.subarray(1) : frame;
    }
    case 4: {
      const frame = forge(11 + chance.below(20), LABEL, chance.bytes(chance.below(80)));
      frame[7] = (frame[7] as number) ^ 1;
      return frame;
    }
    default: {
      const frame = Uint8Array.from(chance.one(good));
      const first = chance.below(frame.length);
      for (let i = first; i < Math.min(frame.length, first + 1 + chance.below(40)); i++)
        frame[i] = chance.uint32() & 255;
      return good.some((other) => same(other, frame)) ? frame.subarray(1) : frame;
    }
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const BIG = [0xdb, 0xdd, 0xdf, 0xc6, 0xc9];

/** Frames with a good checksum whose elements are none: nested, maps, extensions, records, lengths beyond the end. */
function bomb(chance: Mischief, good: readonly Uint8Array[]): Uint8Array {
  const count = chance.one([0, 1, 10, 11, 16, 255, 65_535]);
  switch (chance.below(9)) {
    case 0: // arrays in arrays in arrays
      return forge(count, LABEL, new Uint8Array(chance.below(1_300)).fill(chance.one([0x91, 0x92, 0x9f, 0xdc])));
    case 1: // maps in maps
      return forge(count, LABEL, new Uint8Array(chance.below(1_300)).fill(chance.one([0x81, 0x8f, 0xde])));
    case 2: // a length of four thousand million, of everything that has a length
      return forge(count, LABEL, [chance.one(BIG), 0xff, 0xff, 0xff, 0xff, ...chance.bytes(20)]);
    case 3: // lengths that end just within, at or after the end
      return forge(count, LABEL, [
        chance.one([0xd9, 0xda, 0xc4, 0xc5, 0xc7, 0xc8]),
        0,
        chance.below(64),
        ...chance.bytes(30),
      ]);
    case 4: // extensions, msgpackr's own among them: records, dates, errors, sets, classes
      return forge(count, LABEL, [
        chance.one([0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xc7]),
        chance.below(128),
        ...chance.bytes(20),
      ]);
    case 5: // records: 0xd4 0x72 and an array of keys, then uses of it
      return forge(count, LABEL, [0xd4, 0x72, 0x40 + chance.below(32), 0x92, 0xa1, 0x61, 0xa1, 0x62, 1, 2, 0x40, 1, 2]);
    case 6: // any bytes
      return forge(count, LABEL, chance.bytes(chance.below(200)));
    case 7: {
      // a good frame in which some bytes were replaced, and signed again
      const frame = Uint8Array.from(chance.one(good));
      for (let i = 0; i < 3; i++)
        frame[13 + chance.below(frame.length - 13)] = chance.one([
          0, 0x7f, 0x80, 0x90, 0xc0, 0xc1, 0xc4, 0xcb, 0xcf, 0xd3, 0xff,
        ]);
      return signed(frame);
    }
    default: {
      // what msgpackr writes for values that no frame has
      const values = [
        null,
        undefined,
        true,
        -1,
        1.5,
        Number.NaN,
        -0,
        2n ** 63n,
        new Date(0),
        new Set([1]),
        { __proto__: null, a: 1 },
        [[]],
        /x/,
        new Error("x"),
      ];
      const body = Array.from({ length: 12 }, () => chance.one(values));
      const packed = Uint8Array.from(packr.pack(body));
      return forge(14, LABEL, packed.subarray(1));
    }
  }
}

/** Good frames with wild meaning: any claims about anybody, from anybody, of any kind. */
function wild(chance: Mischief): Letter {
  const anybody = () => {
    const near = chance.below(3);
    if (near === 0) return chance.one(KNOWN);
    if (near === 1) return `10.9.${chance.below(256)}.${chance.below(256)}:${1 + chance.below(65_535)}`;
    return chance.below(20) === 0 ? "10.0.0.1:7979" : `[fd00::${(1 + chance.below(65_535)).toString(16)}]:7979`;
  };
  const number = () => chance.one([0, 1, 0xffffffff, chance.uint32()]);
  const incarnation = () =>
    chance.one([1, 2, chance.below(1_000) + 1, INCARNATION_MAX, 1 + chance.below(INCARNATION_MAX)]);
  const claims = Array.from({ length: chance.below(6) }, () => {
    const status = chance.one([ALIVE, SUSPECT, DEAD, LEFT]);
    const profile =
      status === ALIVE && chance.below(8) > 0 ? chance.bytes(1 + chance.below(chance.one([8, 60, 200]))) : undefined;
    const accuser = status === ALIVE || chance.below(2) === 0 ? undefined : anybody();
    return { member: anybody(), claim: claimOf(incarnation(), status), profile, accuser, hash: number() };
  });
  const messages = Array.from({ length: chance.below(3) }, () => ({
    origin: anybody(),
    epoch: number(),
    seq: number(),
    payload: chance.bytes(chance.below(chance.one([1, 30, 200]))),
  }));
  const ranges = Array.from({ length: chance.below(4) }, () => ({
    first: number(),
    last: number(),
    count: number(),
    fingerprint: number(),
  }));
  return {
    kind: chance.below(13),
    from: anybody(),
    fromClaim: claimOf(incarnation(), ALIVE),
    digest: number(),
    a: number(),
    b: number(),
    c: number(),
    claims,
    messages,
    ranges,
  };
}

function state(lab: Lab): string {
  const { swim } = lab;
  const { digest, size } = swim.members.ring;
  return JSON.stringify([
    digest,
    size,
    swim.members.counts,
    swim.load,
    lab.changes.length,
    lab.delivered.length,
    lab.peers.span,
  ]);
}

function goodPingIsAnswered(lab: Lab): void {
  lab.take();
  lab.hear({ kind: PING, from: "10.0.66.6:7979", a: 4_711 });
  expect(lab.take(ACK)).toMatchObject([{ to: "10.0.66.6:7979", a: 4_711 }]);
}

/** What the heap holds after a collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Runs `attack` for so many turns; whatever it throws names the seed and the datagram. */
function besiege(turns: number, attack: (turn: number) => Uint8Array | undefined): void {
  for (let turn = 0; turn < turns; turn++) {
    let bytes: Uint8Array | undefined;
    try {
      bytes = attack(turn);
    } catch (cause) {
      const hex = bytes ? Buffer.from(bytes).toString("hex") : "see the cause";
      throw new Error(`FUZZ_SEED=${SEED}, datagram ${turn}: ${hex}: ${String(cause)}`, { cause });
    }
  }
}

test("the forger makes the very bytes that a member writes", () => {
  const good = write({ kind: PING, from: KNOWN[0] as string, a: 1, b: 2, c: 3, digest: 4 });
  const body = good.subarray(3 + 5 + 1 + 1 + LABEL.length);
  // Twelve elements are a short array to msgpackr, and a long one to the forger: both are frames.
  expect(read(forge(12, LABEL, good[0] === 0xdc ? body : good.subarray(1 + 5 + 1 + 1 + LABEL.length)))).toEqual(
    read(good),
  );
  expect([...signed(Uint8Array.from(good))]).toEqual([...good]);
});

test(`${Math.round(DATAGRAMS * 0.6)} datagrams of garbage: nothing throws, nothing changes`, {
  timeout: 120_000,
}, () => {
  const chance = new Mischief(SEED);
  const good = goodFrames(chance);
  const lab = victim();
  const before = state(lab);
  const { digest } = lab.swim.members.ring;
  lab.take();
  besiege(DATAGRAMS * 0.6, (turn) => {
    const bytes = garbage(chance, good);
    const verdict = lab.swim.receive(lab.now, bytes);
    if (verdict !== "malformed" && verdict !== "damaged")
      throw new Error(`understood as ${verdict}: ${Buffer.from(bytes).toString("hex")}`);
    if (lab.swim.members.ring.digest !== digest) throw new Error("the digest changed");
    if (turn % 5_000 === 0) expect(state(lab)).toBe(before);
    return bytes;
  });
  expect(state(lab)).toBe(before);
  expect(lab.sent, "garbage is not answered").toEqual([]);
  const { malformed, damaged, received } = lab.swim.stats;
  expect(malformed + damaged).toBe(Math.ceil(DATAGRAMS * 0.6));
  expect(Math.min(malformed, damaged), "both kinds were tried").toBeGreaterThan(DATAGRAMS / 50);
  expect(received).toBeGreaterThan(0);
  goodPingIsAnswered(lab);
});

test(`${Math.round(DATAGRAMS * 0.3)} bombs with good checksums: nothing throws, what is malformed changes nothing`, {
  timeout: 120_000,
}, () => {
  const chance = new Mischief(SEED + 1);
  const good = goodFrames(chance);
  const lab = victim();
  let before = state(lab);
  let malformed = 0;
  besiege(DATAGRAMS * 0.3, (turn) => {
    const bytes = bomb(chance, good);
    const verdict = lab.swim.receive(lab.now, bytes);
    if (verdict === "malformed") malformed++;
    else before = ""; // a good frame in which a number became another is a frame
    if (turn % 64 === 0) {
      if (before !== "") expect(state(lab)).toBe(before);
      before = state(lab);
      lab.sent.length = 0;
    }
    return bytes;
  });
  expect(malformed).toBeGreaterThan(DATAGRAMS * 0.2);
  expect(lab.swim.stats.damaged, "every checksum was right").toBe(0);
  goodPingIsAnswered(lab);
});

test(`${Math.round(DATAGRAMS * 0.1)} good frames with wild meaning: memory stays bounded, time goes on`, {
  timeout: 120_000,
}, () => {
  const chance = new Mischief(SEED + 2);
  const lab = victim();
  lab.answering = () => chance.below(4) === 0;
  let verdicts = 0;
  let most = 0;
  const cookies = new Map<string, number>();
  const before = heapBytes();
  besiege(DATAGRAMS * 0.1, (turn) => {
    const letter = wild(chance);
    // Every other one with a proof, where it has one.
    const bytes = write(turn % 2 === 0 ? letter : { ...letter, a: cookies.get(letter.from) ?? letter.a });
    if (lab.swim.receive(lab.now, bytes) === "ok") verdicts++;
    const { members, load } = lab.swim;
    most = Math.max(most, members.size);
    if (members.size > MEMBERS_MAX) throw new Error(`${members.size} members are remembered`);
    if (turn % 50 === 0) {
      lab.runFor(chance.one([1, 10, 100, 700]));
      if (turn % 500 === 0) for (const member of KNOWN) cookies.set(member, lab.cookieFor(member));
      for (const {
        bytes: { length },
      } of lab.sent)
        if (length > DATAGRAM_BYTES_MAX) throw new Error(`${length} bytes sent`);
      lab.sent.length = 0;
      lab.changes.length = 0;
      lab.delivered.length = 0;
      const held = members.size;
      if (load.rumors > held || load.suspicions > held) throw new Error(JSON.stringify({ held, load }));
      if (load.messages > 4_096 || load.forwards > 256) throw new Error(JSON.stringify(load));
      if (load.timers > held + 256 + 64) throw new Error(JSON.stringify({ held, load }));
      if (lab.peers.span > MEMBERS_MAX + 2) throw new Error(`${lab.peers.span} peers are interned`);
      if (members.counts.reduce((sum, count) => sum + count) !== held) throw new Error("the counts are wrong");
      if (members.live !== members.others + 1) throw new Error("the ring is wrong");
    }
    return bytes;
  });
  expect(verdicts).toBeGreaterThan(DATAGRAMS * 0.02);
  expect(most, "the limit was reached").toBe(MEMBERS_MAX);
  expect(heapBytes() - before).toBeLessThan(64_000_000);
  goodPingIsAnswered(lab);
});

test("the largest of everything, from a member: nothing is longer than a datagram", () => {
  const chance = new Mischief(SEED + 3);
  const lab = victim();
  const from = KNOWN[0] as string;
  for (let i = 0; i < 40; i++) {
    const member = `10.8.0.${i + 1}:7979`;
    lab.hear({ kind: 5, from, claims: [{ member, claim: 4, profile: chance.bytes(PROFILE_BYTES_MAX) }] });
    lab.hear({
      kind: 5,
      from,
      messages: [{ origin: from, epoch: 5, seq: i, payload: chance.bytes(PAYLOAD_BYTES_MAX) }],
    });
  }
  lab.runFor(5_000);
  const lengths = lab.take().map(({ bytes }) => bytes.length);
  expect(Math.max(...lengths)).toBeGreaterThan(1_000);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
  for (const member of KNOWN) expect(at(member)).toBeDefined();
});
