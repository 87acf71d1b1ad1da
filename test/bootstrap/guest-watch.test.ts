// Guests in a town of nodes: checked by their owner, known to all, and outliving it. The clock is turned by hand; where a
// guest is a real HTTP server, its answers take real time, for which the clock waits.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GuestWatch } from "../../src/bootstrap/guest-watch.ts";
import { type GetJson, getJson, HttpError } from "../../src/http/post.ts";
import { LogLines } from "../http/house.ts";
import { someMember, Town, type Townsman } from "./fake-gossip.ts";
import { FlaskNode } from "./flask-node.ts";

const FLASK = "http://10.0.0.77:5000";
const closers: (() => unknown)[] = [];

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] }),
);
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  vi.useRealTimers();
});

/** HTTP without a network: who is in `up` answers at once, the others refuse. */
class Web {
  readonly up = new Set<string>();
  readonly asked: string[] = [];
  answer: object = { response: "pong" };
  /** Where the names lead. */
  ip = "10.0.0.77";
  readonly get: GetJson = async (url) => {
    this.asked.push(url);
    if (!this.up.has(url.replace(/\/ping$/, ""))) throw new HttpError("ERR_UNREACHABLE", `${url} refuses`);
    return { status: 200, headers: {}, body: this.answer, ip: this.ip };
  };
}

function watchOver(gossip: Townsman, get: GetJson): GuestWatch {
  const watch = new GuestWatch({ gossip, log: new LogLines(), get, random: () => 0.5 });
  closers.push(() => watch.close());
  return watch;
}

/** Nodes at 10.0.0.1, 10.0.0.2, …; the first is where guests register. */
function settle(count: number) {
  const town = new Town();
  const web = new Web();
  const nodes = Array.from({ length: count }, (_, i) => town.add({ address: `10.0.0.${i + 1}:7979` }));
  const watches = nodes.map((node) => watchOver(node, web.get));
  const lists = () => watches.map((watch) => watch.urls());
  return { town, web, nodes, watches, lists };
}

test("a guest is listed by its owner at once and by everybody a moment later", async () => {
  const { watches, web, lists } = settle(3);
  web.up.add(FLASK);
  expect(watches[0]?.register(FLASK)).toBe("new");
  expect(lists()).toEqual([[FLASK], [], []]);
  await vi.advanceTimersByTimeAsync(100);
  expect(lists()).toEqual([[FLASK], [FLASK], [FLASK]]);
  expect(watches[1]?.register(FLASK), "it may register anywhere again").toBe("known");
});

test("a guest that answers stays, and is checked by its owner alone, every five seconds", async () => {
  const { watches, web, lists } = settle(3);
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lists()).toEqual([[FLASK], [FLASK], [FLASK]]);
  expect(web.asked).toEqual(new Array(12).fill(`${FLASK}/ping`));
});

test("a guest that fails three checks in a row is gone everywhere; two failures are forgiven", async () => {
  const { watches, web, lists } = settle(3);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(10_400);
  expect(web.asked).toHaveLength(2);
  web.up.add(FLASK);
  await vi.advanceTimersByTimeAsync(5_000);
  web.up.delete(FLASK);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(web.asked).toHaveLength(5);
  expect(lists()).toEqual([[FLASK], [FLASK], [FLASK]]);
  await vi.advanceTimersByTimeAsync(5_200);
  expect(lists()).toEqual([[], [], []]);
});

test.each([0, 1])(
  "what member %i answers at another url is no guest, and is forgotten at the first check",
  async (who) => {
    const { watches, web, lists, nodes } = settle(2);
    web.up.add(FLASK);
    web.answer = { response: "pong", node_id: nodes[who]?.self.id };
    expect(watches[0]?.register(FLASK)).toBe("new");
    expect(await watches[0]?.answersAt(FLASK), "nobody posts there").toBeUndefined();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(lists()).toEqual([[], []]);
  },
);

test("whatever jitter and wherever its death falls, a guest that hangs is gone from its owner's list within 21 s", async () => {
  const hang: GetJson = (_url, { timeoutMs = 0 } = {}) =>
    new Promise((_, reject) => setTimeout(() => reject(new HttpError("ERR_TIMEOUT", "late")), timeoutMs));
  const web = new Web();
  web.up.add(FLASK);
  let isDead = false;
  const watch = new GuestWatch({
    gossip: new Town().add(),
    log: new LogLines(),
    get: (url, options) => (isDead ? hang(url, options) : web.get(url, options)),
    random: () => 0.999,
  });
  closers.push(() => watch.close());
  watch.register(FLASK);
  while (web.asked.length < 3) await vi.advanceTimersByTimeAsync(10);
  isDead = true;
  await vi.advanceTimersByTimeAsync(21_000);
  expect(watch.urls()).toEqual([]);
});

