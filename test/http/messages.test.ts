import pino from "pino";
import request from "supertest";
import { describe, expect, it, vi } from "vitest";
import { openEnvelope, openLetter, sealEnvelope, sealLetter } from "../../src/http/envelope.ts";
import { HttpError } from "../../src/http/post.ts";
import { relayGossip } from "../../src/http/reception.ts";
import { someMember } from "./fake-gossip.ts";
import { buildHouse, deferred, GUEST_IP } from "./house.ts";

const hello = { sender: "Node1", msg: "Hello Node2!" };

describe("POST /message", () => {
  it("says received, logs the line of the contract and keeps the message", async () => {
    const { app, log, inbox } = buildHouse();
    const answer = await request(app).post("/message").send(hello);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: "received" });
    expect(log.at("info")).toEqual(["Received message from Node1: Hello Node2!"]);
    expect(log.flushed).toBe(1);
    expect(inbox.since(0)).toMatchObject([{ n: 1, from: null, sender: "Node1", msg: "Hello Node2!", via: "http" }]);
  });

  it("logs one line through pino whatever the message holds", async () => {
    const written: string[] = [];
    const { app } = buildHouse({ log: pino({}, { write: (line: string) => void written.push(line) }) });
    const msg = 'line one\nline "two" 100% %s %d {"msg":"forged"}';
    await request(app).post("/message").send({ sender: "Eve", msg });
    expect(written).toHaveLength(1);
    expect(written[0]?.trimEnd()).not.toContain("\n");
    expect(JSON.parse(written[0] ?? "").msg).toBe(`Received message from Eve: ${msg}`);
  });

  it.each([
    ["no body", undefined],
    ["an empty object", {}],
    ["a missing sender", { msg: "hi" }],
    ["a missing msg", { sender: "a" }],
    ["an empty sender", { sender: "", msg: "hi" }],
    ["an empty msg", { sender: "a", msg: "" }],
    ["a number for a sender", { sender: 7, msg: "hi" }],
    ["an object for a msg", { sender: "a", msg: { $gt: "" } }],
    ["null fields", { sender: null, msg: null }],
    ["a list", ["a", "b"]],
  ])("refuses %s as missing sender or msg", async (_what, body) => {
    const { app, inbox } = buildHouse();
    const answer = await request(app).post("/message").send(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: "Missing sender or msg" });
    expect(inbox.since(0)).toEqual([]);
  });

  it("refuses a bare JSON value as missing sender or msg", async () => {
    const { app } = buildHouse();
    const answer = await request(app).post("/message").type("json").send("null");
    expect([answer.status, answer.body]).toEqual([400, { error: "Missing sender or msg" }]);
  });

  it("bounds the length of a sender", async () => {
    const { app } = buildHouse();
    expect(
      (
        await request(app)
          .post("/message")
          .send({ sender: "s".repeat(256), msg: "m" })
      ).status,
    ).toBe(200);
    const answer = await request(app)
      .post("/message")
      .send({ sender: "s".repeat(257), msg: "m" });
    expect([answer.status, answer.body]).toEqual([400, { error: "sender is over 256 characters" }]);
  });

  it.each([[""], [5], [null], [["all"]]])("refuses %j as a recipient", async (to) => {
    const { app, posts } = buildHouse();
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/^to must be/);
    expect(posts.sent).toEqual([]);
  });
});

