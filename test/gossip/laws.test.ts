// The laws of the core as properties, over random cases: what must hold whatever arrives, in whatever order. A failing
// run prints the seed and the smallest case; nothing here knows how a law is kept.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Address,
  addressOf,
  formatAddress,
  isAddress,
  parseAddress,
  ringKeyOf,
} from "../../src/gossip/address.ts";
import { ALIVE, claimOf, DEAD, INCARNATION_MAX, incarnationOf, isLive, LEFT, SUSPECT } from "../../src/gossip/claim.ts";
import { Members } from "../../src/gossip/members.ts";
import { Messages } from "../../src/gossip/messages.ts";
import { type Peer, Peers, Profiles } from "../../src/gossip/peers.ts";
import { Random } from "../../src/gossip/random.ts";
import { KEY_MAX } from "../../src/gossip/ring.ts";
import { Rumors } from "../../src/gossip/rumors.ts";
import { Suspicion } from "../../src/gossip/suspicion.ts";
import { Timers } from "../../src/gossip/timers.ts";
import { CLAIMS, GOSSIP, PING } from "../../src/gossip/wire.ts";
import { EventQueue } from "../../src/sim/queue.ts";
import { collidingAddresses, Lab, names } from "./lab.ts";
import { alive, at, type Said, said } from "./letters.ts";
import { Village, type Villager } from "./village.ts";

const FIRST = "10.0.9.9:7979";
const MEMBERS = names(6);

/** Something said of one of six members, in one of its first four incarnations. */
const anySaid = (statuses: readonly number[]): fc.Arbitrary<Said> =>
  fc
    .record({
      member: fc.constantFrom(...MEMBERS),
      status: fc.constantFrom(...statuses),
      incarnation: fc.integer({ min: 1, max: 4 }),
      accuser: fc.option(fc.constantFrom(...MEMBERS), { nil: undefined }),
    })
    .map(({ member, status, incarnation, accuser }) => said(member, status, incarnation, accuser));

const anyLetters = (statuses: readonly number[]) =>
  fc.array(fc.array(anySaid(statuses), { minLength: 1, maxLength: 4 }), { maxLength: 12 });

/** The same letters, some of them twice, in another order. */
const shuffledWithRepeats = <T>(letters: readonly T[]): fc.Arbitrary<T[]> =>
  fc
    .tuple(
      fc.shuffledSubarray([...letters], { minLength: letters.length }),
      fc.shuffledSubarray([...letters], { minLength: 0 }),
    )
    .map(([all, again]) => [...all, ...again]);

/** A core that hears all letters from one teller: a member, as the dead and strangers accuse nobody. */
function hearing(letters: readonly (readonly Said[])[], times = 1): Lab {
  const lab = new Lab();
  lab.know(FIRST);
  for (let i = 0; i < times; i++) for (const claims of letters) lab.hear({ kind: GOSSIP, from: FIRST, claims });
  return lab;
}

function viewAfter(letters: readonly (readonly Said[])[], times = 1): { digest: number; beliefs: number[] } {
  const lab = hearing(letters, times);
  return { digest: lab.swim.members.ring.digest, beliefs: MEMBERS.map((member) => lab.claim(member)) };
}