test("where no word of the end arrives, the guest is forgotten 20 s after the last announcement", async () => {
  const { watches, web, lists, town, nodes } = settle(2);
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(5_100);
  town.deaf.add(nodes[1]?.self.address ?? "");
  web.up.delete(FLASK);
  await vi.advanceTimersByTimeAsync(19_000);
  expect(lists()).toEqual([[], [FLASK]]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lists()).toEqual([[], []]);
});

test.each(["down", "left"] as const)(
  "when the owner is %s, one other adopts the guest, checks it and announces it",
  async (end) => {
    const { watches, web, lists, town, nodes } = settle(4);
    const [owner] = nodes;
    web.up.add(FLASK);
    watches[0]?.register(FLASK);
    await vi.advanceTimersByTimeAsync(3_000);
    if (!owner) throw new Error("no owner");
    watches[0]?.close();
    town.turn(owner, end);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lists().slice(1)).toEqual([[FLASK], [FLASK], [FLASK]]);
    expect(nodes.map((node) => node.broadcasts.length > 1).slice(1), "one announces").toEqual([true, false, false]);
    expect(web.asked).toHaveLength(11);
    web.up.delete(FLASK);
    await vi.advanceTimersByTimeAsync(21_000);
    expect(lists().slice(1)).toEqual([[], [], []]);
  },
);

test("while the owner is only suspected an heir checks and announces its guests, so a newcomer hears of them", async () => {
  const { watches, web, lists, town, nodes } = settle(3);
  const [owner] = nodes;
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(3_000);
  if (!owner) throw new Error("no owner");
  watches[0]?.close();
  town.turn(owner, "suspect");
  const newcomer = watchOver(town.add({ address: "10.0.0.9:7979" }), web.get);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(newcomer.urls()).toEqual([FLASK]);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(lists().slice(1)).toEqual([[FLASK], [FLASK]]);
  expect(web.asked, "by one of them").toHaveLength(11);
});

test("a first in line that came too late to know the guest loses it not: the next in line adopts", async () => {
  const { watches, web, lists, town, nodes } = settle(3);
  const [owner] = nodes;
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(3_000);
  if (!owner) throw new Error("no owner");
  watches[0]?.close();
  // On this ring the next higher address comes first.
  const late = town.add({ address: "10.0.0.1:7980" });
  const watch = watchOver(late, web.get);
  expect(nodes[1]?.neighbours(owner.self.address, 1)[0]?.address).toBe(late.self.address);
  town.turn(owner, "down");
  await vi.advanceTimersByTimeAsync(4_000);
  expect([watch.urls(), ...lists().slice(1)]).toEqual([[FLASK], [FLASK], [FLASK]]);
});

test("a bootstrap started anew, at the old address or another, relearns every guest within 15 s", async () => {
  for (const address of ["10.0.0.1:7979", "10.0.0.9:7979"]) {
    const { watches, web, town, nodes } = settle(3);
    const guests = Array.from({ length: 200 }, (_, i) => `http://10.9.0.${i}:5000`);
    for (const url of guests) {
      web.up.add(url);
      watches[0]?.register(url);
    }
    await vi.advanceTimersByTimeAsync(3_000);
    const [owner] = nodes;
    if (!owner) throw new Error("no owner");
    watches[0]?.close();
    town.turn(owner, "down");
    await vi.advanceTimersByTimeAsync(30_000);
    const anew = town.add({ address });
    const watch = watchOver(anew, web.get);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(watch.urls().sort()).toEqual([...guests].sort());
    expect(watches[1]?.urls().sort()).toEqual([...guests].sort());
  }
});

test("a bootstrap replaced by another process at the same address before anybody noticed loses no guest", async () => {
  const { watches, web, town, nodes, lists } = settle(3);
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(3_000);
  const [owner, ...others] = nodes;
  if (!owner) throw new Error("no owner");
  watches[0]?.close();
  town.nodes.splice(town.nodes.indexOf(owner), 1);
  const anew = town.add({ address: owner.self.address });
  for (const other of others) other.happen("updated", { ...anew.self, self: false }, { replaced: owner.self });
  const watch = watchOver(anew, web.get);
  await vi.advanceTimersByTimeAsync(15_000);
  expect([watch.urls(), ...lists().slice(1)]).toEqual([[FLASK], [FLASK], [FLASK]]);
});

