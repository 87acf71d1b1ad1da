// Figures from facts made by hand: what is counted, from when on, and what is not held against anybody.

import { describe, expect, it } from "vitest";
import { type Fact, measure, type Pair, type Usage } from "./suite.ts";

const up = (observer: number, about: number, at: number): Fact => ({ observer, type: "up", about, at });
const down = (observer: number, about: number, at: number): Fact => ({ observer, type: "down", about, at });
const pair = (observer: number, about: number, from = 0, kind = "up"): Pair => ({ observer, about, kind, from });

describe("pairs", () => {
  it("are timed from their event, each from its own", async () => {
    const { facts, missed, times, figures } = await measure({
      pairs: [pair(0, 1, 100), pair(1, 0, 150), pair(2, 0, 100)],
      facts: [up(2, 0, 130.123), up(0, 1, 110), up(1, 0, 170)],
    });
    expect({ facts, missed, times }).toEqual({ facts: 3, missed: 0, times: [10, 20, 30.12] });
    expect(figures).toMatchObject({ firstMs: 10, p50Ms: 20, p90Ms: 30.12, p99Ms: 30.12, lastMs: 30.12 });
  });

  it("that nobody noticed are missed, and have no time", async () => {
    const { facts, missed, times, figures } = await measure({
      pairs: [pair(0, 1), pair(1, 0), pair(2, 0)],
      facts: [up(0, 1, 5), up(0, 2, 6), down(1, 0, 7)],
    });
    expect({ facts, missed, times }).toEqual({ facts: 3, missed: 2, times: [5] });
    expect(figures).toMatchObject({ firstMs: 5, lastMs: 5 });
  });

  it("that are missed are the slowest of all: a quantile among them has no end", async () => {
    const pairs = Array.from({ length: 10 }, (_, i) => pair(0, i + 1));
    const facts = pairs.slice(0, 8).map(({ about }) => up(0, about, about));
    expect((await measure({ pairs, facts })).figures).toMatchObject({ p50Ms: 5, p90Ms: null, p99Ms: null });
    expect((await measure({ pairs, facts: facts.slice(0, 4) })).figures).toMatchObject({ firstMs: 1, p50Ms: null });
  });

  it("of which all are missed have no figures, rather than zeros", async () => {
    const { missed, figures } = await measure({ pairs: [pair(0, 1)], facts: [] });
    expect(missed).toBe(1);
    expect(figures).toMatchObject({ firstMs: null, p50Ms: null, p99Ms: null, lastMs: null });
  });

  it("come true at the first notice after the event, not before it", async () => {
    const { times } = await measure({
      pairs: [pair(0, 1, 100)],
      facts: [up(0, 1, 40), up(0, 1, 300), up(0, 1, 160)],
    });
    expect(times).toEqual([60]);
  });

  it("may seem to come true before the event by as much as the clocks may differ", async () => {
    const seen = { pairs: [pair(0, 1, 100)], facts: [up(0, 1, 98)] };
    expect((await measure({ ...seen, clockErrorMs: 2 })).times).toEqual([0]);
    expect((await measure({ ...seen, clockErrorMs: 1 })).missed).toBe(1);
  });

  it("of messages are told apart by their text", async () => {
    const message = (text: string, at: number): Fact => ({ observer: 1, type: "message", about: 0, at, text });
    const said = (text: string): Pair => ({ ...pair(1, 0, 0, "message"), text });
    const { times, missed } = await measure({ pairs: [said("a"), said("b")], facts: [message("a", 3)] });
    expect({ times, missed }).toEqual({ times: [3], missed: 1 });
  });

  it("of messages have all heard when the last of each message has, in the middle of them", async () => {
    const message = (observer: number, text: string, at: number): Fact => ({
      observer,
      type: "message",
      about: 0,
      at,
      text,
    });
    const said = (text: string, from: number) =>
      [1, 2].map((one): Pair => ({ ...pair(one, 0, from, "message"), text }));
    const pairs = [...said("a", 0), ...said("b", 100), ...said("c", 200)];
    const lasts = { a: 9, b: 105, c: 250 };
    const facts = Object.entries(lasts).flatMap(([text, last], i) => [
      message(1, text, i * 100 + 1),
      message(2, text, last),
    ]);
    expect((await measure({ pairs, facts })).figures).toMatchObject({ p50Ms: 1, allP50Ms: 9 });
    // Of three messages one or two never reach somebody.
    expect((await measure({ pairs, facts: facts.slice(0, 5) })).figures).toMatchObject({ allP50Ms: 9 });
    expect((await measure({ pairs, facts: facts.slice(0, 3) })).figures).toMatchObject({ allP50Ms: null });
    expect((await measure({ pairs: [pair(0, 1)], facts: [up(0, 1, 5)] })).figures).not.toHaveProperty("allP50Ms");
  });

  it("of a goodbye come true by a death as well, those of a death by nothing else", async () => {
    const left: Fact = { observer: 0, type: "left", about: 1, at: 9 };
    expect((await measure({ pairs: [pair(0, 1, 0, "gone")], facts: [down(0, 1, 4)] })).times).toEqual([4]);
    expect((await measure({ pairs: [pair(0, 1, 0, "gone")], facts: [left] })).times).toEqual([9]);
    expect((await measure({ pairs: [pair(0, 1, 0, "down")], facts: [left] })).missed).toBe(1);
  });

  it("of a late observer are timed from when it was there", async () => {
    const { times } = await measure({
      pairs: [pair(7, 0, 500), pair(0, 7, 500)],
      facts: [up(7, 0, 512), up(0, 7, 503)],
    });
    expect(times).toEqual([3, 12]);
  });

  it("are not due when their observer or their subject went away first", async () => {
    const pairs = [pair(0, 1, 10), pair(1, 0, 10), pair(2, 0, 10)];
    const { facts, missed } = await measure({ pairs, facts: [up(1, 0, 12)], excuses: [{ member: 0, from: 20 }] });
    expect({ facts, missed }).toEqual({ facts: 1, missed: 0 });
  });

  it("are due though their subject stands still", async () => {
    const excuses = [{ member: 1, from: 20, isPause: true }];
    expect((await measure({ pairs: [pair(0, 1, 10)], facts: [], excuses })).missed).toBe(1);
  });

  it("beyond twenty thousand are thinned evenly, and the figures are of all", async () => {
    const count = 50_000;
    const pairs = Array.from({ length: count }, (_, i) => pair(i, -1));
    const { times, thinnedFrom, figures } = await measure({ pairs, facts: pairs.map((_, i) => up(i, -1, i)) });
    expect(times).toHaveLength(20_000);
    expect([times[0], times.at(-1), thinnedFrom]).toEqual([0, count - 1, count]);
    expect(times[10_000]).toBeCloseTo(count / 2, -1);
    expect(figures.p50Ms).toBe(count / 2 - 1);
  });
});

