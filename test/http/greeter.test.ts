import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Greeter } from "../../src/http/greeter.ts";
import { HttpError } from "../../src/http/post.ts";
import { FakeGossip, someMember } from "./fake-gossip.ts";
import { LogLines, Posts } from "./house.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function greeting(self: object = { address: "10.0.0.1:7979", url: "http://10.0.0.1:5000" }) {
  const gossip = new FakeGossip(self);
  const posts = new Posts();
  const log = new LogLines();
  const greeter = new Greeter({ gossip, post: posts.post, log });
  return { gossip, posts, log, greeter };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a greeter", () => {
  it("greets a newcomer next to it, once, after three seconds of quiet", async () => {
    const { gossip, posts } = greeting();
    const bob = someMember();
    gossip.happen("up", bob);
    await pass(2_999);
    expect(posts.sent).toEqual([]);
    await pass(1);
    expect(posts.sent).toEqual([
      { url: `${bob.url}/message`, body: { sender: "http://10.0.0.1:5000", msg: "New peer discovered" } },
    ]);
    await pass(60_000);
    expect(posts.sent).toHaveLength(1);
  });

  it("is one of the two next to the newcomer, however many nodes there are", async () => {
    const members = Array.from({ length: 40 }, (_, n) => someMember({ address: `10.1.0.${100 + n}:7979` }));
    const newcomer = someMember({ address: "10.1.0.120:7979x" });
    const greeters = members.map((member) => {
      const node = greeting(member);
      node.gossip.others = members.filter((other) => other.address !== member.address);
      node.gossip.happen("up", newcomer);
      return node;
    });
    await pass(3_000);
    const sent = greeters.flatMap(({ posts }) => posts.sent);
    expect(sent).toHaveLength(2);
    expect(new Set(sent.map(({ url }) => url))).toEqual(new Set([`${newcomer.url}/message`]));
  });

  it("waits while members still appear, so that a half-filled view makes nobody a neighbour", async () => {
    const { gossip, posts } = greeting({ address: "10.2.0.100:7979", url: "http://10.2.0.100:5000" });
    for (let n = 0; n < 9; n++) {
      gossip.happen("up", someMember({ address: `10.2.0.${200 + n}:7979` }));
      await pass(500);
    }
    expect(posts.sent).toEqual([]);
    await pass(2_500);
    // Of the nine, those that have this node among the two next to them.
    expect(posts.sent).toHaveLength(2);
  });

  it("does not wait for more than ten seconds", async () => {
    const { gossip, posts } = greeting();
    const bob = someMember({ address: "10.0.0.2:7979" });
    gossip.happen("up", bob);
    for (let ms = 0; ms < 9_900; ms += 900) {
      await pass(900);
      gossip.happen("up", someMember({ url: "" }));
    }
    expect(posts.sent).toEqual([]);
    gossip.others = [bob];
    await pass(100);
    expect(posts.sent.map(({ url }) => url)).toEqual([`${bob.url}/message`]);
  });

  it.each(["dead", "left"] as const)("greets one that comes back from %s", async (was) => {
    const { gossip, posts } = greeting();
    gossip.happen("up", someMember(), { was });
    await pass(3_000);
    expect(posts.sent).toHaveLength(1);
  });

  it("greets another process at an old address, and not a new profile", async () => {
    const { gossip, posts } = greeting();
    const bob = someMember();
    gossip.happen("updated", { ...bob, name: "robert" }, { was: "alive" });
    await pass(20_000);
    expect(posts.sent).toEqual([]);
    gossip.happen("updated", { ...bob, id: "another" }, { was: "alive", replaced: bob });
    await pass(3_000);
    expect(posts.sent).toHaveLength(1);
  });

  it("takes a refuted suspicion for no arrival", async () => {
    const { gossip, posts } = greeting();
    gossip.happen("up", someMember(), { was: "suspect" });
    await pass(20_000);
    expect(posts.sent).toEqual([]);
  });

  it.each([
    ["is gone by then", { status: "dead" as const }],
    ["has left by then", { status: "left" as const }],
    ["has no HTTP face", { url: "" }],
    ["says nonsense for a url", { url: "http://victim/admin?x=" }],
    ["is a bootstrap", { role: "bootstrap" }],
  ])("greets nobody who %s", async (_what, change) => {
    const { gossip, posts } = greeting();
    const bob = someMember();
    gossip.happen("up", bob);
    gossip.others = [{ ...bob, ...change }];
    await pass(20_000);
    expect(posts.sent).toEqual([]);
  });

  it("greets nobody when it has no url to sign with", async () => {
    const { gossip, posts } = greeting({ url: "" });
    gossip.happen("up", someMember());
    await pass(20_000);
    expect(posts.sent).toEqual([]);
  });

  it("outlives newcomers that do not answer", async () => {
    const { gossip, posts, log } = greeting();
    posts.answer = () => Promise.reject(new HttpError("ERR_TIMEOUT", "too late"));
    gossip.happen("up", someMember());
    await pass(3_000);
    gossip.others = [];
    gossip.happen("up", someMember());
    await pass(3_000);
    expect(posts.sent).toHaveLength(2);
    expect(log.at("debug")).toEqual(["A newcomer was not greeted", "A newcomer was not greeted"]);
  });

  it("greets a few at a time", async () => {
    const { gossip, posts } = greeting();
    gossip.neighbours = () => [gossip.self];
    posts.answer = () => new Promise(() => {});
    for (let n = 0; n < 50; n++) gossip.happen("up", someMember());
    await pass(3_000);
    expect(posts.mostUnderWay).toBe(4);
  });

  it("stops for good when closed: no timer, no listener, no post, and what is under way is ended", async () => {
    const { gossip, posts, greeter, log } = greeting();
    const seen: (AbortSignal | undefined)[] = [];
    posts.answer = (_url, { signal }) => {
      seen.push(signal);
      return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    };
    gossip.happen("up", someMember());
    await pass(3_000);
    gossip.happen("up", someMember());
    expect(seen.map((signal) => signal?.aborted)).toEqual([false]);
    greeter.close();
    expect(seen.map((signal) => signal?.aborted)).toEqual([true]);
    expect(vi.getTimerCount()).toBe(0);
    expect(gossip.listenerCount()).toBe(0);
    await pass(20_000);
    expect(posts.sent).toHaveLength(1);
    expect(log.lines).toEqual([]);
  });
});
