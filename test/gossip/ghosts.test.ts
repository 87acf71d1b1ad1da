// Those who are gone stay gone: how long they are remembered, what could bring them back, and that their numbers, given
// to others, carry nothing over.

import { describe, expect, test } from "vitest";
import { ALIVE, claimOf, DEAD, isLive, LEFT, SUSPECT, statusOf } from "../../src/gossip/claim.ts";
import type { Config } from "../../src/gossip/config.ts";
import { KEY_MAX } from "../../src/gossip/ring.ts";
import { CLAIMS, GOSSIP, HAVE, PING, PING_REQ } from "../../src/gossip/wire.ts";
import { Lab, names } from "./lab.ts";
import { alive, at, said, write } from "./letters.ts";
import { Village, type Villager } from "./village.ts";

const TOMBSTONES: Partial<Config> = { leftMs: 60_000, deadMs: 200_000 };

/** Eight who know each other, and the fourth of them. */
function eight(config: Partial<Config> = TOMBSTONES, seed = 3) {
  const village = new Village(config, seed);
  const all = names(8, "10.0.2").map((name) => village.settle(name));
  const [first, , , gone] = all as [Villager, Villager, Villager, Villager];
  for (const one of all.slice(1)) village.join(one, first);
  village.runFor(20_000);
  const others = all.filter((one) => one !== gone);
  const leave = () => {
    village.tell(gone, (swim, now) => swim.leave(now));
    village.runFor(500);
    village.crash(gone);
  };
  return { village, all, gone, others, leave };
}

/** Beliefs about a member that changed since `from`, by others: the status it rose to, or "forgotten". */
function changes(village: Village, of: string, from = 0): string[] {
  return village.sights.flatMap((sight) => {
    if (sight.what !== "belief" || sight.of !== of || sight.by === of || sight.at < from) return [];
    return [sight.claim === 0 ? "forgotten" : (["alive", "suspect", "dead", "left"][statusOf(sight.claim)] as string)];
  });
}

describe("a tombstone", () => {
  test("of one who left is kept for leftMs, and then there is nothing left of it", () => {
    const { village, gone, others, leave } = eight();
    leave();
    village.runFor(59_000);
    for (const one of others) expect(one.status(gone.address)).toBe("left");
    village.runFor(3_000);
    for (const one of others) {
      expect(one.status(gone.address)).toBe("unknown");
      expect(one.swim.members.size).toBe(7);
      expect(one.witness.all()).toHaveLength(7);
    }
  });

  test("of one who died is kept for deadMs, and then there is nothing left of it", () => {
    const { village, gone, others } = eight();
    village.crash(gone);
    const isDead = () => others.every((one) => one.status(gone.address) === "dead");
    expect(village.runUntil(isDead, 40_000)).toBeDefined();
    village.runFor(198_000);
    expect(isDead()).toBe(true);
    village.runFor(4_000);
    for (const one of others) expect(one.status(gone.address)).toBe("unknown");
  });
});

