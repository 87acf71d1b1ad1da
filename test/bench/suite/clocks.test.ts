// What drivers say of their clocks, and of what a look costs. Without an engine, and without processes: nothing is started.

import { afterEach, describe, expect, it, vi } from "vitest";
import type { DriverClass } from "./suite.ts";

const load = (name: string) => import(new URL(`../../../bench/suite/drivers/${name}`, import.meta.url).href);
const { DockerDriver, DockerSerfDriver } = (await load("docker.mjs")) as Record<string, DriverClass>;
const { ProcessDriver } = (await load("process.mjs")) as Record<string, DriverClass>;
const { UdpDriver } = (await load("udp.mjs")) as Record<string, DriverClass>;

const made = (Kind: DriverClass | undefined, nodes: number) => {
  if (Kind === undefined) throw new Error("There is no such driver");
  return new Kind({ nodes });
};

afterEach(() => vi.restoreAllMocks());

describe("a driver", () => {
  it.each([
    ["hearsay's", DockerDriver, 1],
    ["Serf's", DockerSerfDriver, 0],
  ])(
    "of %s containers is off by as much as the wall clock was set, and by what its log leaves out",
    (_, Kind, step) => {
      const driver = made(Kind, 3);
      const before = driver.clockErrorMs;
      expect(before).toBeGreaterThanOrEqual(step);
      expect(before).toBeLessThan(step + 500);
      const real = Date.now;
      vi.spyOn(Date, "now").mockImplementation(() => real() + 5_000);
      expect(driver.clockErrorMs).toBeGreaterThan(4_000);
    },
  );

  it("whose members all have to be asked asks the seldomer the more they are", () => {
    expect(made(ProcessDriver, 100).lookMs).toBe(1_000);
    expect(made(ProcessDriver, 100).clockErrorMs).toBeGreaterThan(0);
  });

  it("that says nothing else has an exact clock, and is looked at as often as one likes", () => {
    expect(made(UdpDriver, 100)).toMatchObject({ clockErrorMs: 0, lookMs: 0 });
  });
});
