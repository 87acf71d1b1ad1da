// Who is who when processes come and go: the paper trail that a user sees, at a bystander and at the process itself, the
// same in virtual time and over real sockets. Then what two processes at one address may cost the others, which takes
// minutes, and so is told in virtual time only.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MembershipEvent } from "../../src/gossip/api.ts";
import { ALIVE, claimOf, incarnationOf, LEFT, SUSPECT } from "../../src/gossip/claim.ts";
import { FREE_BIDS, PAUSE_MAX_MS } from "../../src/gossip/conflict.ts";
import { GOSSIP } from "../../src/gossip/wire.ts";
import { Lab } from "./lab.ts";
import { alive, said } from "./letters.ts";
import { calmed, type Inhabitant, type Process, trail, VillageWorld, WORLDS, type World } from "./worlds.ts";

const HOUR_MS = 3_600_000;
const PAUSE_LONGEST_MS = PAUSE_MAX_MS * 1.25;

describe.each(Object.entries(WORLDS))("in %s", (_name, open) => {
  let world: World;
  const everybody: Process[] = [];
  beforeEach(() => {
    everybody.length = 0;
    world = open();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function begin(...[label, birth]: Parameters<World["start"]>): Promise<Process> {
    const process = await world.start(label, birth);
    everybody.push(process);
    return process;
  }

  /** Ana, Ben and Cem, who know each other. */
  async function three(): Promise<[Process, Process, Process]> {
    const all = [await begin("ana"), await begin("ben"), await begin("cem")] as [Process, Process, Process];
    for (const one of all.slice(1)) await one.join(all[0]);
    await know(all, 3);
    return all;
  }

  const know = (all: readonly Process[], count: number) =>
    world.until(`${count} live`, () => all.every((one) => live(one).length === count), 5_000);

  const live = (one: Process) => one.members().filter(({ status }) => status === "alive");

  const labelOf = (id: string) => everybody.find((one) => one.id === id)?.label ?? "nobody";

  const isHeld = (observer: Process, address: string, status: string, id?: string) =>
    observer
      .members()
      .some((member) => member.address === address && member.status === status && (id ?? member.id) === member.id);

  function expectTrail(observer: Process, address: string, lines: readonly string[]): void {
    const seen = trail(observer, address, labelOf);
    if (world.isExact) expect(seen).toEqual(lines);
    else expect(calmed(seen)).toEqual(calmed(lines));
  }

  const seen = (who: readonly Process[], address: string, status: string, id?: string) =>
    world.until(`${address} ${status}`, () => who.every((one) => isHeld(one, address, status, id)), 15_000);

  test("a process that starts anew at its address before anybody missed it: one event says so", async () => {
    const [ana, ben, cem] = await three();
    await ben.crash();
    const again = await begin("ben again", { at: ben, name: "ben" });
    await again.join(ana);
    await seen([ana, cem], ben.address, "alive", again.id);
    await know([ana, cem, again], 3);
    for (const one of [ana, cem]) {
      expectTrail(one, ben.address, ["up ben @1, was unknown", "updated ben again @2, was alive, in place of ben @1"]);
    }
    expectTrail(again, again.address, []);
    expectTrail(again, ana.address, ["up ana @1, was unknown"]);
    expect(again.self).toMatchObject({ id: again.id, name: "ben", status: "alive" });
    expect(again.self.incarnation).toBeGreaterThan(1);
    expect(ana.members()).toHaveLength(3);
  });

  test("a process that starts anew at its address after its death is up again, and it is said whom it replaced", async () => {
    const [ana, ben, cem] = await three();
    await ben.crash();
    await seen([ana, cem], ben.address, "dead");
    const again = await begin("ben again", { at: ben, name: "ben" });
    await again.join(cem);
    await seen([ana, cem], ben.address, "alive", again.id);
    for (const one of [ana, cem]) {
      expectTrail(one, ben.address, [
        "up ben @1, was unknown",
        "suspect ben @1, was alive",
        "down ben @1, was suspect",
        "up ben again @2, was dead, in place of ben @1",
      ]);
    }
    expectTrail(again, again.address, []);
  });

  test("a process that starts anew at its address after its goodbye is up again, without having been missed", async () => {
    const [ana, ben, cem] = await three();
    await ben.leave();
    await seen([ana, cem], ben.address, "left");
    const again = await begin("ben again", { at: ben, name: "ben" });
    await again.join(ana);
    await seen([ana, cem], ben.address, "alive", again.id);
    for (const one of [ana, cem]) {
      expectTrail(one, ben.address, [
        "up ben @1, was unknown",
        "left ben @1, was alive",
        "up ben again @2, was left, in place of ben @1",
      ]);
    }
  });

  test("the same name at a new address is another member: the old one goes down, nobody is replaced", async () => {
    const [ana, ben, cem] = await three();
    await ben.crash();
    const moved = await begin("ben elsewhere", { name: "ben" });
    await moved.join(ana);
    await seen([ana, cem], ben.address, "dead");
    await know([ana, cem, moved], 3);
    for (const one of [ana, cem]) {
      expectTrail(one, ben.address, [
        "up ben @1, was unknown",
        "suspect ben @1, was alive",
        "down ben @1, was suspect",
      ]);
      expectTrail(one, moved.address, ["up ben elsewhere @1, was unknown"]);
      const bens = one.members().filter(({ name }) => name === "ben");
      expect(bens.map(({ status }) => status).sort()).toEqual(["alive", "dead"]);
    }
    expectTrail(moved, moved.address, []);
  });

  test("an address reused by another node of the same cluster: one event names the new one and the old one", async () => {
    const [ana, ben, cem] = await three();
    await ben.crash();
    const dora = await begin("dora", { at: ben });
    await dora.join(cem);
    await seen([ana, cem], ben.address, "alive", dora.id);
    for (const one of [ana, cem]) {
      expectTrail(one, ben.address, ["up ben @1, was unknown", "updated dora @2, was alive, in place of ben @1"]);
      const { member, replaced } = one.events.at(-1) as MembershipEvent;
      expect([member.name, replaced?.name, member.address]).toEqual(["dora", "ben", replaced?.address]);
    }
  });

  test("an address reused by a node of another cluster: ours is missed like any other, and the stranger is nobody", async () => {
    const [ana, ben, cem] = await three();
    await ben.crash();
    const stranger = await begin("stranger", { at: ben, cluster: "others" });
    await seen([ana, cem], ben.address, "dead");
    const lines = ["up ben @1, was unknown", "suspect ben @1, was alive", "down ben @1, was suspect"];
    for (const one of [ana, cem]) expectTrail(one, ben.address, lines);
    expect(stranger.events).toEqual([]);
    expect(stranger.members()).toHaveLength(1);
    await stranger.crash();
    const again = await begin("ben again", { at: ben });
    await again.join(ana);
    await seen([ana, cem], ben.address, "alive", again.id);
    for (const one of [ana, cem])
      expectTrail(one, ben.address, [...lines, "up ben again @2, was dead, in place of ben @1"]);
  });

  test("a clock set back changes when things are said to have happened, and nothing else", async () => {
    const [ana, ben, cem] = await three();
    world.setClockBack(HOUR_MS);
    await ben.crash();
    await seen([ana, cem], ben.address, "dead");
    world.setClockBack(HOUR_MS);
    const again = await begin("ben again", { at: ben, name: "ben" });
    await again.join(ana);
    await seen([ana, cem], ben.address, "alive", again.id);
    for (const one of [ana, cem]) {
      expectTrail(one, ben.address, [
        "up ben @1, was unknown",
        "suspect ben @1, was alive",
        "down ben @1, was suspect",
        "up ben again @2, was dead, in place of ben @1",
      ]);
      const about = one.events.filter((event) => event.type !== "conflict" && event.member.address === ben.address);
      const [up, down, upAgain] = [about[0]?.at ?? 0, about.at(-2)?.at ?? 0, about.at(-1)?.at ?? 0];
      expect(down - up).toBeLessThan(-HOUR_MS / 2);
      expect(upAgain - down).toBeLessThan(-HOUR_MS / 2);
      expect(one.members().find(({ address }) => address === ben.address)?.since).toBe(upAgain);
    }
  });

  test("two processes that advertise one address: both users are told, and who remains has it", async () => {
    const [ana, ben] = [await begin("ana"), await begin("ben")];
    await ben.join(ana);
    const twins = await world.startTwins("castor", "pollux");
    everybody.push(...twins);
    for (const twin of twins) await twin.join(ana);
    const address = twins[0].address;
    const isTold = (twin: Process) => twin.events.some(({ type }) => type === "conflict");
    await world.until("both users told", () => twins.every(isTold), 20_000);
    for (const [twin, rival] of [twins, [twins[1], twins[0]]] as const) {
      expect(trail(twin, address, labelOf).every((line) => line === `conflict with ${rival.label}`)).toBe(true);
      expect(twin.self.id, "it still knows who it is").toBe(twin.id);
    }
    const lines = trail(ana, address, labelOf).filter((line) => line.includes("in place of"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(2 * FREE_BIDS + 2);
    const believed = ana.members().find((member) => member.address === address)?.id;
    const [stops, stays] = twins[0].id === believed ? twins : [twins[1], twins[0]];
    await stops.crash();
    await world.until(
      "who stays is known",
      () => [ana, ben].every((one) => isHeld(one, address, "alive", stays.id)),
      25_000,
    );
    for (const one of [ana, ben]) expect(trail(one, address, labelOf).at(-1)).toContain(`updated ${stays.label} @`);
  }, 60_000);
});

describe("two processes at one address", () => {
  /** A village of seven and the twins, who both joined. What comes to the address reaches the one that `choose` says. */
  function withTwins(choose: (count: number) => number, seed: number) {
    const world = new VillageWorld(seed);
    const { village } = world;
    const others = Array.from({ length: 7 }, (_, i) => world.settle(`n${i}`, world.freeAddress(), `n${i}`));
    const first = others[0] as Inhabitant;
    for (const one of others.slice(1)) village.join(one.villager, first.villager);
    village.runFor(5_000);
    const address = world.freeAddress();
    const castor = world.settle("castor", address, "castor");
    village.join(castor.villager, first.villager);
    village.runFor(20_000);
    village.deliver = (those) => those[choose(those.length)];
    const pollux = world.settle("pollux", address, "pollux", { isTwin: true });
    const from = village.now;
    village.join(pollux.villager, first.villager);
    const labelOf = (id: string) => [castor, pollux].find((one) => one.id === id)?.label ?? "another";
    /** Changes of the address's owner that an observer saw in the minute that began so many minutes after the start. */
    const changes = (observer: Process, minute: number) =>
      observer.events.filter(
        (event) =>
          event.type !== "conflict" &&
          event.member.address === address &&
          event.at >= from + minute * 60_000 &&
          event.at < from + (minute + 1) * 60_000,
      ).length;
    return { world, village, others, castor, pollux, address, labelOf, changes };
  }

  const inTurn = () => {
    let turn = 0;
    return (count: number) => turn++ % count;
  };
  const byChance = () => {
    let state = 1;
    return (count: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 16) % count;
    };
  };

  test.each([
    ["in turn", inTurn],
    ["by chance", byChance],
  ])("reached %s, change its owner at most twelve times in the first minute and twice in any later one", (_, order) => {
    for (const seed of [1, 2]) {
      const { village, others, castor, pollux, address, changes } = withTwins(order(), seed);
      village.runFor(10 * 60_000);
      for (const one of others) {
        expect(changes(one, 0)).toBeLessThanOrEqual(12);
        for (let minute = 1; minute < 10; minute++)
          expect(changes(one, minute), `minute ${minute}`).toBeLessThanOrEqual(2);
        expect(changes(one, 8) + changes(one, 9), "they go on taking turns").toBeGreaterThan(0);
        expect(one.events.filter(({ type }) => type === "down" || type === "left")).toEqual([]);
      }
      for (const twin of [castor, pollux]) {
        const told = twin.events.filter(({ type }) => type === "conflict");
        expect(told.length).toBeGreaterThan(3);
        expect(told.length).toBeLessThan(12);
        expect(twin.villager.swim.begun.conflicts).toBeGreaterThanOrEqual(told.length);
        expect(twin.self.address).toBe(address);
      }
      // They agree with the others about their address all the time, or all would reconcile with them for ever.
      expect(castor.villager.swim.begun.syncs + pollux.villager.swim.begun.syncs).toBeLessThan(600);
    }
  });

  test.each(["crashes", "leaves"])(
    "one %s: the other is known to all within the longest pause, as itself",
    async (how) => {
      for (const seed of [1, 2]) {
        const { world, village, others, castor, pollux, address } = withTwins(inTurn(), seed);
        // At different points of the pause.
        village.runFor(250_000 + seed * 17_000);
        const [stops, stays] = seed % 2 === 0 ? [castor, pollux] : [pollux, castor];
        if (how === "leaves") await stops.leave();
        else await stops.crash();
        const isKnown = (one: Process) =>
          one.members().some(({ id, status, address: a }) => a === address && id === stays.id && status === "alive");
        await world.until("the other is known", () => others.every(isKnown), PAUSE_LONGEST_MS + 1_000);
        village.runFor(10_000);
        expect(others.every(isKnown)).toBe(true);
        expect(
          others.every((one) => one.villager.swim.members.ring.digest === stays.villager.swim.members.ring.digest),
        ).toBe(true);
      }
    },
  );

  test("are not what a restart looks like, however often it restarts: each is known to all at once, and nobody is warned", () => {
    const world = new VillageWorld(9);
    const { village } = world;
    const others = Array.from({ length: 7 }, (_, i) => world.settle(`n${i}`, world.freeAddress(), `n${i}`));
    const first = others[0] as Inhabitant;
    for (const one of others.slice(1)) village.join(one.villager, first.villager);
    village.runFor(5_000);
    const address = world.freeAddress();
    for (let life = 1; life <= 8; life++) {
      const process = world.settle(`life ${life}`, address, "phoenix");
      village.join(process.villager, (others[life % 7] as Inhabitant).villager);
      village.runFor(100);
      for (const one of others) {
        expect(one.members().find((member) => member.address === address)).toMatchObject({
          id: process.id,
          status: "alive",
          incarnation: process.self.incarnation,
        });
        expect(
          one.events.filter((event) => event.type !== "conflict" && event.member.address === address),
        ).toHaveLength(life);
      }
      expect(process.villager.swim.begun.conflicts).toBe(0);
      expect(process.events.filter(({ type }) => type === "conflict")).toEqual([]);
    }
  });

  test("who has the other's place says no goodbye for it", async () => {
    const { village, others, castor, pollux, address } = withTwins(inTurn(), 5);
    village.runUntil(() => castor.events.at(-1)?.type === "conflict", 60_000);
    expect(castor.events.at(-1)?.type).toBe("conflict");
    await castor.leave();
    village.runFor(1_000);
    for (const one of others) {
      expect(one.events.some(({ type }) => type === "left")).toBe(false);
      expect(one.members().find((member) => member.address === address)?.id).toBe(pollux.id);
    }
  });
});

describe("a core whose address another process claims", () => {
  const own = "10.0.0.1:7979";
  const friend = "10.0.0.2:7979";
  const rival = (incarnation: number) => ({ ...alive(own, incarnation), profile: new TextEncoder().encode("rival") });
  const profileOf = (lab: Lab) =>
    new TextDecoder().decode(lab.profiles.bytes(lab.swim.members.profile(lab.swim.members.self)));

  /** The rival has bid until the core yielded. */
  function yielding(): Lab {
    const lab = new Lab({ address: own });
    lab.know(friend);
    for (let i = 0; i <= FREE_BIDS; i++) {
      const incarnation = incarnationOf(lab.claim(own)) + 1;
      expect(profileOf(lab)).not.toBe("rival");
      lab.hear({ kind: GOSSIP, from: friend, claims: [rival(incarnation)] });
    }
    expect(profileOf(lab)).toBe("rival");
    expect(lab.swim.begun.conflicts).toBe(1);
    return lab;
  }

  test("outbids it at once for the first few times, as a restart must, and then yields", () => {
    const lab = yielding();
    expect(lab.claim(own)).toBe(claimOf(2 * FREE_BIDS + 2, ALIVE));
  });

  test("yields once and bids once, however often it hears the same", () => {
    const lab = yielding();
    const claim = lab.claim(own);
    for (let i = 0; i < 50; i++) lab.hear({ kind: GOSSIP, from: friend, claims: [rival(incarnationOf(claim))] });
    expect(lab.claim(own)).toBe(claim);
    lab.runFor(10_000);
    expect(lab.claim(own)).toBe(claimOf(incarnationOf(claim) + 1, ALIVE));
    expect(profileOf(lab)).not.toBe("rival");
    expect(lab.changes.filter(({ member }) => member === own)).toHaveLength(1 + FREE_BIDS + 2);
  });

  test("answers accusations at once all the same, as often as they come, and as the one that all believe in", () => {
    const lab = yielding();
    for (let i = 0; i < 5; i++) {
      const incarnation = incarnationOf(lab.claim(own));
      lab.hear({ kind: GOSSIP, from: friend, claims: [said(own, SUSPECT, incarnation)] });
      expect(lab.claim(own)).toBe(claimOf(incarnation + 1, ALIVE));
      expect(profileOf(lab)).toBe("rival");
    }
    expect(lab.swim.stats.refutations).toBe(5);
  });

  test("takes over what its rival answered in its name, without a bid", () => {
    const lab = new Lab({ address: own });
    lab.know(friend);
    const mine = Uint8Array.from(lab.profiles.bytes(lab.swim.members.profile(lab.swim.members.self)));
    lab.hear({ kind: GOSSIP, from: friend, claims: [{ ...alive(own, 9), profile: mine }] });
    expect(lab.claim(own)).toBe(claimOf(9, ALIVE));
    expect(lab.swim.begun.conflicts).toBe(0);
  });

  test("takes the address as soon as the rival says goodbye", () => {
    const lab = yielding();
    const incarnation = incarnationOf(lab.claim(own));
    lab.hear({ kind: GOSSIP, from: friend, claims: [said(own, LEFT, incarnation)] });
    expect(lab.claim(own)).toBe(claimOf(incarnation + 1, ALIVE));
    expect(profileOf(lab)).not.toBe("rival");
  });

  test("says what is new of it when its turn comes", () => {
    const lab = yielding();
    lab.swim.update(lab.now, new TextEncoder().encode("news"));
    expect(profileOf(lab)).toBe("rival");
    lab.runFor(10_000);
    expect(profileOf(lab)).toBe("news");
  });

  test("breaks a tie of equal incarnations at once if the rule says that it is its turn, else waits", () => {
    for (const [text, isOurTurn] of [
      ["a", true],
      ["z", false],
    ] as const) {
      const lab = yielding();
      lab.runFor(10_000);
      const claim = lab.claim(own);
      const twin = { member: own, claim, profile: new TextEncoder().encode(text) };
      lab.hear({ kind: GOSSIP, from: friend, claims: [twin] });
      expect(lab.claim(own) > claim, text).toBe(isOurTurn);
    }
  });

  test("bids freely again after a time without a rival", () => {
    const lab = yielding();
    lab.answering = () => true;
    lab.runFor(4 * PAUSE_MAX_MS);
    for (let i = 0; i < FREE_BIDS; i++) {
      lab.hear({ kind: GOSSIP, from: friend, claims: [rival(incarnationOf(lab.claim(own)) + 1)] });
      expect(profileOf(lab)).not.toBe("rival");
    }
  });

  test("lets go of the rival's profile", () => {
    const lab = yielding();
    lab.runFor(10_000);
    const before = lab.profiles.hold(new TextEncoder().encode("fresh"));
    for (let i = 0; i < 20; i++) {
      const profile = new TextEncoder().encode(`rival ${i}`);
      lab.hear({ kind: GOSSIP, from: friend, claims: [{ ...rival(incarnationOf(lab.claim(own)) + 1), profile }] });
      lab.runFor(80_000);
    }
    expect(lab.profiles.hold(new TextEncoder().encode("fresher")) ?? 0).toBeLessThanOrEqual((before ?? 0) + 2);
  });
});
