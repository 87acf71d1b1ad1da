// What the members of containers noticed, whose logs are read one after another. Without an engine: nothing is started.

import { beforeEach, describe, expect, it } from "vitest";
import type { Fact } from "./suite.ts";

interface Member {
  readonly number: number;
  upAt: number;
  startedAt: number;
  live: Map<number, string>;
  starts: number;
}

interface Driver {
  members: Member[];
  facts: Fact[];
  up(member: Member, at: number): void;
  change(member: Member, type: string, about: number, at: number): void;
}

const file = new URL("../../../bench/suite/drivers/containers.mjs", import.meta.url).href;
const { ContainerDriver } = (await import(file)) as { ContainerDriver: new (given: { nodes: number }) => Driver };

const memberOf = (number: number, startedAt: number): Member => {
  return { number, startedAt, upAt: Number.NaN, live: new Map(), starts: 0 };
};

describe("a newcomer that others know before it says that it is up", () => {
  let driver: Driver;
  let resident: Member;
  let newcomer: Member;

  beforeEach(() => {
    driver = new ContainerDriver({ nodes: 2 });
    [resident, newcomer] = [memberOf(0, 100), memberOf(1, 1_000)];
    driver.members = [resident, newcomer];
    driver.up(resident, 200);
  });

  it("is known from when it was up, if their logs are read before its own", () => {
    driver.change(resident, "up", 1, 1_040);
    driver.up(newcomer, 1_050);
    expect(driver.facts).toEqual([{ observer: 0, type: "up", about: 1, at: 1_050 }]);
  });

  it("is known from when it was up, if their logs are read after its own", () => {
    driver.up(newcomer, 1_050);
    driver.change(resident, "up", 1, 1_040);
    expect(driver.facts).toEqual([{ observer: 0, type: "up", about: 1, at: 1_050 }]);
  });

  it("knows them from when it was up", () => {
    driver.change(newcomer, "up", 0, 1_040);
    driver.up(newcomer, 1_050);
    expect(driver.facts).toEqual([{ observer: 1, type: "up", about: 0, at: 1_050 }]);
  });

  it("leaves what was noticed later, or before its start, when it was noticed", () => {
    driver.change(resident, "up", 1, 900);
    driver.up(newcomer, 1_050);
    driver.change(resident, "down", 1, 950);
    driver.change(resident, "up", 1, 1_060);
    expect(driver.facts.map(({ at }) => at)).toEqual([900, 950, 1_060]);
  });

  it("leaves the deaths of its last process when they were noticed", () => {
    driver.up(newcomer, 1_050);
    newcomer.startedAt = 2_000;
    driver.change(resident, "down", 1, 2_010);
    driver.change(resident, "up", 1, 2_020);
    driver.up(newcomer, 2_030);
    expect(driver.facts.map(({ at }) => at)).toEqual([2_010, 2_030]);
  });
});
