// Messages go over links until they are acknowledged: what is told, to whom, when, how often, and when it is enough.

import fc from "fast-check";
import { pack, unpack } from "msgpackr";
import { describe, expect, test } from "vitest";
import { formatAddress } from "../../src/gossip/address.ts";
import type { GossipError } from "../../src/gossip/api.ts";
import { Broadcast } from "../../src/gossip/broadcast.ts";
import type { Config } from "../../src/gossip/config.ts";
import { Random } from "../../src/gossip/random.ts";
import { ACK, GOSSIP, HEARD, PAYLOAD_BYTES_MAX, PING } from "../../src/gossip/wire.ts";
import { forge } from "./forge.ts";
import { Lab, names, type Sent } from "./lab.ts";
import { alive, at, LABEL, type Spoken, write } from "./letters.ts";
import { Village, type Villager } from "./village.ts";

const ORIGIN = names(20)[7] as string;
const spoken = (seq: number, size = 5, origin = ORIGIN): Spoken => ({
  origin,
  epoch: 77,
  seq,
  payload: new Uint8Array(size).fill(seq),
});

/** A datagram with more empty messages than our own writer, which reckons with long numbers, puts into one. */
function packed(from: string, first: number, count: number): Uint8Array {
  const elements: unknown[] = unpack(write({ kind: GOSSIP, from, messages: [spoken(first, 0)] }));
  const [head, [origin, epoch]] = [elements.slice(3, -5), elements.slice(-4)];
  const said = Array.from({ length: count }, (_, i) => [origin, epoch, first + i, new Uint8Array(0)]).flat();
  const written = [...head, count, ...said].map((element) => pack(element));
  return forge(3 + written.length, LABEL, Buffer.concat(written));
}

/** A core in a group that has stood still for long: all agree, and nothing is under way. */
function settled(config: Partial<Config> = {}, count = 20): Lab {
  const lab = new Lab({ config });
  lab.know(...names(count));
  lab.answering = () => true;
  lab.runFor(30_000);
  for (const from of names(count)) lab.hear({ kind: HEARD, from });
  lab.runFor(1_000);
  lab.take();
  expect(lab.swim.load).toMatchObject({ rumors: 0, messages: 0 });
  return lab;
}

/** What was sent with messages since the last look. */
const tellings = (lab: Lab): Sent[] => lab.take(GOSSIP).filter(({ messages }) => messages.length > 0);

/** Says something; the datagrams that tell it to the links in the same moment. */
function say(lab: Lab, size = 5): Sent[] {
  lab.take();
  lab.swim.broadcast(lab.now, new Uint8Array(size));
  lab.runFor(0);
  return tellings(lab);
}

/** A member says that it has what a datagram told it. */
const acknowledge = (lab: Lab, { to, messages }: Sent) =>
  lab.hear({ kind: HEARD, from: to, messages: messages.map((one) => ({ ...one, payload: new Uint8Array(0) })) });