describe("claims", () => {
  test("merge to the same view in any order and however often repeated (DESIGN 4.1)", () => {
    const cases = anyLetters([ALIVE, DEAD, LEFT]).chain((letters) =>
      fc.tuple(fc.constant(letters), shuffledWithRepeats(letters)),
    );
    fc.assert(
      fc.property(cases, ([letters, otherwise]) => {
        expect(viewAfter(otherwise)).toEqual(viewAfter(letters));
      }),
      { numRuns: 300 },
    );
  });

  test("with suspicions merge to the same view once everything was heard twice, for one of a missed incarnation waits", () => {
    const cases = anyLetters([ALIVE, SUSPECT, DEAD, LEFT]).chain((letters) =>
      fc.tuple(fc.constant(letters), shuffledWithRepeats(letters)),
    );
    fc.assert(
      fc.property(cases, ([letters, otherwise]) => {
        expect(viewAfter(otherwise, 2)).toEqual(viewAfter(letters, 2));
      }),
      { numRuns: 300 },
    );
  });

  test("merge to the highest that was said, when an alive one of its incarnation was among them", () => {
    fc.assert(
      fc.property(anyLetters([ALIVE, SUSPECT, DEAD, LEFT]), (letters) => {
        const { beliefs } = viewAfter(letters, 2);
        const all = letters.flat();
        for (const [i, member] of MEMBERS.entries()) {
          const believable = all.filter(
            (one) =>
              one.member === member &&
              ((one.claim & 3) !== SUSPECT ||
                all.some(
                  (other) =>
                    other.member === member && (other.claim | 3) === (one.claim | 3) && (other.claim & 3) === ALIVE,
                )),
          );
          expect(beliefs[i]).toBe(Math.max(0, ...believable.map(({ claim }) => claim)));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("about a member never go down while it is remembered, whatever is heard and however time passes", () => {
    const step = fc.record({
      kind: fc.constantFrom(GOSSIP, CLAIMS, PING),
      from: fc.constantFrom(FIRST, ...MEMBERS),
      claims: fc.array(anySaid([ALIVE, SUSPECT, DEAD, LEFT]), { maxLength: 4 }),
      passMs: fc.constantFrom(0, 1, 900, 30_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const lab = new Lab({ config: { leftMs: 40_000, deadMs: 60_000 } });
        for (const { kind, from, claims, passMs } of steps) {
          lab.hear({ kind, from, claims });
          lab.runFor(passMs);
        }
        const believed = new Map<string, number>();
        for (const { member, claim, was } of lab.changes) {
          expect(was, "a change starts where the last one ended").toBe(believed.get(member) ?? 0);
          if (claim === 0) expect(isLive(was), "only those who are gone are forgotten").toBe(false);
          else expect(claim).toBeGreaterThan(was);
          believed.set(member, claim);
        }
        for (const member of MEMBERS) expect(lab.claim(member)).toBe(believed.get(member) ?? 0);
      }),
      { numRuns: 200 },
    );
  });

  test("about oneself are outbid, whatever they say: at once, but for a second death, which takes its time", () => {
    const own = "10.0.0.1:7979";
    const anyOwn = fc
      .record({ status: fc.constantFrom(SUSPECT, DEAD, LEFT), incarnation: fc.integer({ min: 1, max: 1_000_000 }) })
      .map(({ status, incarnation }) => said(own, status, incarnation));
    fc.assert(
      fc.property(fc.array(anyOwn, { minLength: 1, maxLength: 10 }), (claims) => {
        const lab = new Lab({ address: own });
        lab.know(FIRST);
        lab.answering = () => true;
        let deaths = 0;
        for (const claim of claims) {
          const isHigher = claim.claim > lab.claim(own);
          lab.hear({ kind: GOSSIP, from: FIRST, claims: [claim] });
          expect(lab.status(own)).toBe("alive");
          if (isHigher && (claim.claim & 3) === DEAD) deaths++;
          if (deaths < 2) expect(lab.claim(own)).toBeGreaterThan(claim.claim);
        }
        // A minute of steadiness is the longest that it waits.
        lab.runFor(61_000);
        expect(lab.status(own)).toBe("alive");
        expect(lab.claim(own)).toBeGreaterThan(Math.max(...claims.map(({ claim }) => claim)));
      }),
      { numRuns: 200 },
    );
  });

  test("of the living, told by one who is dead to us or a stranger, are heard only if they are no accusations", () => {
    const told = fc.array(anySaid([ALIVE, SUSPECT, DEAD, LEFT]), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(told, fc.boolean(), (claims, isStranger) => {
        const lab = new Lab();
        lab.know(...MEMBERS);
        if (!isStranger) lab.hear({ kind: GOSSIP, from: FIRST, claims: [said(FIRST, DEAD)] });
        // By nobody who is alive: then it would be that one's word.
        const words = claims.map(({ accuser: _, ...claim }) => claim);
        for (const claim of words) lab.hear({ kind: GOSSIP, from: FIRST, claims: [claim] });
        for (const { member, claim, was } of lab.changes) {
          const isAccusation = (claim & 3) === SUSPECT || (claim & 3) === DEAD;
          expect(isAccusation && isLive(was), `${member} ${was} -> ${claim}`).toBe(false);
        }
        for (const member of MEMBERS) {
          const others = words.filter((one) => one.member === member && [ALIVE, LEFT].includes(one.claim & 3));
          expect(lab.claim(member)).toBeGreaterThanOrEqual(Math.max(0, ...others.map(({ claim }) => claim)));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("of the living by the dead end in the same view as by the living: a reconciliation brings what was not heard", () => {
    const [accused = "", friend = ""] = MEMBERS;
    const deaf = new Lab({ address: "10.0.0.2:7979" });
    const other = new Lab({ address: "10.0.0.3:7979" });
    for (const lab of [deaf, other]) lab.know(FIRST, ...MEMBERS);
    deaf.hear({ kind: GOSSIP, from: friend, claims: [said(FIRST, DEAD)] });
    for (const lab of [deaf, other]) lab.hear({ kind: GOSSIP, from: FIRST, claims: [said(accused, DEAD)] });
    expect([deaf, other].map((lab) => lab.status(accused))).toEqual(["alive", "dead"]);
    for (const lab of [deaf, other]) {
      const claims = [said(FIRST, DEAD), said(accused, DEAD)];
      lab.hear({ kind: CLAIMS, from: friend, a: lab.cookieFor(friend), claims });
      lab.answering = (member) => member !== accused && member !== FIRST;
      lab.runFor(60_000);
    }
    expect([deaf, other].map((lab) => lab.status(accused))).toEqual(["dead", "dead"]);
    expect([deaf, other].map((lab) => lab.status(FIRST))).toEqual(["dead", "dead"]);
  });

  test("at the highest incarnation can be outbid too, and others believe the answer", () => {
    const own = "10.0.0.1:7979";
    const lab = new Lab({ address: own });
    lab.know(...MEMBERS);
    lab.hear({ kind: GOSSIP, from: MEMBERS[0] as string, claims: [said(own, SUSPECT, INCARNATION_MAX)] });
    expect(lab.claim(own)).toBeGreaterThan(claimOf(INCARNATION_MAX, SUSPECT));
    lab.runFor(100);
    const other = new Lab({ address: "10.0.0.2:7979" });
    for (const { bytes } of lab.sent) other.receive(bytes);
    expect(other.claim(own)).toBe(lab.claim(own));
  });

  test("about whoever has answered the highest incarnation accuse it no more, and take nothing else down with them", () => {
    const lab = new Lab({});
    const [first = "", accused = "", newcomer = ""] = MEMBERS;
    lab.answering = () => false;
    lab.know(first);
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(accused, INCARNATION_MAX + 1)] });
    for (const status of [SUSPECT, DEAD]) {
      const verdict = lab.hear({
        kind: GOSSIP,
        from: first,
        claims: [said(accused, status, INCARNATION_MAX + 1, first), alive(newcomer)],
      });
      expect(verdict).toBe("ok");
      expect(lab.status(newcomer)).toBe("alive");
    }
    lab.runFor(60_000);
    expect(lab.status(accused)).toBe("alive");
    expect(lab.status(newcomer)).toBe("dead");
    lab.hear({ kind: GOSSIP, from: first, claims: [said(accused, LEFT, INCARNATION_MAX + 1)] });
    expect(lab.status(accused)).toBe("left");
  });

  test("are counted: counts, live members and the ring agree with the statuses", () => {
    fc.assert(
      fc.property(anyLetters([ALIVE, SUSPECT, DEAD, LEFT]), (letters) => {
        const lab = hearing(letters);
        const { members } = lab.swim;
        const beliefs = ["10.0.0.1:7979", FIRST, ...MEMBERS]
          .map((member) => lab.claim(member))
          .filter((claim) => claim !== 0);
        const counts = [ALIVE, SUSPECT, DEAD, LEFT].map(
          (status) => beliefs.filter((claim) => (claim & 3) === status).length,
        );
        expect([...members.counts]).toEqual(counts);
        expect(members.size).toBe(beliefs.length);
        expect(members.live).toBe(beliefs.filter(isLive).length);
        expect(members.others).toBe(members.live - 1);
      }),
      { numRuns: 200 },
    );
  });
});

/** Lives and deaths of up to 40 peers, as operations on `Members`. */
type Step = { readonly who: number; readonly status: number } | "forget";

const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ who: fc.nat(39), status: fc.constantFrom(ALIVE, ALIVE, SUSPECT, DEAD, LEFT) }),
    },
    { weight: 1, arbitrary: fc.constant("forget" as const) },
  ),
  { maxLength: 120 },
);

/** Five of them share a ring key, where the address decides. */
const PEOPLE = [...names(35), ...collidingAddresses(5)];

class Registry {
  readonly peers = new Peers();
  readonly profiles = new Profiles();
  readonly random = new Random(5);
  readonly members: Members;
  /** By address. */
  readonly believed = new Map<string, number>();

  constructor() {
    const self = this.peers.hold(at("10.0.0.1:7979")) as Peer;
    this.members = new Members(self, this.peers, this.profiles);
    this.members.believe(self, claimOf(1, ALIVE), 0);
  }

  /** Raises the belief about an address to its next claim with this status. */
  raise(address: string, status: number, claim = nextClaim(this.believed.get(address) ?? 0, status)): void {
    const peer = this.believed.has(address) ? this.peers.find(at(address)) : this.peers.hold(at(address));
    this.believed.set(address, claim);
    this.members.believe(peer as Peer, claim, 0);
  }

  do(step: Step): void {
    if (step === "forget") this.forgetOne();
    else this.raise(PEOPLE[step.who] as string, step.status);
  }

  forgetOne(): void {
    for (const [address, claim] of this.believed) {
      if (isLive(claim)) continue;
      this.members.forget(this.peers.find(at(address)) as Peer);
      this.believed.delete(address);
      return;
    }
  }

  get live(): string[] {
    return [...this.believed].filter(([, claim]) => isLive(claim)).map(([address]) => address);
  }

  get ringOrder(): string[] {
    const { ring } = this.members;
    return Array.from({ length: ring.size }, (_, i) => formatAddress(this.peers.address(ring.at(i))));
  }
}

function nextClaim(claim: number, status: number): number {
  const same = claimOf(incarnationOf(claim), status);
  return claim !== 0 && same > claim ? same : claimOf(incarnationOf(claim) + 1, status);
}

describe("the view", () => {
  test("has the ring and the digest that one built from scratch has, after any lives and deaths", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const grown = new Registry();
        for (const step of steps) grown.do(step);
        const fresh = new Registry();
        for (const address of grown.live.reverse()) fresh.raise(address, ALIVE, grown.believed.get(address) as number);
        expect(grown.ringOrder).toEqual(fresh.ringOrder);
        expect(grown.members.ring.digest).toBe(fresh.members.ring.digest);
        const keys = grown.ringOrder.map((address) => ringKeyOf(at(address)));
        expect(keys).toEqual([...keys].sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });

  test("picks at random any live member but itself, and all of them in time", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const registry = new Registry();
        for (const step of steps) registry.do(step);
        const { live, members, random, peers } = registry;
        expect(members.others).toBe(live.length);
        if (live.length === 0) expect(members.anyOther(random)).toBeUndefined();
        const picked = new Set<string>();
        for (let i = 0; i < 40 * live.length; i++) {
          picked.add(formatAddress(peers.address(members.anyOther(random) as Peer)));
        }
        expect([...picked].sort()).toEqual(live.sort());
      }),
      { numRuns: 50 },
    );
  });
});

