// How a node finds its network. Bootstraps are real HTTP servers on port 0; the clock is turned by hand, so what takes
// real time (an answer of theirs) is waited for by what it leads to: a join, a line in the log.

import { createServer } from "node:http";
import { isIP } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createBootstrapApp } from "../../src/bootstrap/app.ts";
import { type DiscoverDeps, discover } from "../../src/bootstrap/discover.ts";
import { defaultGateway } from "../../src/bootstrap/leads.ts";
import type { Ways } from "../../src/bootstrap/ways.ts";
import { type Lookup, LookupError } from "../../src/http/lookup.ts";
import type { JsonAnswer, PostJson } from "../../src/http/post.ts";
import { buildHouse, LogLines, listen } from "../http/house.ts";
import { someMember, Townsman } from "./fake-gossip.ts";

const closers: (() => unknown)[] = [];
const NOWHERE = { conventionUrl: false, gatewayPort: false } as const;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  vi.useRealTimers();
});

/** A log that can be waited for. */
class Watched extends LogLines {
  async until(text: string): Promise<void> {
    await vi.waitUntil(() => this.lines.some((line) => line.text.includes(text)), { interval: 1 });
  }
}

/** A node that looks for its network; `book` is its DNS. */
function seek(ways: Ways, change: Partial<DiscoverDeps> & { self?: object; book?: Record<string, string[]> } = {}) {
  const { self, book = {}, ...others } = change;
  const gossip = new Townsman({ address: "172.18.0.9:7979", url: "http://172.18.0.9:5000", ...self });
  const log = new Watched();
  const abort = new AbortController();
  const asked: { host: string; at: number }[] = [];
  const start = performance.now();
  const lookup: Lookup = async (host) => {
    if (isIP(host) !== 0) return [host];
    asked.push({ host, at: performance.now() - start });
    const ips = book[host];
    if (!ips) throw new LookupError("ENOTFOUND", `${host} does not resolve: ENOTFOUND`);
    return ips;
  };
  const deps = { gossip, ways, log, lookup, defaultSeedPort: 7979, random: () => 0.5, signal: abort.signal, ...others };
  const ended = discover(deps);
  const stop = async () => {
    abort.abort(new Error("the node ends"));
    await ended;
  };
  closers.push(stop);
  return { gossip, log, asked, book, stop };
}

/** A real bootstrap; counts its registrations. */
async function openBootstrap(self: object = {}) {
  const house = buildHouse({ self: { role: "bootstrap", ...self } });
  const app = createBootstrapApp(house.deps);
  const seen: unknown[] = [];
  const server = createServer((req, res) => {
    seen.push(req.url);
    app(req, res);
  });
  const { port, close } = await listen(server);
  closers.push(close);
  return { ...house, port, close, seen, url: `http://127.0.0.1:${port}` };
}