describe("a message", () => {
  test("goes to the nearest neighbours on the ring and the far contact at once, once each, and to nobody else", () => {
    const lab = settled();
    const saidAt = lab.now;
    const told = say(lab);
    const { ring, self } = lab.swim.members;
    const here = ring.positionOf(self);
    const nearest = [1, -1].map((step) => formatAddress(lab.peers.address(ring.at(here + step))));
    expect(told.map(({ to }) => to)).toEqual([...nearest, expect.any(String)]);
    expect(new Set(told.map(({ to }) => to)).size).toBe(3);
    for (const letter of told) expect(letter.at).toBe(saidAt);
    lab.runFor(lab.config.resendMinMs - 1);
    expect(tellings(lab)).toEqual([]);
  });

  test("from elsewhere is passed on in the moment it is heard", () => {
    const lab = settled();
    lab.hear({ kind: GOSSIP, from: ORIGIN, messages: [spoken(1)] });
    const heardAt = lab.now;
    lab.runFor(lab.config.resendMinMs - 1);
    const told = tellings(lab);
    expect(told.length).toBeGreaterThanOrEqual(2);
    for (const { at, messages } of told) expect({ at, messages }).toEqual({ at: heardAt, messages: [spoken(1)] });
  });

  test("that comes right after another waits until two tellings are coalesceMs apart, with all that come meanwhile", () => {
    const lab = settled();
    const { coalesceMs } = lab.config;
    const [first] = say(lab);
    const toldAt = lab.now;
    for (let i = 0; i < 3; i++) {
      lab.runFor(coalesceMs / 4);
      lab.swim.broadcast(lab.now, Uint8Array.of(i));
    }
    lab.runUntil(toldAt + coalesceMs - 0.01);
    expect(tellings(lab)).toEqual([]);
    lab.runUntil(toldAt + coalesceMs);
    const told = tellings(lab);
    const firstSeq = first?.messages[0]?.seq ?? 0;
    expect(told.length).toBe(3);
    for (const { at, messages } of told) {
      expect(at).toBe(toldAt + coalesceMs);
      expect(messages.map(({ seq }) => seq - firstSeq)).toEqual([1, 2, 3]);
    }
    lab.runFor(coalesceMs);
    expect(
      say(lab).map(({ at }) => at),
      "and after the pause at once",
    ).toEqual(Array(3).fill(lab.now));
  });

  test("is never told again to a link that said that it has it, and is forgotten when all have", () => {
    const lab = settled();
    const told = say(lab);
    for (const [i, letter] of told.entries()) {
      expect(lab.swim.load.messages).toBe(1);
      expect(acknowledge(lab, letter)).toBe("ok");
      lab.runFor(i);
    }
    lab.runFor(20_000);
    expect(tellings(lab)).toEqual([]);
    expect(lab.swim.load.messages).toBe(0);
  });

  test("is told again to a link that does not, eight times in all, each pause half as long again as the one before", () => {
    const lab = settled();
    const [silent, ...others] = say(lab);
    for (const letter of others) acknowledge(lab, letter);
    lab.runFor(20_000);
    const again = tellings(lab);
    expect(new Set(again.map(({ to }) => to))).toEqual(new Set([silent?.to]));
    const times = [silent, ...again].map((letter) => letter?.at ?? 0);
    const pauses = times.slice(1).map((time, i) => time - (times[i] as number));
    expect(pauses).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => expect.closeTo(lab.config.resendMinMs * 1.5 ** i, 3)));
    expect(lab.swim.load.messages).toBe(0);
  });

  test.each([1, 3, 7])("is told no more after an acknowledgement of the telling number %i", (count) => {
    const lab = settled();
    const [late, ...others] = say(lab);
    for (const letter of others) acknowledge(lab, letter);
    let told = 1;
    while (told < count) {
      lab.runUntil(lab.swim.deadline);
      told += tellings(lab).length;
    }
    acknowledge(lab, late as Sent);
    lab.runFor(20_000);
    expect(tellings(lab)).toEqual([]);
    expect(lab.swim.load.messages).toBe(0);
  });

  test.each([
    [80, 80 + 4 * 40, 300],
    [400, 500, 560],
  ])(
    "waits for its acknowledgement as long as the measured round-trip of %i ms suggests, %i ms and no longer than for a probe, and as long as that waits itself: %i ms",
    (rttMs, estimateMs, pauseMs) => {
      const lab = new Lab();
      expect(estimateMs + lab.config.heardDelayMs).toBe(pauseMs);
      lab.know(...names(4));
      for (let ping: Sent | undefined; !ping; ) {
        lab.runUntil(lab.swim.deadline);
        ping = lab.take(PING)[0];
        if (!ping) continue;
        lab.runFor(rttMs);
        lab.hear({ kind: ACK, from: ping.to, a: ping.a });
      }
      const told = say(lab);
      const [first] = told;
      lab.runFor(pauseMs - 0.01);
      expect(tellings(lab)).toEqual([]);
      lab.runFor(0.02);
      expect(tellings(lab).map(({ to }) => to)).toContain(first?.to);
    },
  );

  test.each([
    ["while nothing is measured", false],
    ["no longer once one is answered in time again (RFC 6298 5.7)", true],
  ])("waits for what its probes missed %s", (_, isMeasured) => {
    const lab = new Lab();
    lab.know(...names(4));
    /** The next probe is answered when it has been asked so often: after once more, that says nothing of the round-trip. */
    const probed = (times: number) => {
      const asked = new Map<number, number>();
      for (let step = 0; step < 1_000; step++) {
        lab.runUntil(lab.swim.deadline);
        for (const { to, a } of lab.take(PING)) {
          asked.set(a, (asked.get(a) ?? 0) + 1);
          if (asked.get(a) !== times) continue;
          lab.runFor(5);
          lab.hear({ kind: ACK, from: to, a });
          return;
        }
      }
      throw new Error("nobody was probed");
    };
    probed(1);
    for (let i = 0; i < 10; i++) probed(2);
    if (isMeasured) probed(1);
    const [first] = say(lab);
    const isToldAgain = () => tellings(lab).some(({ to }) => to === first?.to);
    lab.runFor(lab.config.resendMinMs + 1);
    expect(isToldAgain()).toBe(isMeasured);
    lab.runFor(lab.config.probeTimeoutMs + lab.config.heardDelayMs - lab.config.resendMinMs);
    expect(isToldAgain()).toBe(true);
  });

  test("that two tell each other at the same time is its own acknowledgement", () => {
    const lab = settled();
    lab.hear({ kind: GOSSIP, from: ORIGIN, messages: [spoken(1)] });
    lab.runFor(lab.config.coalesceMs);
    const told = tellings(lab);
    lab.take();
    for (const { to } of told) lab.hear({ kind: GOSSIP, from: to, messages: [spoken(1)] });
    lab.runFor(20_000);
    expect(tellings(lab)).toEqual([]);
    expect(lab.take(HEARD), "nobody is thanked").toEqual([]);
  });

  test("is acknowledged to whoever told it, and again however often it is told: the acknowledgement may have been lost", () => {
    const lab = settled();
    const bystander = names(20)[3] as string;
    for (let i = 0; i < 5; i++) {
      lab.take();
      lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(1)] });
      const at = lab.now + lab.config.heardDelayMs;
      lab.runFor(lab.config.resendMinMs);
      const heard = lab.take(HEARD);
      expect(heard).toMatchObject([
        { at, to: bystander, claims: [], messages: [{ ...spoken(1), payload: new Uint8Array(0) }] },
      ]);
      lab.runFor(1_000);
    }
    expect(lab.delivered.length, "and handed over once").toBe(1);
  });

  test("that came from a link, or from its origin itself, is not told back", () => {
    const lab = settled();
    const links = say(lab).map(({ to }) => to);
    for (const letter of links) lab.hear({ kind: HEARD, from: letter });
    const [teller = "", origin = "", third] = links;
    lab.runFor(20_000);
    lab.take();
    lab.hear({ kind: GOSSIP, from: teller, messages: [spoken(1, 5, origin)] });
    lab.runFor(20_000);
    expect(new Set(tellings(lab).map(({ to }) => to))).toEqual(new Set([third]));
  });

  test("is named in one acknowledgement with those that came while it waited, and those wait no longer than the first", () => {
    const lab = settled();
    const { heardDelayMs, resendMinMs } = lab.config;
    const bystander = names(20)[3] as string;
    const from = lab.now;
    for (const [i, afterMs] of [0, 1, heardDelayMs / 2, heardDelayMs - 1].entries()) {
      lab.runUntil(from + afterMs);
      lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(1 + i)] });
    }
    lab.runUntil(from + resendMinMs);
    const heard = lab.take(HEARD);
    expect(heard.map(({ at, to }) => ({ at, to }))).toEqual([{ at: from + heardDelayMs, to: bystander }]);
    expect(heard[0]?.messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  test("is named once, however often its teller repeats it in that time", () => {
    const lab = settled();
    const bystander = names(20)[3] as string;
    for (let i = 0; i < 9; i++) lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(1 + (i % 3))] });
    lab.runFor(lab.config.heardDelayMs);
    const named = lab.take(HEARD).flatMap(({ to, messages }) => (to === bystander ? messages : []));
    expect(named.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("is acknowledged at once with 63 others that wait, so that no more than 64 wait for one member", () => {
    const lab = settled();
    const bystander = names(20)[3] as string;
    for (let seq = 1; seq <= 150; seq++) lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(seq)] });
    const atOnce = lab.take(HEARD).flatMap(({ messages }) => messages);
    expect(atOnce.map(({ seq }) => seq)).toEqual(Array.from({ length: 128 }, (_, i) => i + 1));
    lab.runFor(lab.config.heardDelayMs);
    const later = lab.take(HEARD).flatMap(({ to, messages }) => (to === bystander ? messages : []));
    expect(later.map(({ seq }) => seq)).toEqual(Array.from({ length: 22 }, (_, i) => i + 129));
  });

  test("in one datagram with 63 others is acknowledged, whatever waited before it", () => {
    const lab = settled();
    const bystander = names(20)[3] as string;
    for (let seq = 1; seq <= 10; seq++) lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(seq)] });
    expect(lab.receive(packed(bystander, 11, 64))).toBe("ok");
    lab.runFor(lab.config.heardDelayMs);
    const named = lab.take(HEARD).flatMap(({ to, messages }) => (to === bystander ? messages : []));
    expect(named.map(({ seq }) => seq)).toEqual(Array.from({ length: 74 }, (_, i) => i + 1));
  });

  test("that waits for the pause between two tellings is not told early because somebody is thanked", () => {
    const lab = settled();
    const { coalesceMs, heardDelayMs } = lab.config;
    const from = lab.now;
    lab.hear({ kind: GOSSIP, from: names(20)[3] as string, messages: [spoken(1)] });
    lab.runUntil(from + heardDelayMs - 1);
    say(lab);
    const toldAt = lab.now;
    lab.runFor(0.5);
    lab.swim.broadcast(lab.now, Uint8Array.of(1));
    lab.runUntil(toldAt + coalesceMs - 0.01);
    expect(lab.now, "thanks were due meanwhile").toBeGreaterThan(from + heardDelayMs);
    expect(tellings(lab)).toEqual([]);
    lab.runUntil(toldAt + coalesceMs);
    expect(tellings(lab)).toHaveLength(3);
  });

  test("named in an acknowledgement is not thereby heard", () => {
    const lab = settled();
    lab.hear({ kind: HEARD, from: names(20)[3] as string, messages: [{ ...spoken(1), payload: new Uint8Array(0) }] });
    expect(lab.delivered).toEqual([]);
    lab.hear({ kind: GOSSIP, from: names(20)[3] as string, messages: [spoken(1)] });
    expect(lab.delivered.length).toBe(1);
  });

  test("that is empty is a message", () => {
    const lab = settled();
    lab.hear({ kind: GOSSIP, from: names(20)[3] as string, messages: [spoken(1, 0)] });
    expect(lab.delivered.length).toBe(1);
  });

  test("goes to a neighbour that came while it is under way, and not to one that came later", () => {
    const lab = settled({}, 3);
    const told = say(lab);
    for (const letter of told.slice(1)) acknowledge(lab, letter);
    const near = names(40, "10.0.61");
    lab.know(...near);
    lab.runFor(lab.config.resendMinMs);
    const links = () => {
      const { ring, self } = lab.swim.members;
      return [1, -1].map((step) => formatAddress(lab.peers.address(ring.at(ring.positionOf(self) + step))));
    };
    const newcomers = links().filter((link) => near.includes(link));
    expect(newcomers.length).toBeGreaterThan(0);
    expect(new Set(tellings(lab).map(({ to }) => to))).toEqual(new Set(links()));
    lab.runFor(20_000);
    lab.take();
    lab.know(...names(40, "10.0.62"));
    lab.runFor(1_000);
    expect(tellings(lab)).toEqual([]);
  });

  test("is refused while 128 of our own are under way, and taken again when one of them has reached the links", () => {
    const lab = settled();
    lab.take();
    const say = () => lab.swim.broadcast(lab.now, Uint8Array.of(1));
    for (let i = 1; i <= 128; i++) say();
    expect(say).toThrow(expect.objectContaining({ code: "ERR_BUSY" }));
    expect(lab.swim.load.messages).toBe(128);
    lab.runFor(1_000);
    for (const letter of tellings(lab)) acknowledge(lab, letter);
    expect(lab.swim.load.messages).toBe(0);
    expect(say()).toBe(21);
  });

  test("of somebody else is neither heard nor acknowledged while 1,024 are under way, and is heard when told again", () => {
    const lab = settled();
    lab.take();
    const bystander = names(20)[3] as string;
    const hear = (seq: number) => lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(seq)] });
    for (let seq = 1; seq <= 1_025; seq++) hear(seq);
    expect(lab.swim.load.messages).toBe(1_024);
    expect(lab.swim.stats).toMatchObject({ delivered: 1_024, postponed: 1 });
    expect(() => lab.swim.broadcast(lab.now, Uint8Array.of(1))).toThrow(expect.objectContaining({ code: "ERR_BUSY" }));
    hear(1);
    expect(lab.swim.stats.delivered, "what was heard is not heard again").toBe(1_024);
    const thanked: number[] = [];
    for (let sent = lab.take(); lab.swim.load.messages > 0; sent = lab.take()) {
      for (const letter of sent) {
        if (letter.kind === GOSSIP) acknowledge(lab, letter);
        if (letter.kind === HEARD) thanked.push(...letter.messages.map(({ seq }) => seq));
      }
      lab.runFor(100);
      expect(lab.now).toBeLessThan(60_000);
    }
    expect(Math.max(...thanked)).toBe(1_024);
    hear(1_025);
    expect(lab.swim.stats.delivered).toBe(1_025);
  });

  test("a name that comes again after a walk round all serial numbers takes one place", () => {
    const lab = settled();
    const [from = ""] = names(20);
    for (let i = 0; i < 2_000; i++) {
      // Each is ahead of the one before (RFC 1982), and after three the first is news again.
      lab.hear({ kind: GOSSIP, from, messages: [spoken((Math.trunc(i % 3) * 0x7fff_ffff) >>> 0, 0)] });
    }
    lab.runFor(60_000);
    expect(lab.swim.load.messages).toBe(0);
    for (let i = 0; i < 100; i++) expect(() => lab.swim.broadcast(lab.now, Uint8Array.of(i))).not.toThrow();
  });

  test("to nobody is no longer under way than it takes to say it", () => {
    const lab = new Lab({});
    for (let i = 0; i < 2_000; i++) expect(lab.swim.broadcast(lab.now, Uint8Array.of(1))).toBe(1);
    expect(lab.swim.load.messages).toBe(0);
  });

  /** A word each millisecond; links for which `answers` is true acknowledge at once. Returns what was told till the end. */
  function storm(lab: Lab, words: number, answers: (link: string, links: readonly string[]) => boolean): Sent[] {
    const { gossipBurst, gossipPerSecond } = lab.config;
    const from = lab.now;
    const told: Sent[] = [];
    const links: string[] = [];
    lab.take();
    for (let ms = 0; ms < words + 1_000; ms++) {
      if (ms < words) lab.swim.broadcast(lab.now, Uint8Array.of(1));
      lab.runFor(1);
      for (const letter of tellings(lab)) {
        told.push(letter);
        if (!links.includes(letter.to)) links.push(letter.to);
        if (answers(letter.to, links)) acknowledge(lab, letter);
      }
      expect(told.length).toBeLessThanOrEqual(gossipBurst + ((lab.now - from) * gossipPerSecond) / 1_000);
    }
    return told;
  }

  const seqsTo = (link: string, told: readonly Sent[]) =>
    new Set(told.flatMap(({ to, messages }) => (to === link ? messages.map(({ seq }) => seq) : [])));

  test("of a storm waits for others to go with it: no more datagrams than burst and rate allow, and all are told", () => {
    const lab = settled();
    const from = lab.now;
    const told = storm(lab, 600, () => true);
    const links = new Set(told.map(({ to }) => to));
    expect(links.size).toBe(3);
    for (const link of links) expect(seqsTo(link, told).size).toBe(600);
    const late = told.filter(({ at }) => at > from + 500 && at < from + 600);
    for (const { messages } of late) expect(messages.length, "batches").toBeGreaterThan(5);
  });

  test.each([0, 1, 2])("of a storm reaches the other links, although link %i acknowledges nothing", (silent) => {
    const lab = settled();
    const told = storm(lab, 600, (link, links) => links.indexOf(link) !== silent);
    const links = [...new Set(told.map(({ to }) => to))];
    for (const link of links.filter((_, i) => i !== silent)) expect(seqsTo(link, told).size).toBe(600);
  });

  test.each([10, 400, 700, PAYLOAD_BYTES_MAX])(
    "of %i bytes is in the first datagram to each link, however much there is to tell of members",
    (size) => {
      const lab = settled();
      const [teller = ""] = names(20);
      for (const member of names(30, "10.0.52"))
        lab.hear({
          kind: GOSSIP,
          from: teller,
          digest: 0,
          claims: [{ ...alive(member), profile: new Uint8Array(300).fill(7) }],
        });
      lab.take();
      lab.swim.broadcast(lab.now, new Uint8Array(size));
      lab.runFor(lab.config.coalesceMs);
      const first = new Map<string, Sent>();
      for (const letter of lab.take(GOSSIP)) if (!first.has(letter.to)) first.set(letter.to, letter);
      const told = [...first.values()].filter(({ messages }) =>
        messages.some(({ payload }) => payload.length === size),
      );
      expect(told.length).toBe(first.size);
      expect(first.size).toBeGreaterThanOrEqual(2);
    },
  );

  test("and many others have half of a datagram, and news of members the other half, when there is much of both", () => {
    const lab = settled();
    const [teller = ""] = names(20);
    for (const member of names(60, "10.0.52"))
      lab.hear({
        kind: GOSSIP,
        from: teller,
        digest: 0,
        claims: [{ ...alive(member), profile: new Uint8Array(40).fill(7) }],
      });
    for (let i = 0; i < 60; i++) lab.swim.broadcast(lab.now, new Uint8Array(40));
    lab.take();
    lab.runFor(lab.config.coalesceMs);
    const [first] = tellings(lab);
    const bytes = (first?.messages.length ?? 0) * (40 + 2 + 9 + 5 + 1);
    expect(bytes).toBeGreaterThan(1_400 * 0.4);
    expect((first?.claims.length ?? 0) * (40 + 2 + 9 + 1)).toBeGreaterThan(1_400 * 0.35);
  });
});

