// When a member that was declared dead says that it lives: each row of the table in comeback.ts, by the clock.

import { describe, expect, test } from "vitest";
import { ALIVE, claimOf, DEAD, incarnationOf, LEFT, SUSPECT } from "../../src/gossip/claim.ts";
import type { Config } from "../../src/gossip/config.ts";
import { ACK, GOSSIP, HAVE, HEARD, PING } from "../../src/gossip/wire.ts";
import { Lab, names } from "./lab.ts";
import { profileOf, said } from "./letters.ts";

const [TELLER = "", OTHER = ""] = names(9);

/** A core that is well, among members who answer. */
function well(config: Partial<Config> = {}): Lab {
  const lab = new Lab({ config });
  lab.know(...names(9));
  lab.answering = () => true;
  lab.runFor(20_000);
  for (const from of names(9)) lab.hear({ kind: HEARD, from });
  lab.runFor(1_000);
  lab.take();
  return lab;
}

/** Somebody says what we are, as of our present incarnation or of so many later. */
function accuse(lab: Lab, status: number, { deafMs = 0, kind = GOSSIP, from = TELLER, later = 0 } = {}): void {
  const claims = [said(lab.address, status, incarnationOf(lab.claim(lab.address)) + later, from)];
  lab.hear({ kind, from, c: deafMs, claims });
}

/** How long it takes until this core says something new of itself; it hears a member twice a second meanwhile. */
function backAfter(lab: Lab, mostMs = 200_000): number {
  const before = lab.claim(lab.address);
  const from = lab.now;
  while (lab.claim(lab.address) === before && lab.now - from < mostMs) {
    const until = lab.now + 500;
    while (lab.claim(lab.address) === before && lab.swim.deadline <= until) lab.runUntil(lab.swim.deadline);
    if (lab.claim(lab.address) !== before) break;
    lab.runUntil(until);
    lab.hear({ kind: HEARD, from: OTHER });
  }
  expect(lab.status(lab.address)).toBe("alive");
  return lab.now - from;
}

/** It dies, and comes back by itself: how long that takes. */
function dies(lab: Lab, how: Parameters<typeof accuse>[2] = {}): number {
  const before = lab.claim(lab.address);
  accuse(lab, DEAD, how);
  return lab.claim(lab.address) === before ? backAfter(lab) : 0;
}

/** Our process stands still, and wakes up. */
function standStill(lab: Lab, ms = 2_000): void {
  lab.now = lab.swim.deadline + ms;
  lab.swim.wake(lab.now);
}

