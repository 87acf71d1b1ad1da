// What can be said of a few runs: medians, and how far the ratio of two medians is to be trusted. Pure: chance is a seed.
//
// The interval is a percentile bootstrap on the logarithms, where a ratio is a difference and a half is as far as a double.
// To resample three or five runs says too little by itself: it never leaves their range. So each drawn run is shaken by as
// much as their mean is uncertain, and the percentiles are Student's instead of the normal's (Hesterberg, "What Teachers
// Should Know About the Bootstrap", 2015, has both). Five or more pairs are drawn and shaken as pairs, so that what slowed
// both cancels; fewer are taken apart, which is the wider interval of the two.

import { quantile } from "../record.mjs";
import { mean } from "../words.mjs";

export { quantile };

const RESAMPLES = 1_000;
const CONFIDENCE = 0.95;
/** Of fewer runs on a side nothing is said. */
export const LEAST_RUNS = 3;
const LEAST_PAIRS = 5;
/** Records are rounded to this: what is less is as good as this. */
const RESOLUTION = 0.01;

/** Of an even number, the middle of the two in the middle; null of none. */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @returns {{ median: number, least: number, most: number, count: number } | null} null of none */
export function summary(values) {
  if (values.length === 0) return null;
  return { median: median(values), least: quantile(values, 0), most: quantile(values, 1), count: values.length };
}

/**
 * The ratio of the median of `ours` to the median of `theirs`, and the interval that holds it.
 *
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 * @param {{ paired?: boolean, confidence?: number, seed?: number, resamples?: number }} [options] paired: the i-th of
 *   both were made together
 * @returns {{ ratio: number | null, low: number | null, high: number | null, paired: boolean }} the ratio is null where one
 *   side has no runs, the interval also where a side has too few; paired: whether the interval was made of pairs
 */
export function ratioOfMedians(ours, theirs, options = {}) {
  const { paired = false, confidence = CONFIDENCE, seed = 1, resamples = RESAMPLES } = options;
  if (paired && ours.length !== theirs.length) {
    throw new RangeError(`Expected as many runs on both sides of pairs, got ${ours.length} and ${theirs.length}`);
  }
  const [a, b] = [median(ours), median(theirs)];
  if (a === null || b === null) return { ratio: null, low: null, high: null, paired: false };
  const ratio = Math.max(RESOLUTION, a) / Math.max(RESOLUTION, b);
  if (Math.min(ours.length, theirs.length) < LEAST_RUNS) return { ratio, low: null, high: null, paired: false };
  const [x, y] = [ours.map(logarithm), theirs.map(logarithm)];
  const chance = seeded(seed);
  const inPairs = paired && x.length >= LEAST_PAIRS;
  const draw = inPairs ? together(x, y, chance) : apart(x, y, chance);
  const differences = Float64Array.from({ length: resamples }, draw).sort();
  const freedom = inPairs ? x.length - 1 : x.length + y.length - 2;
  const tail = normalBelow(-studentBound(confidence, freedom));
  const at = (share) => differences[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))];
  const [low, high] = [Math.exp(at(tail)), Math.exp(at(1 - tail))];
  return { ratio, low: Math.min(ratio, low), high: Math.max(ratio, high), paired: inPairs };
}

const logarithm = (value) => Math.log(Math.max(RESOLUTION, value));

/** Draws the difference of two medians, each side on its own. */
function apart(x, y, chance) {
  const [shakeX, shakeY] = [deviation(x) / Math.sqrt(x.length), deviation(y) / Math.sqrt(y.length)];
  const side = (values, shake) =>
    median(values.map(() => values[chance.below(values.length)] + shake * chance.normal()));
  return () => side(x, shakeX) - side(y, shakeY);
}

/** The same in pairs: what shakes x shakes y as far as they go together. */
function together(x, y, chance) {
  const [sx, sy] = [deviation(x), deviation(y)];
  const [mx, my] = [mean(x), mean(y)];
  const shared = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) / (x.length - 1);
  const along = sx > 0 ? shared / sx : 0;
  const across = Math.sqrt(Math.max(0, sy ** 2 - along ** 2));
  const root = Math.sqrt(x.length);
  return () => {
    const [xs, ys] = [[], []];
    for (let n = 0; n < x.length; n++) {
      const [i, u, v] = [chance.below(x.length), chance.normal(), chance.normal()];
      xs.push(x[i] + (sx * u) / root);
      ys.push(y[i] + (along * u + across * v) / root);
    }
    return median(xs) - median(ys);
  };
}

function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/** The t that Student's distribution exceeds on either side together with 1 − confidence: by bisection. */
function studentBound(confidence, freedom) {
  let [low, high] = [0, 1_000];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, freedom) < confidence) low = middle;
    else high = middle;
  }
  return high;
}

/** P(|T| < t): the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4. */
function studentWithin(t, freedom) {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  let [term, sum] = isOdd ? [cosine, 0] : [1, 0];
  for (let k = isOdd ? 3 : 2; k <= freedom; k += 2) {
    sum += term;
    term *= (cosine ** 2 * (k - 1)) / k;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The normal's distribution function: Abramowitz and Stegun 26.2.17, off by less than 1e-7. */
function normalBelow(z) {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z < 0 ? above : 1 - above;
}

/** Chance that repeats itself: Weyl's steps through splitmix32's finaliser, as in src/gossip/random.ts. */
export function seeded(seed) {
  let state = seed | 0;
  const unit = () => {
    state = (state + 0x9e3779b9) | 0;
    let x = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
  return {
    unit,
    below: (limit) => Math.floor(unit() * limit),
    /** Box and Muller. */
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
  };
}
