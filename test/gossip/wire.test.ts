// Datagrams: what is written is read again, nothing is ever longer than a datagram, and nobody can use our answers
// against a third party: what a stranger gets is no longer than what it sent, until it proved that it receives.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Address, addressOf, formatAddress } from "../../src/gossip/address.ts";
import { ALIVE, claimOf, DEAD, INCARNATION_MAX, LEFT, SUSPECT } from "../../src/gossip/claim.ts";
import { Cookies } from "../../src/gossip/cookie.ts";
import {
  ACK,
  CHALLENGE,
  CLAIMS,
  DATAGRAM_BYTES_MAX,
  GOSSIP,
  HAVE,
  HELLO,
  JOIN,
  LABEL_BYTES_MAX,
  NACK,
  PAYLOAD_BYTES_MAX,
  PING,
  PING_REQ,
  PROFILE_BYTES_MAX,
  RANGES,
  Wire,
} from "../../src/gossip/wire.ts";
import { forge } from "./forge.ts";
import { collidingAddresses, Lab, names } from "./lab.ts";
import { alive, at, kindName, type Letter, profileOf, put, read, readable, said, write } from "./letters.ts";

const KINDS = [PING, ACK, PING_REQ, NACK, GOSSIP, JOIN, CHALLENGE, RANGES, HAVE, CLAIMS, HELLO];
const STRANGER = "10.0.7.7:7979";

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 65_535 }))
    .map(([a, b, c, d, port]) => addressOf(`${a}.${b}.${c}.${d}`, port) as Address),
  fc
    .tuple(
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 7, maxLength: 7 }),
      fc.integer({ min: 1, max: 65_535 }),
    )
    .map(([groups, port]) => addressOf(`fd00:${groups.map((group) => group.toString(16)).join(":")}`, port) as Address),
);
const anyText = anyAddress.map(formatAddress);
const uint32 = fc.oneof(
  fc.nat(127),
  fc.constantFrom(0, 128, 255, 256, 65_535, 65_536, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const anyBytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength, size: "max" });
const anyIncarnation = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: INCARNATION_MAX }));

const anySaid = fc.oneof(
  fc
    .record({
      member: anyText,
      incarnation: anyIncarnation,
      profile: fc.option(anyBytes(1, PROFILE_BYTES_MAX), { nil: undefined }),
    })
    .map(({ member, incarnation, profile }) => ({
      member,
      claim: claimOf(incarnation, ALIVE),
      profile,
      accuser: undefined,
    })),
  fc
    .record({
      member: anyText,
      incarnation: anyIncarnation,
      status: fc.constantFrom(SUSPECT, DEAD, LEFT),
      accuser: fc.option(anyText, { nil: undefined }),
    })
    .map(({ member, incarnation, status, accuser }) => ({
      member,
      claim: claimOf(incarnation, status),
      profile: undefined,
      accuser,
    })),
);
const anySpoken = fc.record({ origin: anyText, epoch: uint32, seq: uint32, payload: anyBytes(0, PAYLOAD_BYTES_MAX) });
const anyRange = fc.record({ first: uint32, last: uint32, count: uint32, fingerprint: uint32 });
const anyLabel = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }).filter((label) => {
  const length = new TextEncoder().encode(label).length;
  return length >= 1 && length <= LABEL_BYTES_MAX;
});
const anyHeader = fc.record({
  kind: fc.constantFrom(...KINDS),
  from: anyText,
  fromClaim: anyIncarnation.map((incarnation) => claimOf(incarnation, ALIVE)),
  digest: uint32,
  a: uint32,
  b: uint32,
  c: uint32,
});
const anyParts = fc.record({
  claims: fc.array(anySaid, { maxLength: 60 }),
  messages: fc.array(anySpoken, { maxLength: 8 }),
  ranges: fc.array(anyRange, { maxLength: 70 }),
});

/** Writes as many of the parts as a pen takes; returns what it took, and how much room it thought it needed. */
function fill(
  pen: Wire,
  header: Omit<Letter, "claims" | "messages" | "ranges">,
  parts: Pick<Letter, "claims" | "messages" | "ranges">,
) {
  pen.begin(header.kind, at(header.from), header.fromClaim, header.digest, header.a, header.b, header.c);
  const said =
    header.kind === HAVE ? parts.claims.map(({ member, claim }, i) => ({ member, claim, hash: i })) : parts.claims;
  const claims = said.filter((one) => put(pen, header.kind, one));
  const messages = parts.messages.filter(({ origin, epoch, seq, payload }) =>
    pen.message(at(origin), epoch, seq, payload),
  );
  const ranges = parts.ranges.filter(({ first, last, count, fingerprint }) =>
    pen.range(first, last, count, fingerprint),
  );
  const room = pen.room;
  return { letter: { ...header, claims, messages, ranges }, room, bytes: pen.end() };
}

