// Accidents by seed: no invariant breaks in the storm, and all views are one in the calm.

import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { claimOf } from "../../src/gossip/claim.ts";
import { configure } from "../../src/gossip/config.ts";
import { Budget } from "../../src/sim/budget.ts";
import { type ChaosResult, chaos } from "../../src/sim/chaos.ts";
import { Coverage } from "../../src/sim/coverage.ts";
import { Invariants } from "../../src/sim/invariants.ts";
import { Lives } from "../../src/sim/lives.ts";
import { CALM, Network, type SimMember } from "../../src/sim/network.ts";

/** As many as see every kind of accident; `npm run soak` plays more. */
const FIXED = 400;
const FRESH = 200;

function survives(seed: number): ChaosResult {
  const result = chaos({ seed });
  const { faults, story } = result;
  expect(
    faults,
    `again: npm run soak -- --seeds 1 --from ${seed}\n${faults.length > 0 ? story.join("\n") : ""}`,
  ).toEqual([]);
  return result;
}

describe("a network that suffers accidents", () => {
  it("keeps the invariants and ends in one view, and met every kind of accident", { timeout: 120_000 }, () => {
    const met = new Coverage();
    for (let seed = 1; seed <= FIXED; seed++) met.add(survives(seed).coverage.toJSON());
    expect(met.missing).toEqual([]);
    for (const kind of [
      "suspicions",
      "refutations",
      "deaths",
      "leaves",
      "cuts",
      "pauses",
      "restarts",
      "messages",
    ] as const)
      expect(met.of(kind), kind).toBeGreaterThan(FIXED);
  });

  it("does so for seeds that nobody chose", { timeout: 60_000 }, () => {
    const first = randomInt(2 ** 32 - FRESH);
    for (let i = 0; i < FRESH; i++) survives(first + i);
  });

  it("gives the same run for the same seed", () => {
    const [once, again] = [chaos({ seed: 5 }), chaos({ seed: 5 })];
    expect(JSON.stringify(once)).toBe(JSON.stringify(again));
    expect(JSON.stringify(chaos({ seed: 6, plan: once.plan }).story)).not.toBe(JSON.stringify(once.story));
  });
});

describe("a set of runs", () => {
  it("that never saw something says what", () => {
    const coverage = new Coverage();
    coverage.count("deaths");
    expect(coverage.missing).toContain("refutations");
    expect(coverage.missing).not.toContain("deaths");
    expect(chaos({ seed: 1, plan: { accidents: ["chatter"] } }).coverage.missing).toContain("crashes");
  });
});

describe("the judge", () => {
  function judged(nodes: number): { judge: Invariants; network: Network } {
    const config = configure("lan");
    const judge = new Invariants(config);
    const network = new Network(1, config, CALM, judge);
    judge.watch(network);
    network.settle(nodes);
    return { judge, network };
  }

  it("finds a belief that fell, a resurrection, a lost change and a message heard twice", () => {
    const { judge, network } = judged(3);
    judge.changed(1, 0, 2, claimOf(5, 0), 4);
    judge.changed(2, 0, 2, claimOf(5, 2), claimOf(5, 0));
    judge.changed(3, 0, 2, claimOf(5, 0), claimOf(5, 2));
    judge.changed(4, 0, 2, claimOf(6, 0), claimOf(5, 3));
    const payload = judge.utterance(network.members[1] as SimMember, 10);
    const message = { origin: network.members[1]?.address ?? 0, epoch: 1, seq: 1, payload };
    judge.delivered(5, 0, message);
    judge.delivered(6, 0, message);
    const faults = judge.faults.join("\n");
    for (const word of ["fell", "rose without", "says its belief", "heard twice", "never had incarnation 5"])
      expect(faults).toContain(word);
  });

  it("finds a message that nobody said, and one put into another's mouth", () => {
    const { judge, network } = judged(3);
    const [zero, one] = network.members as [SimMember, SimMember];
    judge.delivered(1, 2, { origin: one.address, epoch: 1, seq: 1, payload: new Uint8Array(10) });
    judge.delivered(2, 2, { origin: one.address, epoch: 1, seq: 2, payload: judge.utterance(zero, 10) });
    expect(judge.faults.filter((fault) => fault.includes("never said"))).toHaveLength(2);
  });

  it("finds a belief that changed without a word, and a goodbye that nobody asked for", () => {
    const { judge, network } = judged(3);
    const [zero, one] = network.members as [SimMember, SimMember];
    zero.swim.members.believe(one.swim.members.self, claimOf(1, 1), 0);
    judge.inspect(network);
    expect(judge.faults.join()).toContain("never said so");
    one.swim.leave(0);
    expect(judge.faults.join()).toContain("nobody told it to");
  });

  it("allows two processes of one address the same incarnation, but no profile that neither had", () => {
    const lives = new Lives();
    expect([lives.say(7, 0, claimOf(1, 0), 11), lives.say(7, 1, claimOf(1, 0), 12)]).toEqual([undefined, undefined]);
    expect([11, 12].map((profile) => lives.objection(7, claimOf(1, 1), profile))).toEqual([undefined, undefined]);
    expect(lives.objection(7, claimOf(1, 0), 13)).toContain("never had this profile");
    expect(lives.objection(7, claimOf(2, 0), 12)).toContain("never had incarnation 2");
    expect(lives.say(7, 1, claimOf(1, 0), 13)).toContain("changed its profile");
  });

  it("finds a member that sends more than its budget, and grants no more for endless questions", () => {
    const { judge, network } = judged(4);
    judge.inspect(network);
    const member = network.members[0] as SimMember;
    member.sent += 100_000;
    member.received += 100_000;
    network.run(1_000);
    judge.inspect(network);
    expect(judge.faults.join()).toMatch(/member 0 sent 1\d{5} datagrams/);
    const budget = new Budget(configure("lan"));
    expect(budget.allowed(1_000, 9, 10)).toBeGreaterThan(budget.allowed(1_000, 9, 0));
    expect(budget.allowed(1_000, 9, 1e6)).toBe(budget.allowed(1_000, 9, 1e7));
  });

  it("finds views that differ", () => {
    const config = configure("lan");
    const judge = new Invariants(config);
    const network = new Network(1, config, CALM, judge);
    for (let i = 0; i < 2; i++) network.start(network.add());
    judge.settled(network);
    expect(judge.faults.join()).toContain("views differ");
  });
});