describe("a member that hears of its death", () => {
  test("says at once that it lives when it is well, with an incarnation above the death's", () => {
    const lab = well();
    accuse(lab, DEAD, { later: 6 });
    expect(lab.claim(lab.address)).toBe(claimOf(8, ALIVE));
  });

  test.each([
    [600, 400],
    [900, 100],
    [1_100, 0],
    [9_900, 0],
    [11_000, 0],
  ])(
    "stood still until %i ms before: it waits %i ms, until a second has passed without another standstill",
    (agoMs, waitMs) => {
      const lab = well();
      standStill(lab);
      lab.runFor(agoMs);
      expect(dies(lab)).toBeCloseTo(waitMs, 6);
    },
  );

  test("stands still once more while it waits: the second begins anew", () => {
    const lab = well();
    standStill(lab);
    lab.runFor(600);
    accuse(lab, DEAD);
    lab.runFor(100);
    standStill(lab);
    expect(backAfter(lab)).toBeCloseTo(1_000, 6);
  });

  test.each([
    [0, 0],
    [999, 0],
    [1_000, 2_000],
    [2_500, 5_000],
    [29_000, 58_000],
    [45_000, 60_000],
  ])(
    "and was heard for %i ms while others held it dead: it waits %i ms, twice as long and a minute at most",
    (deafMs, waitMs) => {
      expect(dies(well(), { deafMs })).toBeCloseTo(waitMs, 6);
    },
  );

  test.each([GOSSIP, PING, ACK])("learns from a frame of kind %i how long it was deaf", (kind) => {
    expect(dies(well(), { deafMs: 3_000, kind })).toBeCloseTo(6_000, 6);
  });

  test("and heard nobody itself for longer: it waits twice as long as that", () => {
    const lab = well();
    lab.answering = () => false;
    const heardAt = lab.now;
    // Not even its pings' answers; but others say nothing of it yet.
    while (lab.now - heardAt < 5_000) lab.runUntil(lab.swim.deadline);
    lab.answering = () => true;
    lab.hear({ kind: HEARD, from: TELLER });
    const silenceMs = lab.now - heardAt;
    lab.runFor(lab.config.probeTimeoutMs + 100);
    const waitedMs = dies(lab, { deafMs: 1_000 });
    expect(waitedMs).toBeGreaterThanOrEqual(2 * silenceMs);
    expect(waitedMs).toBeLessThanOrEqual(2 * (silenceMs + lab.config.probeIntervalMs));
  });

  test("after a silence waits for what others say, and counts the longest deafness that any of them tells", () => {
    const lab = well();
    lab.answering = () => false;
    lab.runFor(4_500);
    lab.answering = () => true;
    lab.hear({ kind: HEARD, from: TELLER });
    lab.runFor(lab.config.probeTimeoutMs + 1);
    const diedAt = lab.now;
    accuse(lab, DEAD);
    lab.runFor(100);
    accuse(lab, DEAD, { from: OTHER, deafMs: 20_000 });
    expect(lab.now - diedAt + backAfter(lab)).toBeCloseTo(40_000, 6);
  });

  test("again and again within minutes: it waits 4 s, 16 s, and then a minute each time", () => {
    const lab = well();
    expect([1, 2, 3, 4, 5].map(() => dies(lab))).toEqual(
      [0, 4_000, 16_000, 60_000, 60_000].map((ms) => expect.closeTo(ms, 6)),
    );
  });

  test.each([
    [119_000, 4_000],
    [121_000, 0],
    [600_000, 0],
  ])("once more after %i ms: it waits %i ms, for the memory of a death halves in two minutes", (laterMs, waitMs) => {
    const lab = well();
    dies(lab);
    lab.runFor(laterMs);
    expect(dies(lab)).toBeCloseTo(waitMs, 6);
  });

  test("where periods are shorter than a second, all of that is as much shorter", () => {
    const lab = well({ probeIntervalMs: 200, probeTimeoutMs: 100, probeTimeoutFloorMs: 60 });
    expect([1, 2, 3, 4].map(() => dies(lab))).toEqual([0, 800, 3_200, 12_000].map((ms) => expect.closeTo(ms, 6)));
  });

  test("from one who is dead to it says at once that it lives, and it counts as no death: a cut has healed", () => {
    const lab = well();
    lab.hear({ kind: GOSSIP, from: OTHER, claims: [said(TELLER, DEAD)] });
    for (let i = 0; i < 3; i++) expect(dies(lab)).toBe(0);
    expect(dies(lab, { from: OTHER }), "the first that counts").toBe(0);
    expect(dies(lab, { from: OTHER })).toBeCloseTo(4_000, 6);
  });
});

describe("a member that waits until it is steady", () => {
  /** It has died twice, and waits its 4 s. */
  function waiting(): Lab {
    const lab = well();
    dies(lab);
    lab.runFor(10_000);
    accuse(lab, DEAD);
    lab.take();
    return lab;
  }

  test("waits anew when it hears nobody for three periods, and does not come back unheard", () => {
    const lab = waiting();
    lab.answering = () => false;
    const own = lab.claim(lab.address);
    lab.runFor(20_000);
    expect(lab.claim(lab.address)).toBe(own);
    const heardAt = lab.now;
    while (lab.claim(lab.address) === own && lab.now - heardAt < 30_000) {
      lab.hear({ kind: HEARD, from: TELLER });
      lab.runFor(250);
    }
    expect(lab.now - heardAt).toBeGreaterThanOrEqual(4_000);
    expect(lab.now - heardAt).toBeLessThanOrEqual(4_000 + lab.config.probeTimeoutMs + 250);
  });

  test("begins no reconciliation, though views differ, and afterwards it does", () => {
    const lab = waiting();
    for (const from of names(9)) lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.runFor(3_000);
    expect(lab.take(HAVE)).toEqual([]);
    backAfter(lab);
    lab.runFor(1_000);
    lab.take();
    lab.hear({ kind: GOSSIP, from: TELLER, digest: 0 });
    expect(lab.take(HAVE).length).toBe(1);
  });

  test("refutes nothing older, and outbids in the end the highest that was said", () => {
    const lab = waiting();
    const own = lab.claim(lab.address);
    accuse(lab, SUSPECT);
    accuse(lab, DEAD);
    accuse(lab, DEAD, { later: 20 });
    accuse(lab, DEAD, { later: 10 });
    expect(lab.claim(lab.address)).toBe(own);
    expect(backAfter(lab)).toBeCloseTo(4_000, 6);
    expect(lab.claim(lab.address)).toBe(claimOf(incarnationOf(own) + 21, ALIVE));
  });

  test("is alive to itself all the while, probes, and answers pings", () => {
    const lab = waiting();
    lab.runFor(2_500);
    expect(lab.status(lab.address)).toBe("alive");
    expect(lab.take(PING).length).toBeGreaterThanOrEqual(1);
    lab.hear({ kind: PING, from: OTHER, a: 5 });
    expect(lab.take(ACK)).toMatchObject([{ to: OTHER, a: 5 }]);
  });

  test("and has something new to say of itself, or hears its goodbye, ends in any case above the death it heard of", () => {
    for (const meanwhile of [
      (lab: Lab) => lab.swim.update(lab.now, profileOf("new")),
      (lab: Lab) => accuse(lab, LEFT, { later: 3 }),
    ]) {
      const lab = waiting();
      const death = claimOf(incarnationOf(lab.claim(lab.address)) + 20, DEAD);
      accuse(lab, DEAD, { later: 20 });
      meanwhile(lab);
      lab.runFor(70_000);
      expect(lab.claim(lab.address)).toBeGreaterThan(death);
    }
  });

  test("and is sick, so that it probes seldom, is steady all the same: its own pings are answered", () => {
    const lab = waiting();
    for (let i = 1; i <= 5; i++) accuse(lab, DEAD, { later: i });
    expect(lab.swim.health).toBeGreaterThan(3);
    const own = lab.claim(lab.address);
    lab.runFor(4_000 + lab.config.probeIntervalMs * (lab.config.healthMax + 1));
    expect(lab.claim(lab.address)).toBeGreaterThan(own);
  });

  test("takes its leave without coming back", () => {
    const lab = waiting();
    lab.swim.leave(lab.now);
    lab.runFor(10_000);
    expect(lab.status(lab.address)).toBe("left");
  });
});