describe("POST /message with a recipient", () => {
  const bob = someMember({ name: "bob" });

  it.each([
    ["uuid", bob.id],
    ["uuid in capitals", bob.id.toUpperCase()],
    ["name", "bob"],
    ["url", bob.url],
    ["url with a slash", `${bob.url}/`],
  ])("delivers by %s", async (_how, to) => {
    const { app, gossip, posts, inbox } = buildHouse();
    gossip.others = [someMember(), bob];
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to });
    expect([answer.status, answer.body]).toEqual([200, { status: "delivered", to }]);
    expect(posts.sent).toEqual([{ url: `${bob.url}/message`, body: hello }]);
    expect(inbox.since(0)).toEqual([]);
  });

  it("delivers to a guest by URL", async () => {
    const { app, guests, posts } = buildHouse();
    guests.register("http://10.0.0.9:5000");
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "http://10.0.0.9:5000/" });
    expect(answer.status).toBe(200);
    expect(posts.sent).toEqual([{ url: "http://10.0.0.9:5000/message", body: hello }]);
  });

  it("posts to a guest where it has answered, wherever its name leads by then", async () => {
    const { app, gossip, guests, posts } = buildHouse();
    const named = "http://flask.example:5000";
    guests.register(named);
    gossip.others = [bob];
    const ips: unknown[] = [];
    posts.answer = async (_url, { lookup }) => void ips.push(await lookup?.("whoever"));
    for (const to of [named, bob.url]) {
      await request(app)
        .post("/message")
        .send({ ...hello, to });
    }
    expect(ips).toEqual([[GUEST_IP], undefined]);
  });

  it("posts nothing to a guest that has answered no check: whoever registered it may have meant somebody else", async () => {
    const { app, guests, posts } = buildHouse();
    const victim = "http://victim.example:8080";
    guests.register(victim);
    guests.silent.add(victim);
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: victim });
    expect([answer.status, answer.body]).toEqual([
      502,
      { error: `"${victim}" cannot be reached: it has not answered GET /ping` },
    ]);
    await request(app).post("/message").send({ sender: victim, msg: "New peer discovered" });
    expect(posts.sent).toEqual([]);
  });

  it.each(["id", "name", "url"] as const)("keeps what is addressed to its own %s", async (field) => {
    const { app, gossip, posts, inbox } = buildHouse();
    const to = gossip.self[field];
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to });
    expect([answer.status, answer.body]).toEqual([200, { status: "delivered", to }]);
    expect(inbox.since(0)).toHaveLength(1);
    expect(posts.sent).toEqual([]);
  });

  it.each(["nobody", "http://10.9.9.9:5000", "01900000-0000-7000-8000-ffffffffffff"])(
    "does not know %s",
    async (to) => {
      const { app, posts } = buildHouse();
      const answer = await request(app)
        .post("/message")
        .send({ ...hello, to });
      expect(answer.status).toBe(404);
      expect(answer.body.error).toContain(to);
      expect(posts.sent).toEqual([]);
    },
  );

  it.each(["dead", "left"] as const)("does not try one that is %s", async (status) => {
    const { app, gossip, posts } = buildHouse();
    gossip.others = [someMember({ name: "gone", status })];
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "gone" });
    expect(answer.status).toBe(502);
    expect(answer.body.error).toContain(status);
    expect(posts.sent).toEqual([]);
  });

  it("tries a suspect, and says that it is down if that fails", async () => {
    const { app, gossip, posts } = buildHouse();
    gossip.others = [someMember({ name: "ill", status: "suspect" })];
    expect(
      (
        await request(app)
          .post("/message")
          .send({ ...hello, to: "ill" })
      ).status,
    ).toBe(200);
    posts.answer = () => Promise.reject(new HttpError("ERR_UNREACHABLE", "refused"));
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "ill" });
    expect([answer.status, answer.body]).toEqual([502, { error: "refused" }]);
  });

  it.each([
    new HttpError("ERR_TIMEOUT", "did not answer within 4000 ms"),
    new HttpError("ERR_STATUS", "answered 500", { status: 500 }),
  ])("says that a node is down when it fails with $code", async (error) => {
    const { app, gossip, posts } = buildHouse();
    gossip.others = [someMember({ name: "bad" })];
    posts.answer = () => Promise.reject(error);
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "bad" });
    expect([answer.status, answer.body]).toEqual([502, { error: error.message }]);
  });

  it("cannot reach a member whose url is not one", async () => {
    const { app, gossip, posts } = buildHouse();
    gossip.others = [someMember({ name: "a", url: "" }), someMember({ name: "b", url: "http://victim/admin?x=" })];
    for (const to of ["a", "b"]) {
      expect(
        (
          await request(app)
            .post("/message")
            .send({ ...hello, to })
        ).status,
      ).toBe(502);
    }
    expect(posts.sent).toEqual([]);
  });

  it("means the live one of several with a name, and asks back when several live", async () => {
    const { app, gossip, posts } = buildHouse();
    const live = someMember({ name: "web" });
    gossip.others = [someMember({ name: "web", status: "dead" }), live, someMember({ name: "web", status: "left" })];
    expect(
      (
        await request(app)
          .post("/message")
          .send({ ...hello, to: "web" })
      ).status,
    ).toBe(200);
    expect(posts.sent.map(({ url }) => url)).toEqual([`${live.url}/message`]);
    gossip.others.push(someMember({ name: "web", status: "suspect" }));
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "web" });
    expect([answer.status, answer.body]).toEqual([
      409,
      { error: '2 live nodes are called "web"; use a uuid or a URL' },
    ]);
  });

  it("turns deliveries away beyond a bound instead of hoarding them", async () => {
    const { app, gossip, posts } = buildHouse();
    gossip.others = [someMember({ name: "slow" })];
    const gate = deferred();
    posts.answer = () => gate.promise;
    const send = () =>
      request(app)
        .post("/message")
        .send({ ...hello, to: "slow" });
    const waiting = Array.from({ length: 64 }, () => send().then((answer) => answer.status));
    await vi.waitFor(() => expect(posts.underWay).toBe(64));
    expect((await send()).status).toBe(503);
    gate.resolve();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
    expect((await send()).status).toBe(200);
  });
});

