// What a stage expects and waits for, on a driver that does at once what it is told.

import { describe, expect, it } from "vitest";
import type { Fact } from "./suite.ts";

interface Stage {
  enters(observer: number, at: number, live: number[]): void;
  look(): Promise<boolean>;
  restore(from: number, withinMs: number): Promise<boolean>;
  measured(): Promise<{ facts: number; missed: number; times: number[] }>;
}

const file = new URL("../../../bench/suite/stage.mjs", import.meta.url).href;
const { Stage: Kind } = (await import(file)) as {
  Stage: new (driver: object, given: { seed: number; progress: object }) => Stage;
};

/** Time passes only when it is let. */
class Instant {
  static tells = new Set<string>();
  clock = 0;
  lookMs = 0;
  clockErrorMs = 0;
  facts: Fact[] = [];

  now() {
    return this.clock;
  }
  async pass(ms: number) {
    this.clock += ms;
  }
  async observe() {
    return this.facts.splice(0);
  }
  async usage() {
    return [];
  }
  note(type: string, observer: number, about: number) {
    this.facts.push({ observer, type, about, at: this.clock });
  }
}

describe("what is to be restored", () => {
  const members = [0, 1, 2, 3];
  const across = members.flatMap((one) =>
    members.filter((other) => one < 2 !== other < 2).map((other) => [one, other]),
  );
  const begin = () => {
    const driver = new Instant();
    const stage = new Kind(driver, { seed: 1, progress: { share() {}, phase() {} } });
    for (const member of members) stage.enters(member, 0, members);
    return { driver, stage };
  };

  it("is every pair that did not know each other at the healing, though it be over before the first look", async () => {
    const { driver, stage } = begin();
    await driver.pass(10);
    for (const [one = 0, other = 0] of across) driver.note("down", one, other);
    await driver.pass(10);
    const from = driver.now();
    await driver.pass(3);
    for (const [one = 0, other = 0] of across) driver.note("up", one, other);
    expect(await stage.restore(from, 1_000)).toBe(true);
    expect(await stage.measured()).toMatchObject({ facts: 8, missed: 0, times: Array(8).fill(3) });
  });

  it("is also who is given up only afterwards, and each pair once", async () => {
    const { driver, stage } = begin();
    driver.note("down", 0, 3);
    await driver.pass(10);
    const from = driver.now();
    expect(await stage.restore(from, 1_000)).toBe(false);
    driver.note("up", 0, 3);
    driver.note("down", 1, 3);
    expect(await stage.restore(from, 1_000)).toBe(false);
    driver.note("up", 1, 3);
    expect(await stage.restore(from, 1_000)).toBe(true);
    expect(await stage.measured()).toMatchObject({ facts: 2, missed: 0 });
  });
});
