// One test for each sentence of the papers that we claim, the section in its name.
//   SWIM       Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
//              Protocol", DSN 2002
//   Lifeguard  Dadgar, Phillips, Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection", 2017
// Where we deviate, the test says what we do instead. SWIM 4.3 (everybody is probed in bounded time) is a law: laws.test.ts.

import { describe, expect, test } from "vitest";
import { formatAddress, ringKeyOf } from "../../src/gossip/address.ts";
import { ALIVE, claimOf, DEAD, incarnationOf, LEFT, SUSPECT, statusName } from "../../src/gossip/claim.ts";
import type { Config } from "../../src/gossip/config.ts";
import { Health } from "../../src/gossip/health.ts";
import { KEY_MAX } from "../../src/gossip/ring.ts";
import {
  ACK,
  CHALLENGE,
  CLAIMS,
  GOSSIP,
  HAVE,
  HEARD,
  JOIN,
  NACK,
  PING,
  PING_REQ,
  RANGES,
} from "../../src/gossip/wire.ts";
import { Lab, names, type Sent } from "./lab.ts";
import { alive, at, said, write } from "./letters.ts";
import { Village, type Villager } from "./village.ts";

/** A core among `count` members who answer; everything is told and nothing is under way. */
function settled(count: number, config: Partial<Config> = {}): Lab {
  const lab = new Lab({ config });
  lab.know(...names(count));
  lab.answering = () => true;
  lab.runFor(10_000);
  for (const from of names(count)) lab.hear({ kind: HEARD, from });
  lab.runFor(2 * lab.config.gossipIntervalMs);
  lab.take();
  expect(lab.swim.load).toMatchObject({ rumors: 0, suspicions: 0 });
  expect(lab.swim.health).toBe(0);
  return lab;
}

/** From now on nobody answers; returns the next ping. */
function nextPing(lab: Lab): Sent {
  lab.answering = () => false;
  for (let i = 0; i < 100; i++) {
    const ping = lab.take(PING)[0];
    if (ping) return ping;
    lab.runUntil(lab.swim.deadline);
  }
  throw new Error("Nobody was pinged");
}

/** Runs until helpers are asked about the ping. */
function helpersFor(lab: Lab, ping: Sent): Sent[] {
  while (lab.now < ping.at + 20_000) {
    const asked = lab.take(PING_REQ).filter(({ a }) => a === ping.a);
    if (asked.length > 0) return asked;
    lab.runUntil(lab.swim.deadline);
  }
  return [];
}

const other = (lab: Lab, ...not: string[]) => {
  const name = names(lab.swim.members.others).find((name) => !not.includes(name));
  if (name === undefined) throw new Error("BUG in a test: no other member");
  return name;
};

describe("SWIM 4.1, the failure detector", () => {
  test("once in a protocol period a member pings one other", () => {
    const lab = settled(6);
    const from = lab.now;
    lab.runFor(20 * lab.config.probeIntervalMs);
    const sent = lab.take();
    const pings = sent.filter(({ kind }) => kind === PING);
    expect(pings.length).toBe(20);
    for (const [i, ping] of pings.entries()) expect(Math.floor((ping.at - from) / lab.config.probeIntervalMs)).toBe(i);
    expect(sent.filter(({ kind }) => kind === PING_REQ)).toEqual([]);
  });

  test("the pinged member answers with an ack that carries the ping's number", () => {
    const lab = settled(3);
    lab.hear({ kind: PING, from: names(3)[1] as string, a: 4_242 });
    expect(lab.take()).toMatchObject([{ kind: ACK, to: names(3)[1], a: 4_242 }]);
  });

  test.each([1, 3, 5])("without an ack in time, k = %i other members are asked to ping the target", (k) => {
    const lab = settled(9, { indirectProbes: k });
    const ping = nextPing(lab);
    const asked = helpersFor(lab, ping);
    expect(asked.length).toBe(k);
    expect(new Set(asked.map(({ to }) => to)).size).toBe(k);
    for (const { to, claims, at } of asked) {
      expect(to).not.toBe(ping.to);
      expect(to).not.toBe(lab.address);
      expect(claims).toMatchObject([{ member: ping.to }]);
      expect(at - ping.at).toBeGreaterThanOrEqual(lab.config.probeTimeoutFloorMs);
      expect(at - ping.at).toBeLessThanOrEqual(lab.config.probeTimeoutMs);
    }
  });

  /** Every datagram of a kind about one ping, until its probe is over; nobody answers. */
  function untilTheEnd(lab: Lab, ping: Sent, kind: number): Sent[] {
    lab.runUntil(ping.at + 2 * lab.config.probeTimeoutMs * (lab.swim.health + 1));
    return lab.take(kind).filter(({ a }) => a === ping.a);
  }

  test("ours: the ping is repeated five times, a fifth of the timeout apart, until the probe is over", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    const pings = untilTheEnd(lab, ping, PING);
    // Answers come in the same moment here, which is no measurement: the timeout is the longest.
    const first = ping.at + lab.config.probeTimeoutMs;
    expect(pings.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4].map((i) => expect.closeTo(first + 100 * i, 6)));
    for (const again of pings) expect(again.to).toBe(ping.to);
    const suspected = lab.changes.find(({ member, claim }) => member === ping.to && claim === claimOf(1, SUSPECT));
    expect(suspected?.at).toBeCloseTo(first + lab.config.probeTimeoutMs, 6);
  });

  test("ours: helpers are asked with the first and with the third repetition, the same ones", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    const asked = untilTheEnd(lab, ping, PING_REQ);
    // Answers come in the same moment here, which is no measurement: the timeout is the longest.
    const first = ping.at + lab.config.probeTimeoutMs;
    expect(asked.map(({ at }) => at)).toEqual([0, 0, 0, 200, 200, 200].map((ms) => expect.closeTo(first + ms, 6)));
    const [once, again] = [asked.slice(0, 3), asked.slice(3)].map((three) => three.map(({ to }) => to));
    expect(again).toEqual(once);
  });

  test.each([0, 1, 2, 3, 4])("ours: an ack after %i repetitions ends them", (count) => {
    const lab = settled(9);
    const ping = nextPing(lab);
    lab.runUntil(ping.at + lab.config.probeTimeoutMs + 100 * count - 1);
    expect(lab.take(PING).filter(({ a }) => a === ping.a).length).toBe(count);
    expect(lab.hear({ kind: ACK, from: ping.to, a: ping.a })).toBe("ok");
    lab.answering = () => true;
    lab.runFor(2_000);
    expect(lab.take(PING).filter(({ a }) => a === ping.a)).toEqual([]);
    expect(lab.status(ping.to)).toBe("alive");
    expect(lab.hear({ kind: ACK, from: ping.to, a: ping.a }), "one is enough").toBe("stray");
  });

  test("ours: a helper repeats its ping as well until it must say that it hears nothing, and asked again it goes on", () => {
    const lab = settled(4);
    const [requester = "", target = ""] = names(4);
    lab.answering = (member) => member !== target;
    const request = { kind: PING_REQ, from: requester, a: 99, claims: [{ member: target, claim: 4 }] };
    const asked = lab.now;
    lab.take();
    expect(lab.hear(request)).toBe("ok");
    const seq = lab.take(PING)[0]?.a;
    lab.runUntil(asked + 200);
    expect(lab.hear(request), "asked again").toBe("ok");
    expect(lab.swim.load.forwards).toBe(1);
    lab.runUntil(asked + lab.config.probeTimeoutMs);
    const sent = lab.take();
    const pings = sent.filter(({ kind, a }) => kind === PING && a === seq);
    expect(pings.map(({ at, to }) => [at - asked, to])).toEqual(
      [100, 200, 300].map((ms) => [expect.closeTo(ms, 6), target]),
    );
    expect(sent.filter(({ kind }) => kind === NACK).length).toBe(1);
    expect(lab.swim.load.forwards).toBe(0);
    expect(lab.hear(request), "and after that it is another").toBe("ok");
    expect(lab.swim.load.forwards).toBe(1);
  });

  test("ours: nobody helps to ping a stranger: it could be anybody's address", () => {
    const lab = settled(4);
    const [requester = ""] = names(4);
    lab.take();
    const stranger = { member: "8.8.8.8:53", claim: 4 };
    expect(lab.hear({ kind: PING_REQ, from: requester, a: 99, claims: [stranger] })).toBe("stray");
    lab.runFor(1_000);
    expect(lab.take().filter(({ to }) => to === stranger.member)).toEqual([]);
  });

  test("ours: a helper that was answered pings no more, and has told it once", () => {
    const lab = settled(4);
    const [requester = "", target = ""] = names(4);
    lab.answering = (member) => member !== target;
    lab.take();
    lab.hear({ kind: PING_REQ, from: requester, a: 99, claims: [{ member: target, claim: 4 }] });
    const seq = lab.take(PING)[0]?.a ?? 0;
    lab.runFor(150);
    lab.hear({ kind: ACK, from: target, a: seq });
    expect(lab.hear({ kind: ACK, from: target, a: seq }), "the second ping's").toBe("stray");
    lab.runFor(1_000);
    const sent = lab.take();
    expect(sent.filter(({ kind, a }) => kind === PING && a === seq).length).toBe(1);
    expect(sent.filter(({ to, a }) => to === requester && a === 99)).toMatchObject([{ kind: ACK }]);
  });

  test("fewer are asked where there are fewer", () => {
    expect(helpersFor(...pinged(settled(3))).length).toBe(2);
    expect(helpersFor(...pinged(settled(1))).length).toBe(0);
  });

  test("a helper pings the target, and sends the ack on to who asked", () => {
    const lab = settled(4);
    const [requester = "", target = ""] = names(4);
    lab.answering = () => false;
    expect(lab.hear({ kind: PING_REQ, from: requester, a: 99, claims: [{ member: target, claim: 4 }] })).toBe("ok");
    const [ping] = lab.take();
    expect(ping).toMatchObject({ kind: PING, to: target });
    expect(lab.hear({ kind: ACK, from: target, a: ping?.a ?? 0 })).toBe("ok");
    expect(lab.take()).toMatchObject([{ kind: ACK, to: requester, a: 99 }]);
  });

  test("an ack through a helper counts as one from the target", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    const [helper] = helpersFor(lab, ping);
    lab.hear({ kind: ACK, from: helper?.to ?? "", a: ping.a });
    lab.answering = () => true;
    lab.runFor(5_000);
    expect(lab.changes.filter(({ member, claim }) => member === ping.to && claim !== claimOf(1, ALIVE))).toEqual([]);
  });

  test("a direct ack that comes late, but within the period, counts", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    helpersFor(lab, ping);
    lab.hear({ kind: ACK, from: ping.to, a: ping.a });
    // Which of two pings it answers is unknown, so it says nothing of the round-trip (Karn's rule, RFC 6298 3).
    expect(lab.swim.members.rttMs(lab.peers.find(at(ping.to)) ?? 0)).toBeLessThan(1);
    lab.answering = () => true;
    lab.runFor(5_000);
    expect(lab.status(ping.to)).toBe("alive");
    expect(lab.swim.health).toBe(0);
  });

  test("with no ack by the end of the period the target is accused, and within the period nobody is", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    lab.answering = (member) => member !== ping.to;
    lab.runUntil(ping.at + lab.config.probeTimeoutMs);
    expect(lab.status(ping.to)).toBe("alive");
    lab.runUntil(ping.at + lab.config.probeIntervalMs + 1);
    expect(lab.status(ping.to)).toBe("suspect");
  });

  test("an ack to no ping of ours is no sign of life", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    expect(lab.hear({ kind: ACK, from: ping.to, a: ping.a + 1 })).toBe("stray");
    lab.answering = (member) => member !== ping.to;
    lab.runFor(2_000);
    expect(lab.status(ping.to)).toBe("suspect");
  });
});