describe("a member that hears it is suspected", () => {
  test("says at once that it lives, however often", () => {
    const lab = well();
    for (let i = 0; i < 10; i++) {
      const own = lab.claim(lab.address);
      accuse(lab, SUSPECT);
      expect(lab.claim(lab.address)).toBe(claimOf(incarnationOf(own) + 1, ALIVE));
    }
  });

  test("by one who is dead to it answers only if that one asks: else all would hear of it, but not who is deaf", () => {
    const lab = well();
    lab.hear({ kind: GOSSIP, from: OTHER, claims: [said(TELLER, DEAD)] });
    const own = lab.claim(lab.address);
    lab.take();
    accuse(lab, SUSPECT);
    expect(lab.claim(lab.address)).toBe(own);
    accuse(lab, SUSPECT, { kind: PING });
    expect(lab.claim(lab.address)).toBe(claimOf(incarnationOf(own) + 1, ALIVE));
  });

  test("right after a standstill asks its links whether that still holds, and believes their answers", () => {
    const lab = well();
    lab.answering = () => false;
    standStill(lab);
    const own = lab.claim(lab.address);
    lab.take();
    for (let i = 0; i < 5; i++) accuse(lab, SUSPECT);
    expect(lab.claim(lab.address)).toBe(own);
    const asked = lab.take(PING);
    expect(asked.length, "the neighbours and a far one, once").toBe(3);
    lab.hear({
      kind: ACK,
      from: asked[0]?.to ?? "",
      a: asked[0]?.a ?? 0,
      claims: [said(lab.address, SUSPECT, 1, OTHER)],
    });
    expect(lab.claim(lab.address)).toBe(claimOf(incarnationOf(own) + 1, ALIVE));
  });

  test("asks again after 20 ms at the soonest, and refutes as ever when a probe's timeout has passed", () => {
    const lab = well();
    lab.answering = () => false;
    standStill(lab);
    accuse(lab, SUSPECT);
    lab.take();
    lab.runFor(19);
    accuse(lab, SUSPECT);
    expect(lab.take(PING)).toEqual([]);
    lab.runFor(1);
    accuse(lab, SUSPECT);
    expect(lab.take(PING).length).toBe(3);
    lab.runFor(lab.config.probeTimeoutMs - 20);
    const own = lab.claim(lab.address);
    accuse(lab, SUSPECT);
    expect(lab.claim(lab.address)).toBeGreaterThan(own);
  });
});

describe("one who is held dead", () => {
  test("is told for how long it has been heard all the same, in everything that is sent to it, and nobody else is", () => {
    const lab = well();
    lab.hear({ kind: GOSSIP, from: OTHER, claims: [said(TELLER, DEAD)] });
    const tells = () => {
      lab.take();
      lab.hear({ kind: PING, from: TELLER, a: 1 });
      return lab.take(ACK)[0]?.c;
    };
    expect(tells(), "heard for the first time").toBe(0);
    lab.runFor(1_700);
    expect(tells()).toBe(1_700);
    lab.runFor(3_000);
    expect(tells()).toBe(4_700);
    lab.hear({ kind: PING, from: OTHER, a: 1 });
    expect(lab.take(ACK)[0]?.c).toBe(0);
    lab.hear({
      kind: GOSSIP,
      from: TELLER,
      claims: [{ member: TELLER, claim: claimOf(2, ALIVE), profile: profileOf(TELLER, 2) }],
    });
    expect(tells(), "it is back").toBe(0);
  });
});
