// What a member does on a network, told once and run over two: the simulator and real UDP on the loopback. Then what
// only the real one has: ports, sockets, signals, options, other clusters. Waits end with what they wait for.

import { createSocket, type SocketOptions } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ALIVE, claimOf, SUSPECT } from "../../src/gossip/claim.ts";
import {
  GossipError,
  type GossipEvent,
  type GossipNode,
  type MembershipEvent,
  type Options,
  start,
} from "../../src/gossip/index.ts";
import { GOSSIP, HEARD } from "../../src/gossip/wire.ts";
import { alive, type Letter, readable, said, write } from "./letters.ts";
import { loopback, next, PLACES, type Place, type Resident, soon } from "./places.ts";

describe.each(Object.entries(PLACES))("over %s", (_name, open) => {
  let place: Place;
  beforeEach(() => {
    place = open();
  });
  afterEach(async () => {
    for (const { happenings } of place.residents) expectSense(happenings);
    await place[Symbol.asyncDispose]();
  });

  /** So many residents who know each other. */
  async function group(count: number): Promise<[Resident, ...Resident[]]> {
    const first = await place.start();
    const all: [Resident, ...Resident[]] = [first];
    while (all.length < count) all.push(await place.start());
    await Promise.all(all.slice(1).map((one) => one.join(first)));
    await agreement(all);
    return all;
  }

  async function agreement(all: readonly Resident[], withinMs = 5_000): Promise<void> {
    const live = all.map(({ address }) => address).sort();
    await place.until(
      `${all.length} agree`,
      () => all.every((one) => one.live.join() === live.join() && one.digest === all[0]?.digest),
      withinMs,
    );
  }

  const about = (observer: Resident, subject: Resident) =>
    observer.happenings.filter(({ member }) => member === subject.address).map(({ type }) => type);

  test("two who meet know each other, and each is told once", async () => {
    const [a, b] = (await group(2)) as [Resident, Resident];
    expect(about(a, b)).toEqual(["up"]);
    expect(about(b, a)).toEqual(["up"]);
    expect(a.status(b)).toBe("alive");
  });

  test("eight who join one seed at once agree, and all are told of all once", async () => {
    const all = await group(8);
    for (const one of all) for (const other of all) if (one !== other) expect(about(one, other)).toEqual(["up"]);
  });

  test("those who join one after another, each by the one before, agree too", async () => {
    const chain = [await place.start()];
    for (let i = 0; i < 4; i++) {
      const next = await place.start();
      await next.join(chain.at(-1) as Resident);
      chain.push(next);
    }
    await agreement(chain);
  });

  test("a message reaches every other member once", async () => {
    const all = await group(6);
    const [sender, ...others] = all;
    expect(sender.broadcast("one")).toBe(6);
    expect(sender.broadcast("two")).toBe(6);
    expect((others[0] as Resident).broadcast("three")).toBe(6);
    await place.until("the sender heard", () => sender.heard.includes("three"), 5_000);
    await place.until("the second heard", () => (others[0] as Resident).heard.length >= 2, 5_000);
    await place.until("the others heard", () => others.slice(1).every(({ heard }) => heard.length >= 3), 5_000);
    // A member who came later is the mark that whatever was still on its way has arrived.
    const late = await place.start();
    await late.join(sender);
    await agreement([...all, late]);
    expect(sender.heard).toEqual(["three"]);
    expect([...(others[0] as Resident).heard].sort()).toEqual(["one", "two"]);
    for (const one of others.slice(1)) expect([...one.heard].sort()).toEqual(["one", "three", "two"]);
  });

  test("who leaves is seen as left, not as fallen", async () => {
    const all = await group(4);
    const [leaver, ...others] = all;
    await leaver.leave();
    await place.until("seen as left", () => others.every((one) => one.status(leaver) === "left"), 5_000);
    await agreement(others);
    for (const one of others) expect(about(one, leaver)).toEqual(["up", "left"]);
  });

  test("who crashes is suspected, then down, and nobody else is", async () => {
    const all = await group(5);
    const [fallen, ...others] = all;
    await fallen.crash();
    await place.until("seen as down", () => others.every((one) => one.status(fallen) === "dead"), 15_000);
    await agreement(others);
    for (const one of others) expect(about(one, fallen)).toEqual(["up", "suspect", "down"]);
    for (const one of others) for (const other of others) expect(about(one, other)).not.toContain("down");
  });

  test("who was down and comes back is up again", async () => {
    const all = await group(3);
    const [fallen, ...others] = all as [Resident, Resident, Resident];
    await fallen.crash();
    await place.until("seen as down", () => others.every((one) => one.status(fallen) === "dead"), 15_000);
    const again = await place.restart(fallen);
    await again.join(others[0]);
    await agreement([again, ...others]);
    for (const one of others) {
      // On a slow machine somebody may have been suspected in between, and up again.
      const told = about(one, fallen).filter((type) => type !== "suspect");
      expect(told.filter((type, i) => type !== told[i - 1])).toEqual(["up", "down", "up"]);
      expect(about(one, fallen)).toContain("suspect");
    }
    expect(others[0].incarnation(again)).toBeGreaterThan(1);
  });

  test("another process at the address of one that was not missed yet: one event says so", async () => {
    const all = await group(4);
    const [former, ...others] = all as [Resident, Resident, ...Resident[]];
    const again = await place.restart(former);
    await again.join(others[0] as Resident);
    await agreement([again, ...others]);
    for (const one of others) {
      const told = about(one, former);
      // On a slow machine somebody may have come to suspect it first.
      expect(told.filter((type) => type !== "suspect").length, told.join()).toBe(2);
      expect(told).not.toContain("down");
      expect(one.incarnation(again)).toBe(2);
    }
  });

  test("two groups that grew apart become one when one member joins the other", async () => {
    const left = await group(4);
    const right = await group(4);
    expect(left[0].live.length).toBe(4);
    await (right[2] as Resident).join(left[1] as Resident);
    await agreement([...left, ...right]);
    left[3]?.broadcast("hello to both");
    await place.until("the others hear it", () => right.every(({ heard }) => heard.includes("hello to both")), 5_000);
  });

  test("who says something new of itself is updated everywhere, once", async () => {
    const all = await group(5);
    const [changed, ...others] = all;
    changed.update();
    await place.until("updated", () => others.every((one) => about(one, changed).includes("updated")), 5_000);
    await agreement(all);
    for (const one of others) expect(about(one, changed)).toEqual(["up", "updated"]);
  });

  test("a join that nobody answers fails in time, and one that somebody answers succeeds afterwards", async () => {
    const ghost = await place.start();
    await ghost.crash();
    const alone = await place.start();
    await expect(alone.join(ghost)).rejects.toThrow();
    expect(alone.live).toEqual([alone.address]);
    const other = await place.start();
    await alone.join(ghost, other);
    await agreement([alone, other]);
  });

  test("ten members outlive the loss of three, the first of them included", async () => {
    const all = await group(10);
    const fallen = [all[0], all[4], all[7]] as Resident[];
    const others = all.filter((one) => !fallen.includes(one));
    await Promise.all(fallen.map((one) => one.crash()));
    await place.until(
      "seen as down",
      () => others.every((one) => fallen.every((f) => one.status(f) === "dead")),
      20_000,
    );
    await agreement(others);
    const late = await place.start();
    await late.join(others[2] as Resident);
    await agreement([...others, late]);
  });
});