/** Who pings whom, and when, among villagers left to themselves. */
function pings(village: Village): { at: number; from: string; to: string }[] {
  return village.sights.flatMap((sight) =>
    sight.what === "letter" && sight.letter.kind === PING ? [{ at: sight.at, from: sight.from, to: sight.to }] : [],
  );
}

describe("probing", () => {
  test("finds every live member within 2n - 1 periods (SWIM 4.3), whoever came and went before", () => {
    const lives = fc.array(fc.record({ who: fc.nat(8), does: fc.constantFrom("join", "leave", "crash") }), {
      minLength: 3,
      maxLength: 14,
    });
    fc.assert(
      fc.property(lives, fc.nat(1_000), (steps, seed) => {
        const village = new Village({ leftMs: 2_000 }, seed);
        const settled = [village.settle("10.0.2.1:7979"), village.settle("10.0.2.2:7979")];
        village.join(settled[1] as Villager, settled[0] as Villager);
        village.runFor(500);
        for (const { who, does } of steps) {
          const address = `10.0.2.${who + 10}:7979`;
          const villager = village.villagers.get(address);
          if (does === "join") village.join(village.settle(address, village.now + 1), ...settled);
          else if (does === "crash" && villager) village.crash(villager);
          else if (villager?.isUp) {
            village.tell(villager, (swim, now) => swim.leave(now));
            village.runFor(300);
            village.crash(villager);
          }
          village.runFor(100);
        }
        village.runFor(60_000); // by now the crashed are known to be dead
        const up = [...village.villagers.values()].filter(({ isUp }) => isUp);
        const live = up.map(({ address }) => address).sort();
        for (const one of up) expect(live.filter((other) => !["alive"].includes(one.status(other)))).toEqual([]);
        village.sights.length = 0;
        const from = village.now;
        const n = live.length;
        village.runFor(2 * (2 * n - 1) * village.config.probeIntervalMs);
        for (const start of [from, from + (2 * n - 1) * village.config.probeIntervalMs]) {
          const end = start + (2 * n - 1) * village.config.probeIntervalMs;
          const probed = new Set(pings(village).flatMap(({ at, to }) => (at >= start && at <= end ? [to] : [])));
          expect(live.filter((address) => !probed.has(address))).toEqual([]);
        }
      }),
      { numRuns: 12 },
    );
  });

  test("of a settled group costs each member one ping a period and reaches each within four periods", () => {
    for (const count of [3, 6, 13]) {
      const village = new Village({}, count);
      const all = Array.from({ length: count }, (_, i) => village.settle(`10.0.2.${i + 1}:7979`));
      for (const one of all.slice(1)) village.join(one, all[0] as Villager);
      village.runFor(10_000);
      village.sights.length = 0;
      const from = village.now;
      village.runFor(40_000);
      const seen = pings(village);
      expect(seen.length / count / 40).toBeCloseTo(1, 1);
      for (const { address } of all) {
        const times = [from, ...seen.flatMap(({ at, to }) => (to === address ? [at] : [])), village.now];
        const gaps = times.slice(1).map((time, i) => time - (times[i] as number));
        expect(Math.max(...gaps), `${count} members`).toBeLessThanOrEqual(4_000);
        const watchers = new Set(seen.flatMap(({ from, to }) => (to === address ? [from] : [])));
        expect(watchers.size, "one may fall with it").toBeGreaterThanOrEqual(2);
      }
    }
  });
});

