import { once } from "node:events";
import * as http from "node:http";
import { connect } from "node:net";
import request from "supertest";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sealLetter } from "../../src/http/envelope.ts";
import { Feed, type FeedOptions } from "../../src/http/feed.ts";
import { relayGossip } from "../../src/http/reception.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { someMember } from "./fake-gossip.ts";
import { buildHouse, listen } from "./house.ts";

interface Told {
  id: string;
  event?: string;
  data?: { at: string; member?: { id: string } | null; was?: string | null; message?: { n: number; msg: string } };
}

/** One reader of a stream: blocks as they come. */
class Listener {
  readonly headers: http.IncomingHttpHeaders;
  readonly told: Told[] = [];
  readonly comments: string[] = [];
  readonly ended: Promise<void>;
  readonly #answer: http.IncomingMessage;

  constructor(answer: http.IncomingMessage) {
    this.#answer = answer;
    this.headers = answer.headers;
    let text = "";
    answer.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) this.#take(block);
    });
    // Destroyed by us or by the server: either way it has ended.
    answer.on("error", () => {});
    this.ended = new Promise((resolve) => answer.on("close", resolve));
  }

  get events(): Told[] {
    return this.told.filter(({ event }) => event !== undefined);
  }

  hangUp(): void {
    this.#answer.destroy();
  }

  #take(block: string): void {
    if (block.startsWith(":")) {
      this.comments.push(block);
      return;
    }
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
    this.told.push({ ...fields, ...(fields.data ? { data: JSON.parse(fields.data) } : {}) });
  }
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function openHouse(options: FeedOptions = {}) {
  const feed = new Feed(options);
  const house = { ...buildHouse({ feed }), feed };
  relayGossip(house.gossip, house.deps);
  const server = createHttpServer(house.app);
  const { port, close } = await listen(server);
  closing.push(close, () => feed.close());
  const call = (lastEventId?: string, path = "/events") =>
    new Promise<http.IncomingMessage>((resolve, reject) => {
      const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
      http.get({ host: "127.0.0.1", port, path, headers, agent: false }, resolve).on("error", reject);
    });
  const attend = async (lastEventId?: string, path?: string) => new Listener(await call(lastEventId, path));
  return { ...house, port, call, attend };
}