describe("false deaths", () => {
  it("are those of members who live", async () => {
    const { figures } = await measure({
      pairs: [],
      facts: [down(0, 1, 50), down(2, 1, 60), down(0, 2, 70), down(0, 3, 5)],
      excuses: [
        { member: 1, from: 40 },
        { member: 3, from: 10 },
      ], // 3 was declared down before it fell
    });
    expect(figures.falseDeaths).toBe(2);
  });

  it("are those of members who are back", async () => {
    const excuses = [{ member: 1, from: 40, until: 80 }];
    const { figures } = await measure({ pairs: [], facts: [down(0, 1, 60), down(0, 1, 81)], excuses });
    expect(figures.falseDeaths).toBe(1);
  });

  it("are not those across a cut, but those on the same side of it", async () => {
    const excuses = [{ member: 1, from: 10, observers: new Set([2, 3]) }];
    const { figures } = await measure({ pairs: [], facts: [down(2, 1, 20), down(0, 1, 20)], excuses });
    expect(figures.falseDeaths).toBe(1);
  });

  it("are counted apart for members who stand still", async () => {
    const excuses = [{ member: 1, from: 10, isPause: true }];
    const { figures } = await measure({ pairs: [], facts: [down(2, 1, 20), down(0, 1, 20), down(0, 2, 30)], excuses });
    expect(figures).toMatchObject({ deathsOfPaused: 2, falseDeaths: 1 });
  });

  it("count from when measuring began", async () => {
    expect((await measure({ pairs: [], facts: [down(0, 1, -5)] })).figures.falseDeaths).toBe(0);
  });
});

