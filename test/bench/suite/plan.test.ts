// Who runs when: fair to both peers, whatever the machine does meanwhile.

import { describe, expect, it } from "vitest";
import { lengthOf, plan, type Run } from "./suite.ts";

const scenarios = {
  crash: { needs: ["crash"], lastsMs: 30_000 },
  long: { needs: [], lastsMs: 61_000 },
  formed: { needs: [], lastsMs: { hearsay: 20_000, serf: 150_000 } },
};
const Able = { can: new Set(["crash"]) };
const Unable = { can: new Set() };

const given = {
  drivers: ["process"],
  peers: ["hearsay", "serf"],
  nodes: [12],
  seed: 1,
  wanted: [{ scenario: "crash", variant: "" }],
};

const able = () => Able;
const order = (runs: readonly Run[]) => runs.map(({ peer, repetition }) => `${peer} ${repetition}`);

describe("the plan", () => {
  it("lets peers take turns within each repetition, and begin in turns", async () => {
    const { runs } = await plan(given, scenarios, able);
    expect(order(runs)).toEqual([
      ...["hearsay 1", "serf 1", "serf 2", "hearsay 2", "hearsay 3", "serf 3", "serf 4", "hearsay 4"],
      ...["hearsay 5", "serf 5"],
    ]);
  });

  it("plays the same scenario at the same size with the same seed for both, one right after the other", async () => {
    const wanted = ["crash", "long"].map((scenario) => ({ scenario, variant: "" }));
    const { runs } = await plan({ ...given, nodes: [12, 25], wanted, seed: 40 }, scenarios, able);
    for (let i = 0; i < runs.length; i += 2) {
      const [{ peer: one, ...first }, { peer: other, ...second }] = runs.slice(i, i + 2) as [Run, Run];
      expect(second).toEqual(first);
      expect(new Set([one, other]).size).toBe(2);
      expect(first.seed).toBe(40 + first.repetition - 1);
    }
  });

  it("does everything once before it does anything twice", async () => {
    const wanted = ["crash", "long"].map((scenario) => ({ scenario, variant: "" }));
    const { runs } = await plan({ ...given, nodes: [12, 25, 50], wanted }, scenarios, able);
    const repetitions = runs.map(({ repetition }) => repetition);
    expect(repetitions).toEqual(repetitions.toSorted((a, b) => a - b));
  });

  it("repeats five times, three times what lasts over a minute, though it be for one peer alone", async () => {
    const times = async (scenario: string, peers: string[]) =>
      (await plan({ ...given, peers, wanted: [{ scenario, variant: "" }] }, scenarios, able)).runs.length /
      peers.length;
    expect(await times("crash", ["hearsay", "serf"])).toBe(5);
    expect(await times("long", ["hearsay", "serf"])).toBe(3);
    expect(await times("formed", ["hearsay", "serf"])).toBe(3);
    expect(await times("formed", ["hearsay"])).toBe(5);
  });

  it("is as long as its runs are at the most, those in virtual time aside", async () => {
    const length = async (more: object) =>
      lengthOf((await plan({ ...given, ...more }, scenarios, able)).runs, scenarios);
    const wanted = ["crash", "formed"].map((scenario) => ({ scenario, variant: "" }));
    const settling = "and before each its network starts and settles";
    expect(await length({ peers: ["serf"], repetitions: 1 })).toBe(`1 run: about 1 min at the most, ${settling}`);
    expect(await length({ repetitions: 30, wanted })).toBe(`120 runs: about 1 h 55 min at the most, ${settling}`);
    expect(await length({ drivers: ["sim", "process"] })).toBe(
      `20 runs, of which 10 in real time: about 5 min at the most, ${settling}`,
    );
    expect(await length({ drivers: ["sim"] })).toBe("10 runs, all in virtual time");
  });

  it("repeats as often as it is told", async () => {
    const { runs } = await plan({ ...given, repetitions: 2 }, scenarios, able);
    expect(order(runs)).toEqual(["hearsay 1", "serf 1", "serf 2", "hearsay 2"]);
  });

  it("leaves out what a driver cannot do, and says so; the other peer is measured all the same", async () => {
    const { runs, skipped } = await plan(given, scenarios, (_: string, peer: string) =>
      peer === "serf" ? Unable : Able,
    );
    expect(new Set(runs.map(({ peer }) => peer))).toEqual(new Set(["hearsay"]));
    expect(skipped).toHaveLength(1);
    expect(skipped[0]).toMatchObject({ peer: "serf", driver: "process", nodes: 12, scenario: "crash" });
    expect(skipped[0]?.skipped).toContain("crash");
  });

  it("hands on why a driver cannot be used, and says nothing of what does not exist", async () => {
    const absent = "Serf is not installed";
    const { skipped } = await plan(
      { ...given, drivers: ["process", "sim"] },
      scenarios,
      (driver: string, peer: string) => {
        if (peer === "hearsay") return Able;
        return driver === "process" ? absent : undefined;
      },
    );
    expect(skipped.map((each) => each.skipped)).toEqual([absent]);
  });
});