function pinged(lab: Lab): [Lab, Sent] {
  return [lab, nextPing(lab)];
}

describe("SWIM 4.1, dissemination rides on pings and acks", () => {
  const news = "10.0.50.1:7979";

  test("news rides on the ack of a ping", () => {
    const lab = settled(5);
    const [first = "", second = ""] = names(5);
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(news)] });
    lab.hear({ kind: PING, from: second, a: 1, digest: 0 });
    expect(lab.take(ACK)[0]?.claims).toMatchObject([{ member: news, claim: claimOf(1, ALIVE) }]);
  });

  test("news rides on our own ping", () => {
    // What comes after other news, and so waits a second for more to go with it, is left to the ping.
    const lab = settled(5, { coalesceMs: 1_000, gossipIntervalMs: 1_000 });
    const [first = ""] = names(5);
    lab.hear({ kind: GOSSIP, from: first, claims: [alive("10.0.50.2:7979")] });
    lab.runFor(0);
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(news)] });
    const ping = nextPing(lab);
    expect(ping.claims).toMatchObject([{ member: news }, { member: "10.0.50.2:7979" }]);
  });

  // Somebody with another view, who does not hear what it is told: it never shows our digest.
  const ask = (lab: Lab, from: string) => lab.hear({ kind: PING, from, digest: 0 });

  test.each([3, 20, 300])("each piece is sent lambda * log n times and then no more, among %i members", (count) => {
    const lab = settled(count);
    const first = names(count)[0] as string;
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(news)] });
    for (let i = 0; i < 60; i++) ask(lab, first);
    const limit = lab.config.gossipMult * Math.ceil(Math.log10(lab.swim.members.live + 1));
    expect(lab.tellings(news)).toBe(limit);
    lab.answering = () => true;
    lab.runFor(10_000);
    expect(lab.tellings(news)).toBe(limit);
  });

  test("ours: while a crowd forms, news of members is sent twice to each lasting contact, which is less", () => {
    const lab = settled(150);
    const first = names(150)[0] as string;
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(news)] });
    for (let i = 0; i < 60; i++) ask(lab, first);
    expect(lab.tellings(news)).toBe(2 * 2);
  });

  test("pieces that were sent fewer times go first", () => {
    const lab = settled(3);
    const first = names(3)[0] as string;
    const large = names(5, "10.0.51").map((member) => ({ ...alive(member), profile: new Uint8Array(500).fill(7) }));
    for (const claim of large) lab.hear({ kind: GOSSIP, from: first, claims: [claim] });
    const told = new Map(large.map(({ member }) => [member, 0]));
    for (let i = 0; i < 8; i++) {
      ask(lab, first);
      const claims = lab.take(ACK)[0]?.claims ?? [];
      expect(claims.length, "two fit a datagram").toBe(2);
      for (const { member } of claims) told.set(member, (told.get(member) ?? 0) + 1);
      expect(Math.max(...told.values()) - Math.min(...told.values())).toBeLessThanOrEqual(1);
    }
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(news)] });
    ask(lab, first);
    expect(lab.take(ACK)[0]?.claims[0]?.member, "what was never told is first").toBe(news);
  });

  test("ours: to a member that shows our digest nothing rides along, and to one that showed it before our news it does", () => {
    const lab = settled(5);
    const [first = "", second = ""] = names(5);
    lab.hear({ kind: GOSSIP, from: first, claims: [alive(news)] });
    lab.hear({ kind: HEARD, from: second });
    lab.hear({ kind: PING, from: second, a: 1 });
    lab.hear({ kind: PING, from: second, a: 2 });
    expect(lab.take(ACK)).toMatchObject([{ claims: [] }, { claims: [] }]);
    lab.hear({ kind: GOSSIP, from: first, claims: [alive("10.0.50.2:7979")] });
    ask(lab, second);
    expect(lab.take(ACK)[0]?.claims.map(({ member }) => member)).toEqual([news, "10.0.50.2:7979"]);
  });

  test("to a stranger nothing is told", () => {
    const lab = settled(3);
    lab.hear({ kind: GOSSIP, from: names(3)[0] as string, claims: [alive(news)] });
    lab.hear({ kind: PING, from: "10.0.99.1:7979", a: 1 });
    expect(lab.take(ACK)).toMatchObject([{ to: "10.0.99.1:7979", claims: [], messages: [] }]);
  });
});

describe("news of members, in ours", () => {
  const news = "10.0.50.1:7979";

  /** A group that has stood still for so long that everybody has a far contact. */
  function standing(count: number): Lab {
    const lab = settled(count);
    lab.runFor(20_000);
    lab.take();
    lab.answering = () => false;
    return lab;
  }

  /** Who stands next to this core on the ring, nearest first; on either side in turn. */
  function neighbours(lab: Lab, count: number): string[] {
    const { ring, self } = lab.swim.members;
    const here = ring.positionOf(self);
    const steps = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 1 : -1) * (1 + (i >> 1)));
    return steps.map((step) => formatAddress(lab.peers.address(ring.at(here + step))));
  }

  test("is told to the nearest neighbours and the far contact at once, and to nobody else until the next round", () => {
    const lab = standing(20);
    const { gossipIntervalMs } = lab.config;
    lab.hear({ kind: GOSSIP, from: names(20)[9] as string, digest: 0, claims: [alive(news)] });
    const heardAt = lab.now;
    lab.take();
    lab.runFor(gossipIntervalMs / 2);
    const told = lab.take(GOSSIP);
    expect(told.length).toBe(3);
    for (const letter of told) expect(letter).toMatchObject({ at: heardAt, claims: [{ member: news }] });
    expect(told.map(({ to }) => to)).toEqual(expect.arrayContaining(neighbours(lab, 2)));
  });

  test("that comes right after other news waits until two tellings are coalesceMs apart, with all that comes meanwhile", () => {
    const lab = standing(20);
    const { coalesceMs } = lab.config;
    const hear = (member: string) =>
      lab.hear({ kind: GOSSIP, from: names(20)[9] as string, digest: 0, claims: [alive(member)] });
    hear(news);
    lab.runFor(0);
    lab.take();
    const toldAt = lab.now;
    const later = ["10.0.50.2:7979", "10.0.50.3:7979"];
    for (const member of later) {
      lab.runFor(coalesceMs / 4);
      hear(member);
    }
    lab.runUntil(toldAt + 50);
    const told = lab.take(GOSSIP);
    expect(told.length).toBe(3);
    for (const { at, claims } of told) {
      expect(at).toBe(toldAt + coalesceMs);
      expect(claims.map(({ member }) => member)).toEqual(expect.arrayContaining(later));
    }
  });

  test("goes to all contacts in each regular round, until it was told often enough", () => {
    const lab = standing(20);
    lab.hear({ kind: GOSSIP, from: names(20)[9] as string, digest: 0, claims: [alive(news)] });
    const first = lab.now;
    lab.take();
    lab.runUntil(first + 10 * lab.config.gossipIntervalMs - 1);
    const told = lab.take(GOSSIP).filter(({ claims }) => claims.some((c) => c.member === news));
    const limit = lab.config.gossipMult * Math.ceil(Math.log10(lab.swim.members.live + 1));
    expect(told.length).toBeLessThanOrEqual(limit);
    for (const letter of told) expect((letter.at - first) % lab.config.gossipIntervalMs).toBeCloseTo(0, 6);
    const second = told.filter(({ at }) => at === first + lab.config.gossipIntervalMs);
    expect(new Set(second.map(({ to }) => to))).toEqual(
      new Set([...neighbours(lab, 4), ...second.map(({ to }) => to)]),
    );
    expect(second.length).toBe(limit - 3);
  });

  test("is dropped altogether as soon as all links show our digest", () => {
    const lab = standing(20);
    const links = () => {
      lab.hear({ kind: GOSSIP, from: names(20)[9] as string, digest: 0, claims: [alive(`10.0.50.${++seen}:7979`)] });
      lab.take();
      lab.runFor(10);
      return lab.take(GOSSIP).map(({ to }) => to);
    };
    let seen = 0;
    const [one = "", two = "", far = ""] = links();
    for (const from of [one, two]) lab.hear({ kind: HEARD, from });
    lab.runFor(lab.config.gossipIntervalMs);
    expect(lab.swim.load.rumors, "one has not").toBe(1);
    expect(lab.take(GOSSIP).map(({ to }) => to)).not.toEqual(expect.arrayContaining([one]));
    lab.hear({ kind: HEARD, from: far });
    lab.runFor(lab.config.gossipIntervalMs);
    lab.take();
    expect(lab.swim.load.rumors).toBe(0);
    lab.answering = () => true;
    lab.runFor(3_000);
    expect(lab.tellings("10.0.50.1:7979")).toBe(0);
  });

  test("is acknowledged with our digest, by one that agrees then and by nobody else", () => {
    const lab = settled(5);
    const { heardDelayMs } = lab.config;
    const [teller = ""] = names(5);
    lab.hear({ kind: GOSSIP, from: teller, digest: 0, claims: [alive(news)] });
    lab.runFor(heardDelayMs);
    const sent = lab.take();
    expect(
      sent.filter(({ kind }) => kind === HEARD),
      "its view is another",
    ).toEqual([]);
    const shown = sent.map(({ to }) => to);
    const other = names(5).find((name) => name !== teller && !shown.includes(name)) ?? "";
    const crossed = shown.find((to) => to !== teller && to !== news) ?? "";
    lab.hear({ kind: GOSSIP, from: crossed, claims: [alive(news)] });
    lab.runFor(heardDelayMs);
    expect(lab.take(HEARD), "our own telling, which crossed it, shows as much").toEqual([]);
    lab.hear({ kind: GOSSIP, from: other, claims: [alive(news)] });
    const at = lab.now + heardDelayMs;
    lab.runFor(heardDelayMs + 1);
    expect(lab.take(HEARD)).toMatchObject([
      { at, to: other, digest: lab.swim.members.ring.digest, claims: [], messages: [] },
    ]);
    lab.hear({ kind: GOSSIP, from: other });
    lab.hear({ kind: HEARD, from: other });
    lab.runFor(2 * heardDelayMs);
    expect(lab.take(HEARD), "where nothing was told there is nothing to say").toEqual([]);
  });

  test("waits when there is too much of it, and goes in batches: no more datagrams than burst and rate allow", () => {
    const lab = settled(20);
    const { gossipBurst, gossipPerSecond } = lab.config;
    lab.answering = () => false;
    lab.take();
    const from = lab.now;
    for (let i = 0; i < 400; i++) {
      lab.hear({
        kind: GOSSIP,
        from: names(20)[i % 20] as string,
        digest: 0,
        claims: [alive(`10.0.51.${1 + ((i >> 1) % 250)}:7979`, 1 + i)],
      });
      lab.runFor(2);
      const sent = lab.sent.filter(
        ({ kind, to, claims }) => kind === GOSSIP && claims.some(({ member }) => member !== to),
      );
      expect(sent.length).toBeLessThanOrEqual(gossipBurst + ((lab.now - from) * gossipPerSecond) / 1_000 + 1);
    }
    const sent = lab.take(GOSSIP);
    expect(sent.length).toBeGreaterThan(gossipBurst);
    const late = sent.filter(({ at }) => at > from + 400);
    expect(late.reduce((sum, { claims }) => sum + claims.length, 0) / late.length, "a batch").toBeGreaterThan(3);
  });
});

