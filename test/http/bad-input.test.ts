import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import express, { type Express } from "express";
import request from "supertest";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Feed } from "../../src/http/feed.ts";
import { createHttpServer, type Patience } from "../../src/http/server.ts";
import { buildHouse, deferred, listen } from "./house.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) await close();
});

async function serve(app: Express, patience: Patience = {}) {
  const server = createHttpServer(app, patience);
  const { port, close } = await listen(server);
  closing.push(close);
  return { server, port };
}

function dial(port: number): { socket: Socket; heard: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  closing.push(() => void socket.destroy());
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  // A reset after the answer is as good an end as any.
  socket.on("error", () => {});
  return { socket, heard: new Promise((resolve) => socket.on("close", () => resolve(text))) };
}

describe("bad input", () => {
  it.each(["{", '{"sender": "a", "msg": }', "nonsense", '{"sender":"a","msg":"b"}}', "\u0000"])(
    "gets 400 for the malformed JSON %j",
    async (text) => {
      const { app, log } = buildHouse();
      for (const path of ["/message", "/register"]) {
        const answer = await request(app).post(path).type("json").send(text);
        expect([answer.status, answer.body]).toEqual([400, { error: "Malformed JSON" }]);
      }
      expect(log.at("error")).toEqual([]);
    },
  );

  it("gets 400 for JSON that is not UTF-8", async () => {
    const { app } = buildHouse();
    const bytes = Buffer.from('{"sender":"a","msg":"\xff"}', "latin1");
    const answer = await request(app)
      .post("/message")
      .type("json")
      .serialize((body) => body)
      .send(bytes);
    expect([answer.status, answer.body]).toEqual([400, { error: "Malformed JSON" }]);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "text/json-ish",
    "application/json; charset=utf-16",
  ])("gets 415 for a body of %s", async (type) => {
    const { app, inbox } = buildHouse();
    for (const path of ["/message", "/register"]) {
      const answer = await request(app).post(path).set("Content-Type", type).send('{"sender":"a","msg":"b"}');
      expect(answer.status).toBe(415);
      expect(answer.body.error).toEqual(expect.any(String));
    }
    expect(inbox.since(0)).toEqual([]);
  });

  it("gets 415 for a body without a type, and for a compressed one", async () => {
    const { app } = buildHouse();
    const { port } = await serve(app);
    const { socket, heard } = dial(port);
    socket.write("POST /message HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    expect(await heard).toMatch(/^HTTP\/1\.1 415 /);
    const zipped = await request(app).post("/message").type("json").set("Content-Encoding", "gzip").send("{}");
    expect(zipped.status).toBe(415);
  });

  it.each(["application/json", "application/json; charset=UTF-8", "Application/JSON", "application/vnd.api+json"])(
    "is not what a body of %s is",
    async (type) => {
      const { app } = buildHouse();
      const answer = await request(app).post("/message").set("Content-Type", type).send('{"sender":"a","msg":"b"}');
      expect(answer.status).toBe(200);
    },
  );

  it("gets 413 over 64 KiB, and not at 64 KiB", async () => {
    const { app, inbox } = buildHouse();
    const frame = JSON.stringify({ sender: "a", msg: "" }).length;
    const atLimit = { sender: "a", msg: "x".repeat(64 * 1024 - frame) };
    expect((await request(app).post("/message").send(atLimit)).status).toBe(200);
    const over = await request(app)
      .post("/message")
      .send({ ...atLimit, msg: `${atLimit.msg}x` });
    expect([over.status, over.body]).toEqual([413, { error: "The body is over 64 KiB" }]);
    expect(inbox.since(0)).toHaveLength(1);
  });

  it("gets 413 before a body without an announced length has ended", async () => {
    const { app } = buildHouse();
    const { port } = await serve(app);
    const { socket } = dial(port);
    socket.write(
      "POST /message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    socket.write(`${(70_000).toString(16)}\r\n${"x".repeat(70_000)}\r\n`);
    const [text] = await once(socket, "data");
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("is cut off when a refused body goes on and on", async () => {
    const { app } = buildHouse();
    const { port } = await serve(app);
    const { socket, heard } = dial(port);
    socket.write(
      "POST /message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n",
    );
    const pour = () => {
      while (!socket.destroyed && socket.write("x".repeat(16_384)));
    };
    socket.on("drain", pour);
    pour();
    await heard;
    // One MiB, and what the buffers on both sides took before they heard of it.
    expect(socket.bytesWritten).toBeLessThan(32 * 1024 * 1024);
    expect((await request(app).get("/ping")).status).toBe(200);
  });

  it("gets 408 when a body never comes to its end", async () => {
    const { app } = buildHouse();
    const reached = deferred();
    const { port } = await serve(((req, res) => {
      app(req, res);
      reached.resolve();
    }) as Express);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { socket, heard } = dial(port);
    socket.write(
      'POST /message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"send',
    );
    await reached.promise;
    vi.advanceTimersByTime(10_000);
    const text = await heard;
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toMatch(/^connection: close\r$/im);
    expect(text).toContain('{"error":"The body was not all here after 10 s"}');
  });

  it("costs nothing when the caller hangs up in the middle of it", async () => {
    const { app, inbox, log } = buildHouse();
    const { port } = await serve(app);
    const { socket, heard } = dial(port);
    socket.write(
      "POST /message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
      () => socket.destroy(),
    );
    await heard;
    expect((await request(app).get("/ping")).status).toBe(200);
    expect(inbox.since(0)).toEqual([]);
    expect(log.at("error")).toEqual([]);
  });

  it.each([
    "/nothing",
    "/PEERS",
    "//",
    "//peers",
    "/peers//",
    "/message/x",
    "/__proto__",
    "/constructor",
    "/%F0%9F%8D%8C",
  ])("gets 404 in JSON for the path %s", async (path) => {
    const { app } = buildHouse();
    for (const answer of [await request(app).get(path), await request(app).post(path).send({})]) {
      expect([answer.status, answer.body]).toEqual([404, { error: "Not found" }]);
    }
  });

  it("does not mind one slash at the end of a path", async () => {
    const { app } = buildHouse();
    expect((await request(app).get("/peers/")).status).toBe(200);
  });

  it("gets a JSON answer for a path that does not decode", async () => {
    const { app, log } = buildHouse();
    const answer = await request(app).get("/%zz");
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body.error).toEqual(expect.any(String));
    expect(log.at("error")).toEqual([]);
  });

  it.each([
    ["GET", "/message", "POST, OPTIONS"],
    ["PUT", "/message", "POST, OPTIONS"],
    ["DELETE", "/peers", "GET, HEAD, OPTIONS"],
    ["POST", "/peers", "GET, HEAD, OPTIONS"],
    ["POST", "/", "GET, HEAD, OPTIONS"],
    ["GET", "/register", "POST, OPTIONS"],
    ["GET", "/leave", "POST, OPTIONS"],
    ["HEAD", "/message", "POST, OPTIONS"],
    ["PATCH", "/events", "GET, HEAD, OPTIONS"],
  ])("gets 405 for %s %s, with what is allowed", async (method, path, allow) => {
    const { app } = buildHouse();
    const { port } = await serve(app);
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    if (method !== "HEAD") expect(await answer.json()).toEqual({ error: expect.stringContaining(method) });
  });

  it("does not include HEAD and OPTIONS", async () => {
    const { app } = buildHouse();
    const head = await request(app).head("/peers");
    expect([head.status, head.text]).toEqual([200, undefined]);
    const options = await request(app).options("/message").set("Origin", "http://elsewhere.example");
    expect([options.status, options.headers.allow]).toEqual([204, "POST, OPTIONS"]);
    expect(options.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("never shows a stack: a bug here is a plain 500, and the whole story is in the log", async () => {
    const { app, gossip, log } = buildHouse();
    gossip.members = () => {
      throw new Error("secret detail");
    };
    const answer = await request(app).get("/peers");
    expect([answer.status, answer.body]).toEqual([500, { error: "Internal error" }]);
    expect(answer.text).not.toContain("secret");
    expect(log.lines).toMatchObject([
      { level: "error", fields: { path: "/peers", err: { message: "secret detail" } } },
    ]);
    expect((await request(app).get("/ping")).status).toBe(200);
  });

  it.each([
    ["what is not HTTP", "nonsense\r\n\r\n", 400],
    ["headers without end", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(40_000)}\r\n\r\n`, 431],
    ["a request to no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    ["a target that is no path", "GET x://y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["a target without a host", "GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400],
    ["an expectation", "GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\nConnection: close\r\n\r\n", 417],
  ])("gets a JSON answer for %s", async (_what, text, status) => {
    const { app } = buildHouse();
    const { port } = await serve(app);
    const { socket, heard } = dial(port);
    socket.write(text);
    const answer = await heard;
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toEqual({ error: expect.any(String) });
    expect((await request(app).get("/ping")).status).toBe(200);
  });

  it("meets the usual headers of a careful server", async () => {
    const { app } = buildHouse();
    const { headers } = await request(app).get("/");
    expect(headers["x-powered-by"]).toBeUndefined();
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["strict-transport-security"]).toBeUndefined();
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["content-type"]).toMatch(/^application\/json/);
  });

  it("finds a server that listens nowhere by itself", () => {
    const server = createHttpServer(buildHouse().app);
    expect(server.address() as AddressInfo | null).toBeNull();
  });
});

describe("who does not read its answer", () => {
  /** Two dozen kernel buffers full. */
  const answerBytes = 64 * 1024 * 1024;

  async function serveMuch(patience: Patience) {
    const app = express().get("/", (_req, res) => void res.end(Buffer.alloc(answerBytes)));
    const { server, port } = await serve(app, patience);
    const gone = new Promise<string>((resolve) => {
      server.once("connection", (socket) => socket.once("close", () => resolve("closed")));
    });
    const socket = connect(port, "127.0.0.1");
    closing.push(() => void socket.destroy());
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    return { socket, gone };
  }

  it("loses the connection when nothing has moved for a while", async () => {
    const { socket, gone } = await serveMuch({ idleMs: 200 });
    socket.pause();
    expect(await gone).toBe("closed");
  });

  it("loses it as well when it reads a little now and then for too long", async () => {
    const { socket, gone } = await serveMuch({ answerMs: 500 });
    socket.pause();
    const sip = setInterval(() => socket.read(1024), 20);
    closing.push(() => clearInterval(sip));
    expect(await gone).toBe("closed");
  });

  it("keeps it as an event stream, which has no end", async () => {
    const feed = new Feed({ heartbeatMs: 20 });
    const { app } = buildHouse({ feed });
    const { port } = await serve(app, { idleMs: 60_000, answerMs: 40 });
    const { socket } = dial(port);
    socket.write("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    // Far more than `answerMs`.
    for (let beats = 0; beats < 10; beats++) await once(socket, "data");
    expect(socket.readyState).toBe("open");
    feed.close();
  });
});
