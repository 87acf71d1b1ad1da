// Accidents by seed: no invariant breaks in the storm, and all views are one in the calm.

import { describe, expect, it } from "vitest";
import { claimOf } from "../../src/gossip/claim.ts";
import { configure } from "../../src/gossip/config.ts";
import { type ChaosResult, chaos } from "../../src/sim/chaos.ts";
import { Invariants } from "../../src/sim/invariants.ts";
import { CALM, Network } from "../../src/sim/network.ts";

const FIXED = 60;
const FRESH = 20;

function survives(seed: number): ChaosResult {
  const result = chaos({ seed, nodes: 12 });
  expect(result.faults, `chaos seed ${seed}`).toEqual([]);
  return result;
}

describe("a network that suffers accidents", () => {
  it("keeps the invariants and ends in one view, and met every kind of accident", { timeout: 120_000 }, () => {
    const met = { ups: 0, suspicions: 0, refutations: 0, deaths: 0, leaves: 0, messages: 0, cuts: 0 };
    for (let seed = 1; seed <= FIXED; seed++) {
      const { coverage, cuts } = survives(seed);
      for (const kind of Object.keys(coverage) as (keyof typeof coverage)[]) met[kind] += coverage[kind];
      met.cuts += cuts;
    }
    for (const [kind, times] of Object.entries(met)) expect(times, kind).toBeGreaterThan(FIXED);
  });

  it("does so for seeds that nobody chose", { timeout: 60_000 }, () => {
    const first = Date.now() % 1_000_000_000;
    for (let i = 0; i < FRESH; i++) survives(first + i);
  });

  it("gives the same run for the same seed", () => {
    expect(chaos({ seed: 5, nodes: 8 })).toEqual(chaos({ seed: 5, nodes: 8 }));
  });
});

describe("the judge", () => {
  it("finds a belief that fell, a resurrection, a lost change and a message heard twice", () => {
    const judge = new Invariants();
    const network = new Network(1, configure("lan"), CALM, judge);
    judge.watch(network);
    network.settle(3);
    judge.changed(1, 0, 2, claimOf(5, 0), 4);
    judge.changed(2, 0, 2, claimOf(5, 2), claimOf(5, 0));
    judge.changed(3, 0, 2, claimOf(5, 0), claimOf(5, 2));
    judge.changed(4, 0, 2, claimOf(6, 0), claimOf(5, 3));
    const message = { origin: network.members[1]?.address ?? 0, epoch: 1, seq: 1, payload: new Uint8Array(1) };
    judge.delivered(5, 0, message);
    judge.delivered(6, 0, message);
    const faults = judge.faults.join("\n");
    for (const word of ["fell", "rose without", "says its belief", "heard twice"]) expect(faults).toContain(word);
  });

  it("finds views that differ", () => {
    const judge = new Invariants();
    const network = new Network(1, configure("lan"), CALM, judge);
    for (let i = 0; i < 2; i++) network.start(network.add());
    judge.settled(network);
    expect(judge.faults.join()).toContain("views differ");
  });
});