/** Answers like a bootstrap at once, without a network: for tests about time. */
function posts(answer: (url: string) => { nodeId: string; seeds: string } | undefined) {
  const sent: { url: string; at: number }[] = [];
  const start = performance.now();
  const post: PostJson = async (url, _body, { signal } = {}) => {
    sent.push({ url, at: performance.now() - start });
    const lead = answer(url);
    if (lead) {
      const headers = { "hearsay-node": lead.nodeId, "hearsay-seeds": lead.seeds };
      return { status: 200, headers, body: {} } as JsonAnswer;
    }
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
  return { sent, post };
}

/** Turns the clock in small steps while real sockets do their work in between, until something is so. */
async function pass(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !isSo(); i++) {
    await vi.advanceTimersByTimeAsync(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isSo()).toBe(true);
}

describe("alone", () => {
  test("the node registers with the bootstrap it was told of and joins the members that one names", async () => {
    const bootstrap = await openBootstrap({ address: "172.18.0.2:7979" });
    bootstrap.gossip.others = [someMember({ address: "172.18.0.3:7979" })];
    const { gossip, log } = seek({ bootstrapUrl: `${bootstrap.url}/` });
    expect(await gossip.nextJoin()).toEqual(["172.18.0.2:7979", "172.18.0.3:7979"]);
    await log.until("Found the network");
    expect(bootstrap.seen).toEqual(["/register"]);
    expect(bootstrap.guests.urls(), "a gossip member is no guest").toEqual([]);
  });

  test("the ways are tried in order, and none after the one that led somewhere", async () => {
    const later = await openBootstrap();
    const { gossip, log, asked } = seek(
      { bootstrapUrl: "http://127.0.0.1:1", seeds: ["tasks.node", "10.0.0.5:8000"], conventionUrl: later.url },
      { book: { "tasks.node": ["10.0.0.3", "10.0.0.4", "172.18.0.9"] } },
    );
    const joined = await gossip.nextJoin();
    expect([...joined].sort()).toEqual(["10.0.0.3:7979", "10.0.0.4:7979", "10.0.0.5:8000"]);
    await log.until("Found the network");
    expect(asked.map(({ host }) => host)).toEqual(["tasks.node"]);
    expect(later.seen).toEqual([]);
  });

  test("a bootstrap by convention is found without being told of it", async () => {
    const bootstrap = await openBootstrap({ address: "172.18.0.2:7979" });
    const url = `http://bootstrap:${bootstrap.port}`;
    const { gossip, asked } = seek({ conventionUrl: url, gatewayPort: false }, { book: { bootstrap: ["127.0.0.1"] } });
    expect(await gossip.nextJoin()).toEqual(["172.18.0.2:7979"]);
    expect(asked.map(({ host }) => host)).toEqual(["bootstrap"]);
  });

  test("by default the convention is http://bootstrap:5000, and the gateway's port is 5000", async () => {
    const { sent, post } = posts(() => undefined);
    seek({}, { post, book: { bootstrap: ["172.18.0.2"] }, gateway: async () => "172.17.0.1" });
    await vi.advanceTimersByTimeAsync(300);
    expect(sent).toEqual([
      { url: "http://bootstrap:5000/register", at: 0 },
      { url: "http://172.17.0.1:5000/register", at: 250 },
    ]);
  });

  test("where the name does not resolve the default gateway leads to the bootstrap", async () => {
    const bootstrap = await openBootstrap({ address: "172.17.0.2:7979" });
    const { gossip } = seek({ gatewayPort: bootstrap.port }, { gateway: async () => "127.0.0.1" });
    expect(await gossip.nextJoin()).toEqual(["172.17.0.2:7979"]);
  });

  test("what hangs holds up the next way for two seconds if the operator named it, else for a quarter", async () => {
    const slow: Lookup = async (host, signal) => {
      if (host !== "node1") return ["172.18.0.2"];
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    };
    const { sent, post } = posts((url) =>
      url.includes("172.17.0.1") ? { nodeId: someMember().id, seeds: "172.17.0.2:7979" } : undefined,
    );
    const { gossip } = seek(
      { bootstrapUrl: "http://named:5000", seeds: ["node1"] },
      { post, lookup: slow, gateway: async () => "172.17.0.1" },
    );
    await vi.advanceTimersByTimeAsync(4_250);
    expect(sent.map(({ url, at }) => `${at} ${new URL(url).hostname}`)).toEqual([
      "0 named",
      "4000 bootstrap",
      "4250 172.17.0.1",
    ]);
    expect(gossip.joins).toEqual([["172.17.0.2:7979"]]);
  });

  test("a routing table that cannot be read in time is a way that failed, not one that hangs", async () => {
    const { log } = seek({ gatewayPort: 5000, conventionUrl: false }, { gateway: () => new Promise(() => {}) });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(log.lines[0]?.fields).toEqual({
      round: 0,
      failures: { gateway: "the default gateway was not read within 2000 ms" },
    });
  });

  test("reaching itself through its own published port, a node goes on looking", async () => {
    const { port, gossip: ourselves, seen } = await openBootstrap();
    const { gossip, log } = seek(
      { conventionUrl: false, gatewayPort: port },
      { self: { id: ourselves.self.id }, gateway: async () => "127.0.0.1" },
    );
    await log.until("Alone");
    expect(log.lines[0]?.fields).toEqual({
      round: 0,
      failures: { gateway: `http://127.0.0.1:${port} is this node itself` },
    });
    expect(gossip.joins).toEqual([]);
    await pass(() => seen.length > 3);
    expect(gossip.joins).toEqual([]);
  });

  test("another program on that port is no way in, and the bootstrap that takes its place is", async () => {
    const stranger = createServer((_req, res) => res.end("{}"));
    const { port, close } = await listen(stranger);
    const { gossip, log } = seek({ bootstrapUrl: `http://127.0.0.1:${port}`, ...NOWHERE });
    await log.until("Alone");
    expect(gossip.joins).toEqual([]);
    await close();
    const house = buildHouse({ self: { role: "bootstrap", address: "172.18.0.2:7979" } });
    const server = createServer(createBootstrapApp(house.deps)).listen(port, "127.0.0.1");
    closers.push(() => server.close());
    await pass(() => gossip.joins.length > 0);
    expect(gossip.joins[0]).toEqual(["172.18.0.2:7979"]);
  });

  test("names are resolved again on every retry, so a bootstrap that comes later is found", async () => {
    const { gossip, book, asked } = seek({ seeds: ["bootstrap"], ...NOWHERE });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gossip.joins).toEqual([]);
    book.bootstrap = ["172.18.0.2"];
    await vi.advanceTimersByTimeAsync(5_000);
    expect(gossip.joins).toEqual([["172.18.0.2:7979"]]);
    expect(asked.slice(0, 8).map(({ at }) => at)).toEqual([0, 250, 750, 1750, 3750, 7750, 12750, 17750]);
  });

  test("a seed that admits nobody is given up after three seconds, and asked again", async () => {
    const { gossip } = seek({ seeds: ["10.0.0.3"], ...NOWHERE });
    gossip.admit = () => new Promise(() => {});
    await vi.advanceTimersByTimeAsync(3_249);
    expect(gossip.joins).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(gossip.joins).toHaveLength(2);
  });

  test("of many addresses a join asks eight, others each time", async () => {
    const ips = Array.from({ length: 60 }, (_, i) => `10.0.0.${i + 1}`);
    let n = 0;
    const { gossip } = seek({ seeds: ["big"], ...NOWHERE }, { book: { big: ips }, random: () => (n++ * 0.37) % 1 });
    gossip.admit = () => Promise.reject(new Error("nobody home"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(gossip.joins.length).toBeGreaterThan(2);
    for (const seeds of gossip.joins) expect(new Set(seeds).size).toBe(8);
    expect(new Set(gossip.joins.flat()).size).toBeGreaterThan(12);
  });

  test("in company the search rests; alone again it goes on at once and from the start", async () => {
    const { gossip, asked, log } = seek({ seeds: ["node1"], ...NOWHERE });
    await vi.advanceTimersByTimeAsync(10_000);
    const friend = someMember();
    gossip.happen("up", friend);
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked).toHaveLength(before);
    gossip.happen("suspect", { ...friend, status: "suspect" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked, "a suspect is company").toHaveLength(before);
    gossip.happen("down", { ...friend, status: "dead" });
    await vi.advanceTimersByTimeAsync(800);
    expect(asked.slice(before).map(({ at }) => at - 13_000)).toEqual([0, 250, 750]);
    expect(
      log.at("info").filter((text) => text.startsWith("Alone")),
      "one line each time, not one a round",
    ).toHaveLength(2);
  });

  test("company that comes by itself ends the round: no join, no further way, no hello", async () => {
    const { sent, post } = posts(() => undefined);
    const interfaces = () => ({ eth0: [{ cidr: "172.18.0.9/16", internal: false } as never] });
    const ways = { bootstrapUrl: "http://172.18.0.2:5000", seeds: ["10.0.0.3"], ...NOWHERE, broadcastPort: 7979 };
    const { gossip } = seek(ways, { post, interfaces });
    await vi.advanceTimersByTimeAsync(500);
    expect(sent).toHaveLength(1);
    gossip.happen("up", someMember({ address: "10.0.0.3:7979" }));
    await vi.advanceTimersByTimeAsync(2_500);
    expect(gossip.joins).toEqual([]);
    expect(gossip.hellos).toEqual([]);
  });

  test("two ways that both lead somewhere are joined one after the other, the second only if the first admitted nobody", async () => {
    const { post } = posts(() => ({ nodeId: someMember().id, seeds: "172.18.0.2:7979" }));
    const { gossip } = seek({ bootstrapUrl: "http://172.18.0.2:5000", seeds: ["10.0.0.3"], ...NOWHERE }, { post });
    gossip.admit = () => new Promise(() => {});
    await vi.advanceTimersByTimeAsync(2_999);
    expect(gossip.joins).toEqual([["172.18.0.2:7979"]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(gossip.joins).toEqual([["172.18.0.2:7979"], ["10.0.0.3:7979"]]);
  });

  test("a hello goes to the own subnets if that is wanted, and the node then waits for who comes forward", async () => {
    const interfaces = () => ({ eth0: [{ cidr: "172.18.0.9/16", internal: false } as never] });
    const shy = seek(NOWHERE, { interfaces });
    const loud = seek({ ...NOWHERE, broadcastPort: 7979 }, { interfaces });
    await vi.advanceTimersByTimeAsync(300);
    expect(shy.gossip.hellos).toEqual([]);
    expect(loud.gossip.hellos).toEqual(["172.18.255.255:7979", "172.18.255.255:7979"]);
    loud.gossip.happen("up", someMember());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(loud.gossip.hellos).toHaveLength(2);
  });

  test("a bootstrap looks for its seeds and says hello, but never asks itself by convention", async () => {
    const { sent, post } = posts(() => undefined);
    const { gossip, asked } = seek(
      { seeds: ["node1"], broadcastPort: 7979 },
      {
        post,
        self: { role: "bootstrap" },
        gateway: async () => "172.17.0.1",
        interfaces: () => ({ eth0: [{ cidr: "172.18.0.2/16", internal: false } as never] }),
      },
    );
    await vi.advanceTimersByTimeAsync(600);
    expect(new Set(asked.map(({ host }) => host))).toEqual(new Set(["node1"]));
    expect(gossip.hellos.length).toBeGreaterThan(0);
    gossip.happen("up", someMember());
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toEqual([]);
  });

  test("one that has no way at all waits without a timer", async () => {
    const { gossip } = seek(NOWHERE);
    expect(vi.getTimerCount()).toBe(0);
    expect(gossip.listenerCount()).toBe(0);
  });
});

describe("in company", () => {
  const named = { bootstrapUrl: "http://172.18.0.2:5000", ...NOWHERE };

  /** A member of a network of `size`, whose bootstrap is the process `id`. */
  async function settled(size: number, ways: Ways, change: Parameters<typeof seek>[1] & { id?: () => string }) {
    const { id = () => someMember().id, ...others } = change;
    const { sent, post } = posts(() => ({ nodeId: id(), seeds: "172.18.0.2:7979" }));
    const node = seek(ways, { post, ...others });
    node.gossip.others = Array.from({ length: size - 1 }, () => someMember());
    node.gossip.emit({ type: "up", at: 0, member: someMember(), was: undefined, replaced: undefined });
    await vi.advanceTimersByTimeAsync(3_000);
    sent.length = 0;
    node.asked.length = 0;
    node.gossip.joins.length = 0;
    node.gossip.admit = async () => {};
    return { ...node, sent };
  }

  test("a bootstrap that is a member is asked every five seconds, and not joined", async () => {
    const member = someMember({ role: "bootstrap" });
    const { gossip, sent } = await settled(3, named, { id: () => member.id, random: () => 0.5 });
    gossip.others = [member, ...gossip.others.slice(1)];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toHaveLength(6);
    expect(gossip.joins).toEqual([]);
  });

  test("a bootstrap started anew under the same name is joined within 15 s, so it learns of all", async () => {
    const anew = someMember().id;
    const { gossip, log } = await settled(3, named, { id: () => anew, random: () => 0.99 });
    gossip.others = gossip.others.map((other, i) =>
      i === 0 ? someMember({ role: "bootstrap", status: "dead" }) : other,
    );
    await vi.advanceTimersByTimeAsync(15_000);
    expect(gossip.joins[0]).toEqual(["172.18.0.2:7979"]);
    expect(log.at("info")).toContain("Joined a bootstrap that was not a member");
    gossip.happen("up", someMember({ id: anew, address: "172.18.0.2:7979" }));
    const joins = gossip.joins.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gossip.joins).toHaveLength(joins);
  });

  test("of a hundred members about three ask in a period", async () => {
    const chances = { often: 0.029, seldom: 0.031 };
    const { sent } = await settled(100, named, { random: () => chances.seldom });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([]);
    const other = await settled(100, named, { random: () => chances.often });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(other.sent.length).toBeGreaterThan(10);
  });

  test("without a named bootstrap the conventions are asked, the gateway when the name fails", async () => {
    const { sent, book } = await settled(2, {}, { gateway: async () => "172.17.0.1" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent.map(({ url }) => url)).toEqual(["http://172.17.0.1:5000/register"]);
    book.bootstrap = ["172.18.0.2"];
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent.map(({ url }) => url).slice(1)).toEqual(["http://bootstrap:5000/register"]);
  });

  test("seeds are resolved again, and only those that are no members are joined: a split network heals", async () => {
    const book = { tasks: ["10.0.0.3"] };
    const { gossip, asked } = await settled(3, { seeds: ["tasks"], ...NOWHERE }, { book });
    gossip.others = [someMember({ address: "10.0.0.3:7979" })];
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toHaveLength(1);
    expect(gossip.joins).toEqual([]);
    book.tasks.push("10.0.0.4", "172.18.0.9");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(gossip.joins).toEqual([["10.0.0.4:7979"]]);
  });

  test("a join that fails or never ends stops nothing", async () => {
    const { gossip } = await settled(3, { seeds: ["10.0.0.4"], ...named }, {});
    gossip.admit = () => new Promise(() => {});
    await vi.advanceTimersByTimeAsync(30_000);
    expect(gossip.joins.length).toBeGreaterThan(4);
    gossip.admit = () => Promise.reject(new Error("closed"));
    const before = gossip.joins.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(gossip.joins.length).toBeGreaterThan(before + 4);
  });
});

describe("when a part of the network is missing", () => {
  const ways = { bootstrapUrl: "http://172.18.0.2:5000", gatewayPort: false } as const;
  const book = { bootstrap: ["172.18.0.7"] };

  /**
   * In company of so many live and so many dead, with a named bootstrap that is a member, and one by convention, which is
   * asked only for the missing and leads to `seeds`.
   */
  function broken(live: number, dead: number, change: { seeds?: string; random?: () => number } = {}) {
    const { seeds = "10.0.0.3:7979", random = () => 0.5 } = change;
    const friend = someMember({ role: "bootstrap", address: "172.18.0.2:7979" });
    const { sent, post } = posts((url) =>
      url.includes("172.18.0.2") ? { nodeId: friend.id, seeds: "172.18.0.2:7979" } : { nodeId: someMember().id, seeds },
    );
    const node = seek(ways, { post, book, random });
    const lost = Array.from({ length: dead }, () => someMember({ status: "dead" }));
    node.gossip.others = [friend, ...Array.from({ length: live - 2 }, () => someMember()), ...lost.slice(1)];
    node.gossip.admit = async () => {};
    const start = performance.now();
    node.gossip.happen("up", { ...friend });
    const last = lost[0] ?? someMember();
    node.gossip.happen("down", { ...last, status: "dead" });
    /** When the missing were asked for, in s. */
    const searches = () =>
      sent.filter(({ url }) => url.includes("bootstrap")).map(({ at }) => Math.round((at - start) / 1_000));
    return { ...node, sent, lost: [last, ...lost.slice(1)], searches };
  }

  test("all ways are tried again after ten seconds, with pauses that grow to a minute, and strangers are joined", async () => {
    const { gossip, log, searches } = broken(3, 3);
    await vi.advanceTimersByTimeAsync(9_900);
    expect(searches()).toEqual([]);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(searches()).toEqual([10, 15, 25, 45, 85, 145, 205]);
    expect(gossip.joins.filter(([seed]) => seed === "10.0.0.3:7979")).toHaveLength(7);
    expect(log.at("info").filter((text) => text.startsWith("A part of the network is missing"))).toHaveLength(1);
  });

  test("the search ends when they are back, at other addresses too, and begins anew when they go again", async () => {
    const { gossip, lost, searches } = broken(3, 3);
    await vi.advanceTimersByTimeAsync(26_000);
    expect(searches()).toEqual([10, 15, 25]);
    for (const _ of lost) gossip.happen("up", someMember());
    await vi.advanceTimersByTimeAsync(300_000);
    expect(searches()).toEqual([10, 15, 25]);
    for (const member of gossip.others.slice(-2)) gossip.happen("down", { ...member, status: "dead" });
    await vi.advanceTimersByTimeAsync(16_000);
    expect(searches()).toEqual([10, 15, 25, 336, 341]);
  });

  test("the search ends when they are forgotten", async () => {
    const { gossip, searches } = broken(3, 3);
    await vi.advanceTimersByTimeAsync(11_000);
    gossip.others = gossip.others.filter(({ status }) => status !== "dead");
    await vi.advanceTimersByTimeAsync(300_000);
    expect(searches()).toEqual([10]);
  });

  test("who is back within ten seconds was not missing", async () => {
    const { gossip, lost, searches } = broken(3, 3);
    await vi.advanceTimersByTimeAsync(9_000);
    for (const member of lost) gossip.happen("up", { ...member, status: "alive" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(searches()).toEqual([]);
  });

  test("a third that went down, and any number that left, are no missing part", async () => {
    const third = broken(4, 2);
    const left = broken(4, 1);
    left.gossip.others.push(...Array.from({ length: 9 }, () => someMember({ status: "left" })));
    left.gossip.happen("left", someMember({ status: "left" }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(third.searches()).toEqual([]);
    expect(left.searches()).toEqual([]);
  });

  test("members are not joined, and who fails to admit us stops nothing", async () => {
    const { gossip, searches } = broken(3, 3, { seeds: "10.0.0.3:7979, 172.18.0.9:7979" });
    gossip.others.push(someMember({ address: "10.0.0.3:7979" }), someMember({ address: "172.18.0.9:7979" }));
    await vi.advanceTimersByTimeAsync(11_000);
    expect(searches()).toEqual([10]);
    expect(gossip.joins.flat()).not.toContain("10.0.0.3:7979");
    gossip.others = gossip.others.filter(({ address }) => address !== "10.0.0.3:7979");
    gossip.admit = () => Promise.reject(new Error("nobody home"));
    await vi.advanceTimersByTimeAsync(40_000);
    expect(gossip.joins.filter(([seed]) => seed === "10.0.0.3:7979").length).toBeGreaterThan(1);
    expect(gossip.joins.flat()).not.toContain("172.18.0.9:7979");
  });

  test.each([5_000, 12_000])(
    "the node's end ends the search after %i ms, and leaves no timer and no listener",
    async (ms) => {
      const { gossip, stop } = broken(3, 3);
      await vi.advanceTimersByTimeAsync(ms);
      await stop();
      expect(vi.getTimerCount()).toBe(0);
      expect(gossip.listenerCount()).toBe(0);
    },
  );

  test("of a hundred who remain about three ask at a time", async () => {
    const seldom = broken(100, 100, { random: () => 0.031 });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(seldom.searches()).toEqual([]);
    const often = broken(100, 100, { random: () => 0.029 });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(often.searches().length).toBeGreaterThan(3);
  });
});

test("a seed that makes no sense is told at once", () => {
  expect(() => seek({ seeds: ["node1:7979", "http://node2"] })).toThrow(
    'Expected a seed to be host:port, got "http://node2"',
  );
});

test.each(["alone", "in a hanging join", "in company"])(
  "the node's end ends the search %s, and leaves no timer and no listener",
  async (where) => {
    const { post } = posts(() => undefined);
    const { gossip, stop } = seek({ bootstrapUrl: "http://172.18.0.2:5000", seeds: ["10.0.0.3"] }, { post });
    gossip.admit = () => new Promise(() => {});
    if (where === "in a hanging join") await vi.advanceTimersByTimeAsync(2_500);
    if (where === "in company") gossip.happen("up", someMember());
    await vi.advanceTimersByTimeAsync(100);
    expect(gossip.joins).toHaveLength(where === "in a hanging join" ? 1 : 0);
    await stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(gossip.listenerCount()).toBe(0);
  },
);

test("this machine's default gateway is an IP, or there is none", async () => {
  expect((await defaultGateway()) ?? "0.0.0.0").toMatch(/^\d+\.\d+\.\d+\.\d+$/);
});