test("two owners of one guest settle: the lower address goes on, the other stops checking", async () => {
  const { watches, web, town, nodes, lists } = settle(2);
  web.up.add(FLASK);
  for (const node of nodes) town.deaf.add(node.self.address);
  for (const watch of watches) expect(watch.register(FLASK)).toBe("new");
  await vi.advanceTimersByTimeAsync(1_000);
  town.deaf.clear();
  await vi.advanceTimersByTimeAsync(5_000);
  web.asked.length = 0;
  const before = nodes.map((node) => node.broadcasts.length);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(web.asked).toHaveLength(6);
  const after = nodes.map((node, i) => node.broadcasts.length - (before[i] ?? 0));
  expect(after).toEqual([6, 0]);
  expect(lists()).toEqual([[FLASK], [FLASK]]);
});

test("a guest that becomes a member is a guest no more, and a member's url is never one", async () => {
  const { watches, web, town, nodes, lists } = settle(2);
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(1_000);
  town.add({ url: FLASK, address: "10.0.0.77:7979" });
  expect(lists()).toEqual([[], []]);
  expect(watches[0]?.register(FLASK)).toBe("known");
  expect(watches[0]?.register(nodes[1]?.self.url ?? "")).toBe("known");
  expect(lists()).toEqual([[], []]);
});

test("an announcement of somebody who is no live member counts for nothing", async () => {
  const { nodes, lists, watches } = settle(2);
  watches[1]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(200);
  const payload = nodes[1]?.broadcasts[0] ?? new Uint8Array();
  const alone = new Town().add();
  const watch = watchOver(alone, new Web().get);
  alone.hear(payload, undefined);
  alone.hear(payload, someMember({ ...nodes[1]?.self, self: false, status: "dead" }));
  alone.hear(payload, someMember());
  expect(watch.urls()).toEqual([]);
  expect(lists()).toEqual([[FLASK], [FLASK]]);
});

test("who registered answers once it has answered a check, wherever it is asked about, and whoever checks", async () => {
  const { watches, web } = settle(2);
  web.up.add(FLASK);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(100);
  for (const watch of watches) {
    const answers = await Promise.all([watch.answersAt(FLASK), watch.answersAt(FLASK)]);
    expect([...answers, await watch.answersAt(FLASK)]).toEqual(Array(3).fill("10.0.0.77"));
  }
  expect(web.asked, "once by each node").toHaveLength(2);
  expect(await watches[0]?.answersAt("http://10.0.0.78:5000"), "who is no guest is not even asked").toBeUndefined();
  expect(web.asked).toHaveLength(2);
});

test("nobody is sent elsewhere by a name that leads elsewhere since the answer, until an answer comes from there", async () => {
  const { watches, web } = settle(2);
  const [owner, other] = watches;
  const named = "http://flask.example:5000";
  web.up.add(named);
  owner?.register(named);
  await vi.advanceTimersByTimeAsync(100);
  expect(await other?.answersAt(named)).toBe("10.0.0.77");
  web.ip = "10.0.0.78";
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await owner?.answersAt(named), "its checks go on").toBe("10.0.0.78");
  expect(await other?.answersAt(named)).toBe("10.0.0.77");
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await other?.answersAt(named), "an answer is good for half a minute").toBe("10.0.0.78");
});

test("who is silent does not answer, and is not asked more often than a check is due, until it does", async () => {
  const { watches, web } = settle(2);
  const [, watch] = watches;
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(100);
  for (let i = 0; i < 10; i++) expect(await watch?.answersAt(FLASK)).toBeUndefined();
  expect(web.asked).toHaveLength(1);
  web.up.add(FLASK);
  expect(await watch?.answersAt(FLASK)).toBeUndefined();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await watch?.answersAt(FLASK)).toBe("10.0.0.77");
});

test("a check of the owner's own is proof enough, and a guest that went and came must prove itself anew", async () => {
  const { watches, web } = settle(1);
  const [watch] = watches;
  web.up.add(FLASK);
  watch?.register(FLASK);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await watch?.answersAt(FLASK)).toBe("10.0.0.77");
  expect(web.asked).toHaveLength(1);
  web.up.delete(FLASK);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(watch?.urls()).toEqual([]);
  watch?.register(FLASK);
  expect(await watch?.answersAt(FLASK)).toBeUndefined();
});

test("without guests nothing is sent, nothing is checked and no timer runs; nor after the last one went", async () => {
  const { nodes, watches, web } = settle(3);
  expect(vi.getTimerCount()).toBe(0);
  watches[0]?.register(FLASK);
  await vi.advanceTimersByTimeAsync(25_000);
  expect(vi.getTimerCount()).toBe(0);
  const sent = nodes.map((node) => node.broadcasts.length);
  web.asked.length = 0;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(nodes.map((node) => node.broadcasts.length)).toEqual(sent);
  expect(web.asked).toEqual([]);
});