describe("a stranger", () => {
  const STRANGER = "10.0.99.1:7979";

  test("that tells a message is not answered, and is told none when it pings", () => {
    const lab = settled();
    lab.hear({ kind: GOSSIP, from: STRANGER, messages: [spoken(1)] });
    lab.hear({ kind: GOSSIP, from: STRANGER, claims: [alive("10.0.50.1:7979")] });
    lab.hear({ kind: PING, from: STRANGER, a: 3 });
    lab.runFor(20_000);
    expect(lab.take().filter(({ to }) => to === STRANGER)).toMatchObject([
      { kind: ACK, a: 3, messages: [], claims: [] },
    ]);
  });

  test("cannot acknowledge anything", () => {
    const lab = settled();
    const told = say(lab);
    expect(lab.hear({ kind: HEARD, from: STRANGER, messages: told[0]?.messages ?? [] })).toBe("stray");
    lab.runFor(lab.config.resendMinMs);
    expect(tellings(lab).length).toBe(told.length);
  });
});

describe("an acknowledgement", () => {
  test("is never longer than what it acknowledges", () => {
    const anySpoken = fc
      .record({
        seq: fc.integer({ min: 1, max: 40 }),
        size: fc.nat(30),
        origin: fc.constantFrom(...names(20), "[fd00::9]:7979"),
      })
      .map(({ seq, size, origin }) => spoken(seq, size, origin));
    const lab = settled();
    const asking = names(20)[3] as string;
    fc.assert(
      fc.property(fc.array(anySpoken, { maxLength: 25 }), fc.boolean(), (messages, hasNews) => {
        const claims = hasNews ? [alive(names(20)[4] as string)] : [];
        // As a member's: with a cookie and an incarnation.
        const question = write({
          kind: GOSSIP,
          from: asking,
          b: 0xdeadbeef,
          digest: lab.swim.members.ring.digest,
          messages,
          claims,
        });
        lab.take();
        lab.receive(question);
        lab.runFor(lab.config.heardDelayMs);
        const answers = lab.take(HEARD).filter(({ to }) => to === asking);
        // Whoever was shown our digest a moment ago needs no thanks for a claim.
        if (messages.length > 0 || !hasNews) expect(answers.length).toBe(messages.length > 0 ? 1 : 0);
        else expect(answers.length).toBeLessThanOrEqual(1);
        for (const { bytes } of answers) expect(bytes.length).toBeLessThanOrEqual(question.length);
      }),
      { numRuns: 200 },
    );
  });

  test("is not acknowledged", () => {
    const lab = settled();
    const told = say(lab);
    for (const letter of told) acknowledge(lab, letter);
    for (const from of names(20))
      lab.hear({ kind: HEARD, from, messages: [{ ...spoken(9), payload: new Uint8Array(0) }] });
    lab.runFor(2 * lab.config.heardDelayMs);
    expect(lab.take(HEARD)).toEqual([]);
  });

  test("sends nothing but itself: rumors under way are not told once more for it", () => {
    const lab = settled();
    const [teller = "", bystander = ""] = names(20);
    lab.hear({ kind: GOSSIP, from: teller, digest: 0, claims: [alive("10.0.50.1:7979")] });
    const nextRoundAt = lab.now + lab.config.gossipIntervalMs;
    lab.runFor(0);
    expect(lab.take(GOSSIP).length).toBe(3);
    for (let i = 0; i < 3; i++) {
      // Heard already, so there is nothing but the thanks to say.
      lab.hear({ kind: GOSSIP, from: bystander, messages: [spoken(1, 5, lab.address)] });
      lab.runFor(lab.config.heardDelayMs);
    }
    expect(lab.now).toBeLessThan(nextRoundAt);
    const sent = lab.take().filter(({ kind }) => kind !== PING);
    expect(sent.filter(({ kind }) => kind === HEARD).length).toBe(3);
    expect(sent.filter(({ kind }) => kind === GOSSIP)).toEqual([]);
  });
});