describe("a ghost", () => {
  test("is not raised by a half that was cut off for longer than the goodbye, and the death, are remembered", () => {
    for (const [cutMs, how] of [
      [50_000, "leaves"],
      [100_000, "leaves"],
      [100_000, "crashes"],
      [250_000, "crashes"],
    ] as const) {
      const { village, all, gone, leave } = eight();
      const far = new Set(all.slice(5).map(({ address }) => address));
      village.isLost = (from, to) => far.has(from) !== far.has(to);
      if (how === "leaves") leave();
      else village.crash(gone);
      village.runFor(cutMs);
      const healed = village.now;
      village.isLost = () => false;
      // The halves know each other again by greetings, or, after such a long time, by a join.
      village.join(all[6] as Villager, all[0] as Villager);
      village.runFor(300_000);
      expect(changes(village, gone.address, healed), `${how}, cut for ${cutMs} ms`).not.toContain("alive");
      for (const one of all.filter((one) => one !== gone)) {
        expect(one.swim.members.live, `${how}, cut for ${cutMs} ms`).toBe(7);
        expect(one.status(gone.address)).toBe("unknown");
      }
    }
  });

  test("is not raised by one who stood still for longer than the goodbye is remembered", () => {
    const { village, gone, others, leave } = eight();
    const sleeper = others[5] as Villager;
    sleeper.isUp = false;
    leave();
    village.runFor(100_000);
    const woken = village.now;
    sleeper.isUp = true;
    village.runFor(60_000);
    expect(sleeper.status(gone.address)).toBe("dead");
    // What the sleeper believes of it is its own affair.
    expect(changes(village, gone.address, woken)).toEqual(["dead"]);
    for (const one of others) expect(one.swim.members.live).toBe(7);
  });

  test("raised by a datagram from long ago is found out by the next probes, and for good", () => {
    const { village, gone, others } = eight();
    village.crash(gone);
    village.runFor(300_000);
    for (const one of others) expect(one.status(gone.address)).toBe("unknown");
    const [first, second] = others as [Villager, Villager];
    const old = write({ kind: GOSSIP, from: first.address, claims: [alive(gone.address)] });
    village.tell(second, (swim, now) => swim.receive(now, old));
    village.runFor(100);
    expect(others.every((one) => one.status(gone.address) === "alive")).toBe(true);
    // Two predecessors probe it in turn, and the least suspicion at this size is 4 s; six times that if nobody confirms.
    const took = village.runUntil(() => others.every((one) => one.status(gone.address) === "dead"), 30_000);
    expect(took).toBeDefined();
    const from = village.now;
    village.runFor(300_000);
    expect(new Set(changes(village, gone.address, from))).toEqual(new Set(["forgotten"]));
  });

  test("is not raised by news of a death or a goodbye that comes when it is long forgotten", () => {
    for (const status of [DEAD, LEFT, SUSPECT]) {
      const { village, gone, others } = eight();
      village.crash(gone);
      village.runFor(300_000);
      const before = others.map((one) => one.events.length);
      const [first, second] = others as [Villager, Villager];
      const late = write({ kind: GOSSIP, from: first.address, claims: [said(gone.address, status)] });
      village.tell(second, (swim, now) => swim.receive(now, late));
      village.runFor(300_000);
      expect(
        others.map((one) => one.events.length),
        "nobody is told anything",
      ).toEqual(before);
      for (const one of others) expect(one.status(gone.address)).toBe("unknown");
    }
  });
});

describe("one who stood still for very long", () => {
  const friend = "10.0.0.2:7979";
  const lost = "10.0.0.3:7979";

  /** It knows both, and slept; then the friend named all it knows. */
  function woken(standstillMs: number, between: (lab: Lab) => void = () => {}): Lab {
    const lab = new Lab({ config: { leftMs: 60_000 } });
    lab.know(friend, lost);
    lab.answering = (member) => member === friend;
    lab.runFor(10);
    lab.now += standstillMs;
    lab.swim.wake(lab.now);
    between(lab);
    const a = lab.cookieFor(friend);
    lab.take();
    const [own, theirs] = [lab.claim(lab.address), lab.claim(friend)];
    const claims = [
      { member: lab.address, claim: own, hash: 0 },
      { member: friend, claim: theirs, hash: 0 },
    ];
    const ranges = [{ first: 0, last: KEY_MAX, count: 0, fingerprint: 0 }];
    lab.hear({ kind: HAVE, from: friend, a, digest: 1, claims, ranges });
    return lab;
  }

  const told = (lab: Lab) =>
    lab.sent.some(({ kind, claims }) => kind === CLAIMS && claims.some(({ member }) => member === lost));

  test("does not vouch for a member of whom another knows nothing, and takes it for gone without telling", () => {
    const lab = woken(70_000);
    expect(lab.status(lost)).toBe("dead");
    lab.runFor(5_000);
    // A greeting to the lost itself says what is believed of it, so that it can object; and a helper is asked for it.
    const words = lab.sent.filter(({ to, kind }) => to !== lost && kind !== PING_REQ);
    expect(words.flatMap(({ claims }) => claims.map(({ member }) => member))).not.toContain(lost);
    expect(lab.status(friend)).toBe("alive");
  });

  test("believes in it again when it speaks for itself", () => {
    const lab = woken(70_000);
    lab.hear({ kind: GOSSIP, from: lost, claims: [alive(lost, 2)] });
    expect(lab.status(lost)).toBe("alive");
  });

  test("vouches for those who spoke since", () => {
    const lab = woken(70_000, (awake) => awake.hear({ kind: PING, from: lost, a: 1 }));
    expect(lab.status(lost)).not.toBe("dead");
    expect(told(lab)).toBe(true);
  });

  test("vouches for all, as ever, if it was not that long", () => {
    const lab = woken(50_000);
    expect(lab.status(lost)).not.toBe("dead");
    expect(told(lab)).toBe(true);
  });
});