test("a hundred guests that come at once make a handful of messages", async () => {
  const { nodes, watches } = settle(2);
  for (let i = 0; i < 100; i++) watches[0]?.register(`http://10.9.0.${i}:5000`);
  await vi.advanceTimersByTimeAsync(200);
  expect(nodes[0]?.broadcasts).toHaveLength(3);
  expect(watches[1]?.urls()).toHaveLength(100);
});

test("256 guests that all hang are checked one at a time each, 128 at once at most, and are gone within 32 s", async () => {
  let underWay = 0;
  let most = 0;
  const warned = vi.spyOn(process, "emitWarning");
  const perGuest = new Map<string, number>();
  const get: GetJson = (url, { timeoutMs = 0, signal } = {}) =>
    new Promise((_, reject) => {
      most = Math.max(most, ++underWay);
      const now = (perGuest.get(url) ?? 0) + 1;
      perGuest.set(url, now);
      expect(now).toBe(1);
      const onAbort = () => {};
      signal?.addEventListener("abort", onAbort);
      setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        underWay--;
        perGuest.set(url, 0);
        reject(new HttpError("ERR_TIMEOUT", "late"));
      }, timeoutMs);
    });
  const watch = watchOver(new Town().add(), get);
  for (let i = 0; i < 256; i++) expect(watch.register(`http://10.9.0.${i}:5000`)).toBe("new");
  expect(watch.register(FLASK)).toBe("full");
  await vi.advanceTimersByTimeAsync(32_000);
  expect(most).toBe(128);
  expect(warned, "a hundred listeners on one signal are no leak here").not.toHaveBeenCalled();
  expect(watch.urls()).toEqual([]);
});

test("a check that never ends is not joined by a second one", async () => {
  let asked = 0;
  const watch = watchOver(new Town().add(), () => {
    asked++;
    return new Promise(() => {});
  });
  watch.register(FLASK);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(1);
});

test("closing ends the checks and timers, lets go of the gossip node, and a closed one takes no guest on", async () => {
  let aborted = 0;
  const gossip = new Town().add();
  const watch = watchOver(gossip, (_url, { signal } = {}) => {
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => {
        aborted++;
        reject(signal.reason);
      });
    });
  });
  watch.register(FLASK);
  await vi.advanceTimersByTimeAsync(5_600);
  watch.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(aborted).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
  expect(gossip.listenerCount()).toBe(0);
  expect(watch.urls()).toEqual([FLASK]);
  expect(watch.register("http://10.0.0.78:5000")).toBe("full");
});

test("a gossip node that was closed first is no reason to fail", async () => {
  const { nodes, watches } = settle(2);
  watches[0]?.register(FLASK);
  await nodes[0]?.close();
  await vi.advanceTimersByTimeAsync(6_000);
  expect(watches[0]?.urls()).toEqual([FLASK]);
});

test("a real HTTP peer is kept while it answers, and let go when its port refuses or answers with errors", async () => {
  for (const end of ["stops", "errs"]) {
    const flask = await new FlaskNode().start();
    closers.push(() => flask.stop());
    const checks: Promise<unknown>[] = [];
    const watch = watchOver(new Town().add(), (url, options) => {
      const check = getJson(url, options);
      checks.push(check);
      return check;
    });
    /** Turns the clock to the next check, and waits for its real answer. */
    const nextCheck = async () => {
      const seen = checks.length;
      while (checks.length === seen) await vi.advanceTimersByTimeAsync(500);
      await Promise.allSettled(checks);
    };
    watch.register(flask.url);
    for (let i = 0; i < 4; i++) await nextCheck();
    expect(flask.pings).toBe(4);
    expect(watch.urls()).toEqual([flask.url]);
    if (end === "stops") await flask.stop();
    else flask.status = 500;
    for (let i = 0; i < 2; i++) await nextCheck();
    expect(watch.urls()).toEqual([flask.url]);
    await nextCheck();
    expect(watch.urls()).toEqual([]);
  }
});

test("a real HTTP peer that hangs is given two seconds, no more", async () => {
  const flask = await new FlaskNode().start();
  closers.push(() => flask.stop());
  flask.status = undefined;
  const watch = watchOver(new Town().add(), getJson);
  watch.register(flask.url);
  for (let i = 1; i <= 3; i++) {
    const pinged = flask.nextPing();
    await vi.advanceTimersByTimeAsync(i === 1 ? 5_000 : 3_000);
    await pinged;
    await vi.advanceTimersByTimeAsync(1_999);
    expect(watch.urls()).toEqual([flask.url]);
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(watch.urls()).toEqual([]);
});