describe("a frame", () => {
  test("of every kind, with whatever fits it, is read as it was written", () => {
    fc.assert(
      fc.property(anyLabel, anyHeader, anyParts, (label, header, parts) => {
        const { letter, bytes } = fill(new Wire(label), header, parts);
        expect(read(bytes, label)).toEqual(letter);
      }),
      { numRuns: 400 },
    );
  });

  test("is never longer than a datagram, nor longer than its writer reckoned", () => {
    fc.assert(
      fc.property(anyLabel, anyHeader, anyParts, (label, header, parts) => {
        const { bytes, room } = fill(new Wire(label), header, parts);
        expect(bytes.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
        expect(room).toBeGreaterThanOrEqual(0);
        expect(bytes.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX - room);
      }),
      { numRuns: 400 },
    );
  });

  test("has room for the largest profile, and for the largest message, by IPv6 and with the longest label too", () => {
    const pen = new Wire("x".repeat(LABEL_BYTES_MAX));
    const from = at("[fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    const top = 0xffffffff;
    pen.begin(GOSSIP, from, claimOf(INCARNATION_MAX, ALIVE), top, top, top, top);
    expect(pen.claim(from, claimOf(INCARNATION_MAX, ALIVE), new Uint8Array(PROFILE_BYTES_MAX))).toBe(true);
    pen.begin(GOSSIP, from, claimOf(INCARNATION_MAX, ALIVE), top, top, top, top);
    expect(pen.message(from, top, top, new Uint8Array(PAYLOAD_BYTES_MAX))).toBe(true);
    expect(read(pen.end(), "x".repeat(LABEL_BYTES_MAX))).toMatchObject({ messages: [{ seq: top }] });
  });

  test("keeps the room that was reserved", () => {
    const pen = new Wire("p2p");
    pen.begin(CLAIMS, at(STRANGER), 4, 0, 0, 0, 0);
    pen.reserve(20);
    let count = 0;
    while (pen.claim(at("10.0.0.1:1"), 6, 0)) count++;
    expect(count).toBeGreaterThan(40);
    pen.reserve(0);
    expect(pen.range(0, 0xffffffff, 0xffffffff, 0xffffffff)).toBe(true);
    expect(pen.end().length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
  });

  test("with a single bit flipped is not understood", () => {
    const letter = write({ kind: GOSSIP, from: STRANGER, claims: [alive(STRANGER)], digest: 77, b: 12_345 });
    for (let bit = 0; bit < letter.length * 8; bit++) {
      const flipped = Uint8Array.from(letter);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(typeof read(flipped), `bit ${bit}`).toBe("string");
    }
  });

  test("cut short or lengthened is not understood", () => {
    const letter = write({ kind: GOSSIP, from: STRANGER, claims: [alive(STRANGER)] });
    for (let length = 0; length < letter.length; length++)
      expect(typeof read(letter.subarray(0, length))).toBe("string");
    for (const more of [1, 4, 100, 2_000]) {
      const longer = new Uint8Array(letter.length + more);
      longer.set(letter);
      expect(typeof read(longer)).toBe("string");
    }
  });

  test.each<[string, Partial<Letter>]>([
    ["a profile of 513 bytes", { claims: [{ ...alive(STRANGER), profile: new Uint8Array(513) }] }],
    ["an empty profile", { claims: [{ ...alive(STRANGER), profile: new Uint8Array(0) }] }],
    [
      "a message of 1,025 bytes",
      { messages: [{ origin: STRANGER, epoch: 1, seq: 1, payload: new Uint8Array(1_025) }] },
    ],
    ["an incarnation of nought", { claims: [{ member: STRANGER, claim: SUSPECT }] }],
    [
      "an incarnation beyond the highest",
      { claims: [{ member: STRANGER, claim: claimOf(INCARNATION_MAX + 2, ALIVE) }] },
    ],
    ["half a claim", { claims: [{ member: STRANGER, claim: 6.5 }] }],
    ["a sender's claim of nought", { fromClaim: 0 }],
    ["a negative number", { a: -1 }],
    ["a number of 33 bits", { b: 2 ** 32 }],
    ["a digest that is no integer", { digest: 0.5 }],
    ["a range that is no integer", { ranges: [{ first: 0, last: 1.5, count: 0, fingerprint: 0 }] }],
  ])("with %s is malformed, though its checksum is right", (_, spoiled) => {
    const kind = spoiled.ranges ? RANGES : GOSSIP;
    expect(read(write({ kind, from: STRANGER, ...spoiled }))).toBe("malformed");
  });

  test("whose sender has no port is malformed", () => {
    const pen = new Wire("p2p");
    pen.begin(PING, (at("10.0.0.1:1") as number) - 1, 4, 0, 0, 0, 0);
    expect(read(pen.end())).toBe("malformed");
  });

  test("longer than a datagram may be is malformed, though all else is right", () => {
    const header = write({ kind: RANGES, from: STRANGER }).subarray(1 + 5 + 1 + 4, -1);
    const sizes = [1_200, 1_400].map((zeros) => forge(12 + zeros, "p2p", [...header, 0, ...new Uint8Array(zeros)]));
    expect(sizes.map(({ length }) => length > DATAGRAM_BYTES_MAX)).toEqual([false, true]);
    expect(sizes.map((bytes) => new Wire("p2p").read(bytes))).toEqual(["ok", "malformed"]);
  });

  test("may be overwritten once it was received: a message is kept as it was", () => {
    const lab = new Lab();
    const bytes = write({
      kind: GOSSIP,
      from: STRANGER,
      messages: [{ origin: STRANGER, epoch: 1, seq: 1, payload: profileOf("x") }],
    });
    lab.receive(bytes);
    bytes.fill(0);
    expect(lab.delivered).toMatchObject([{ seq: 1, payload: profileOf("x") }]);
  });

  test("of another cluster is told apart from damage, and counted", () => {
    const lab = new Lab();
    for (const label of ["q2p", "p2", "p2px", "P2P", "\u00fc"]) {
      expect(lab.receive(write({ kind: PING, from: STRANGER }, label))).toBe("otherCluster");
    }
    expect(lab.swim.stats.otherCluster).toBe(5);
    expect(lab.swim.stats.damaged + lab.swim.stats.malformed).toBe(0);
    expect(lab.sent).toEqual([]);
  });

  test("that is no frame at all is malformed or damaged, and counted as that", () => {
    const lab = new Lab();
    expect(lab.receive(new Uint8Array(0))).toBe("malformed");
    expect(lab.receive(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"))).toBe("malformed");
    expect(lab.receive(new Uint8Array(65_507).fill(0x9f))).toBe("malformed");
    const flipped = write({ kind: PING, from: STRANGER });
    flipped[20] = (flipped[20] as number) ^ 1;
    expect(lab.receive(flipped)).toBe("damaged");
    expect(lab.swim.stats).toMatchObject({ malformed: 3, damaged: 1, received: 0 });
  });

  test("of a kind that nobody knows has no effect", () => {
    const lab = new Lab();
    expect(lab.hear({ kind: 99, from: STRANGER })).toBe("unknownKind");
    expect(lab.sent).toEqual([]);
    expect(lab.swim.members.size).toBe(1);
  });

  test("that comes from ourselves is an echo", () => {
    const lab = new Lab();
    expect(lab.hear({ kind: PING, from: lab.address })).toBe("echo");
    expect(lab.sent).toEqual([]);
  });
});

describe("a cluster's label", () => {
  test(`takes 1 to ${LABEL_BYTES_MAX} bytes`, () => {
    expect(() => new Wire("")).toThrow(RangeError);
    expect(() => new Wire("x")).not.toThrow();
    expect(() => new Wire("x".repeat(LABEL_BYTES_MAX))).not.toThrow();
    expect(() => new Wire("x".repeat(LABEL_BYTES_MAX + 1))).toThrow(RangeError);
    expect(() => new Wire("\u00e4".repeat(LABEL_BYTES_MAX / 2))).not.toThrow();
    expect(() => new Wire("\u00e4".repeat(LABEL_BYTES_MAX / 2 + 1))).toThrow(RangeError);
    expect(() => new Wire("\u{1f600}".repeat(LABEL_BYTES_MAX / 4))).not.toThrow();
  });

  test("keeps clusters apart, whatever it is", () => {
    fc.assert(
      fc.property(anyLabel, anyLabel, (ours, theirs) => {
        const letter = write({ kind: PING, from: STRANGER }, theirs);
        expect(new Wire(ours).read(letter)).toBe(ours === theirs ? "ok" : "otherCluster");
      }),
    );
  });
});

describe("a cookie", () => {
  const here = at("10.0.0.1:7979");

  test("is accepted for a minute at least and two at most, and only from its address", () => {
    const cookies = new Cookies(1, 2);
    fc.assert(
      fc.property(fc.nat(10_000_000), anyAddress, anyAddress, (now, address, other) => {
        const cookie = cookies.issue(address, now);
        expect(Number.isInteger(cookie) && cookie > 0 && cookie <= 0xffffffff).toBe(true);
        expect(cookies.accepts(cookie, address, now)).toBe(true);
        expect(cookies.accepts(cookie, address, now + 59_999)).toBe(true);
        expect(cookies.accepts(cookie, address, now + 120_000)).toBe(false);
        expect(cookies.accepts(0, address, now)).toBe(false);
        if (other !== address) expect(cookies.accepts(cookie, other, now)).toBe(false);
      }),
    );
  });

  test("of one port is none of another", () => {
    const cookies = new Cookies(3, 4);
    expect(cookies.accepts(cookies.issue(here, 0), at("10.0.0.1:7980"), 0)).toBe(false);
  });

  test("depends on both keys", () => {
    const cookie = new Cookies(5, 6).issue(here, 0);
    expect(new Cookies(5, 7).accepts(cookie, here, 0)).toBe(false);
    expect(new Cookies(4, 6).accepts(cookie, here, 0)).toBe(false);
    expect(new Cookies(5, 6).accepts(cookie, here, 0)).toBe(true);
  });
});

/** A core that knows so many members that it has much to say. */
function knowledgeable(count = 120): Lab {
  const lab = new Lab();
  lab.know(...names(count));
  lab.runFor(900);
  lab.take();
  return lab;
}

describe("a stranger", () => {
  const asks: Record<string, Partial<Letter>> = {
    JOIN: { kind: JOIN },
    HELLO: { kind: HELLO },
    RANGES: { kind: RANGES, ranges: [{ first: 0, last: 0xffffffff, count: 0, fingerprint: 0 }] },
    HAVE: { kind: HAVE, c: 1, ranges: [{ first: 0, last: 0xffffffff, count: 0, fingerprint: 0 }] },
    CLAIMS: { kind: CLAIMS, ranges: [{ first: 0, last: 0xffffffff, count: 0, fingerprint: 0 }] },
    "CLAIMS about the dead": { kind: CLAIMS, claims: names(40).map((member) => said(member, DEAD)) },
    "CLAIMS about a small range": { kind: CLAIMS, ranges: [{ first: 0, last: 0x0fffffff, count: 0, fingerprint: 0 }] },
    PING_REQ: { kind: PING_REQ, claims: [{ member: "10.0.8.8:53", claim: 4 }] },
    CHALLENGE: { kind: CHALLENGE },
    NACK: { kind: NACK },
    ACK: { kind: ACK },
    GOSSIP: { kind: GOSSIP },
  };

  test.each(Object.keys(asks))("who sends %s without a proof gets no more bytes than it sent", (name) => {
    for (const from of [STRANGER, "[fd00::7]:7979"]) {
      const lab = knowledgeable();
      // Small numbers take one byte: the shortest question that can be asked.
      const question = write({ from, fromClaim: 4, digest: 0, ...asks[name] } as Letter);
      lab.receive(question);
      const answers = lab.take();
      const total = answers.reduce((sum, { bytes }) => sum + bytes.length, 0);
      expect(total, answers.map(({ kind, to }) => `${kindName(kind)} to ${to}`).join()).toBeLessThanOrEqual(
        question.length,
      );
    }
  });

  test.each(Object.keys(asks))("who sends %s with another's proof gets no more bytes than it sent", (name) => {
    const lab = knowledgeable();
    const proof = lab.cookieFor("10.0.6.6:7979");
    const question = write({ from: STRANGER, fromClaim: 4, digest: 0, ...asks[name], a: proof } as Letter);
    lab.receive(question);
    const total = lab.take().reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(total).toBeLessThanOrEqual(question.length);
  });

  test("who asks to join gets no more bytes than it sent, even if somebody of its address is remembered", () => {
    const lab = knowledgeable();
    const newcomer = new Lab({ address: names(1)[0] as string, profile: profileOf("another") });
    newcomer.swim.join(newcomer.now, [at(lab.address)]);
    const [question] = newcomer.take(JOIN);
    if (!question) throw new Error("Nobody was asked");
    lab.receive(question.bytes);
    const answers = lab.take();
    expect(answers.map(({ kind }) => kindName(kind))).toEqual(["CHALLENGE"]);
    expect(answers[0]?.bytes.length).toBeLessThanOrEqual(question.bytes.length);
  });

  test("hears in a challenge which of its questions that answers, in no more bytes than it sent", () => {
    for (const c of [0, 127, 128, 70_000, 0xffff_ffff]) {
      const lab = knowledgeable();
      const question = write({ kind: JOIN, from: STRANGER, c, claims: [alive(STRANGER)] });
      lab.receive(question);
      const [challenge] = lab.take();
      expect(challenge).toMatchObject({ kind: CHALLENGE, a: c });
      expect(challenge?.bytes.length).toBeLessThanOrEqual(question.length);
    }
  });

  test("hears so where somebody of its address is remembered, in no more bytes than it sent, however long it has searched", () => {
    const [address] = names(1) as [string];
    for (const c of [0, 70_000, 0xffff_ffff]) {
      const lab = knowledgeable();
      const question = write({
        kind: JOIN,
        from: address,
        c,
        claims: [{ ...alive(address), profile: profileOf("another") }],
      });
      lab.receive(question);
      const [challenge] = lab.take();
      expect(challenge).toMatchObject({ kind: CHALLENGE, a: c, claims: [{ member: address }] });
      expect(challenge?.bytes.length).toBeLessThanOrEqual(question.length);
    }
  });

  test("is no member by a JOIN without a proof, nor is anybody else it names", () => {
    const lab = knowledgeable();
    const size = lab.swim.members.size;
    lab.hear({ kind: JOIN, from: STRANGER, claims: [alive(STRANGER), alive("10.0.7.8:7979")] });
    lab.hear({ kind: HELLO, from: STRANGER, claims: [alive(STRANGER), alive("10.0.7.8:7979")] });
    expect(lab.swim.members.size).toBe(size);
  });

  test("with the cookie that a challenge brought is let in and told where to go on", () => {
    const lab = knowledgeable();
    lab.hear({ kind: JOIN, from: STRANGER, claims: [alive(STRANGER)] });
    const [challenge] = lab.take(CHALLENGE);
    lab.hear({ kind: JOIN, from: STRANGER, a: challenge?.b ?? 0, claims: [alive(STRANGER)] });
    expect(lab.status(STRANGER)).toBe("alive");
    const [welcome] = lab.take(CLAIMS);
    expect(welcome?.to).toBe(STRANGER);
    expect(welcome?.claims.map(({ member }) => member)).toContain(lab.address);
    expect(welcome?.ranges).toMatchObject([{ first: 0, last: 0xffffffff }]);
  });

  test("with an outdated cookie is challenged again", () => {
    const lab = knowledgeable(3);
    const cookie = lab.cookieFor(STRANGER);
    lab.answering = () => true;
    lab.runFor(180_000);
    lab.take();
    lab.hear({ kind: JOIN, from: STRANGER, a: cookie, claims: [alive(STRANGER)] });
    expect(lab.status(STRANGER)).toBe("unknown");
    expect(lab.take().map(({ kind }) => kindName(kind))).toEqual(["CHALLENGE"]);
  });

  test("cannot make a newcomer answer more than a few challenges, nor one who did not ask any", () => {
    const newcomer = new Lab();
    const challenge = () => newcomer.hear({ kind: CHALLENGE, from: STRANGER, b: 5 });
    challenge();
    expect(newcomer.take()).toEqual([]);
    newcomer.swim.join(newcomer.now, [at("10.0.5.5:7979")]);
    newcomer.take();
    for (let i = 0; i < 100; i++) challenge();
    const answers = newcomer.take();
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThanOrEqual(10);
  });

  test("cannot end a search for seeds by claims that nobody asked for", () => {
    const lab = new Lab();
    lab.swim.join(lab.now, [at("10.0.5.5:7979")]);
    lab.hear({
      kind: CLAIMS,
      from: STRANGER,
      claims: [alive(STRANGER)],
      ranges: [{ first: 0, last: 0xffffffff, count: 0, fingerprint: 0 }],
    });
    expect(lab.swim.joining).toBe(true);
  });

  test("nor does a member of ours whose view we are still taking over, and whom we did not ask", () => {
    const [friend, seed] = ["10.0.5.4:7979", "10.0.5.5:7979"];
    const lab = new Lab();
    lab.know(friend);
    lab.swim.join(lab.now, [at(seed)]);
    const view = { kind: CLAIMS, ranges: [{ first: 0, last: 0xffffffff, count: 0, fingerprint: 0 }] };
    lab.hear({ ...view, from: friend, a: lab.cookieFor(friend), claims: [alive(friend)] });
    expect(lab.swim.joining).toBe(true);
    lab.welcome(seed);
    expect({ joining: lab.swim.joining, admitted: lab.swim.admitted }).toEqual({ joining: false, admitted: true });
  });
});

describe("a reconciliation", () => {
  test("answers a proven HAVE with datagrams of bounded number and size", () => {
    const lab = knowledgeable(1_000);
    const proof = lab.cookieFor(STRANGER);
    lab.hear({
      kind: HAVE,
      from: STRANGER,
      a: proof,
      c: 1,
      ranges: [{ first: 0, last: 0xffffffff, count: 0, fingerprint: 0 }],
    });
    const answers = lab.take();
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThanOrEqual(6);
    for (const { bytes, to } of answers) {
      expect(to).toBe(STRANGER);
      expect(bytes.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
    }
  });

  test("answers proven RANGES with datagrams of bounded number and size, however they overlap", () => {
    const lab = knowledgeable(1_000);
    const proof = lab.cookieFor(STRANGER);
    for (const step of [0, 0x01000000]) {
      const ranges = Array.from({ length: 60 }, (_, i) => ({
        first: i * step,
        last: step === 0 ? 0xffffffff : (i + 1) * step - 1,
        count: 1,
        fingerprint: i,
      }));
      lab.hear({ kind: RANGES, from: STRANGER, a: proof, ranges });
      const answers = lab.take();
      expect(answers.length).toBeLessThanOrEqual(10);
      for (const { bytes } of answers) expect(bytes.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
    }
  });

  test("of two views that hold many members of one ring key comes to an end", () => {
    // Anybody can look for such addresses: ports of many hosts that share a key.
    // More than one datagram names: a hundred, of which each side knows eighty.
    const sameKey = collidingAddresses(100);
    const left = new Lab({ address: "10.0.0.1:7979" });
    const right = new Lab({ address: "10.0.0.2:7979" });
    left.know(right.address);
    right.know(left.address);
    for (let i = 0; i < sameKey.length; i += 10) {
      const part = sameKey.slice(i, i + 10);
      if (i < 80) left.hear({ kind: GOSSIP, from: right.address, claims: part.map((member) => alive(member)) });
      if (i >= 20) right.hear({ kind: GOSSIP, from: left.address, claims: part.map((member) => alive(member)) });
    }
    for (const lab of [left, right]) {
      lab.answering = () => true;
      lab.runFor(2_000); // since the last reconciliation
    }
    // Only one of them asks, so that what it lacks must come as answers.
    left.hear({ kind: PING, from: right.address, digest: 0 });
    left.take();
    right.take();
    // One ping, and then every letter between the two, until nothing more is said.
    right.receive(
      write({
        kind: PING,
        from: left.address,
        digest: left.swim.members.ring.digest,
        b: left.cookieFor(right.address),
      }),
    );
    let letters = 0;
    for (let round = 0; round < 200; round++) {
      const forLeft = right.take().filter(({ to }) => to === left.address);
      for (const { bytes } of forLeft) left.receive(bytes);
      const forRight = left.take().filter(({ to }) => to === right.address);
      for (const { bytes } of forRight) right.receive(bytes);
      letters += forLeft.length + forRight.length;
      if (forLeft.length + forRight.length === 0) break;
    }
    expect(letters).toBeGreaterThan(2);
    expect(letters).toBeLessThan(100);
  });
});

describe("what the core sends", () => {
  test("is always readable, from itself, and never over the limit", () => {
    const lab = knowledgeable(300);
    lab.answering = (member) => !member.endsWith("7:7979");
    for (let i = 0; i < 8; i++) lab.swim.broadcast(lab.now, new Uint8Array(PAYLOAD_BYTES_MAX - i * 100));
    lab.runFor(20_000);
    const sent = lab.take();
    expect(sent.length).toBeGreaterThan(50);
    for (const { bytes, from } of sent) {
      expect(bytes.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
      expect(from).toBe(lab.address);
      expect(readable(bytes).from).toBe(lab.address);
    }
    expect(lab.swim.outbox.datagrams).toBeGreaterThanOrEqual(sent.length);
  });
});
