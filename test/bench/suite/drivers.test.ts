// What every driver owes a scenario (bench/suite/drivers/driver.mjs), asked of each in the same words. The protocol is a
// quick one, so that a death takes tenths of a second.

import { afterEach, describe, expect, it } from "vitest";
import { QUICK } from "../../gossip/places.ts";
import { type Driver, type DriverClass, driverOf, type Fact } from "./suite.ts";

/** More than Serf's periodic exchange, which brings the last pair. */
const LONG_MS = 40_000;
const TEST_MS = 60_000;
const LOOK_MS = 20;

const kinds = [
  { name: "sim", peer: "hearsay", nodes: 12, isSure: true, options: { seed: 7, config: QUICK } },
  { name: "udp", peer: "hearsay", nodes: 8, isSure: true, options: { config: QUICK } },
  { name: "process", peer: "hearsay", nodes: 5, isSure: true, options: { config: QUICK } },
  // Its messages miss somebody now and then, and halves take half a minute to find together again.
  { name: "process", peer: "serf", nodes: 4, isSure: false, options: { preset: "local" } },
] as const;

const found = await Promise.all(kinds.map(async (kind) => ({ ...kind, Driver: await driverOf(kind.name, kind.peer) })));

describe.each(found)("the driver $name with $peer", { timeout: TEST_MS }, ({ nodes, isSure, options, Driver }) => {
  const why = typeof Driver === "string" ? Driver : undefined;
  const Kind = Driver as DriverClass;
  const can = (...acts: string[]) => why === undefined && acts.every((act) => Kind.can.has(act));
  const members = Array.from({ length: nodes }, (_, i) => i);
  const but = (...some: number[]) => members.filter((member) => !some.includes(member));
  let driver: Driver;
  let facts: Fact[];

  async function begin(joined: boolean): Promise<void> {
    driver = new Kind({ nodes, ...options });
    facts = [];
    await driver.start({ joined, atOnce: isSure ? 4 : 1 });
    if (joined) await soon("all know all", async () => isFull(nodes));
  }

  /** On the driver's own clock. */
  async function soon(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const end = driver.now() + LONG_MS;
    while (!(await isTrue())) {
      if (driver.now() > end) expect.fail(`${what}: not within ${LONG_MS} ms`);
      await driver.pass(LOOK_MS);
    }
  }

  const isFull = async (count: number) => {
    const views = await driver.views();
    return views.length === count && views.every(({ live, digest }) => live === count && digest === views[0]?.digest);
  };

  /** Waits until all of these have noticed it, and returns the first notice of each. */
  async function noticed(observers: readonly number[], isIt: (fact: Fact) => boolean): Promise<Fact[]> {
    let first: Fact[] = [];
    await soon("all notice it", async () => {
      facts.push(...(await driver.observe()));
      first = observers.flatMap((observer) => facts.find((fact) => fact.observer === observer && isIt(fact)) ?? []);
      return first.length === observers.length;
    });
    return first;
  }

  afterEach(async () => driver?.stop());

  it.runIf(can("joinAll"))("starts members who do not know each other, until all are told to join", async () => {
    await begin(false);
    expect(driver.running()).toEqual(members);
    expect((await driver.views()).map(({ live }) => live)).toEqual(members.map(() => 1));
    const from = await driver.joinAll();
    for (const about of members) {
      for (const { at } of await noticed(but(about), (fact) => fact.type === "up" && fact.about === about)) {
        expect(at).toBeGreaterThanOrEqual(from - driver.clockErrorMs);
        expect(at).toBeLessThanOrEqual(driver.now());
      }
    }
    await soon("all know all", async () => isFull(nodes));
  });

  it.runIf(can("say"))("carries a message to the others, once", async () => {
    await begin(true);
    const from = await driver.say(1, "hello");
    const isIt = (fact: Fact) => fact.type === "message" && fact.text === "hello" && fact.observer !== 1;
    await soon("it is heard", async () => {
      facts.push(...(await driver.observe()));
      return facts.filter(isIt).length >= (isSure ? nodes - 1 : 1);
    });
    const heard = facts.filter(isIt);
    expect(new Set(heard.map(({ observer }) => observer)).size).toBe(heard.length);
    for (const { about, at } of heard) {
      expect(about).toBe(1);
      expect(at).toBeGreaterThanOrEqual(from - driver.clockErrorMs);
    }
  });

  it.runIf(can("crash"))("lets one end without a word, and the others declare it down", async () => {
    await begin(true);
    const from = await driver.crash(2);
    expect(driver.running()).toEqual(but(2));
    for (const { at } of await noticed(but(2), ({ type, about }) => type === "down" && about === 2)) {
      expect(at).toBeGreaterThan(from);
    }
    await soon("the others know each other alone", async () => isFull(nodes - 1));
  });

  it.runIf(can("leave"))("lets one say goodbye", async () => {
    await begin(true);
    await driver.leave(2);
    expect(driver.running()).toEqual(but(2));
    await noticed(but(2), ({ type, about }) => type === "left" && about === 2);
  });

  it.runIf(can("restart"))("brings one back at its number", async () => {
    await begin(true);
    let isBack = false;
    const restart = driver.restart(2).then(() => {
      isBack = true;
    });
    await soon("it is back", async () => isBack);
    await restart;
    expect(driver.running()).toEqual(members);
    const upAt = async () => (await driver.usage())[2]?.upAt;
    if ((await upAt()) !== undefined) expect(await upAt()).toBe(driver.upAt(2));
    await noticed(but(2), ({ type, about, at }) => type === "up" && about === 2 && at >= driver.upAt(2) - LOOK_MS);
    await soon("all know all again", async () => isFull(nodes));
  });

  it.runIf(can("addOne"))("adds one with the next number", async () => {
    await begin(true);
    const at = await driver.addOne();
    expect(driver.size).toBe(nodes + 1);
    expect(driver.upAt(nodes)).toBe(at);
    await noticed(members, ({ type, about }) => type === "up" && about === nodes);
    await soon("it knows all", async () => isFull(nodes + 1));
  });

  it.runIf(can("pause", "resume"))("makes one stand still, and go on", async () => {
    await begin(true);
    const from = await driver.pause(2);
    expect(driver.running()).toEqual(members);
    await noticed(but(2), ({ type, about, at }) => type === "down" && about === 2 && at > from);
    const at = await driver.resume(2);
    await noticed(but(2), (fact) => fact.type === "up" && fact.about === 2 && fact.at >= at - driver.clockErrorMs);
  });

  it.runIf(isSure && can("cut", "heal"))("keeps two groups apart, and lets them together again", async () => {
    await begin(true);
    const [a, b] = [members.slice(0, 2), members.slice(2)];
    await driver.cut(a, b);
    for (const about of a) await noticed(b, (fact) => fact.type === "down" && fact.about === about);
    for (const about of b) await noticed(a, (fact) => fact.type === "down" && fact.about === about);
    const isWithin = ({ observer, about }: Fact) => a.includes(observer) === a.includes(about);
    expect(facts.filter((fact) => fact.type === "down" && isWithin(fact))).toEqual([]);
    await driver.heal();
    await soon("all know all again", async () => isFull(nodes));
  });

  it.runIf(isSure && can("loss"))("loses everything, and then nothing", async () => {
    await begin(true);
    await driver.loss(1);
    for (const about of members) await noticed(but(about), (fact) => fact.type === "down" && fact.about === about);
    await driver.loss(0);
    await soon("all know all again", async () => isFull(nodes));
  });

  it.runIf(why === undefined)("lets no less of its clock's time go by than it is told", async () => {
    await begin(false);
    for (let i = 0; i < 50; i++) {
      const before = driver.now();
      await driver.pass(3);
      expect(driver.now() - before).toBeGreaterThanOrEqual(3);
    }
  });

  it.runIf(why === undefined)("says what each has used", async () => {
    await begin(true);
    const before = await driver.usage();
    await driver.pass(1_000);
    const after = await driver.usage();
    expect(after.map(({ observer }) => observer)).toEqual(members);
    for (const [i, usage] of after.entries()) {
      expect(usage.at - (before[i]?.at ?? 0)).toBeGreaterThanOrEqual(1_000);
      for (const name of ["cpuMs", "datagrams", "bytes"] as const) {
        const [now, was] = [usage[name], before[i]?.[name] ?? null];
        expect(now === null).toBe(was === null);
        if (now !== null) expect(now).toBeGreaterThanOrEqual(was ?? 0);
      }
      if (usage.datagrams !== null) expect(usage.datagrams).toBeGreaterThan(before[i]?.datagrams ?? 0);
    }
  });
});
