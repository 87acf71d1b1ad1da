// What the measuring scripts have in common.

import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";

const { eachOf, turnstile } = (await import(new URL("../../bench/record.mjs", import.meta.url).href)) as {
  eachOf<T, R>(items: readonly T[], atOnce: number, task: (item: T, i: number) => Promise<R>): Promise<R[]>;
  turnstile(): () => Promise<void>;
};

describe("a task for each, so many at a time", () => {
  it("gives what each came to, in their order, and never more at once", async () => {
    let [running, most] = [0, 0];
    const results = await eachOf([5, 4, 3, 2, 1], 2, async (turns) => {
      most = Math.max(most, ++running);
      for (let i = 0; i < turns; i++) await nextTurn();
      running--;
      return turns * 10;
    });
    expect({ results, most }).toEqual({ results: [50, 40, 30, 20, 10], most: 2 });
  });

  it("begins no more after one has failed, and throws when those under way are over", async () => {
    const begun: number[] = [];
    const over: number[] = [];
    const all = eachOf([0, 1, 2, 3, 4], 2, async (number) => {
      begun.push(number);
      await nextTurn();
      if (number === 0) throw new Error("the first failed");
      await nextTurn();
      await nextTurn();
      over.push(number);
    });
    await expect(all).rejects.toThrow("the first failed");
    expect({ begun, over }).toEqual({ begun: [0, 1], over: [1] });
  });
});

it("a turnstile lets one pass in each turn of the event loop", async () => {
  let [turn, isOver] = [0, false];
  const count = () => {
    turn++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const pass = turnstile();
  const turns = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await pass();
      return turn;
    }),
  );
  isOver = true;
  expect(new Set(turns).size).toBe(20);
});