describe('POST /message with "to":"all"', () => {
  it("gossips once, hears itself once, and counts the live members", async () => {
    const { app, gossip, inbox, posts, log } = buildHouse();
    gossip.others = [someMember(), someMember({ status: "suspect" }), someMember({ status: "dead" })];
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "all" });
    expect([answer.status, answer.body]).toEqual([202, { status: "broadcast", members: 3 }]);
    expect(gossip.broadcasts.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)))).toEqual([
      ["message", "Node1", "Hello Node2!"],
    ]);
    expect(inbox.since(0)).toMatchObject([{ from: gossip.self.id, via: "gossip", ...hello }]);
    expect(log.at("info")).toEqual(["Received message from Node1: Hello Node2!"]);
    expect(log.flushed).toBe(1);
    expect(posts.sent).toEqual([]);
  });

  it("posts what gossip cannot carry, at most eight at a time, to every live member but itself", async () => {
    const { app, gossip, inbox, posts } = buildHouse();
    const live = Array.from({ length: 30 }, () => someMember());
    gossip.others = [...live, someMember({ status: "dead" }), someMember({ url: "" })];
    const gate = deferred();
    posts.answer = () => gate.promise;
    const letter = { sender: "a", msg: "é".repeat(600) };
    const answer = await request(app)
      .post("/message")
      .send({ ...letter, to: "all" });
    expect([answer.status, answer.body]).toEqual([202, { status: "broadcast", members: 32 }]);
    gate.resolve();
    await vi.waitFor(() => expect(posts.sent).toHaveLength(30));
    expect(posts.mostUnderWay).toBe(8);
    expect(posts.sent.map(({ url }) => url).sort()).toEqual(live.map(({ url }) => `${url}/message`).sort());
    expect(posts.sent[0]?.body).toEqual(letter);
    expect(gossip.broadcasts).toEqual([]);
    expect(inbox.since(0)).toHaveLength(1);
  });

  it("tells the others when one of them cannot be posted to", async () => {
    const { app, gossip, posts, log } = buildHouse();
    gossip.others = Array.from({ length: 20 }, () => someMember());
    posts.answer = () => Promise.reject(new HttpError("ERR_UNREACHABLE", "refused"));
    await request(app)
      .post("/message")
      .send({ sender: "a", msg: "x".repeat(2000), to: "all" });
    await vi.waitFor(() => expect(log.at("debug")).toHaveLength(20));
    expect(posts.sent).toHaveLength(20);
  });

  it("turns large broadcasts away when too much of one is still under way", async () => {
    const { app, gossip, posts } = buildHouse();
    gossip.others = Array.from({ length: 3000 }, () => someMember());
    posts.answer = () => new Promise(() => {});
    const send = () =>
      request(app)
        .post("/message")
        .send({ sender: "a", msg: "x".repeat(2000), to: "all" });
    const statuses = [(await send()).status, (await send()).status];
    expect(statuses).toEqual([202, 503]);
  });

  it("turns small broadcasts away when too many are still under way", async () => {
    const { app, gossip, inbox } = buildHouse();
    gossip.isBusy = true;
    const send = () =>
      request(app)
        .post("/message")
        .send({ ...hello, to: "all" });
    const answer = await send();
    expect([answer.status, answer.body]).toEqual([503, { error: "Too many messages are under way; try again" }]);
    expect(inbox.since(0), "what nobody hears is not in our own inbox").toEqual([]);
    gossip.isBusy = false;
    expect((await send()).status).toBe(202);
  });

  it("says so when this node has left", async () => {
    const { app, gossip, inbox } = buildHouse();
    await gossip.close();
    const answer = await request(app)
      .post("/message")
      .send({ ...hello, to: "all" });
    expect([answer.status, answer.body]).toEqual([503, { error: "This node is not on the network" }]);
    expect(inbox.since(0)).toEqual([]);
  });
});