describe("SWIM 4.2, suspicion", () => {
  test("a member that did not answer is suspected first, and counts among the members all the while", () => {
    const lab = settled(9);
    const { live } = lab.swim.members;
    const ping = nextPing(lab);
    lab.answering = (member) => member !== ping.to;
    lab.runFor(2_000);
    expect(lab.status(ping.to)).toBe("suspect");
    expect(lab.swim.members.live).toBe(live);
    expect(
      lab
        .take()
        .some(
          ({ to, claims }) =>
            to !== ping.to && claims.some((c) => c.member === ping.to && c.claim === claimOf(1, SUSPECT)),
        ),
    ).toBe(true);
  });

  test("the suspected goes on being pinged", () => {
    const lab = settled(2);
    const [suspect = "", accuser = ""] = names(2);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    lab.take();
    lab.runFor(3_000);
    expect(lab.take(PING).map(({ to }) => to)).toContain(suspect);
  });

  test("when its time is out, the suspected is declared failed, which is told, and it is no member any more", () => {
    const lab = settled(9);
    const { live } = lab.swim.members;
    const ping = nextPing(lab);
    lab.answering = (member) => member !== ping.to;
    lab.runFor(60_000);
    expect(lab.status(ping.to)).toBe("dead");
    expect(lab.swim.members.live).toBe(live - 1);
    expect(
      lab.take().some(({ claims }) => claims.some((c) => c.member === ping.to && c.claim === claimOf(1, DEAD))),
    ).toBe(true);
  });

  test("the accused who is heard of alive again with a higher incarnation is cleared, and no death follows", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    lab.answering = (member) => member !== ping.to;
    lab.runFor(2_000);
    expect(lab.status(ping.to)).toBe("suspect");
    lab.answering = () => true;
    lab.hear({ kind: GOSSIP, from: ping.to, claims: [alive(ping.to, 2)] });
    expect(lab.claim(ping.to)).toBe(claimOf(2, ALIVE));
    lab.runFor(100_000);
    expect(lab.claim(ping.to)).toBe(claimOf(2, ALIVE));
  });

  // What is believed, what is heard, and what is believed then: the precedence rules of the section.
  test.each([
    ["alive@1", "suspect@1", "suspect@1"],
    ["alive@2", "suspect@1", "alive@2"],
    ["suspect@1", "alive@1", "suspect@1"],
    ["suspect@1", "alive@2", "alive@2"],
    ["suspect@2", "alive@1", "suspect@2"],
    ["alive@1", "alive@2", "alive@2"],
    ["alive@2", "alive@1", "alive@2"],
    ["alive@1", "dead@1", "dead@1"],
    ["suspect@1", "dead@1", "dead@1"],
    ["dead@1", "alive@1", "dead@1"],
    ["dead@1", "suspect@1", "dead@1"],
    // The paper lets a confirm of any incarnation win, so that nobody comes back; here a higher one is another life.
    ["dead@1", "alive@2", "alive@2"],
    ["alive@2", "dead@1", "alive@2"],
    // Ours: a goodbye, which nothing of its own incarnation outbids.
    ["alive@1", "left@1", "left@1"],
    ["dead@1", "left@1", "left@1"],
    ["left@1", "dead@1", "left@1"],
    ["left@1", "alive@1", "left@1"],
    ["left@1", "alive@2", "alive@2"],
  ])("who believes %s and hears %s believes %s", (believed, heard, then) => {
    const statuses = ["alive", "suspect", "dead", "left"];
    const claim = (text: string) => {
      const [status = "", incarnation = ""] = text.split("@");
      return said(names(3)[1] as string, statuses.indexOf(status), Number(incarnation));
    };
    const lab = settled(1);
    const { member } = claim(believed);
    const [, incarnation] = believed.split("@");
    lab.hear({
      kind: GOSSIP,
      from: names(1)[0] as string,
      claims: [alive(member, Number(incarnation)), claim(believed)],
    });
    lab.hear({ kind: GOSSIP, from: names(1)[0] as string, claims: [claim(heard)] });
    expect(`${lab.status(member)}@${incarnationOf(lab.claim(member))}`).toBe(then);
  });

  test("who hears itself accused says that it lives, with a higher incarnation, and the accuser hears it first", () => {
    const lab = settled(5);
    const [accuser = ""] = names(5);
    const own = lab.claim(lab.address);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [{ member: lab.address, claim: own + SUSPECT, accuser }] });
    expect(lab.claim(lab.address)).toBe(claimOf(incarnationOf(own) + 1, ALIVE));
    const [answer] = lab.take();
    expect(answer).toMatchObject({ to: accuser });
    expect(answer?.claims).toMatchObject([{ member: lab.address, claim: lab.claim(lab.address) }]);
    lab.runFor(1_000);
    expect(lab.tellings(lab.address)).toBeGreaterThan(2);
  });

  test("an old accusation is not worth an answer", () => {
    const lab = settled(5);
    const [accuser = ""] = names(5);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(lab.address, DEAD, 5)] });
    const own = lab.claim(lab.address);
    lab.runFor(10_000);
    lab.take();
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(lab.address, SUSPECT, 5), said(lab.address, DEAD, 4)] });
    expect(lab.claim(lab.address)).toBe(own);
    expect(lab.take()).toEqual([]);
  });

  test("an incarnation is raised by the member itself and by nobody else", () => {
    const village = new Village();
    const all = names(6, "10.0.2").map((name) => village.settle(name));
    for (const one of all.slice(1)) village.join(one, all[0] as Villager);
    village.runFor(3_000);
    const victim = all[3] as Villager;
    // It hears nobody for a while, and then everybody again.
    village.isLost = (_, to) => to === victim.address;
    village.runFor(4_000);
    village.isLost = () => false;
    village.runFor(60_000);
    const highest = new Map<string, number>();
    let raised = 0;
    for (const sight of village.sights) {
      if (sight.what !== "belief") continue;
      const { by, of, claim } = sight;
      const known = highest.get(of) ?? 0;
      if (incarnationOf(claim) <= known) continue;
      expect(by, `${of} ${statusName(claim)}@${incarnationOf(claim)}`).toBe(of);
      highest.set(of, incarnationOf(claim));
      if (known > 0) raised++;
    }
    expect(raised, "somebody was accused and answered").toBeGreaterThan(0);
    for (const one of all) expect(one.status(victim.address)).toBe("alive");
  });
});