/** What may follow what, about one member: it is up before anything else, and nothing is told twice in a row but `updated`. */
function expectSense(happenings: readonly { type: string; member: string }[]): void {
  const last = new Map<string, string>();
  for (const { type, member } of happenings) {
    const before = last.get(member) ?? "unknown";
    const isGone = before === "down" || before === "left" || before === "unknown";
    const allowed: Record<string, boolean> = {
      up: isGone || before === "suspect",
      updated: before === "up" || before === "updated",
      suspect: before === "up" || before === "updated",
      down: before === "suspect" || before === "up" || before === "updated",
      left: before !== "left" && before !== "unknown",
    };
    expect(allowed[type], `${member}: ${type} after ${before}`).toBe(true);
    last.set(member, type);
  }
}

describe("a real node", () => {
  const nodes: GossipNode[] = [];
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.close()));
  });

  async function begin(options: Options = {}): Promise<GossipNode> {
    const node = await start(loopback(options));
    nodes.push(node);
    return node;
  }

  async function pair(left: Options = {}, right: Options = {}): Promise<[GossipNode, GossipNode]> {
    const a = await begin(left);
    const b = await begin(right);
    await b.join([a.self.address]);
    await soon("both know both", () => a.members().length === 2 && b.members().length === 2);
    return [a, b];
  }

  const port = (node: GossipNode) => Number(node.self.address.split(":")[1]);
  /** An address where nobody answers, and nobody will while the test holds it. */
  async function deaf(): Promise<{ address: string } & AsyncDisposable> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return {
      address: `127.0.0.1:${socket.address().port}`,
      async [Symbol.asyncDispose]() {
        socket.close();
        await once(socket, "close");
      },
    };
  }

  test("is alone at first: a member, alive, itself, converged", async () => {
    const node = await begin({
      profile: { name: "n1", url: "http://127.0.0.1:5001", role: "bootstrap", tags: { a: "b" } },
    });
    expect(node.members()).toEqual([node.self]);
    expect(node.self).toMatchObject({ name: "n1", url: "http://127.0.0.1:5001", role: "bootstrap", tags: { a: "b" } });
    expect(node.self).toMatchObject({ status: "alive", incarnation: 1, self: true, rttMs: undefined });
    expect(node.self.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    expect(Math.abs(Date.now() - node.self.since)).toBeLessThan(60_000);
    expect(node.converged).toBe(true);
    expect(node.health).toBe(0);
    expect(node.digest).toMatch(/^[0-9a-f]{8}$/);
    expect(node.broadcast("to nobody")).toBe(1);
  });

  test("sees its peers as they see themselves", async () => {
    const [a, b] = await pair({ profile: { name: "a", tags: { zone: "1" } } }, { profile: { name: "b" } });
    const seen = b.members().find(({ self }) => !self);
    const { id, name, url, role, tags, address, status, incarnation } = a.self;
    expect(seen).toMatchObject({ id, name, url, role, tags, address, status, incarnation, self: false });
    await soon("a round-trip is measured", () => b.members().some(({ rttMs }) => rttMs !== undefined && rttMs > 0));
    await soon("both agree", () => a.digest === b.digest && a.converged && b.converged);
  });

  test("says who said a message, and gives its bytes", async () => {
    const [a, b] = await pair({ profile: { name: "a" }, config: { coalesceMs: 0 } });
    const heard = next(b, "message");
    const { sent = 0 } = a.stats;
    a.broadcast(Uint8Array.of(0, 255, 128));
    expect(a.stats.sent, "it is on its way before anything else happens").toBe(sent + 1);
    const event = await heard;
    expect(event).toMatchObject({ type: "message", origin: a.self.address, from: { name: "a", id: a.self.id } });
    expect([...event.payload]).toEqual([0, 255, 128]);
  });

  test("emits each event twice, under its own name and as `event`, in the order of time", async () => {
    const a = await begin();
    const all: GossipEvent[] = [];
    const named: GossipEvent[] = [];
    a.on("event", (event) => all.push(event));
    for (const type of ["up", "suspect", "down", "left", "updated"] as const) a.on(type, (event) => named.push(event));
    a.on("message", (event) => named.push(event));
    const b = await begin();
    await b.join([a.self.address]);
    b.update({ name: "bb" });
    await soon("updated", () => all.some(({ type }) => type === "updated"));
    b.broadcast("hi");
    await soon("heard", () => all.some(({ type }) => type === "message"));
    await b.leave();
    await soon("left", () => all.some(({ type }) => type === "left"));
    expect(all.map(({ type }) => type)).toEqual(["up", "updated", "message", "left"]);
    expect(named).toEqual(all);
    const times = all.map(({ at }) => at);
    expect(times).toEqual([...times].sort((x, y) => x - y));
    expect(all[1]).toMatchObject({ was: "alive", member: { name: "bb" }, replaced: undefined });
    expect(all[3]).toMatchObject({ was: "alive", member: { status: "left" } });
  });

  test("says its last word before its goodbye", async () => {
    const [a, b] = await pair();
    const types: string[] = [];
    a.on("event", ({ type }) => types.push(type));
    b.broadcast("one more thing");
    await b.leave();
    await soon("left", () => types.includes("left"));
    expect(types).toEqual(["message", "left"]);
  });

  test("keeps what an update leaves undefined, and refuses what is no text", async () => {
    const node = await begin({ profile: { name: "n" } });
    const { id } = node.self;
    node.update({ name: undefined, tags: { a: "b" } } as object);
    expect(node.self).toMatchObject({ id, name: "n", role: "node", tags: { a: "b" } });
    expect(() => node.update({ name: 5 } as object)).toThrow(TypeError);
    expect(node.self).toMatchObject({ id, name: "n" });
  });

  test("says what it expected of a caller who is wrong", async () => {
    const node = await begin();
    await expect(node.join("1.2.3.4:5" as never)).rejects.toThrow(/Expected `seeds` to be an array/);
    expect(() => node.broadcast(5 as never)).toThrow(/Expected `payload` to be a string or a Uint8Array, got `5`/);
    await expect(start({ prot: 1 } as never)).rejects.toThrow(/Expected options among host, port.*got `prot`/);
  });

  test("does not take one join's welcome for another's", async () => {
    const a = await begin();
    const b = await begin({ config: { joinTimeoutMs: 500 } });
    await using nobody = await deaf();
    const dead = b.join([nobody.address]);
    const right = b.join([a.self.address]);
    await expect(dead).rejects.toMatchObject({ code: "ERR_JOIN_TIMEOUT" });
    await right;
  });

  test("may be called back from within an event", async () => {
    const a = await begin();
    const b = await begin();
    const heard = next(b, "message");
    a.on("up", ({ member }) => a.broadcast(`welcome ${member.address}`));
    await b.join([a.self.address]);
    const event = await heard;
    expect(new TextDecoder().decode(event.payload)).toBe(`welcome ${b.self.address}`);
  });

  test("says who was replaced when another process takes over an address", async () => {
    const [a, b] = await pair({}, { profile: { name: "old" } });
    const former = b.self;
    await b.close();
    const told: MembershipEvent[] = [];
    a.on("updated", (event) => told.push(event));
    a.on("up", (event) => told.push(event));
    const again = await begin({ port: port(b), profile: { name: "new" } });
    await again.join([a.self.address]);
    await soon("told", () => told.length > 0);
    expect(told).toHaveLength(1);
    expect(told[0]?.member).toMatchObject({ id: again.self.id, name: "new", address: former.address });
    expect(told[0]?.replaced).toMatchObject({ id: former.id, name: "old", address: former.address });
    expect(again.self.incarnation).toBe(2);
    expect(a.members()).toHaveLength(2);
  });

  test("does not mix with a cluster of another label, and counts what it drops", async () => {
    const ours = await begin({ cluster: "ours" });
    const theirs = await begin({ cluster: "theirs", config: { joinTimeoutMs: 300 } });
    await expect(theirs.join([ours.self.address])).rejects.toMatchObject({ code: "ERR_JOIN_TIMEOUT" });
    expect(ours.members()).toHaveLength(1);
    expect(theirs.members()).toHaveLength(1);
    expect(ours.stats.otherCluster).toBeGreaterThan(0);
  });

  test("is let in by who hears its hello", async () => {
    const a = await begin();
    const b = await begin();
    b.hello("127.0.0.1", port(a));
    await soon("both know both", () => a.members().length === 2 && b.members().length === 2);
  });

  test("names its neighbours on the ring, nearest first, the same as its peers do", async () => {
    const [first, ...others] = await Promise.all([begin(), begin(), begin(), begin(), begin()]);
    await Promise.all(others.map((node) => node.join([first.self.address])));
    const all = [first, ...others];
    await soon("all agree", () => all.every((node) => node.members().length === 5));
    for (const { self } of all) {
      const near = first.neighbours(self.address, 3).map(({ address }) => address);
      expect(near).toHaveLength(3);
      expect(new Set(near).size).toBe(3);
      expect(near).not.toContain(self.address);
      for (const node of all) expect(node.neighbours(self.address, 3).map(({ address }) => address)).toEqual(near);
    }
    expect(first.neighbours(first.self.address, 99)).toHaveLength(4);
    expect(first.neighbours("10.9.9.9:1", 3)).toEqual([]);
    expect(first.neighbours("nonsense", 3)).toEqual([]);
  });

  test("does not pass a message on to who brought it in the same moment", async () => {
    const node = await begin();
    const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
    for (const socket of sockets) await once(socket.bind(0, "127.0.0.1"), "listening");
    const [first, second] = sockets.map((socket) => `127.0.0.1:${socket.address().port}`) as [string, string];
    const claims = [alive(first), alive(second)];
    sockets[0].send(write({ kind: GOSSIP, from: first, claims }), port(node), "127.0.0.1");
    await soon("both are known", () => node.members().length === 3);
    const told: Letter[] = [];
    sockets[1].on("message", (bytes) => {
      // A knock is empty.
      if (bytes.length > 0) told.push(readable(bytes));
    });
    const messages = [{ origin: first, epoch: 1, seq: 1, payload: new TextEncoder().encode("hello") }];
    // Both lie in its buffer before it reads one of them.
    sockets[0].send(write({ kind: GOSSIP, from: first, messages }), port(node), "127.0.0.1");
    sockets[1].send(write({ kind: GOSSIP, from: second, messages }), port(node), "127.0.0.1");
    const { payload } = await next(node, "message");
    expect(new TextDecoder().decode(payload)).toBe("hello");
    // A copy that goes the other way would be its thanks.
    await soon("the second is thanked", () => told.some(({ kind }) => kind === HEARD));
    expect(told.flatMap((letter) => letter.messages.filter(() => letter.kind === GOSSIP))).toEqual([]);
    for (const socket of sockets) socket.close();
  });

  test("tells what it has heard before it closes", async () => {
    const node = await begin();
    const socket = createSocket("udp4");
    await once(socket.bind(0, "127.0.0.1"), "listening");
    const from = `127.0.0.1:${socket.address().port}`;
    socket.send(write({ kind: GOSSIP, from, claims: [alive(from)] }), port(node), "127.0.0.1");
    await soon("it is known", () => node.members().length === 2);
    const heard: number[] = [];
    node.on("message", ({ payload }) => heard.push(payload[0] ?? 0));
    let said = 0;
    const say = () => {
      const messages = [{ origin: from, epoch: 1, seq: ++said, payload: Uint8Array.of(said) }];
      socket.send(write({ kind: GOSSIP, from, messages }), port(node), "127.0.0.1");
      // And a word to ourselves, which is read after it, in the same turn of the event loop.
      socket.send(Uint8Array.of(said), socket.address().port, "127.0.0.1");
    };
    // What it has heard it tells later in that turn.
    const isBetween = () => node.stats.delivered === said && heard.length < said;
    await new Promise<void>((resolve) => {
      socket.on("message", (bytes) => {
        if (bytes.length !== 1) return;
        if (isBetween()) node.close().then(resolve);
        else say();
      });
      say();
    });
    expect(heard.at(-1)).toBe(said);
    socket.close();
  });

  test("goes on after any garbage that a socket brings", async () => {
    const [a, b] = await pair();
    const socket = createSocket("udp4");
    for (let i = 0; i < 200; i++) {
      socket.send(
        Uint8Array.from({ length: i * 7 }, (_, k) => (k * 31 + i) & 255),
        port(a),
        "127.0.0.1",
      );
    }
    await soon("counted", () => (a.stats.malformed ?? 0) + (a.stats.damaged ?? 0) >= 150);
    socket.close();
    const heard = next(b, "message");
    a.broadcast("still here");
    await heard;
  });

  test.runIf(Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1")))(
    "speaks IPv6",
    async () => {
      const [a, b] = await pair({ host: "::1" }, { host: "::1" });
      expect(a.self.address).toMatch(/^\[::1\]:\d+$/);
      const heard = next(a, "message");
      b.broadcast("by six");
      await heard;
    },
  );

  describe("starting", () => {
    test("says which port is taken", async () => {
      const node = await begin();
      const error = await start(loopback({ port: port(node) })).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(GossipError);
      expect(error).toMatchObject({ code: "ERR_ADDRESS_IN_USE", message: expect.stringContaining(String(port(node))) });
      expect((error as GossipError).cause).toBeInstanceOf(Error);
    });

    test("says that an address is not this machine's", async () => {
      await expect(start(loopback({ host: "192.0.2.1" }))).rejects.toMatchObject({ code: "ERR_BIND" });
    });

    test.each<[string, Options]>([
      ["host", { host: "localhost" }],
      ["port", { port: 65_536 }],
      ["port", { port: 1.5 }],
      ["cluster", { cluster: "" }],
      ["cluster", { cluster: "x".repeat(33) }],
      ["preset", { preset: "moon" as "lan" }],
      ["probeIntervalMs", { config: { probeIntervalMs: 0 } }],
      ["probeTimeoutMs", { config: { probeTimeoutMs: 5_000 } }],
      ["have some of probeIntervalMs, probeTimeoutMs, ", { config: { foo: 1 } as object }],
      ["advertise", { advertise: "example.org" }],
      ["advertise", { advertise: "10.0.0.1:0" }],
      ["512", { profile: { name: "x".repeat(600) } }],
    ])("refuses a wrong %s with a sentence: %j", async (what, options) => {
      const error = await start(loopback(options)).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(RangeError);
      expect((error as RangeError).message).toContain(what);
    });

    test("with a signal that is aborted does not start", async () => {
      const reason = new Error("changed my mind");
      await expect(start(loopback({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    });

    test("with a signal that is aborted while the port is being bound leaves no socket behind", async () => {
      const reason = new Error("changed my mind");
      const controller = new AbortController();
      const starting = start(loopback({ signal: controller.signal }));
      controller.abort(reason);
      await expect(starting).rejects.toBe(reason);
    });

    test("advertises what it is told to", async () => {
      expect((await begin({ advertise: "10.1.2.3:4567" })).self.address).toBe("10.1.2.3:4567");
      const node = await begin({ advertise: "10.1.2.3" });
      expect(node.self.address).toMatch(/^10\.1\.2\.3:\d+$/);
    });
  });

  describe("joining", () => {
    test("says whom it asked in vain, and for how long", async () => {
      await using nobody = await deaf();
      const node = await begin({ config: { joinTimeoutMs: 200 } });
      const error = await node.join([nobody.address]).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(GossipError);
      expect(error).toMatchObject({ code: "ERR_JOIN_TIMEOUT", message: expect.stringContaining(nobody.address) });
      expect((error as GossipError).message).toContain("200 ms");
    });

    test("ends with the signal's reason", async () => {
      await using nobody = await deaf();
      const node = await begin();
      const reason = new Error("enough");
      const controller = new AbortController();
      const joining = node.join([nobody.address], { signal: controller.signal });
      controller.abort(reason);
      await expect(joining).rejects.toBe(reason);
      await expect(node.join([nobody.address], { signal: controller.signal })).rejects.toBe(reason);
      const late = node.join([nobody.address], { signal: AbortSignal.timeout(1) });
      await expect(late).rejects.toMatchObject({ name: "TimeoutError" });
    });

    test("ends with ERR_CLOSED when the node is closed, and when it leaves", async () => {
      await using nobody = await deaf();
      for (const end of ["close", "leave"] as const) {
        const node = await begin();
        const joining = node.join([nobody.address]);
        const refused = expect(joining).rejects.toMatchObject({ code: "ERR_CLOSED" });
        await node[end]();
        await refused;
      }
    });

    test("that is given up does not make another join succeed", async () => {
      await using nobody = await deaf();
      const node = await begin({ config: { joinTimeoutMs: 400 } });
      const controller = new AbortController();
      const first = node.join([nobody.address], { signal: controller.signal });
      const second = expect(node.join([nobody.address])).rejects.toMatchObject({ code: "ERR_JOIN_TIMEOUT" });
      controller.abort(new Error("enough"));
      await expect(first).rejects.toThrow("enough");
      node.broadcast("something that wakes it up");
      await second;
    });

    test("that is given up does not stop another", async () => {
      const seed = await begin();
      await using nobody = await deaf();
      const node = await begin();
      const controller = new AbortController();
      const first = node.join([nobody.address], { signal: controller.signal });
      const second = node.join([seed.self.address]);
      controller.abort(new Error("enough"));
      await expect(first).rejects.toThrow("enough");
      await second;
      expect(node.members()).toHaveLength(2);
    });

    test.each([[["nonsense"]], [["10.0.0.1"]], [["10.0.0.1:0"]], [["localhost:7979"]], [[]]])(
      "refuses seeds %j",
      async (seeds) => {
        const node = await begin();
        await expect(node.join(seeds)).rejects.toThrow(RangeError);
      },
    );

    test("refuses itself as its only seed, and skips it among others", async () => {
      const [a, b] = await pair();
      await expect(a.join([a.self.address])).rejects.toThrow(RangeError);
      await a.join([a.self.address, b.self.address]);
    });
  });

  describe("closing", () => {
    test("resolves `closed`, may be asked for twice, and ends everything else with ERR_CLOSED", async () => {
      const node = await begin();
      await Promise.all([node.close(), node.close()]);
      expect(await node.closed).toBeUndefined();
      await node.leave();
      for (const call of [
        () => node.broadcast("x"),
        () => node.update({ name: "x" }),
        () => node.hello("127.0.0.1", 1),
      ]) {
        expect(call).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
      }
      await expect(node.join(["127.0.0.1:1"])).rejects.toMatchObject({ code: "ERR_CLOSED" });
    });

    test("frees the port", async () => {
      const node = await begin();
      await node.close();
      const next = await begin({ port: port(node) });
      expect(next.self.address).toBe(node.self.address);
    });

    test("by `await using` says goodbye", async () => {
      const a = await begin();
      const left = next(a, "left");
      {
        await using b = await start(loopback());
        await b.join([a.self.address]);
        await soon("known", () => a.members().length === 2);
      }
      const event = await left;
      expect(event).toMatchObject({ was: "alive", member: { status: "left" } });
    });

    test("with a goodbye closes even if nobody is there to hear it", async () => {
      const [a, b] = await pair({ config: { leaveTimeoutMs: 200 } });
      await b.close();
      const began = performance.now();
      await a.leave();
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(await a.closed).toBeUndefined();
    });

    test("with a goodbye that is cut short rejects with the reason, and is closed", async () => {
      const [a, b] = await pair({ config: { leaveTimeoutMs: 30_000, gossipIntervalMs: 30_000 } });
      await b.close();
      const reason = new Error("no time");
      const controller = new AbortController();
      const leaving = a.leave({ signal: controller.signal });
      controller.abort(reason);
      await expect(leaving).rejects.toBe(reason);
      expect(await a.closed).toBeUndefined();
    });
  });

  describe("talking", () => {
    test("refuses a message over 1,024 bytes, and takes one of 1,024", async () => {
      const [a, b] = await pair();
      expect(() => a.broadcast(new Uint8Array(1_025))).toThrow(RangeError);
      expect(() => a.broadcast("\u00e4".repeat(513))).toThrow(RangeError);
      const heard = next(b, "message");
      expect(a.broadcast(new Uint8Array(1_024).fill(7))).toBe(2);
      const event = await heard;
      expect(event.payload.length).toBe(1_024);
    });

    test("keeps its own copy of what it was given to say", async () => {
      const [a, b] = await pair();
      const heard = next(b, "message");
      const payload = new TextEncoder().encode("before");
      a.broadcast(payload);
      payload.fill(0);
      const event = await heard;
      expect(new TextDecoder().decode(event.payload)).toBe("before");
    });

    test("refuses an update that makes the profile too large, and stays as it was", async () => {
      const [a, b] = await pair({ profile: { name: "a" } });
      expect(() => a.update({ name: "x".repeat(600) })).toThrow(RangeError);
      expect(a.self).toMatchObject({ name: "a", incarnation: 1 });
      const updated = next(b, "updated");
      a.update({ url: "http://127.0.0.1:9" });
      const event = await updated;
      expect(event.member).toMatchObject({ name: "a", url: "http://127.0.0.1:9", incarnation: 2 });
      expect(a.self).toMatchObject({ url: "http://127.0.0.1:9", incarnation: 2 });
    });
  });

  describe("standing still", () => {
    /** A voice without a node behind it; what it says is in the listener's socket before it goes on. */
    async function voice() {
      const lookup = (ip: string, _: unknown, found: (error: null, ip: string, family: number) => void) =>
        found(null, ip, 4);
      const socket = createSocket({ type: "udp4", lookup } as SocketOptions);
      const listening = once(socket, "listening");
      socket.bind(0, "127.0.0.1");
      await listening;
      return {
        address: `127.0.0.1:${socket.address().port}`,
        say: (to: GossipNode, bytes: Uint8Array) => socket.send(bytes, port(to), "127.0.0.1"),
        async [Symbol.asyncDispose]() {
          socket.close();
          await once(socket, "close");
        },
      };
    }

    // Within the probe's timeout, so that the core takes it for no standstill of its own.
    const config = { probeIntervalMs: 2_000, probeTimeoutMs: 1_500, suspicionMult: 0.1, suspicionConfirmations: 0 };
    const suspicionMs = config.suspicionMult * config.probeIntervalMs;

    test.each([0, 100])("buries nobody whose refutation waits behind %i datagrams", async (before) => {
      const node = await begin({ config });
      await using accused = await voice();
      await using accuser = await voice();
      const told: string[] = [];
      node.on("event", (event) => {
        if ("member" in event && event.member.address === accused.address) told.push(event.type);
      });
      const suspected = next(node, "suspect");
      const claims = [
        alive(accuser.address),
        alive(accused.address),
        said(accused.address, SUSPECT, 1, accuser.address),
      ];
      accuser.say(node, write({ kind: GOSSIP, from: accuser.address, claims }));
      await suspected;
      const expiredAt = performance.now() + suspicionMs + 50;
      // From an immediate the loop goes on to the timers, and to the sockets only then.
      await setImmediate();
      for (let i = 0; i < before; i++) accuser.say(node, write({ kind: GOSSIP, from: accuser.address }));
      const refutation = { kind: GOSSIP, from: accused.address, fromClaim: claimOf(2, ALIVE) };
      accused.say(node, write({ ...refutation, claims: [alive(accused.address, 2)] }));
      while (performance.now() < expiredAt);
      await soon("refuted", () => told.at(-1) === "up" && told.length > 2);
      expect(told).toEqual(["up", "suspect", "up"]);
    });
  });
});