describe("false suspicions", () => {
  const facts: Fact[] = [{ observer: 0, type: "suspect", about: 1, at: 5 }];
  it("are counted where members tell them, and unknown where they do not", async () => {
    expect((await measure({ pairs: [], facts, tells: ["suspect"] })).figures.falseSuspicions).toBe(1);
    expect((await measure({ pairs: [], facts, tells: ["up"] })).figures.falseSuspicions).toBeNull();
  });
});

describe("distinct views", () => {
  it("are all different among strangers, and one when all know all", async () => {
    const entries = [0, 1, 2].map((observer) => ({ at: 0, observer, live: [] }));
    const { views, figures } = await measure({
      pairs: [],
      entries,
      // 0 and 1 know each other: one view. Then 2 knows all, then 0, then 1.
      facts: [up(0, 1, 10), up(1, 0, 20), up(2, 0, 30), up(2, 1, 30), up(0, 2, 40), up(1, 2, 50)],
    });
    expect(views).toEqual([
      [0, 3],
      [20, 2],
      [50, 1],
    ]);
    expect(figures.distinctViewsMax).toBe(3);
  });

  it("do not count who is gone", async () => {
    const all = [0, 1, 2];
    const entries = [...all.map((observer) => ({ at: 0, observer, live: all })), { at: 10, observer: 2 }];
    const { views } = await measure({ pairs: [], entries, facts: [down(0, 2, 15), down(1, 2, 25)] });
    expect(views).toEqual([
      [0, 1],
      [15, 2],
      [25, 1],
    ]);
  });

  it("are the same for the same members, in whatever order they were met", async () => {
    const entries = [0, 1].map((observer) => ({ at: 0, observer, live: [0, 1] }));
    const facts = [up(0, 5, 1), up(0, 6, 2), up(1, 6, 3), up(1, 5, 4)];
    expect((await measure({ pairs: [], entries, facts })).views.at(-1)).toEqual([4, 1]);
  });

  it("keep the suspected", async () => {
    const entries = [0, 1].map((observer) => ({ at: 0, observer, live: [0, 1] }));
    const facts: Fact[] = [{ observer: 0, type: "suspect", about: 1, at: 3 }];
    expect((await measure({ pairs: [], entries, facts })).views).toEqual([[0, 1]]);
  });
});

describe("what it costs", () => {
  const used = (observer: number, at: number, amount: number | null): Usage => {
    return { observer, at, cpuMs: amount, rssMiB: amount, datagrams: amount, bytes: amount };
  };

  it("is a rate for each node and second, on average over those who were there all the time", async () => {
    const { figures } = await measure({
      pairs: [],
      facts: [],
      usage: {
        before: [used(0, 1_000, 10), used(1, 1_000, 20), used(2, 1_000, 90)],
        // 2 was restarted and counts from nothing; 3 is new.
        after: [used(0, 3_000, 30), used(1, 3_000, 80), used(2, 3_000, 5), used(3, 3_000, 70)],
      },
    });
    expect(figures).toMatchObject({
      datagramsPerNodeAndSecond: 20,
      bytesPerNodeAndSecond: 20,
      cpuMsPerNodeAndSecond: 20,
    });
    expect(figures.rssMiB).toBe((30 + 80 + 5 + 70) / 4);
  });

  it("leaves out who was restarted, though the new process has used more", async () => {
    const { figures } = await measure({
      pairs: [],
      facts: [],
      usage: {
        before: [used(0, 1_000, 10), used(1, 1_000, 10)].map((sample) => ({ ...sample, upAt: 500 })),
        after: [
          { ...used(0, 2_000, 20), upAt: 500 },
          { ...used(1, 2_000, 60), upAt: 1_200 },
        ],
      },
    });
    expect(figures).toMatchObject({ datagramsPerNodeAndSecond: 10, cpuMsPerNodeAndSecond: 10 });
  });

  it("is unknown where nobody says, rather than nothing", async () => {
    const usage = { before: [used(0, 0, null)], after: [used(0, 1_000, null)] };
    const { figures } = await measure({ pairs: [], facts: [], usage });
    expect(figures).toMatchObject({ datagramsPerNodeAndSecond: null, cpuMsPerNodeAndSecond: null, rssMiB: null });
  });
});