describe("a number that becomes another's", () => {
  const [friend, former, heir] = ["10.0.0.2:7979", "10.0.0.3:7979", "10.0.0.4:7979"];

  /** A full table, in which the former owner of a number is being probed, and stands accused if a test says so. */
  function full(): Lab {
    const lab = new Lab({ config: { membersMax: 3 } });
    lab.know(friend, former);
    lab.answering = (member) => member === friend;
    return lab;
  }

  /** The former owner goes, and the heir comes at once. */
  function handOver(lab: Lab, status: number): number {
    const number = lab.peers.find(at(former));
    lab.hear({ kind: GOSSIP, from: friend, claims: [said(former, status)] });
    expect(lab.claim(heir)).toBe(0);
    lab.hear({ kind: GOSSIP, from: friend, claims: [alive(heir)] });
    expect(lab.peers.find(at(heir))).toBe(number);
    expect(lab.peers.find(at(former))).toBeUndefined();
    expect(lab.claim(heir)).toBe(claimOf(1, ALIVE));
    return number ?? 0;
  }

  test("brings along no probe that the former owner did not answer", () => {
    const lab = full();
    const isProbed = () => lab.sent.some(({ kind, to }) => kind === PING && to === former);
    for (let i = 0; i < 5_000 && !isProbed(); i++) lab.runFor(1);
    expect(isProbed()).toBe(true);
    handOver(lab, LEFT);
    // The former owner's time to answer runs out before the heir's begins.
    lab.runFor(lab.config.probeIntervalMs - 1);
    expect(lab.swim.begun.suspicions).toBe(0);
    lab.answering = () => true;
    lab.runFor(30_000);
    expect(lab.status(heir)).toBe("alive");
    expect(lab.swim.begun.suspicions).toBe(0);
  });

  test("brings along no suspicion, no round-trip and no word of the former owner", () => {
    const lab = full();
    lab.answering = () => true;
    lab.runFor(10_000);
    const { members } = lab.swim;
    lab.hear({ kind: PING, from: former, a: 1 });
    // Measured round-trips of this lab are zero; one is written down as the least that there is.
    expect(members.rttMs(lab.peers.find(at(former)) ?? 0)).toBeGreaterThan(0);
    lab.hear({ kind: GOSSIP, from: friend, claims: [said(former, SUSPECT, 1, friend)] });
    expect(lab.swim.load.suspicions).toBe(1);
    const number = handOver(lab, DEAD);
    expect(lab.swim.load.suspicions).toBe(0);
    expect(members.rttMs(number)).toBe(0);
    lab.take();
    lab.runFor(60_000);
    expect(lab.tellings(former)).toBe(0);
    expect(lab.status(heir)).toBe("alive");
    expect(lab.changes.filter(({ member, claim }) => member === heir && !isLive(claim))).toEqual([]);
  });

  test("is not shown with the former owner's name", () => {
    const { village, gone, others, leave } = eight({ ...TOMBSTONES, membersMax: 8 });
    leave();
    const newcomer = village.settle("10.0.9.9:7979");
    village.join(newcomer, others[0] as Villager);
    village.runFor(5_000);
    for (const one of others) {
      expect(one.status(gone.address)).toBe("unknown");
      expect(one.status(newcomer.address)).toBe("alive");
      expect(one.witness.all().map(({ address }) => address)).not.toContain(gone.address);
      expect(one.events.at(-1)).toMatchObject({ type: "up", was: undefined, replaced: undefined });
    }
  });
});