describe("timers", () => {
  const command = fc.oneof(
    fc.record({
      op: fc.constant("set" as const),
      kind: fc.nat(3),
      subject: fc.constantFrom(0, 1, 2, 0xffffffff),
      at: fc.nat(50),
    }),
    fc.record({ op: fc.constant("cancel" as const), kind: fc.nat(3), subject: fc.constantFrom(0, 1, 2, 0xffffffff) }),
    fc.record({ op: fc.constant("take" as const), now: fc.nat(50) }),
  );

  test("behave as a list sorted by time and then by the order of setting, in which a (kind, subject) stands once", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60, size: "max" }), (commands) => {
        const timers = new Timers();
        let list: { kind: number; subject: number; at: number; order: number }[] = [];
        for (const [order, command] of commands.entries()) {
          if (command.op === "take") {
            const first = list[0];
            const expected = first && first.at <= command.now ? list.shift() : undefined;
            const taken = timers.take(command.now);
            expect(taken && [taken.kind, taken.subject, taken.at]).toEqual(
              expected && [expected.kind, expected.subject, expected.at],
            );
          } else {
            const { kind, subject } = command;
            list = list.filter((timer) => timer.kind !== kind || timer.subject !== subject);
            if (command.op === "cancel") timers.cancel(kind, subject);
            else {
              timers.set(kind, subject, command.at);
              list.push({ kind, subject, at: command.at, order });
              list.sort((a, b) => a.at - b.at || a.order - b.order);
            }
            expect(timers.at(kind, subject)).toBe(command.op === "set" ? command.at : undefined);
          }
          expect(timers.size).toBe(list.length);
          expect(timers.deadline).toBe(list[0]?.at ?? Number.POSITIVE_INFINITY);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("keep their order however often others are moved or cancelled", () => {
    const timers = new Timers();
    for (let subject = 0; subject < 300; subject++) timers.set(1, subject, 10 + (subject % 3));
    for (let i = 0; i < 2_000; i++) timers.set(2, i % 7, 1_000 + i);
    for (let subject = 0; subject < 300; subject += 2) timers.cancel(1, subject);
    for (let i = 0; i < 1_000; i++) timers.set(2, i % 7, 5_000 + i);
    const taken: number[] = [];
    for (let timer = timers.take(100); timer; timer = timers.take(100)) taken.push(timer.subject);
    const odd = Array.from({ length: 150 }, (_, i) => 2 * i + 1);
    expect(taken).toEqual([0, 1, 2].flatMap((rest) => odd.filter((subject) => subject % 3 === rest)));
    expect(timers.size).toBe(7);
  });

  test("that are set again and again before they are due take no more memory than one", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const timers = new Timers();
    timers.set(1, 1, 0.5); // one that stays in front, as the next probe does
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 500_000; i++) timers.set(2, i % 4, 1_000_000 + i);
    collect();
    const grownBytes = process.memoryUsage().heapUsed - before;
    expect(timers.size).toBe(5);
    expect(grownBytes).toBeLessThan(4_000_000);
  });
});