describe("a number of a peer's that becomes another's", () => {
  test("has heard nothing", () => {
    const broadcast = new Broadcast(at(names(20)[0] as string));
    const message = { origin: at(ORIGIN), epoch: 1, seq: 1, payload: new Uint8Array(3) };
    broadcast.add(message);
    broadcast.knows(message.origin, 1, 1, 5);
    expect(broadcast.isDue(5, 0)).toBe(false);
    broadcast.tell(6, 0, 100, () => true);
    expect(broadcast.isDue(6, 0)).toBe(false);
    broadcast.forget(5);
    broadcast.forget(6);
    expect([5, 6].map((peer) => broadcast.isDue(peer, 0))).toEqual([true, true]);
    expect(broadcast.isCrossing(message.origin, 1, 1, 6, 0)).toBe(false);
  });
});

describe("a burst of more than may be under way", () => {
  test.each([1, 8])(
    "is heard by everybody, each message once, when %i members say again what was refused",
    (speakers) => {
      const village = new Village({}, 3);
      const all = names(8, "10.0.3").map((name) => village.settle(name));
      for (const one of all.slice(1)) village.join(one, all[0] as Villager);
      village.runFor(5_000);
      village.sights.length = 0;
      const left = new Map(all.slice(0, speakers).map((one) => [one, Array.from({ length: 1_500 }, (_, i) => i)]));
      let refused = 0;
      for (let i = 0; i < 6_000 && [...left.values()].some(({ length }) => length > 0); i++) {
        for (const [speaker, words] of left) {
          village.tell(speaker, (swim, now) => {
            try {
              for (; words.length > 0; words.shift()) {
                swim.broadcast(now, new TextEncoder().encode(`${words[0]} of ${speaker.address}`));
              }
            } catch (error) {
              if ((error as GossipError).code !== "ERR_BUSY") throw error;
              refused++;
            }
          });
        }
        village.runFor(10);
      }
      village.runFor(10_000);
      expect(refused).toBeGreaterThan(0);
      const heard = village.sights.flatMap((sight) => (sight.what === "message" ? [`${sight.by} ${sight.text}`] : []));
      expect(heard.length, "each by all but its speaker").toBe(speakers * 1_500 * 7);
      expect(new Set(heard).size).toBe(heard.length);
      for (const { swim } of all) expect(swim.load.messages).toBe(0);
    },
  );
});

describe("where datagrams are lost", () => {
  test("each message is heard by everybody, once, and in the end nobody waits", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.constantFrom(0, 0.1, 0.3), (seed, loss) => {
        const village = new Village({}, seed);
        const all = names(6, "10.0.2").map((name) => village.settle(name));
        for (const one of all.slice(1)) village.join(one, all[0] as Villager);
        village.runFor(5_000);
        const chance = new Random(seed);
        village.isLost = (_from, _to, { kind }) => (kind === GOSSIP || kind === HEARD) && chance.unit() < loss;
        village.sights.length = 0;
        for (const [i, one] of all.entries())
          village.tell(one, (swim, now) => swim.broadcast(now, new TextEncoder().encode(`word ${i}`)));
        village.runFor(6_000);
        const heard = village.sights.flatMap((sight) =>
          sight.what === "message" ? [`${sight.by} ${sight.text}`] : [],
        );
        const expected = all.flatMap(({ address }, i) =>
          all.flatMap((_, j) => (i === j ? [] : [`${address} word ${j}`])),
        );
        expect(heard.sort()).toEqual(expected.sort());
        for (const { swim } of all) expect(swim.load.messages).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});
