// The model of few processors: that it is a mass join, the same for each seed, and that what it adds is the processors.

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { COSTS, massJoin } from "../../bench/processors.mjs";

const SCRIPT = new URL("../../bench/processors.mjs", import.meta.url).pathname;
const FREE = Object.fromEntries(Object.keys(COSTS).map((name) => [name, 0]));
const half = ({ times }: { times: number[] }) => times[times.length >> 1] ?? Number.NaN;
const last = ({ times }: { times: number[] }) => times.at(-1) ?? Number.NaN;

describe("a mass join on few processors", () => {
  it("ends with all knowing all, and is the same for the same seed", () => {
    const once = massJoin({ members: 20, seed: 3 });
    expect({ pairs: once.times.length, missed: once.missed }).toEqual({ pairs: 20 * 19, missed: 0 });
    expect(once.times).toEqual([...once.times].sort((a, b) => a - b));
    expect(massJoin({ members: 20, seed: 3 })).toEqual(once);
    expect(massJoin({ members: 20, seed: 4 }).times).not.toEqual(once.times);
  });

  it("takes as long as its processors, and next to nothing where computing is free", () => {
    const join = (processors: number) => massJoin({ members: 40, processors });
    const [one, two, many] = [join(1), join(2), join(40)];
    expect(half(one)).toBeGreaterThan(1.2 * half(two));
    expect(half(two)).toBeGreaterThan(half(many));
    // From the first request on the two had no more than there was of them, and were seldom idle.
    const aloneMs = massJoin({ members: 40, processors: 2, costs: { ...FREE, timer: COSTS.timer } }).hadMs;
    expect(two.hadMs).toBeLessThanOrEqual(2 * last(two) + aloneMs + 10);
    expect(two.hadMs).toBeGreaterThan(last(two));
    expect(last(massJoin({ members: 40, costs: FREE }))).toBeLessThan(500);
  });

  it("is told as a table, with costs that are named and refused if they make no sense", () => {
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [SCRIPT, ...args], { encoding: "utf8", stdio: "pipe" });
    expect(run("--members", "5", "--seeds", "1", "--set", "read=1")).toMatch(/\| the last pair \| [\d.]+ ms \|/);
    expect(() => run("--set", "reading=1")).toThrow(/--set: expected a cost/);
    expect(() => run("--set", "read=")).toThrow(/--set: expected a cost/);
  });
});