describe("rumors", () => {
  test("are offered least told first, and let go when told often enough", () => {
    const command = fc.oneof(
      fc.record({ op: fc.constant("add" as const), rumor: fc.nat(9), told: fc.nat(3) }),
      fc.record({ op: fc.constant("drop" as const), rumor: fc.nat(9) }),
      fc.record({ op: fc.constant("tell" as const), room: fc.nat(12), limit: fc.integer({ min: 1, max: 6 }) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const rumors = new Rumors();
        const told = new Map<number, number>();
        for (const command of commands) {
          if (command.op === "add") {
            rumors.add(command.rumor, command.told);
            told.set(command.rumor, command.told);
          } else if (command.op === "drop") {
            rumors.drop(command.rumor);
            told.delete(command.rumor);
          } else {
            const offered: number[] = [];
            rumors.tell(command.limit, (rumor) => offered.push(rumor) <= command.room);
            const counts = offered.map((rumor) => told.get(rumor) ?? Number.NaN);
            expect(counts, "least told first").toEqual([...counts].sort((a, b) => a - b));
            expect(new Set(offered).size).toBe(offered.length);
            expect(offered.length).toBe(Math.min(told.size, command.room + 1));
            for (const rumor of offered.slice(0, command.room)) {
              const times = (told.get(rumor) ?? 0) + 1;
              if (times < command.limit) told.set(rumor, times);
              else told.delete(rumor);
            }
          }
          expect(rumors.size).toBe(told.size);
          for (const [rumor, times] of told) expect(rumors.told(rumor)).toBe(times);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("messages", () => {
  const ORIGIN = at("10.0.0.7:7979");

  test("are news at most once, in any order and however often repeated, across the wrap of the sequence too", () => {
    const start = fc.constantFrom(1, 2 ** 31 - 20, 2 ** 32 - 20);
    const offsets = fc.array(fc.oneof(fc.nat(40), fc.nat(3_000)), { maxLength: 200 });
    fc.assert(
      fc.property(start, offsets, (first, steps) => {
        const messages = new Messages();
        const seen = new Set<number>();
        for (const offset of steps) {
          const seq = (first + offset) >>> 0;
          if (!messages.isNews(ORIGIN, 1, seq)) continue;
          expect(seen.has(seq), `${seq} was news twice`).toBe(false);
          seen.add(seq);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("said in order, or a little out of order, are all news", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7), { minLength: 1, maxLength: 200 }), (delays) => {
        const messages = new Messages();
        const order = delays.map((delay, i) => ({ seq: i + 1, at: i + delay })).sort((a, b) => a.at - b.at);
        for (const { seq } of order) expect(messages.isNews(ORIGIN, 1, seq), `${seq}`).toBe(true);
      }),
    );
  });

  test("go on being news when the sequence, which has 32 bits, wraps", () => {
    const messages = new Messages();
    for (let i = 0; i < 100; i++) {
      const seq = (2 ** 32 - 50 + i) >>> 0;
      expect(messages.isNews(ORIGIN, 1, seq), `${seq}`).toBe(true);
      expect(messages.isNews(ORIGIN, 1, seq), `${seq} again`).toBe(false);
    }
  });

  test("of another epoch, or of another origin, are others", () => {
    const messages = new Messages();
    expect(messages.isNews(ORIGIN, 1, 1)).toBe(true);
    expect(messages.isNews(ORIGIN, 2, 1)).toBe(true);
    expect(messages.isNews(at("10.0.0.8:7979"), 1, 1)).toBe(true);
    expect(messages.isNews(at("[fd00::1]:7979"), 1, 1)).toBe(true);
    expect(messages.isNews(ORIGIN, 1, 1)).toBe(false);
  });

  test("of as many origins as there may be members are each heard once", () => {
    const messages = new Messages();
    const origins = Array.from({ length: 16_384 }, (_, i) => addressOf(`10.3.${i >> 8}.${i & 255}`, 7979) as Address);
    for (const origin of origins) expect(messages.isNews(origin, 1, 1)).toBe(true);
    const again = origins.filter((origin) => messages.isNews(origin, 1, 1));
    expect(again.length).toBe(0);
  });
});

describe("a suspicion", () => {
  /** Lifeguard IV-B: max(Min, Max - (Max - Min) * log(C + 1) / log(K + 1)). */
  const paper = (min: number, max: number, c: number, k: number) =>
    Math.max(min, max - ((max - min) * Math.log(c + 1)) / Math.log(k + 1));
  const accusers = names(20, "10.0.4").map(at);

  test("lasts as long as the paper's formula says, and never longer for one more accuser (Lifeguard IV-B)", () => {
    const figures = fc.record({
      minMs: fc.integer({ min: 1, max: 100_000 }),
      mult: fc.integer({ min: 1, max: 10 }),
      wanted: fc.integer({ min: 1, max: 10 }),
      startedAt: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(figures, ({ minMs, mult, wanted, startedAt }) => {
        const suspicion = new Suspicion(
          claimOf(1, SUSPECT),
          accusers[0] as Address,
          startedAt,
          minMs,
          minMs * mult,
          wanted,
        );
        let before = Number.POSITIVE_INFINITY;
        for (let confirmations = 0; confirmations <= wanted; confirmations++) {
          if (confirmations > 0) expect(suspicion.confirm(accusers[confirmations] as Address)).toBe(true);
          const lasts = suspicion.expiresAt - startedAt;
          expect(lasts).toBeCloseTo(paper(minMs, minMs * mult, confirmations, wanted), 3);
          expect(lasts).toBeLessThanOrEqual(before);
          before = lasts;
        }
        expect(before).toBeCloseTo(minMs, 3);
        expect(suspicion.confirm(accusers[19] as Address), "more than K are not worth passing on").toBe(false);
        expect(suspicion.expiresAt - startedAt).toBeCloseTo(minMs, 3);
      }),
    );
  });

  test("is not shortened by an accuser heard before", () => {
    const suspicion = new Suspicion(claimOf(1, SUSPECT), accusers[0] as Address, 0, 1_000, 6_000, 3);
    expect(suspicion.confirm(accusers[0] as Address)).toBe(false);
    expect(suspicion.confirm(accusers[1] as Address)).toBe(true);
    expect(suspicion.confirm(accusers[1] as Address)).toBe(false);
    expect(suspicion.expiresAt).toBeCloseTo(paper(1_000, 6_000, 1, 3), 6);
  });

  test("lasts the least where nobody could confirm it", () => {
    expect(new Suspicion(claimOf(1, SUSPECT), accusers[0] as Address, 50, 1_000, 6_000, 0).expiresAt).toBe(1_050);
  });
});

describe("chance", () => {
  test("is the same for the same seed, and another for another", () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.uint32()).join();
    };
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        expect(draw(a)).toBe(draw(a));
        if ((a | 0) !== (b | 0)) expect(draw(a)).not.toBe(draw(b));
      }),
    );
  });

  test("is roughly uniform", () => {
    for (const seed of [0, 1, 2, 0xffffffff]) {
      const random = new Random(seed);
      const bins = new Array<number>(64).fill(0);
      for (let i = 0; i < 64_000; i++) {
        const drawn = random.below(64);
        bins[drawn] = (bins[drawn] ?? 0) + 1;
      }
      const chiSquare = bins.reduce((sum, bin) => sum + (bin - 1_000) ** 2 / 1_000, 0);
      // 63 degrees of freedom: 1 in 10,000 is above 113 or below 29.
      expect(chiSquare).toBeLessThan(113);
      expect(chiSquare).toBeGreaterThan(29);
    }
  });

  test("stays within its limits", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, limit) => {
        const random = new Random(seed);
        const below = random.below(limit);
        expect(Number.isInteger(below) && below >= 0 && below < limit).toBe(true);
        const unit = random.unit();
        expect(unit >= 0 && unit < 1).toBe(true);
      }),
    );
  });
});

