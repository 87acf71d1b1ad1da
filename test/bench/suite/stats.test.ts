import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { median, quantile, ratioOfMedians, seeded, summary } from "../../../bench/suite/stats.mjs";

const values = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 12 });

describe("medians and quantiles", () => {
  it("has as many values above the median as below", () => {
    fc.assert(
      fc.property(values, (some) => {
        const middle = Number(median(some));
        const [below, above] = [some.filter((value) => value < middle), some.filter((value) => value > middle)];
        expect(below.length).toBeLessThanOrEqual(some.length / 2);
        expect(above.length).toBeLessThanOrEqual(some.length / 2);
      }),
    );
  });

  it("takes the middle of two, leaves the order alone and says null of none", () => {
    const some = [9, 1, 4, 2];
    expect(median(some)).toBe(3);
    expect(some).toEqual([9, 1, 4, 2]);
    expect([median([]), quantile([], 0.5), summary([])]).toEqual([null, null, null]);
  });

  it("knows a run that never came to it", () => {
    expect(median([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
    expect(summary([3, Number.POSITIVE_INFINITY, 1])).toEqual({
      median: 3,
      least: 1,
      most: Number.POSITIVE_INFINITY,
      count: 3,
    });
  });
});

describe("the ratio of two medians", () => {
  it("is 1 of runs with themselves, and the interval holds it", () => {
    fc.assert(
      fc.property(values, fc.boolean(), (some, paired) => {
        const { ratio, low, high } = ratioOfMedians(some, some, { paired, resamples: 100 });
        expect(ratio).toBe(1);
        if (some.length < 3) expect([low, high]).toEqual([null, null]);
        else expect([Number(low) <= 1, Number(high) >= 1]).toEqual([true, true]);
      }),
      { numRuns: 50 },
    );
  });

  it("is what the medians say, within its interval, and the same again from the same seed", () => {
    const [ours, theirs] = [
      [10, 12, 11, 14, 9],
      [31, 29, 33, 36, 30],
    ];
    const first = ratioOfMedians(ours, theirs, { seed: 5 });
    expect(first.ratio).toBeCloseTo(11 / 31);
    expect(first.low).toBeLessThan(11 / 31);
    expect(first.high).toBeGreaterThan(11 / 31);
    expect(first.high).toBeLessThan(1);
    expect(ratioOfMedians(ours, theirs, { seed: 5 })).toEqual(first);
    expect(ratioOfMedians(ours, theirs, { seed: 6 })).not.toEqual(first);
  });

  it("turns over when the sides change places", () => {
    const [ours, theirs] = [
      [10, 12, 11, 14, 9],
      [31, 29, 33, 36, 30],
    ];
    const [there, back] = [ratioOfMedians(ours, theirs), ratioOfMedians(theirs, ours)];
    expect(Number(there.low) * Number(back.high)).toBeCloseTo(1, 1);
    expect(Number(there.high) * Number(back.low)).toBeCloseTo(1, 1);
  });

  it("grows wider with the confidence and narrower with more runs", () => {
    const chance = seeded(3);
    const draw = (count: number) => Array.from({ length: count }, () => Math.exp(0.3 * chance.normal()));
    const width = (count: number, confidence: number) => {
      const { low, high } = ratioOfMedians(draw(count), draw(count), { confidence });
      return Math.log(Number(high) / Number(low));
    };
    expect(width(40, 0.95)).toBeLessThan(width(5, 0.95));
    const [ours, theirs] = [draw(8), draw(8)];
    const [narrow, wide] = [0.8, 0.99].map((confidence) => ratioOfMedians(ours, theirs, { confidence }));
    expect(Number(wide?.low)).toBeLessThan(Number(narrow?.low));
    expect(Number(wide?.high)).toBeGreaterThan(Number(narrow?.high));
  });

  it("takes what is below the resolution of a record for the resolution", () => {
    expect(ratioOfMedians([0, 0, 0], [0, 0, 0])).toEqual({ ratio: 1, low: 1, high: 1, paired: false });
    expect(ratioOfMedians([1, 1, 1], [0, 0, 0]).ratio).toBe(100);
  });

  it("refuses pairs of which one side has more", () => {
    expect(() => ratioOfMedians([1, 2, 3], [1, 2], { paired: true })).toThrow("got 3 and 2");
  });
});

type Draw = (chance: ReturnType<typeof seeded>) => number;
const DRAWS: Record<string, Draw> = {
  lognormal: (chance) => Math.exp(0.3 * chance.normal()),
  exponential: (chance) => -Math.log(1 - chance.unit()),
  "with stragglers": (chance) => (chance.unit() < 0.1 ? 5 : 1) * Math.exp(0.05 * chance.normal()),
};
const TRIALS = 300;
/** Three standard errors of a share of 95 % in so many trials below it. */
const LEAST_SHARE = 0.95 - 3 * Math.sqrt((0.95 * 0.05) / TRIALS);

/** How often the interval holds the truth, a factor of two, for so many runs. */
function coverage(draw: Draw, count: number, paired: boolean): number {
  const chance = seeded(count * 7 + Number(paired));
  let held = 0;
  for (let seed = 0; seed < TRIALS; seed++) {
    const drift = Array.from({ length: count }, () => (paired ? Math.exp(0.4 * chance.normal()) : 1));
    const [ours, theirs] = [drift.map((pace) => 2 * pace * draw(chance)), drift.map((pace) => pace * draw(chance))];
    const { low, high } = ratioOfMedians(ours, theirs, { paired, seed, resamples: 300 });
    if (Number(low) <= 2 && Number(high) >= 2) held++;
  }
  return held / TRIALS;
}

describe("the interval of the ratio", () => {
  const cases = Object.keys(DRAWS).flatMap((name) => [3, 5, 10].map((count) => [name, count] as const));

  it.each(cases)("holds the truth as often as promised: %s, %i runs", (name, count) => {
    expect(coverage(DRAWS[name] as Draw, count, false)).toBeGreaterThanOrEqual(LEAST_SHARE);
  });

  it.each(cases)("and in pairs on a drifting machine: %s, %i runs", (name, count) => {
    expect(coverage(DRAWS[name] as Draw, count, true)).toBeGreaterThanOrEqual(LEAST_SHARE);
  });

  it("is narrower in pairs when the machine drifts", () => {
    const chance = seeded(11);
    const width = ({ low, high }: { low: number | null; high: number | null }) => Math.log(Number(high) / Number(low));
    const widths = Array.from({ length: 20 }, (_, seed) => {
      const drift = Array.from({ length: 8 }, () => Math.exp(0.5 * chance.normal()));
      const [ours, theirs] = [drift.map((pace) => pace * Math.exp(0.05 * chance.normal())), drift];
      const [together, apart] = [true, false].map((paired) => width(ratioOfMedians(ours, theirs, { paired, seed })));
      return Number(together) / Number(apart);
    });
    expect(median(widths)).toBeLessThan(0.8);
  });
});