describe("a gossiped message", () => {
  it("is opened for each room that asks, whatever another asked of before", () => {
    const [letter, noise] = [sealLetter(hello), new TextEncoder().encode("noise")];
    for (const _ of [1, 2]) {
      for (const __ of [1, 2])
        expect(openEnvelope(letter)).toEqual({ kind: "message", fields: ["Node1", "Hello Node2!"] });
      expect(openEnvelope(noise)).toBeUndefined();
      expect(openLetter(noise)).toBeUndefined();
    }
  });

  it("lands in the log and the inbox, with its origin", () => {
    const { gossip, deps, inbox, log } = buildHouse();
    relayGossip(gossip, deps);
    const bob = someMember();
    gossip.hear(sealLetter(hello), bob);
    gossip.hear(sealLetter({ sender: "x", msg: "from afar" }), undefined, "172.19.0.7:7979");
    expect(inbox.since(0)).toMatchObject([
      { n: 1, from: bob.id, via: "gossip", ...hello },
      { n: 2, from: "172.19.0.7:7979", via: "gossip" },
    ]);
    expect(log.at("info")).toEqual(["Received message from Node1: Hello Node2!", "Received message from x: from afar"]);
    // A hundred nodes write it in the same moment: it may wait.
    expect(log.flushed).toBe(0);
  });

  it("is ignored when it is another kind, or malformed", () => {
    const { gossip, deps, inbox, log } = buildHouse();
    relayGossip(gossip, deps);
    const payloads = [
      sealEnvelope("guests", ["http://10.0.0.1:5000"]),
      sealEnvelope("message", "only a sender"),
      sealEnvelope("message", "a", "b", "c"),
      sealEnvelope("message", "", "b"),
      sealEnvelope("message", "a", 5),
      sealEnvelope("message", "s".repeat(257), "b"),
      new TextEncoder().encode('{"0":"message"}'),
      new TextEncoder().encode("[5]"),
      new TextEncoder().encode('["message"'),
      Uint8Array.of(0xff, 0xfe, 0x00),
      new Uint8Array(0),
    ];
    for (const payload of payloads) gossip.hear(payload, undefined);
    expect(inbox.since(0)).toEqual([]);
    expect(log.lines).toEqual([]);
    gossip.hear(sealLetter(hello), undefined);
    expect(inbox.since(0)).toHaveLength(1);
  });

  it("is no longer heard once the relay has ended", () => {
    const { gossip, deps, inbox } = buildHouse();
    const end = relayGossip(gossip, deps);
    expect(gossip.listenerCount()).toBeGreaterThan(0);
    end();
    expect(gossip.listenerCount()).toBe(0);
    gossip.hear(sealLetter(hello), undefined);
    expect(inbox.since(0)).toEqual([]);
  });
});