describe("an address", () => {
  const port = fc.integer({ min: 1, max: 65_535 });

  test("of IPv4 survives being read and written", () => {
    const ip = fc.tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(ip, port, (quads, port) => {
        const text = `${quads.join(".")}:${port}`;
        const address = parseAddress(text);
        expect(isAddress(address)).toBe(true);
        expect(formatAddress(address as Address)).toBe(text);
        expect(addressOf(quads.join("."), port)).toBe(address);
      }),
    );
  });

  test("of IPv6 is one value in every spelling", () => {
    fc.assert(
      fc.property(fc.ipV6(), port, (ip, port) => {
        const address = parseAddress(`[${ip}]:${port}`);
        const canonical = new URL(`http://[${ip}]/`).hostname;
        if (canonical === "[::]" || /^\[ff[0-9a-f]{2}:/.test(canonical)) {
          expect(address, "unspecified and multicast are nobody's").toBeUndefined();
          return;
        }
        expect(formatAddress(address as Address)).toBe(`${canonical}:${port}`);
        expect(parseAddress(`${canonical}:${port}`)).toBe(address);
      }),
      {
        examples: [
          ["::1", 7979],
          ["1::", 1],
          ["fd00:0:0:1::", 65_535],
          ["::ffff:1.2.3.4", 80],
        ],
      },
    );
  });

  test.each([
    "",
    ":",
    ":7979",
    "10.0.0.1",
    "10.0.0.1:",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.1:-1",
    "10.0.0.1:7979 ",
    " 10.0.0.1:7979",
    "10.0.0.1:0x50",
    "10.0.0.1:1e3",
    "10.0.0:7979",
    "10.0.0.256:7979",
    "10.0.0.1.2:7979",
    "0.0.0.0:7979",
    "0.1.2.3:7979",
    "224.0.0.1:7979",
    "255.255.255.255:7979",
    "localhost:7979",
    "[::]:7979",
    "[ff02::1]:7979",
    "[::1]",
    "[::1:7979",
    "::1]:7979",
    "::1:7979",
    "2001:db8::5:1",
    "[1.2.3.4]:7979",
    "[fe80::1%eth0]:7979",
    "[::1::2]:7979",
    "[12345::]:7979",
    "http://10.0.0.1:7979",
    "10.0.0.1:7979/",
    "\u0661\u0660.0.0.1:7979",
  ])("is not `%s`", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test("is refused from a stranger unless it is one", () => {
    for (const value of [
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      "",
      "10.0.0.1:7979",
      "\0".repeat(18),
      null,
      {},
      [],
    ]) {
      expect(isAddress(value), String(value)).toBe(false);
    }
    fc.assert(fc.property(fc.double(), (value) => !isAddress(value) || parseAddress(formatAddress(value)) === value));
  });

  test("has a ring key of 32 bits that depends on the address alone, and keys lie evenly", () => {
    const arcs = new Array<number>(16).fill(0);
    const keys = new Set<number>();
    for (const ip of ["4", "6"]) {
      for (let i = 0; i < 8_000; i++) {
        const text = ip === "4" ? `10.2.${i >> 8}.${i & 255}:7979` : `[fd00::${(i + 1).toString(16)}]:7979`;
        const key = ringKeyOf(at(text));
        expect(Number.isInteger(key) && key >= 0 && key <= KEY_MAX).toBe(true);
        expect(ringKeyOf(at(text))).toBe(key);
        keys.add(key);
        const arc = Math.floor(key / 2 ** 28);
        arcs[arc] = (arcs[arc] ?? 0) + 1;
      }
    }
    expect(keys.size).toBeGreaterThan(15_990);
    for (const count of arcs) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

describe("the tables of names", () => {
  test("give a number to each address that is held and take it back with the last hold", () => {
    const command = fc.record({ op: fc.constantFrom("hold", "release"), who: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        const peers = new Peers();
        const holds = new Map<string, number>();
        let most = 0;
        for (const { op, who } of commands) {
          const name = `10.0.1.${who + 1}:7979`;
          const held = holds.get(name) ?? 0;
          if (op === "hold") {
            peers.hold(at(name));
            holds.set(name, held + 1);
          } else if (held > 0) {
            peers.release(peers.find(at(name)) as Peer);
            holds.set(name, held - 1);
          }
          const present = [...holds].filter(([, count]) => count > 0).map(([name]) => name);
          most = Math.max(most, present.length);
          const numbers = present.map((name) => peers.find(at(name)));
          expect(new Set(numbers).size).toBe(present.length);
          expect(numbers).not.toContain(undefined);
          for (const name of present) expect(formatAddress(peers.address(peers.find(at(name)) as Peer))).toBe(name);
          for (const [name, count] of holds) if (count === 0) expect(peers.find(at(name))).toBeUndefined();
          expect(peers.span, "numbers are recycled").toBeLessThanOrEqual(most + 1);
        }
      }),
    );
  });

  test("let go of the profiles and peers that a core no longer remembers", () => {
    const lab = new Lab({ config: { leftMs: 1_000, deadMs: 1_000, membersMax: 50 } });
    for (let round = 0; round < 40; round++) {
      const crowd = names(20, `10.0.${round + 1}`);
      lab.know(...crowd);
      for (const member of crowd)
        lab.hear({ kind: GOSSIP, from: member, claims: [said(member, round % 2 ? DEAD : LEFT)] });
      lab.runFor(2_500);
      for (const member of crowd) expect(lab.status(member)).toBe("unknown");
    }
    expect(lab.swim.members.size).toBe(1);
    expect(lab.peers.span).toBeLessThan(60);
    for (let i = 1; i < 300; i++) lab.hear({ kind: GOSSIP, from: FIRST, claims: [alive(FIRST, i)] });
    // Were a hold leaked, these would not fit any more: each takes the number of a former one.
    const spare = Array.from({ length: 60 }, (_, i) => lab.profiles.hold(Uint8Array.of(i, 1)));
    expect(Math.max(...spare.map((id) => id ?? Number.POSITIVE_INFINITY))).toBeLessThan(100);
  });
});

describe("the simulator's queue", () => {
  test("gives back in the order of time and, at one time, of scheduling", () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.nat(20) },
      { weight: 2, arbitrary: fc.constant("pop" as const) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const queue = new EventQueue<number>();
        const list: { at: number; order: number }[] = [];
        for (const [order, command] of commands.entries()) {
          if (command === "pop") expect(queue.pop()).toBe(list.shift()?.order);
          else {
            queue.push(command, order);
            list.push({ at: command, order });
            list.sort((a, b) => a.at - b.at || a.order - b.order);
          }
          expect(queue.size).toBe(list.length);
          expect(queue.nextAt).toBe(list[0]?.at ?? Number.POSITIVE_INFINITY);
        }
        while (list.length > 0) expect(queue.pop()).toBe(list.shift()?.order);
        expect(queue.pop()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