describe("SWIM 3 and 5, completeness and accuracy", () => {
  /** A group that knows itself. */
  function group(count: number, seed: number): { village: Village; all: Villager[] } {
    const village = new Village({}, seed);
    const all = names(count, "10.0.2").map((name) => village.settle(name));
    for (const one of all.slice(1)) village.join(one, all[0] as Villager);
    village.runFor(5_000);
    for (const one of all) for (const { address } of all) expect(one.status(address)).toBe("alive");
    return { village, all };
  }

  test.each([1, 2, 3])("every failure is detected by every member that lives, in bounded time (seed %i)", (seed) => {
    const { village, all } = group(8, seed);
    const [fallen, ...others] = all as [Villager, ...Villager[]];
    village.crash(fallen);
    const { probeIntervalMs, suspicionMult, suspicionMaxMult } = village.config;
    const mostMs = (4 + 1 + suspicionMult * suspicionMaxMult) * probeIntervalMs + 1_000;
    const took = village.runUntil(() => others.every((one) => one.status(fallen.address) === "dead"), mostMs);
    expect(took).toBeDefined();
    for (const one of others) for (const { address } of others) expect(one.status(address)).toBe("alive");
  });

  test("half of a group that falls at once is found by the other half", () => {
    const { village, all } = group(10, 4);
    const fallen = all.filter((_, i) => i % 2 === 0);
    const others = all.filter((_, i) => i % 2 === 1);
    for (const one of fallen) village.crash(one);
    const took = village.runUntil(
      () => others.every((one) => fallen.every(({ address }) => one.status(address) === "dead")),
      90_000,
    );
    expect(took).toBeDefined();
    for (const one of others) for (const { address } of others) expect(one.status(address)).toBe("alive");
  });

  test("two members that cannot reach each other, but both reach the others, are not accused (4.1, indirect probes)", () => {
    const { village, all } = group(5, 5);
    village.sights.length = 0;
    for (const left of all) {
      for (const right of all) {
        village.isLost = (from, to) =>
          (from === left.address && to === right.address) || (from === right.address && to === left.address);
        village.runFor(5_000);
      }
    }
    const accusations = village.sights.filter((sight) => sight.what === "belief" && (sight.claim & 3) !== ALIVE);
    expect(accusations).toEqual([]);
  });

  test("a member that is accused wrongly is cleared everywhere", () => {
    const { village, all } = group(6, 6);
    const [accuser, victim] = all as [Villager, Villager];
    village.tell(accuser, (swim, now) => swim.receive(now, lie(all[2] as Villager, victim)));
    village.runFor(20_000);
    for (const one of all) expect(incarnationOf(one.claim(victim.address))).toBe(2);
    for (const one of all) expect(one.status(victim.address)).toBe("alive");
  });
});

function lie(liar: Villager, victim: Villager): Uint8Array {
  return write({ kind: GOSSIP, from: liar.address, claims: [said(victim.address, SUSPECT, 1, liar.address)] });
}

describe("Lifeguard IV-A, local health", () => {
  /** Makes a core feel as sick as `score` says, by accusing it. */
  function sicken(lab: Lab, score: number): void {
    for (let i = 0; i < score; i++) {
      const own = lab.claim(lab.address);
      lab.hear({ kind: GOSSIP, from: names(1)[0] as string, claims: [{ member: lab.address, claim: own + SUSPECT }] });
    }
  }

  test("a failed probe costs one where nobody could help", () => {
    const lab = settled(1);
    const ping = nextPing(lab);
    lab.runUntil(ping.at + 1_100);
    expect(lab.status(ping.to)).toBe("suspect");
    expect(lab.swim.health).toBe(1);
  });

  test.each([0, 1, 2, 3])(
    "a failed probe costs one for each helper that kept silent, of three %i sent a nack",
    (nacks) => {
      const lab = settled(9);
      const ping = nextPing(lab);
      const helpers = helpersFor(lab, ping);
      for (const { to } of helpers.slice(0, nacks)) lab.hear({ kind: NACK, from: to, a: ping.a });
      lab.runUntil(ping.at + lab.config.probeIntervalMs + 1);
      expect(lab.status(ping.to)).toBe("suspect");
      // What else was probed meanwhile has had no time to fail.
      expect(lab.swim.health).toBe(3 - nacks);
    },
  );

  test("a nack counts once, however often it arrives, and only from who was asked", () => {
    const lab = settled(9);
    const ping = nextPing(lab);
    const helpers = helpersFor(lab, ping);
    for (let i = 0; i < 4; i++) lab.hear({ kind: NACK, from: helpers[0]?.to ?? "", a: ping.a });
    const bystander = other(lab, ping.to, ...helpers.map(({ to }) => to));
    for (let i = 0; i < 4; i++) lab.hear({ kind: NACK, from: bystander, a: ping.a });
    lab.runUntil(ping.at + lab.config.probeIntervalMs + 1);
    expect(lab.swim.health).toBe(2);
  });

  test("an answered probe gives one back, down to nothing", () => {
    const lab = settled(5);
    sicken(lab, 3);
    expect(lab.swim.health).toBe(3);
    const scores = [lab.swim.health];
    for (let i = 0; i < 400 && scores.at(-1) !== 0; i++) {
      lab.runFor(50);
      if (lab.swim.health !== scores.at(-1)) scores.push(lab.swim.health);
    }
    expect(scores).toEqual([3, 2, 1, 0]);
    lab.runFor(5_000);
    expect(lab.swim.health).toBe(0);
  });

  test.each([0, 40, 300, 500])("an event loop that comes %i ms late waits so much longer for answers", (lateMs) => {
    const lab = settled(9);
    const { probeIntervalMs, probeTimeoutMs } = lab.config;
    const due = nextPing(lab).at + probeIntervalMs;
    lab.answering = () => true;
    lab.runUntil(due - 1);
    lab.take();
    lab.now = due + lateMs;
    lab.swim.wake(lab.now);
    const [ping] = lab.take(PING) as [Sent];
    lab.answering = () => false;
    const [asked] = helpersFor(lab, ping);
    expect(asked?.at).toBeCloseTo(ping.at + probeTimeoutMs + lateMs, 3);
    lab.runUntil(ping.at + 2 * probeTimeoutMs + 2 * lateMs - 1);
    expect(lab.status(ping.to)).toBe("alive");
    lab.runUntil(ping.at + 2 * probeTimeoutMs + 2 * lateMs + 1);
    expect(lab.status(ping.to)).toBe("suspect");
  });

  test("lateness is forgotten by half in each period, the greater one counts, and none where there is no local health", () => {
    const health = new Health(8, 1_000);
    expect(health.lagMs(0)).toBe(0);
    health.late(300, 5_000);
    expect([5_000, 6_000, 7_000].map((now) => health.lagMs(now))).toEqual([300, 150, 75]);
    health.late(140, 6_000);
    expect(health.lagMs(6_000)).toBe(150);
    health.late(80, 7_000);
    expect(health.lagMs(7_000)).toBe(80);
    const none = new Health(0, 1_000);
    none.late(300, 0);
    expect(none.lagMs(0)).toBe(0);
  });

  test("to have to refute an accusation costs one, up to the ceiling S", () => {
    const lab = settled(5);
    for (let score = 1; score <= 12; score++) {
      sicken(lab, 1);
      expect(lab.swim.health).toBe(Math.min(score, lab.config.healthMax));
    }
  });

  test.each([0, 1, 4, 8])(
    "at a score of %i, the period and the probe's timeout are as many times longer plus one",
    (score) => {
      const lab = settled(5);
      sicken(lab, score);
      const ping = nextPing(lab);
      const [request] = helpersFor(lab, ping);
      expect((request?.at ?? 0) - ping.at).toBeGreaterThanOrEqual(lab.config.probeTimeoutFloorMs * (score + 1));
      expect((request?.at ?? 0) - ping.at).toBeLessThanOrEqual(lab.config.probeTimeoutMs * (score + 1));
      const fresh = settled(5);
      sicken(fresh, score);
      const first = nextPing(fresh);
      fresh.hear({ kind: ACK, from: first.to, a: first.a });
      const second = nextPing(fresh);
      expect(second.at - first.at).toBeCloseTo(fresh.config.probeIntervalMs * (score + 1), 6);
    },
  );

  test("a helper whose ping is not answered sends a nack before the asking member's probe is over", () => {
    const lab = settled(4);
    const [requester = "", target = ""] = names(4);
    lab.answering = (member) => member !== target;
    lab.hear({ kind: PING_REQ, from: requester, a: 99, claims: [{ member: target, claim: 4 }] });
    const asked = lab.now;
    lab.take();
    lab.runUntil(asked + lab.config.probeTimeoutMs);
    const nacks = lab.take(NACK);
    expect(nacks).toMatchObject([{ to: requester, a: 99 }]);
    expect((nacks[0]?.at ?? 0) - asked).toBeCloseTo(0.8 * lab.config.probeTimeoutMs, 6);
    expect(lab.hear({ kind: ACK, from: target, a: 99 }), "too late").toBe("stray");
    expect(lab.take()).toEqual([]);
  });

  test("a helper accuses nobody", () => {
    const lab = settled(4);
    const [requester = "", target = ""] = names(4);
    lab.hear({ kind: PING_REQ, from: requester, a: 99, claims: [{ member: target, claim: 4 }] });
    lab.runFor(3_000);
    expect(lab.status(target)).toBe("alive");
  });
});