describe("New peer discovered", () => {
  const discovered = (sender: string) => ({ sender, msg: "New peer discovered" });

  it("is answered by a welcome to a live member", async () => {
    const { app, gossip, posts } = buildHouse();
    const bob = someMember();
    gossip.others = [bob];
    const answer = await request(app)
      .post("/message")
      .send(discovered(`${bob.url}/`));
    expect([answer.status, answer.body]).toEqual([200, { status: "received" }]);
    expect(posts.sent).toEqual([
      { url: `${bob.url}/message`, body: { sender: gossip.self.url, msg: "Welcome new peer" } },
    ]);
  });

  it("is answered by a welcome to a guest", async () => {
    const { app, guests, posts } = buildHouse();
    guests.register("http://10.0.0.9:5000");
    await request(app).post("/message").send(discovered("http://10.0.0.9:5000"));
    expect(posts.sent.map(({ url }) => url)).toEqual(["http://10.0.0.9:5000/message"]);
  });

  it("makes nobody post to third parties, to the dead, to itself, or to a name", async () => {
    const { app, gossip, posts, inbox } = buildHouse();
    const dead = someMember({ status: "dead" });
    gossip.others = [dead, someMember({ name: "bob" }), someMember({ url: "ftp://172.18.9.9:5000" })];
    const senders = [
      "http://victim.example",
      dead.url,
      gossip.self.url,
      "bob",
      "ftp://172.18.9.9:5000",
      `http://user:pw@${new URL(gossip.self.url).host}`,
    ];
    for (const sender of senders) {
      expect((await request(app).post("/message").send(discovered(sender))).status).toBe(200);
    }
    expect(posts.sent).toEqual([]);
    expect(inbox.since(0)).toHaveLength(senders.length);
  });

  it("does not loop: a welcome is never answered", async () => {
    const { app, gossip, posts } = buildHouse();
    const bob = someMember();
    gossip.others = [bob];
    await request(app).post("/message").send({ sender: bob.url, msg: "Welcome new peer" });
    expect(posts.sent).toEqual([]);
  });

  it("is answered a few at a time, and not at all by the hundred", async () => {
    const { app, gossip, posts } = buildHouse();
    const bob = someMember();
    gossip.others = [bob];
    const gate = deferred();
    posts.answer = () => gate.promise;
    for (let n = 0; n < 100; n++) {
      expect((await request(app).post("/message").send(discovered(bob.url))).status).toBe(200);
    }
    gate.resolve();
    await vi.waitFor(() => expect(posts.sent).toHaveLength(4 + 64));
    expect(posts.mostUnderWay).toBe(4);
  });
});

describe("GET /messages", () => {
  it("gives no more than 256 KiB at a time, and says how to go on", async () => {
    const { app } = buildHouse();
    const big = "\u0001".repeat(10_000);
    for (let n = 0; n < 20; n++) await request(app).post("/message").send({ sender: "a", msg: big });
    const numbers: number[] = [];
    let path: string | undefined = "/messages";
    while (path !== undefined) {
      const answer: request.Response = await request(app).get(path);
      expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(256 * 1024 + 64);
      numbers.push(...answer.body.messages.map(({ n }: { n: number }) => n));
      const [, next] = /^<(.*)>; rel="next"$/.exec(answer.get("Link") ?? "") ?? [];
      expect(next).toBe(numbers.length < 20 ? `/messages?since=${numbers.at(-1)}` : undefined);
      path = next;
    }
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it("gives what came after a number", async () => {
    const { app } = buildHouse();
    for (const msg of ["one", "two", "three"]) await request(app).post("/message").send({ sender: "a", msg });
    const all = await request(app).get("/messages");
    expect(all.body.messages.map((message: { n: number }) => message.n)).toEqual([1, 2, 3]);
    expect(Object.keys(all.body.messages[0]).sort()).toEqual(["at", "from", "msg", "n", "sender", "via"]);
    expect(new Date(all.body.messages[0].at).toISOString()).toBe(all.body.messages[0].at);
    const later = await request(app).get("/messages?since=2");
    expect(later.body.messages.map((message: { msg: string }) => message.msg)).toEqual(["three"]);
    expect((await request(app).get("/messages?since=3")).body).toEqual({ messages: [] });
    expect((await request(app).get("/messages?since=99999")).body).toEqual({ messages: [] });
  });

  it.each(["-1", "1.5", "x", "", "1e3", "9999999999999999999", "1&since=2", " 1"])(
    "refuses since=%s",
    async (since) => {
      const { app } = buildHouse();
      const answer = await request(app).get(`/messages?since=${since}`);
      expect([answer.status, answer.body]).toEqual([400, { error: "since must be a whole number from 0 up" }]);
    },
  );
});
