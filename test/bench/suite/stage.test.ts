// What a stage expects and waits for, on a driver that does at once what it is told.

import { describe, expect, it } from "vitest";
import type { Fact } from "./suite.ts";

interface Stage {
  expect(observers: number[], kind: string, about: number, from: number): void;
  see(withinMs: number): Promise<boolean>;
  enters(observer: number, at: number, live: number[]): void;
  look(): Promise<boolean>;
  restore(from: number, withinMs: number): Promise<boolean>;
  measured(): Promise<{ facts: number; missed: number; times: number[]; figures: Record<string, number> }>;
}

const file = new URL("../../../bench/suite/stage.mjs", import.meta.url).href;
const { Stage: Kind } = (await import(file)) as {
  Stage: new (driver: object, given: { seed: number; pace?: object; progress: object }) => Stage;
};
const { scenarios } = (await import(file.replace("stage.mjs", "scenarios.mjs"))) as {
  scenarios: Record<string, { play(stage: Stage): Promise<void> }>;
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
  note(type: string, observer: number, about: number, at = this.clock) {
    this.facts.push({ observer, type, about, at });
  }
}

/** Four members. Every act takes 10 ms, and who was cut off or stood still is known to be down, and up again, within it. */
class Four extends Instant {
  static override tells = new Set(["up", "down"]);
  /** What comes true as soon as its time has come. */
  later: Fact[] = [];

  running() {
    return [0, 1, 2, 3];
  }
  async views() {
    return this.running().map((observer) => ({ observer, live: 4, digest: "all" }));
  }
  override async observe() {
    this.facts.push(...this.later.filter(({ at }) => at <= this.clock));
    this.later = this.later.filter(({ at }) => at > this.clock);
    return super.observe();
  }
  async #act(type: string) {
    const at = this.clock;
    this.note(type, 0, 2, at + 5);
    this.clock += 10;
    return at;
  }
  async cut() {
    return (await this.#act("down")) + 10;
  }
  async heal() {
    return this.#act("up");
  }
  upAt() {
    return 0;
  }
  settled() {}
  async joinAll() {
    const at = this.clock;
    for (const one of this.running())
      for (const other of this.running()) if (one !== other) this.note("up", one, other);
    return at;
  }
}

/** Notes when it was looked at, and sees each look's share of what there is to see. */
class Watched extends Instant {
  looks: number[] = [];
  /** About whom something is noticed at the first look, at the second, … */
  readonly script: number[][];

  constructor(script: number[][]) {
    super();
    this.script = script;
  }
  override async observe() {
    this.looks.push(this.clock);
    for (const about of this.script.shift() ?? []) {
      for (let observer = 0; observer < 100; observer++) this.note("up", observer, about, 0);
    }
    return super.observe();
  }
}

describe("looking", () => {
  const pausesOf = async (driver: Watched) => {
    const stage = new Kind(driver, { seed: 1, progress: { share() {}, phase() {} } });
    const members = Array.from({ length: 100 }, (_, i) => i);
    for (const about of members) stage.expect(members, "up", about, 0);
    expect(await stage.see(10_000)).toBe(true);
    return driver.looks.slice(1).map((at, i) => at - (driver.looks[i] as number));
  };
  const script = () => [
    [],
    Array.from({ length: 60 }, (_, i) => i),
    Array.from({ length: 39 }, (_, i) => 60 + i),
    [99],
  ];

  it("is done the less often the more pairs are open, and seldom is not never", async () => {
    // 9,900 are open, then 3,960, then 99.
    expect(await pausesOf(new Watched(script()))).toEqual([1_980, 792, 100]);
  });

  it("costs nobody anything in virtual time", async () => {
    class Virtual extends Watched {
      static isVirtual = true;
    }
    expect(await pausesOf(new Virtual(script()))).toEqual([100, 100, 100]);
  });
});

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

  it("is also who is given up only afterwards and is back before anybody looks", async () => {
    const { driver, stage } = begin();
    await driver.pass(10);
    const from = driver.now();
    await driver.pass(3);
    driver.note("down", 0, 3);
    await driver.pass(4);
    driver.note("up", 0, 3);
    expect(await stage.restore(from, 1_000)).toBe(true);
    expect(await stage.measured()).toMatchObject({ facts: 1, missed: 0, times: [7] });
  });
});

describe("a death", () => {
  const PACE = { settleMs: 0, cutMs: 100, cutSpreadMs: 0, graceMs: 500, aftermathMs: 1_000 };
  const deathsOf = async (scenario: string, ...at: number[]) => {
    const driver = new Four();
    driver.later = at.flatMap((time) => [
      { observer: 0, type: "down", about: 3, at: time },
      { observer: 0, type: "up", about: 3, at: time + 1 },
    ]);
    const stage = new Kind(driver, { seed: 1, pace: PACE, progress: { share() {}, phase() {} } });
    if (scenario === "cold") await driver.joinAll();
    await scenarios[scenario]?.play(stage);
    const { figures, missed } = await stage.measured();
    expect(missed).toBe(0);
    return figures.falseDeaths;
  };

  it("across a cut is none to wonder at from when the cut begins until the healing and a grace are over", async () => {
    expect(await deathsOf("partition")).toBe(0);
    // The heal is at 110.
    expect(await deathsOf("partition", 50, 300, 600)).toBe(0);
    expect(await deathsOf("partition", 650, 800)).toBe(2);
  });

  it.each(["cold", "mass-join"])("after a %s is watched for until the aftermath is over", async (scenario) => {
    expect(await deathsOf(scenario, 900)).toBe(1);
    expect(await deathsOf(scenario, 1_500)).toBe(0);
  });
});

describe("a cut", () => {
  const lengthOf = async (seed: number) => {
    const driver = new Four();
    const calls: Record<string, number> = {};
    for (const act of ["cut", "heal"] as const) {
      const play = driver[act].bind(driver);
      driver[act] = async () => {
        calls[act] = driver.now();
        return play();
      };
    }
    const pace = { settleMs: 0, cutMs: 1_000, cutSpreadMs: 30_000, aftermathMs: 0 };
    await scenarios.partition?.play(new Kind(driver, { seed, pace, progress: { share() {}, phase() {} } }));
    return Number(calls.heal) - Number(calls.cut);
  };

  it("is as long as the seed says, and of any three that follow each other none is near another", async () => {
    const lengths = await Promise.all(Array.from({ length: 30 }, (_, i) => lengthOf(i)));
    expect(await lengthOf(7)).toBe(lengths[7]);
    expect(lengths.filter((ms) => ms < 1_000 || ms >= 31_020)).toEqual([]);
    for (let i = 2; i < lengths.length; i++) {
      const [a = 0, b = 0, c = 0] = lengths.slice(i - 2, i + 1).sort((x, y) => x - y);
      expect(Math.min(b - a, c - b), `seeds ${i - 2} to ${i}`).toBeGreaterThan(6_000);
    }
  });
});