describe("GET /events", () => {
  it("tells what happens, with member and time", async () => {
    const { gossip, attend, port } = await openHouse();
    const listener = await attend();
    expect(listener.headers["content-type"]).toBe("text/event-stream");
    expect(listener.headers["cache-control"]).toBe("no-store");
    const bob = someMember();
    gossip.happen("up", bob);
    gossip.happen("suspect", { ...bob, status: "suspect" }, { was: "alive" });
    gossip.happen("down", { ...bob, status: "dead" }, { was: "suspect" });
    gossip.happen("updated", { ...bob, id: "another" }, { was: "dead", replaced: bob });
    gossip.happen("left", { ...bob, status: "left" }, { was: "alive" });
    const { id, name, url, role, tags } = someMember();
    const rival = { id, name, url, role, tags };
    gossip.emit({ type: "conflict", at: Date.now(), address: gossip.self.address, incarnation: 7, rival });
    gossip.hear(sealLetter({ sender: "bob", msg: "two\nlines\r\n\u2028" }), bob);
    await request(`http://127.0.0.1:${port}`).post("/message").send({ sender: "curl", msg: "hi" });
    await vi.waitFor(() => expect(listener.events).toHaveLength(8));
    expect(listener.events.map(({ event }) => event)).toEqual([
      "up",
      "suspect",
      "down",
      "updated",
      "left",
      "conflict",
      "message",
      "message",
    ]);
    const [up, suspect, , updated, , conflict, gossiped, posted] = listener.events;
    expect(up?.data).toMatchObject({ member: { id: bob.id, address: bob.address, status: "alive" }, was: null });
    expect(new Date(up?.data?.at ?? "").toISOString()).toBe(up?.data?.at);
    expect(suspect?.data).toMatchObject({ was: "alive", member: { status: "suspect" } });
    expect(updated?.data).toMatchObject({ member: { id: "another" }, replaced: { id: bob.id } });
    expect(conflict?.data).toMatchObject({ address: gossip.self.address, incarnation: 7, rival });
    expect(gossiped?.data).toMatchObject({
      member: { id: bob.id },
      message: { n: 1, from: bob.id, sender: "bob", msg: "two\nlines\r\n\u2028", via: "gossip" },
    });
    expect(posted?.data).toMatchObject({ member: null, message: { n: 2, from: null, sender: "curl", via: "http" } });
    expect(new Set(listener.told.map(({ id }) => id)).size).toBe(listener.told.length);
  });

  it.each(["the header", "the query"])("resumes after the last id in %s", async (where) => {
    const { gossip, attend } = await openHouse();
    const first = await attend();
    for (let n = 0; n < 5; n++) gossip.happen("up", someMember({ name: `m${n}` }));
    await vi.waitFor(() => expect(first.events).toHaveLength(5));
    first.hangUp();
    const id = first.events[2]?.id ?? "";
    const second = await (where === "the header" ? attend(id) : attend(undefined, `/events?lastEventId=${id}`));
    gossip.happen("up", someMember({ name: "m5" }));
    await vi.waitFor(() => expect(second.events).toHaveLength(3));
    expect(second.events.map(({ data }) => data?.member)).toMatchObject([
      { name: "m3" },
      { name: "m4" },
      { name: "m5" },
    ]);
    expect(second.events.slice(0, 2)).toEqual(first.events.slice(3));
  });

  it("gives a first id before anything happened, from which to resume without a reset", async () => {
    const { gossip, attend } = await openHouse();
    const first = await attend();
    await vi.waitFor(() => expect(first.told).toHaveLength(1));
    first.hangUp();
    gossip.happen("up", someMember({ name: "meanwhile" }));
    const second = await attend(first.told[0]?.id);
    await vi.waitFor(() => expect(second.events).toHaveLength(1));
    expect(second.events).toMatchObject([{ event: "up", data: { member: { name: "meanwhile" } } }]);
  });

  it.each(["deadbeef-3", "nonsense", "-1", "99"])("begins with a reset after the id %s of another life", async (id) => {
    const { gossip, attend } = await openHouse();
    gossip.happen("up", someMember());
    const listener = await attend(id);
    gossip.happen("up", someMember({ name: "next" }));
    await vi.waitFor(() => expect(listener.events).toHaveLength(2));
    expect(listener.events).toMatchObject([{ event: "reset" }, { event: "up", data: { member: { name: "next" } } }]);
  });

  it("begins with a reset when events in between are gone, and not when none are", async () => {
    const { gossip, attend } = await openHouse({ eventsMax: 3 });
    const first = await attend();
    for (let n = 1; n <= 5; n++) gossip.happen("up", someMember({ name: `m${n}` }));
    await vi.waitFor(() => expect(first.events).toHaveLength(5));
    const [one, two] = first.events;
    const late = await attend(one?.id);
    await vi.waitFor(() => expect(late.events).toHaveLength(1));
    expect(late.events[0]?.event).toBe("reset");
    expect(late.events[0]?.id).toBe(first.events[4]?.id);
    const inTime = await attend(two?.id);
    await vi.waitFor(() => expect(inTime.events).toHaveLength(3));
    expect(inTime.events).toEqual(first.events.slice(2));
  });

  it("keeps a bounded number of bytes", async () => {
    const { deps, attend } = await openHouse({ bytesMax: 10_000 });
    const first = await attend();
    for (let n = 0; n < 50; n++) deps.feed.publish("message", { text: "x".repeat(1000) });
    await vi.waitFor(() => expect(first.events).toHaveLength(50));
    const beyond = await attend(first.events[30]?.id);
    await vi.waitFor(() => expect(beyond.events).toHaveLength(1));
    expect(beyond.events[0]?.event).toBe("reset");
    const within = await attend(first.events[45]?.id);
    await vi.waitFor(() => expect(within.events).toHaveLength(4));
  });

  it("serves 64 listeners, refuses the next, and takes one again when one has gone", async () => {
    const { attend, call, feed } = await openHouse();
    const listeners = await Promise.all(Array.from({ length: 64 }, () => attend()));
    const refused = await call();
    expect([refused.statusCode, refused.headers["content-type"]]).toEqual([503, "application/json; charset=utf-8"]);
    refused.resume();
    listeners[0]?.hangUp();
    await vi.waitFor(() => expect(feed.hasRoom).toBe(true));
    expect((await attend()).headers["content-type"]).toBe("text/event-stream");
  });

  it("drops a listener that does not read, and keeps the one that does", async () => {
    const { feed, attend, port } = await openHouse({ clientsMax: 2 });
    const asleep = connect(port, "127.0.0.1");
    closing.push(() => void asleep.destroy());
    asleep.on("error", () => {});
    asleep.write("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(asleep, "readable");
    const awake = await attend();
    expect(feed.hasRoom).toBe(false);
    // As much as the kernel's buffers take is not counted, so it takes a while.
    let told = 0;
    for (; !feed.hasRoom && told < 2000; told++) {
      feed.publish("message", { text: "x".repeat(32_768) });
      await vi.waitFor(() => expect(awake.events).toHaveLength(told + 1), { interval: 1 });
    }
    expect(feed.hasRoom).toBe(true);
    feed.publish("message", {});
    await vi.waitFor(() => expect(awake.events).toHaveLength(told + 1));
  });

  it("sends heartbeats as comments", async () => {
    const { attend } = await openHouse({ heartbeatMs: 5 });
    const listener = await attend();
    await vi.waitFor(() => expect(listener.comments.length).toBeGreaterThan(2));
    expect(listener.comments[0]).toBe(": heartbeat");
    expect(listener.events).toEqual([]);
  });

  it("ends every stream and its connection when the feed closes, and opens no other", async () => {
    const { attend, call, feed } = await openHouse();
    const listeners = await Promise.all([attend(), attend(), attend()]);
    feed.close();
    await Promise.all(listeners.map(({ ended }) => ended));
    const refused = await call();
    expect(refused.statusCode).toBe(503);
    refused.resume();
    feed.publish("up", {});
  });

  it("answers HEAD without a stream", async () => {
    const { port, feed } = await openHouse({ clientsMax: 1 });
    const answer = await request(`http://127.0.0.1:${port}`).head("/events");
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "text/event-stream"]);
    expect(feed.hasRoom).toBe(true);
  });
});