describe("Lifeguard IV-B, the dynamic suspicion timeout", () => {
  /** How long the suspicion lasts with so many further accusers, heard right after the first. */
  function lasts(count: number, accusers: readonly string[]): { lab: Lab; ms: number } {
    const lab = settled(count);
    const suspect = names(count)[0] as string;
    const heardAt = lab.now;
    for (const accuser of accusers) {
      lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    }
    expect(lab.status(suspect)).toBe("suspect");
    lab.runFor(400_000);
    const death = lab.changes.find(({ member, claim }) => member === suspect && claim === claimOf(1, DEAD));
    return { lab, ms: (death?.at ?? Number.NaN) - heardAt };
  }

  /** The paper's formula. Ours: the least is the same among any number, and only the most grows with its logarithm. */
  function paper({ config }: Lab, live: number, confirmations: number): number {
    const min = config.suspicionMult * config.probeIntervalMs;
    const max = min * config.suspicionMaxMult * Math.log10(Math.max(10, live));
    const k = config.suspicionConfirmations;
    return Math.max(min, max - ((max - min) * Math.log(confirmations + 1)) / Math.log(k + 1));
  }

  test("with one accuser it lasts the most, with K further ones the least, between them as the formula says", () => {
    const accusers = names(20).slice(1, 8);
    const { config } = new Lab();
    for (let confirmations = 0; confirmations <= config.suspicionConfirmations + 1; confirmations++) {
      const { lab, ms } = lasts(20, accusers.slice(0, confirmations + 1));
      expect(ms, `${confirmations} confirmations`).toBeCloseTo(
        paper(lab, 21, Math.min(confirmations, config.suspicionConfirmations)),
        3,
      );
    }
  });

  test("the most grows with the logarithm of the group, and is the same up to ten", () => {
    const ms = [4, 9, 20, 100, 180].map((count) => lasts(count, [names(count)[1] as string]).ms);
    const [four = 0, ten = 0, small = 0, medium = 0, large = 0] = ms;
    expect(four).toBeCloseTo(ten, 6);
    expect(small / ten).toBeCloseTo(Math.log10(21), 6);
    expect(medium / small).toBeCloseTo(Math.log10(101) / Math.log10(21), 6);
    expect(large / small).toBeCloseTo(Math.log10(181) / Math.log10(21), 6);
  });

  test("the least is the same among any number: a death is found as soon among many", () => {
    for (const count of [9, 20, 100, 180]) {
      const { lab, ms } = lasts(count, names(count).slice(1, 4));
      expect(ms, `${count}`).toBeCloseTo(lab.config.suspicionMult * lab.config.probeIntervalMs, 6);
    }
  });

  test("one accuser who says it again, one who is no member, and the accused itself are no further accusers", () => {
    const [suspect = "", accuser = ""] = names(20);
    const { lab, ms } = lasts(20, [accuser, accuser, "10.0.98.1:7979", "10.0.98.2:7979", suspect]);
    expect(ms).toBeCloseTo(paper(lab, 21, 0), 3);
  });

  test("where there are fewer than K others who could share it, all of them do", () => {
    const [suspect = "", accuser = ""] = names(2);
    const alone = lasts(2, [accuser]);
    expect(alone.ms, "we could share it, and hear the suspect").toBeCloseTo(paper(alone.lab, 3, 0), 3);
    const lab = settled(2);
    lab.answering = (member) => member !== suspect;
    const heardAt = lab.now;
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    lab.runFor(20_000);
    const death = lab.changes.find(({ member, claim }) => member === suspect && claim === claimOf(1, DEAD));
    expect((death?.at ?? 0) - heardAt).toBeCloseTo(lab.config.suspicionMult * lab.config.probeIntervalMs, 3);
  });

  test("where nobody else could share it, it lasts the least at once", () => {
    const lab = settled(1);
    const ping = nextPing(lab);
    lab.runFor(20_000);
    const times = [SUSPECT, DEAD].map(
      (status) => lab.changes.find(({ claim }) => claim === claimOf(1, status))?.at ?? 0,
    );
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeCloseTo(lab.config.suspicionMult * lab.config.probeIntervalMs, 3);
    expect(lab.status(ping.to)).toBe("dead");
  });

  /** The members around another on the ring: `steps` away, this core among them if it is. */
  function around(lab: Lab, member: string, ...steps: number[]): string[] {
    const { ring } = lab.swim.members;
    const there = ring.positionOf(lab.peers.find(at(member)) as number);
    return steps.map((step) => formatAddress(lab.peers.address(ring.at(there + step))));
  }

  /** Runs until this core accuses the one it pings; what it sends then. */
  function accusation(lab: Lab, ping: Sent): Sent[] {
    lab.answering = (member) => member !== ping.to;
    lab.runUntil(ping.at + lab.config.probeTimeoutMs);
    const before = lab.swim.begun.probesFailed;
    while (lab.swim.begun.probesFailed === before) {
      lab.take();
      lab.runUntil(lab.swim.deadline);
    }
    return lab.take(GOSSIP);
  }

  test("ours: who accuses says so at once to the two neighbours on either side of the accused, and to the accused", () => {
    const lab = settled(20);
    const ping = nextPing(lab);
    const accused = accusation(lab, ping);
    const told = around(lab, ping.to, -2, -1, 1, 2).filter((member) => member !== lab.address);
    expect(new Set(accused.map(({ to }) => to))).toEqual(new Set([...told, ping.to]));
    for (const letter of accused) {
      expect(letter.claims[0]).toMatchObject({ member: ping.to, claim: claimOf(1, SUSPECT), accuser: lab.address });
    }
  });

  test("ours: neighbours that are suspects themselves are told, and one more beyond each of them", () => {
    const lab = settled(20);
    const ping = nextPing(lab);
    const [fallen = "", beyond = ""] = around(lab, ping.to, 1, 3);
    const witness = other(lab, ping.to, fallen, beyond);
    lab.hear({ kind: GOSSIP, from: witness, claims: [said(fallen, SUSPECT, 1, witness)] });
    const told = accusation(lab, ping).map(({ to }) => to);
    expect(told).toEqual(expect.arrayContaining([fallen, beyond]));
  });

  test("ours: a further accuser tells the neighbours as well, though all know of the suspicion, and starts no rumor", () => {
    const lab = settled(20);
    const ping = nextPing(lab);
    const witness = other(lab, ping.to);
    lab.hear({ kind: GOSSIP, from: witness, claims: [said(ping.to, SUSPECT, 1, witness)] });
    lab.swim.members.ring.digest; // everybody agrees from here on
    for (const from of names(20)) if (from !== ping.to) lab.hear({ kind: HEARD, from });
    lab.runFor(10);
    for (const from of names(20)) if (from !== ping.to) lab.hear({ kind: HEARD, from });
    const accused = accusation(lab, ping);
    const told = around(lab, ping.to, -2, -1, 1, 2).filter((member) => member !== lab.address);
    expect(new Set(accused.map(({ to }) => to))).toEqual(new Set([...told, ping.to]));
    for (const { to, claims } of accused) {
      const accuser = to === ping.to ? expect.anything() : lab.address;
      expect(claims).toMatchObject([{ member: ping.to, claim: claimOf(1, SUSPECT), accuser }]);
    }
    expect(lab.swim.load.rumors).toBe(0);
  });

  test("ours: a further accusation that is heard is told on to nobody", () => {
    const lab = settled(20);
    const [suspect = "", first = "", second = "", ...others] = names(20);
    lab.hear({ kind: GOSSIP, from: first, claims: [said(suspect, SUSPECT, 1, first)] });
    lab.runFor(10);
    for (const from of [first, second, ...others]) lab.hear({ kind: HEARD, from });
    lab.runFor(lab.config.gossipIntervalMs);
    expect(lab.swim.load.rumors).toBe(0);
    lab.take();
    lab.hear({ kind: GOSSIP, from: second, claims: [said(suspect, SUSPECT, 1, second)] });
    lab.runFor(1_000);
    const told = lab
      .take(GOSSIP)
      .filter(({ to, claims }) => to !== suspect && claims.some((c) => c.member === suspect));
    expect(told).toEqual([]);
  });

  test("ours: a member told of a suspicion probes the suspect at once if it is one of its neighbours, and else does not", () => {
    const lab = settled(20);
    const neighbours = around(lab, lab.address, -2, -1, 1, 2);
    const [, far = ""] = around(lab, lab.address, 1, 9);
    const probed = (suspect: string) => {
      const witness = other(lab, suspect);
      lab.take();
      lab.hear({ kind: GOSSIP, from: witness, claims: [said(suspect, SUSPECT, 1, witness)] });
      return lab.take(PING).map(({ to }) => to);
    };
    expect(probed(far)).toEqual([]);
    for (const neighbour of neighbours) {
      expect(probed(neighbour)).toEqual([neighbour]);
      lab.hear({ kind: GOSSIP, from: neighbour, claims: [alive(neighbour, 2)] });
    }
  });
});

describe("Lifeguard IV-C, the buddy system", () => {
  test("a ping to a suspect tells it first of all that it is suspected", () => {
    const lab = settled(2);
    const [suspect = "", accuser = ""] = names(2);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    lab.take();
    lab.runFor(3_900);
    const pings = lab.take(PING).filter(({ to }) => to === suspect);
    expect(pings.length).toBeGreaterThan(0);
    for (const ping of pings) expect(ping.claims[0]).toMatchObject({ member: suspect, claim: claimOf(1, SUSPECT) });
  });

  test("so does the ack to a suspect's own ping", () => {
    const lab = settled(9);
    const [suspect = "", accuser = ""] = names(9);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    lab.runFor(3_000);
    lab.take();
    lab.hear({ kind: PING, from: suspect, a: 5 });
    expect(lab.take(ACK)[0]?.claims[0]).toMatchObject({ member: suspect, claim: claimOf(1, SUSPECT) });
  });

  test("who is taken for dead and pings hears so, and may say that it lives", () => {
    const lab = settled(9);
    const [dead = "", teller = ""] = names(9);
    lab.hear({ kind: GOSSIP, from: teller, claims: [said(dead, DEAD)] });
    lab.runFor(3_000);
    lab.take();
    lab.hear({ kind: PING, from: dead, a: 5 });
    expect(lab.take(ACK)[0]?.claims[0]).toMatchObject({ member: dead, claim: claimOf(1, DEAD) });
  });
});

