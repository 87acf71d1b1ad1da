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
      const [{ peer: one, network, ...first }, { peer: other, ...second }] = runs.slice(i, i + 2) as [Run, Run];
      expect(second).toEqual({ ...first, network: network + 1 });
      expect(new Set([one, other]).size).toBe(2);
      expect(first.seed).toBe(40 + first.repetition - 1);
    }
  });

  it("goes on from another number, with seeds that go on as well, for lines that are added to others", async () => {
    const { runs } = await plan({ ...given, repetitions: 2, first: 4, seed: 40 }, scenarios, able);
    expect(order(runs)).toEqual(["serf 4", "hearsay 4", "hearsay 5", "serf 5"]);
    expect(runs.map(({ seed }) => seed)).toEqual([43, 43, 44, 44]);
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

  it("is as long as its runs together, those in virtual time aside", async () => {
    const length = async (more: object) =>
      lengthOf((await plan({ ...given, ...more }, scenarios, able)).runs, scenarios);
    const wanted = ["crash", "formed"].map((scenario) => ({ scenario, variant: "" }));
    const about = (time: string, starts: string) => `about ${time}, and ${starts} besides`;
    expect(await length({ peers: ["serf"], repetitions: 1 })).toBe(`1 run: ${about("1 min", "a network starts")}`);
    expect(await length({ repetitions: 30, wanted })).toBe(`120 runs: ${about("1 h 55 min", "120 networks start")}`);
    expect(await length({ drivers: ["sim", "process"] })).toBe(
      `20 runs, of which 10 in real time: ${about("5 min", "10 networks start")}`,
    );
    expect(await length({ drivers: ["sim"] })).toBe("10 runs, all in virtual time");
  });

  describe("where a network is shared", () => {
    const shared = {
      worn: { turn: 2, needs: [], lastsMs: 1_000 },
      whole: { turn: 1, needs: [], lastsMs: 1_000 },
      strangers: { needs: [], lastsMs: 1_000 },
      long: { turn: 3, needs: [], lastsMs: 61_000 },
    };
    const all = { ...given, wanted: Object.keys(shared).map((scenario) => ({ scenario, variant: "" })) };
    const networks = (runs: readonly Run[]) =>
      [...new Set(runs.map(({ network }) => network))].map((number) => {
        const some = runs.filter(({ network }) => network === number);
        return [some[0]?.peer, some[0]?.repetition, ...some.map(({ scenario }) => scenario)];
      });

    it("plays a repetition on one, those first that leave it whole; what has no turn has one of its own", async () => {
      const { runs } = await plan({ ...all, repetitions: 2 }, shared, able);
      expect(networks(runs)).toEqual([
        ["hearsay", 1, "whole", "worn", "long"],
        ["serf", 1, "whole", "worn", "long"],
        ["hearsay", 1, "strangers"],
        ["serf", 1, "strangers"],
        ["serf", 2, "whole", "worn", "long"],
        ["hearsay", 2, "whole", "worn", "long"],
        ["serf", 2, "strangers"],
        ["hearsay", 2, "strangers"],
      ]);
      // Side by side: whoever plays them ends a network when the next begins.
      const numbers = runs.map(({ network }) => network);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    });

    it("plays less on the later ones, where the long is not repeated as often", async () => {
      const { runs } = await plan({ ...all, peers: ["hearsay"] }, shared, able);
      expect(networks(runs).at(-2)).toEqual(["hearsay", 5, "whole", "worn"]);
    });

    it("plays each apart when told to, and in virtual time", async () => {
      const one = { ...all, peers: ["hearsay"], repetitions: 1 };
      const scenarios = Object.keys(shared).map((scenario) => ["hearsay", 1, scenario]);
      expect(networks((await plan({ ...one, apart: true }, shared, able)).runs)).toEqual(scenarios);
      const { runs } = await plan(one, shared, () => ({ ...Able, isVirtual: true }));
      expect(networks(runs)).toEqual(scenarios);
    });

    it("shares none between sizes and drivers", async () => {
      const { runs } = await plan(
        { ...all, nodes: [12, 25], drivers: ["process", "docker"], peers: ["hearsay"], repetitions: 1 },
        shared,
        able,
      );
      const where = new Map(runs.map(({ network, nodes, driver }) => [network, `${driver} ${nodes}`]));
      expect([...where.values()].toSorted()).toEqual(
        ["docker 12", "docker 25", "process 12", "process 25"].flatMap((place) => [place, place]),
      );
      for (const { network, nodes, driver } of runs) expect(where.get(network)).toBe(`${driver} ${nodes}`);
    });
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