describe("our own additions", () => {
  test.each([
    ["slowly", "its host alone", 60],
    ["at once", "its neighbours on the ring as well", 1],
  ])(
    "ours: who is let in %s tells the news that keep coming to %s, and two seconds later to those neighbours",
    (_how, _whom, delayMs) => {
      const lab = new Lab({});
      const [host = "", ...others] = names(40);
      lab.enter(host, delayMs);
      expect(lab.swim.members.live).toBe(2);
      lab.take();
      for (const newcomer of others) {
        lab.hear({ kind: GOSSIP, from: newcomer, claims: [alive(newcomer)] });
        lab.runFor(50);
      }
      const told = () => new Set(lab.take(GOSSIP).map(({ to }) => to));
      if (delayMs > 50) expect(told()).toEqual(new Set([host]));
      else expect(told().size).toBeGreaterThan(5);
      lab.runFor(2_500);
      lab.take();
      lab.hear({ kind: GOSSIP, from: host, claims: [said(others[0] as string, SUSPECT, 1, others[1])] });
      lab.runFor(50);
      expect(told().size).toBeGreaterThan(1);
    },
  );

  test("ours: who is let in slowly does not tell its host the host's own news", () => {
    const lab = new Lab({});
    const [host = "", ...others] = names(14);
    lab.enter(host, 60);
    for (const newcomer of others) {
      lab.take();
      // From one whose view is another, so that nothing acknowledges it.
      lab.hear({ kind: GOSSIP, from: host, claims: [alive(newcomer)], digest: 1 });
      lab.runFor(10);
      expect(lab.tellings(newcomer)).toBe(0);
    }
  });

  test.each([
    ["that it leaves", LEFT],
    ["that somebody is dead", DEAD],
    ["that somebody it knows is another by now", ALIVE],
  ])("ours: who is let in slowly tells on what its host says: %s", (_what, status) => {
    const lab = new Lab({});
    const [host = "", ...others] = names(14);
    lab.enter(host, 60);
    lab.know(host, ...others);
    lab.runFor(10);
    lab.take();
    const subject = status === LEFT ? host : (others[0] as string);
    lab.hear({ kind: GOSSIP, from: host, claims: [said(subject, status, 2)] });
    lab.runFor(10);
    expect(lab.tellings(subject)).toBeGreaterThan(0);
  });

  test("ours: who is let in slowly asks a host that has been silent, once, and goes on from the answer if it shows another view", () => {
    const lab = new Lab({ config: { probeIntervalMs: 600_000 } });
    const [host = "", newcomer = ""] = names(2);
    lab.enter(host, 60);
    lab.runFor(100);
    lab.hear({ kind: GOSSIP, from: host, claims: [alive(newcomer)], digest: 1 });
    lab.hear({ kind: GOSSIP, from: host });
    lab.take();
    const heardAt = lab.now;
    const pings = () => lab.take(PING).filter(({ to }) => to === host);
    lab.runFor(600);
    expect(pings()).toEqual([]);
    lab.runFor(500);
    const [ping, ...more] = pings();
    expect(more).toEqual([]);
    expect((ping?.at ?? 0) - heardAt).toBeGreaterThan(4 * lab.config.gossipIntervalMs * 0.75 - 1);
    lab.hear({ kind: ACK, from: host, a: ping?.a ?? 0, digest: 1 });
    expect(lab.take(HAVE).map(({ to }) => to)).toEqual([host]);
    lab.runFor(1_100);
    const [again, ...others] = pings();
    expect(again, "after an answer with another view").toBeDefined();
    expect(others).toEqual([]);
    lab.hear({ kind: ACK, from: host, a: again?.a ?? 0 });
    lab.runFor(5_000);
    expect(pings(), "after one with ours").toEqual([]);
  });

  test.each([
    ["quickly", 1],
    ["slowly", 60],
  ])(
    "ours: who is let in %s among others asks a host that has been silent, and again if anything was new meanwhile",
    (_how, delayMs) => {
      const lab = new Lab({ config: { probeIntervalMs: 600_000 } });
      const [host = "", ...others] = names(7);
      const late = others.pop() as string;
      const pings = () => lab.take(PING).filter(({ to }) => to === host);
      lab.enter(host, delayMs);
      lab.know(...others);
      lab.hear({ kind: GOSSIP, from: host });
      lab.runFor(1_200);
      const [first, ...more] = pings();
      expect(first).toBeDefined();
      expect(more).toEqual([]);
      lab.know(late);
      lab.hear({ kind: ACK, from: host, a: first?.a ?? 0 });
      lab.runFor(1_200);
      const [second, ...evenMore] = pings();
      expect(second).toBeDefined();
      expect(evenMore).toEqual([]);
      lab.hear({ kind: ACK, from: host, a: second?.a ?? 0 });
      lab.runFor(5_000);
      expect(pings()).toEqual([]);
    },
  );

  test("ours: whoever lets many in has for each of them so many datagrams of news a second more", () => {
    const toldWithin = (wards: number) => {
      const lab = new Lab({});
      const newcomers = names(wards);
      for (const newcomer of newcomers) {
        lab.hear({ kind: JOIN, from: newcomer, a: lab.cookieFor(newcomer), claims: [alive(newcomer)], digest: 1 });
        lab.hear({ kind: GOSSIP, from: newcomer, digest: 1 });
      }
      lab.runFor(5_000);
      lab.take();
      for (let i = 0; i < 20; i++) {
        lab.hear({ kind: GOSSIP, from: newcomers[0] as string, claims: [alive(`10.0.9.${i}:7979`)], digest: 1 });
        lab.runFor(50);
      }
      return lab.take(GOSSIP).length;
    };
    const { gossipPerSecond, gossipBurst } = new Lab({}).config;
    expect(toldWithin(60)).toBeGreaterThan(gossipPerSecond + gossipBurst);
    expect(toldWithin(60)).toBeLessThanOrEqual(gossipPerSecond + gossipBurst + 60 * 5 + 10);
  });

  test.each([
    ["the first of its questions, knows that its host is slow", 0, 1_500, 5_000],
    ["its last question, knows that it is quick", undefined, 0, 600],
  ])("ours: who hears, late, an answer to %s: when it asks again says so", (_which, toQuestionAt, least, most) => {
    const lab = new Lab({});
    const [host = ""] = names(1);
    lab.swim.join(lab.now, [at(host)]);
    lab.runFor(2_000);
    const asked = lab.take(JOIN);
    expect(asked.length).toBeGreaterThan(4);
    for (const { c, at: when } of asked) expect(c).toBe(Math.floor(when));
    lab.hear({ kind: CHALLENGE, from: host, a: toQuestionAt ?? asked.at(-1)?.c ?? 0, b: 7 });
    // Which is answered; nobody lets us in.
    expect(lab.take(JOIN)).toMatchObject([{ a: 7 }]);
    lab.runFor(30_000);
    const [first, second] = lab.take(JOIN).map(({ at: when }) => when);
    const pauseMs = (second ?? Number.NaN) - (first ?? Number.NaN);
    expect(pauseMs).toBeGreaterThanOrEqual(least);
    expect(pauseMs).toBeLessThanOrEqual(most);
  });

  test("ours: who was let in by a hello probes and declares as anybody else, for its round-trips are measured from it", () => {
    const lab = new Lab({});
    const [host = ""] = names(1);
    lab.answering = () => true;
    lab.runFor(5_000);
    lab.swim.hello(lab.now, at("10.0.0.255:7979"));
    lab.welcome(host);
    lab.runFor(10_000);
    expect(lab.take(PING).length, "a ping a second").toBeGreaterThanOrEqual(9);
    lab.answering = () => false;
    lab.runFor(10_000);
    expect(lab.status(host)).toBe("dead");
  });

  test.each([
    ["slowly does not hold its host dead before ten seconds", 40, 9_900, "suspect"],
    ["at once holds its host dead as soon as anybody else", 1, 5_000, "dead"],
  ])("ours: who is let in %s", (_what, delayMs, waitMs, status) => {
    const lab = new Lab({});
    const [host = "", ...others] = names(4);
    lab.enter(host, delayMs);
    lab.know(host, ...others);
    for (const from of others) lab.hear({ kind: GOSSIP, from, claims: [said(host, SUSPECT, 1, from)] });
    lab.runFor(waitMs);
    expect(lab.status(host)).toBe(status);
    lab.runFor(200 + lab.config.suspicionMult * lab.config.probeIntervalMs);
    expect(lab.status(host)).toBe("dead");
  });

  test("ours: nobody is held dead while newcomers keep coming, and as ever when none has come for two seconds", () => {
    const lab = new Lab({});
    const [accused = "", accuser = "", ...others] = names(60);
    lab.answering = (member) => member !== accused;
    lab.know(accused, accuser, ...others.slice(0, 8));
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(accused, SUSPECT, 1, accuser)] });
    expect(lab.status(accused)).toBe("suspect");
    for (const newcomer of others.slice(8)) {
      lab.know(newcomer);
      lab.runFor(200);
      expect(lab.status(accused), `at ${lab.now} ms`).toBe("suspect");
    }
    const { suspicionMult, probeIntervalMs } = lab.config;
    lab.runFor(2_000 + suspicionMult * probeIntervalMs);
    expect(lab.status(accused)).toBe("dead");
  });

  test("ours: newcomers that never end put a death off by ten seconds and no more", () => {
    const lab = new Lab({});
    const [accused = "", accuser = "", ...others] = names(100);
    lab.answering = () => false;
    lab.know(accused, accuser, ...others.slice(0, 8));
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(accused, SUSPECT, 1, accuser)] });
    const { suspicionMult, suspicionMaxMult, probeIntervalMs } = lab.config;
    const longestMs = suspicionMult * probeIntervalMs * (suspicionMaxMult * Math.log10(100) + 1);
    for (const newcomer of others.slice(8)) {
      lab.know(newcomer);
      lab.runFor(1_000);
      if (lab.now > longestMs + 10_000) break;
    }
    expect(lab.status(accused)).toBe("dead");
  });

  test("a death told in a reconciliation is put to the accused as a suspicion, and it is suspected, not buried", () => {
    const lab = settled(9);
    const [accused = "", teller = ""] = names(9);
    const proof = lab.cookieFor(teller);
    lab.take();
    lab.hear({ kind: CLAIMS, from: teller, a: proof, claims: [said(accused, DEAD, 1)] });
    expect(lab.status(accused)).toBe("suspect");
    expect(
      lab.take(GOSSIP).some(({ to, claims }) => to === accused && claims.some((c) => c.claim === claimOf(1, SUSPECT))),
    ).toBe(true);
  });

  test("a death told in a reconciliation by one who is held dead is put to the accused, and not believed at all", () => {
    const lab = settled(9);
    const [accused = "", teller = ""] = names(9);
    const proof = lab.cookieFor(teller);
    lab.hear({ kind: GOSSIP, from: names(9)[3] as string, claims: [said(teller, DEAD, 1, names(9)[3])] });
    lab.take();
    lab.hear({ kind: CLAIMS, from: teller, a: proof, claims: [said(accused, DEAD, 1)] });
    expect(lab.status(teller)).toBe("dead");
    expect(lab.status(accused)).toBe("alive");
    expect(lab.take(GOSSIP).some(({ to, claims }) => to === accused && claims.length > 0)).toBe(true);
  });

  /** A page of a reconciliation that starts with one ring key and goes to the end. */
  const everything = (from: string, proof: number, c = 0) => ({
    kind: HAVE,
    from,
    a: proof,
    c,
    digest: 0,
    ranges: [{ first: 0, last: KEY_MAX, count: 0, fingerprint: 0 }],
  });

  test("the last page of claims says that it was the last", () => {
    const lab = settled(9);
    const [asking = ""] = names(9);
    const proof = lab.cookieFor(asking);
    lab.take();
    lab.hear(everything(asking, proof));
    const pages = lab.take(CLAIMS);
    expect(pages.flatMap(({ claims }) => claims).length).toBe(10);
    expect(pages.at(-1)?.ranges).toMatchObject([{ first: 1, last: 0 }]);
    for (const page of pages.slice(0, -1)) expect(page.ranges).toEqual([]);
  });

  test("where four pages do not suffice, the fourth says where to go on, and who goes on there gets the rest", () => {
    const lab = settled(200);
    const [asking = ""] = names(200);
    const proof = lab.cookieFor(asking);
    const told = new Set<string>();
    let first = 0;
    let rounds = 0;
    for (; first <= KEY_MAX && rounds < 20; rounds++) {
      lab.take();
      const question = everything(asking, proof);
      lab.hear({ ...question, ranges: [{ first, last: KEY_MAX, count: 0, fingerprint: 0 }] });
      const pages = lab.take(CLAIMS);
      expect(pages.length).toBeLessThanOrEqual(4);
      for (const { claims } of pages) for (const { member } of claims) told.add(member);
      const [more] = pages.at(-1)?.ranges ?? [];
      first = more && more.first <= more.last ? more.first : Number.POSITIVE_INFINITY;
    }
    expect(rounds).toBeGreaterThan(1);
    expect(told.size).toBe(201);
  });

  /** The whole ring in sixteen ranges, in each of which the other knows so many. */
  const sixteenths = (count: number) => {
    const width = (KEY_MAX + 1) / 16;
    return Array.from({ length: 16 }, (_, i) => ({
      first: i * width,
      last: (i + 1) * width - 1,
      count,
      fingerprint: 5,
    }));
  };

  test("of a view that differs everywhere all is named, in as few datagrams as hold it", () => {
    const lab = settled(99);
    const [asking = ""] = names(99);
    const proof = lab.cookieFor(asking);
    lab.take();
    lab.hear({ kind: RANGES, from: asking, a: proof, digest: 0, ranges: sixteenths(1) });
    const named = lab.take(HAVE);
    expect(named.length).toBe(2);
    expect(new Set(named.flatMap(({ claims }) => claims.map(({ member }) => member))).size).toBe(100);
    const [one, other] = named.map(({ ranges }) => ranges[0]);
    expect([one?.first, other?.last]).toEqual([0, KEY_MAX]);
    expect(other?.first).toBe((one?.last ?? 0) + 1);
  });

  test("but no more ranges together than those of which the other can name all that it knows", () => {
    const lab = settled(40);
    const [asking = ""] = names(40);
    const proof = lab.cookieFor(asking);
    lab.take();
    lab.hear({ kind: RANGES, from: asking, a: proof, digest: 0, ranges: sixteenths(10) });
    // Three sixteenths hold thirty that it knows, four would hold more than any list. The lab's own question asks for all.
    const sixteenth = (KEY_MAX + 1) / 16;
    const answers = lab.take(HAVE).filter(({ ranges }) => (ranges[0]?.last ?? 0) < KEY_MAX || ranges[0]?.first !== 0);
    expect(answers.length).toBe(6);
    for (const { ranges } of answers) {
      expect(((ranges[0]?.last ?? 0) + 1 - (ranges[0]?.first ?? 0)) / sixteenth).toBeLessThanOrEqual(3);
    }
  });

  test("two small ranges that differ are named together with what agrees between them", () => {
    const lab = settled(9);
    const [asking = ""] = names(9);
    const proof = lab.cookieFor(asking);
    const [one = 0, next = 0] = [lab.address, ...names(9)].map((name) => ringKeyOf(at(name))).sort((a, b) => a - b);
    const ranges = [
      { first: 0, last: one, count: 5, fingerprint: 5 },
      { first: one + 1, last: next - 1, count: 0, fingerprint: 0 },
      { first: next, last: KEY_MAX, count: 5, fingerprint: 5 },
    ];
    lab.take();
    lab.hear({ kind: RANGES, from: asking, a: proof, digest: 0, ranges });
    // A second one is a question of the lab's own, for the digests differ.
    const [answer] = lab.take(HAVE);
    expect(answer?.ranges).toMatchObject([{ first: 0, last: KEY_MAX }]);
  });

  /** Somebody with another view is heard; when, and how often, it is asked to reconcile. */
  function questions(lab: Lab, from: string, ms: number): number[] {
    const asked = lab.now;
    lab.take();
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.runFor(ms);
    return lab.take(HAVE).map((letter) => {
      expect(letter.to).toBe(from);
      return letter.at - asked;
    });
  }

  test("a question of a reconciliation is asked again when it is not answered, four times in all, with growing pauses", () => {
    const lab = settled(9);
    const { syncs } = lab.swim.begun;
    expect(questions(lab, names(9)[0] as string, 3_000)).toEqual([0, 50, 150, 300].map((ms) => expect.closeTo(ms, 6)));
    expect(lab.swim.begun.syncs).toBe(syncs + 1);
  });

  test("a question is not asked again once it is answered, also if that was all", () => {
    const lab = settled(9);
    const [from = ""] = names(9);
    const proof = lab.cookieFor(from);
    const asked = lab.now;
    lab.take();
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.runFor(60);
    lab.hear({ kind: CLAIMS, from, a: proof, ranges: [{ first: 1, last: 0, count: 0, fingerprint: 0 }] });
    lab.runFor(3_000);
    expect(lab.take(HAVE).map(({ at }) => at - asked)).toEqual([0, 50].map((ms) => expect.closeTo(ms, 6)));
  });

  test("a question is not asked again when its answer came as a question", () => {
    const lab = settled(9);
    const [from = ""] = names(9);
    const proof = lab.cookieFor(from);
    lab.take();
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.hear({ ...everything(from, proof), digest: lab.swim.members.ring.digest });
    lab.runFor(3_000);
    expect(lab.take(HAVE).length).toBe(1);
  });

  test("a question that somebody else answers is still asked, and one to a member that died meanwhile is not", () => {
    const lab = settled(9);
    const [from = "", bystander = ""] = names(9);
    const proof = lab.cookieFor(bystander);
    lab.take();
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.hear({ kind: CLAIMS, from: bystander, a: proof, ranges: [{ first: 1, last: 0, count: 0, fingerprint: 0 }] });
    lab.runFor(100);
    expect(lab.take(HAVE).filter(({ to }) => to === from).length).toBe(2);
    lab.hear({ kind: GOSSIP, from: bystander, claims: [said(from, DEAD)] });
    lab.runFor(3_000);
    expect(lab.take(HAVE).filter(({ to }) => to === from)).toEqual([]);
  });

  test("no other reconciliation is begun with one who owes an answer, and with another one when the answer is late", () => {
    const lab = settled(9);
    const [slow = "", other = ""] = names(9);
    const { syncs } = lab.swim.begun;
    lab.hear({ kind: GOSSIP, from: slow, digest: 0 });
    for (let i = 0; i < 2; i++) {
      lab.runFor(lab.config.syncIntervalMs + 1);
      lab.hear({ kind: GOSSIP, from: slow, digest: 0 });
      expect(lab.swim.begun.syncs).toBe(syncs + 1);
    }
    // As long after the last question, which was asked at 150 ms for the third time.
    lab.runFor(60);
    lab.hear({ kind: GOSSIP, from: other, digest: 0 });
    expect(lab.swim.begun.syncs).toBe(syncs + 2);
    lab.runFor(3_000);
    lab.hear({ kind: GOSSIP, from: slow, digest: 0 });
    expect(lab.swim.begun.syncs).toBe(syncs + 3);
  });

  test("whoever is asked asks something itself, and the pages of its answer are gone on from all the same", () => {
    const lab = settled(9);
    const [from = ""] = names(9);
    const proof = lab.cookieFor(from);
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.take();
    lab.hear({ ...everything(from, proof), digest: 0 });
    const ranges = [{ first: 1_000, last: 0xffff_ffff, count: 0, fingerprint: 0 }];
    lab.take();
    lab.hear({ kind: CLAIMS, from, a: proof, digest: 0, ranges });
    expect(lab.take(HAVE)).toMatchObject([{ to: from, ranges: [{ first: 1_000 }] }]);
  });

  test("a page that says where to go on is gone on from once, though it come twice, and not from another than was asked", () => {
    const lab = settled(9);
    const [from = "", stranger = ""] = names(9);
    const proof = lab.cookieFor(from);
    const another = lab.cookieFor(stranger);
    const page = (sender: string, a: number, first: number) =>
      lab.hear({
        kind: CLAIMS,
        from: sender,
        a,
        digest: 0,
        ranges: [{ first, last: 0xffff_ffff, count: 0, fingerprint: 0 }],
      });
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    expect(lab.take(HAVE)[0]?.ranges).toMatchObject([{ first: 0 }]);
    for (let i = 0; i < 3; i++) page(from, proof, 1_000);
    page(stranger, another, 2_000);
    expect(lab.take(HAVE)).toMatchObject([{ to: from, ranges: [{ first: 1_000, last: 0xffff_ffff }] }]);
    page(from, proof, 2_000);
    expect(lab.take(HAVE)).toMatchObject([{ to: from, ranges: [{ first: 2_000, last: 0xffff_ffff }] }]);
  });

  test("a question to which there is nothing to say is answered all the same, or it would be asked again", () => {
    const lab = settled(9);
    const [asking = ""] = names(9);
    const proof = lab.cookieFor(asking);
    const claims = [lab.address, ...names(9)].map((member) => ({
      member,
      claim: lab.claim(member),
      hash: lab.swim.members.profileHash(lab.peers.find(at(member)) as number),
    }));
    lab.take();
    lab.hear({ ...everything(asking, proof, 1), claims, digest: lab.swim.members.ring.digest });
    expect(lab.take(CLAIMS)).toMatchObject([{ to: asking, claims: [], ranges: [{ first: 1, last: 0 }] }]);
  });

  test("a question is not asked again of one that has shown our digest since: there is nothing left to ask", () => {
    const lab = settled(9);
    const [from = ""] = names(9);
    lab.take();
    lab.hear({ kind: GOSSIP, from, digest: 0 });
    lab.hear({ kind: HEARD, from });
    lab.runFor(3_000);
    expect(lab.take(HAVE).length).toBe(1);
  });

  test("reconciliations are begun syncIntervalMs apart, however many views differ, and twice as far while there is news", () => {
    const lab = settled(9);
    const { syncIntervalMs, gossipIntervalMs } = lab.config;
    const all = names(9);
    const proof = lab.cookieFor(all[0] as string);
    const begin = (digest: number) => {
      const before = lab.swim.begun.syncs;
      for (const from of all) lab.hear({ kind: GOSSIP, from, digest });
      lab.hear({
        kind: CLAIMS,
        from: all[0] as string,
        a: proof,
        ranges: [{ first: 1, last: 0, count: 0, fingerprint: 0 }],
      });
      return lab.swim.begun.syncs - before;
    };
    expect(begin(0)).toBe(1);
    lab.runFor(syncIntervalMs / 2);
    expect(begin(0)).toBe(0);
    lab.runFor(syncIntervalMs / 2 + 1);
    expect(begin(0)).toBe(1);
    lab.hear({ kind: GOSSIP, from: all[0] as string, digest: 0, claims: [alive("10.0.50.1:7979")] });
    lab.runFor(1.5 * syncIntervalMs);
    expect(begin(0), "the news explains it").toBe(0);
    lab.runFor(2 * gossipIntervalMs);
    expect(begin(0)).toBe(1);
  });

  test.each([
    ["a wake-up", (lab: Lab) => lab.swim.wake(lab.now)],
    ["a datagram", (lab: Lab) => lab.hear({ kind: PING, from: names(9)[0] as string, a: 1 })],
    [
      "an accusation",
      (lab: Lab) => lab.hear({ kind: GOSSIP, from: names(9)[0] as string, claims: [said(lab.address, SUSPECT)] }),
    ],
  ])("%s that comes later than a probe's timeout after the deadline says that we stood still", (_, input) => {
    for (const [lateMs, stalls] of [
      [499, 0],
      [501, 1],
    ] as const) {
      const lab = settled(9);
      const ping = nextPing(lab);
      lab.now = lab.swim.deadline + lateMs;
      input(lab);
      expect(lab.swim.stats.stalls, `${lateMs} ms`).toBe(stalls);
      lab.answering = () => true;
      lab.runFor(900);
      // Whom it pinged before has not answered; that is held against nobody if we were the ones who slept.
      if (stalls > 0) expect(lab.status(ping.to)).toBe("alive");
    }
  });

  test("a standstill is one, however many datagrams waited", () => {
    const lab = settled(9);
    lab.now = lab.swim.deadline + 5_000;
    for (const from of names(9)) lab.hear({ kind: PING, from, a: 1 });
    lab.swim.wake(lab.now);
    expect(lab.swim.stats.stalls).toBe(1);
  });

  test("who stood still does not tell a suspect what it suspects, for a probe's timeout: it is old", () => {
    const lab = settled(9);
    const [suspect = "", accuser = ""] = names(9);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    const tells = () => {
      lab.take();
      lab.hear({ kind: PING, from: suspect, a: 5 });
      return lab.take(ACK)[0]?.claims.some(({ member }) => member === suspect);
    };
    expect(tells()).toBe(true);
    lab.now = lab.swim.deadline + 5_000;
    expect(tells()).toBe(false);
    lab.answering = () => true;
    lab.runFor(lab.config.probeTimeoutMs - 1);
    expect(tells()).toBe(false);
    lab.runFor(1);
    expect(tells()).toBe(true);
  });

  test("who stood still itself accuses nobody, and gives those it suspects the time back", () => {
    const lab = settled(9);
    const [suspect = "", accuser = ""] = names(9);
    lab.hear({ kind: GOSSIP, from: accuser, claims: [said(suspect, SUSPECT, 1, accuser)] });
    lab.answering = () => false;
    nextPing(lab);
    const before = lab.changes.length;
    lab.now += 300_000;
    lab.swim.wake(lab.now);
    expect(lab.changes.length).toBe(before);
    expect(lab.swim.stats.stalls).toBe(1);
    lab.answering = () => true;
    const resumed = lab.now;
    lab.runFor(2_000);
    expect(lab.status(suspect)).toBe("suspect");
    lab.runFor(100_000);
    const death = lab.changes.find(({ member, claim }) => member === suspect && claim === claimOf(1, DEAD));
    expect((death?.at ?? 0) - resumed).toBeGreaterThan(2_000);
  });

  test("nobody is accused for a member that was forgotten while it was probed, though it has its number", () => {
    const lab = settled(3, { membersMax: 4 });
    const ping = nextPing(lab);
    const heir = "10.0.60.1:7979";
    const teller = other(lab, ping.to);
    lab.hear({ kind: GOSSIP, from: teller, claims: [said(ping.to, DEAD)] });
    lab.hear({ kind: GOSSIP, from: teller, claims: [alive(heir)] });
    expect(lab.status(ping.to)).toBe("unknown");
    const number = lab.peers.find(at(heir)) ?? 0;
    expect(lab.swim.members.rttMs(number), "nor is its round-trip known").toBe(0);
    // The probe of the other is over by then, and one of its own cannot be.
    lab.answering = (member) => member !== heir;
    lab.runUntil(ping.at + 1.5 * lab.config.probeIntervalMs);
    expect(lab.changes.filter(({ member }) => member === heir).map(({ claim }) => claim)).toEqual([claimOf(1, ALIVE)]);
  });

  test("help is given to so many at once, and no more", () => {
    const lab = settled(5);
    const [requester = "", target = ""] = names(5);
    lab.answering = () => false;
    const verdicts = Array.from({ length: 400 }, (_, a) =>
      lab.hear({ kind: PING_REQ, from: requester, a, claims: [{ member: target, claim: 4 }] }),
    );
    expect(lab.swim.load.forwards).toBe(256);
    expect(verdicts.filter((verdict) => verdict === "ok").length).toBe(256);
    lab.runFor(500);
    expect(lab.swim.load.forwards).toBe(0);
  });

  test("who says goodbye is told of as having left, to every contact, and answers no accusation", () => {
    const lab = settled(9);
    lab.swim.leave(lab.now);
    lab.runFor(1_000);
    expect(lab.swim.gone).toBe(true);
    expect(lab.tellings(lab.address)).toBeGreaterThanOrEqual(4);
    const own = lab.claim(lab.address);
    lab.hear({ kind: GOSSIP, from: names(9)[0] as string, claims: [said(lab.address, SUSPECT, 9)] });
    expect(lab.claim(lab.address)).toBe(own);
  });

  test("a goodbye is everywhere within the moment, where nothing is lost", () => {
    const village = new Village({}, 9);
    const all = names(9, "10.0.2").map((name) => village.settle(name));
    for (const one of all.slice(1)) village.join(one, all[0] as Villager);
    village.runFor(5_000);
    const leaver = all[4] as Villager;
    village.sights.length = 0;
    village.tell(leaver, (swim, now) => swim.leave(now));
    village.runFor(50);
    for (const one of all) if (one !== leaver) expect(one.status(leaver.address)).toBe("left");
  });

  test("a member that left is not brought back by late news, and may come again", () => {
    const lab = settled(5);
    const [leaver = "", teller = ""] = names(5);
    lab.hear({ kind: GOSSIP, from: leaver, claims: [said(leaver, LEFT)] });
    lab.hear({ kind: GOSSIP, from: teller, claims: [alive(leaver), said(leaver, SUSPECT), said(leaver, DEAD)] });
    expect(lab.status(leaver)).toBe("left");
    lab.hear({ kind: GOSSIP, from: leaver, claims: [alive(leaver, 2)] });
    expect(lab.status(leaver)).toBe("alive");
  });

  test("the dead are greeted now and then, and a healed partition merges by itself", () => {
    const village = new Village({}, 11);
    const all = names(6, "10.0.2").map((name) => village.settle(name));
    for (const one of all.slice(1)) village.join(one, all[0] as Villager);
    village.runFor(5_000);
    const left = new Set(all.slice(0, 3).map(({ address }) => address));
    village.isLost = (from, to) => left.has(from) !== left.has(to);
    village.runFor(90_000);
    for (const one of all) {
      for (const { address } of all) {
        expect(one.status(address)).toBe(left.has(address) === left.has(one.address) ? "alive" : "dead");
      }
    }
    village.isLost = () => false;
    const took = village.runUntil(
      () => all.every((one) => all.every(({ address }) => one.status(address) === "alive")),
      30_000,
    );
    expect(took).toBeDefined();
  });

  test("a restart outbids its former life by itself, with its own profile", () => {
    const village = new Village({}, 12);
    const all = names(4, "10.0.2").map((name) => village.settle(name));
    for (const one of all.slice(1)) village.join(one, all[0] as Villager);
    village.runFor(5_000);
    const again = village.settle((all[2] as Villager).address, 2);
    village.join(again, all[0] as Villager);
    village.runFor(3_000);
    const claim = again.claim(again.address);
    expect(incarnationOf(claim)).toBe(2);
    for (const one of [all[0], all[1], all[3]]) expect(one?.claim(again.address)).toBe(claim);
  });
});
