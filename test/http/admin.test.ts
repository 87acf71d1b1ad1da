import { createServer } from "node:http";
import request from "supertest";
import { describe, expect, it, vi } from "vitest";
import { joinByNames } from "../../src/bootstrap/seeds.ts";
import { GossipError } from "../../src/gossip/api.ts";
import { LookupError } from "../../src/http/lookup.ts";
import { FakeGossip } from "./fake-gossip.ts";
import { buildHouse, deferred } from "./house.ts";

const seeds = ["10.0.0.1:7979", "node1:7979"];

/** The same app, reached from another machine. */
function from(remoteAddress: string, app: ReturnType<typeof buildHouse>["app"]) {
  return createServer((req, res) => {
    Object.defineProperty(req.socket, "remoteAddress", { value: remoteAddress, configurable: true });
    app(req, res);
  });
}

describe("POST /join", () => {
  it("joins by the seeds and says how many are there", async () => {
    const { app, joined } = buildHouse();
    const answer = await request(app).post("/join").send({ seeds });
    expect([answer.status, answer.body]).toEqual([200, { status: "joined", members: 1 }]);
    expect(joined).toEqual([seeds]);
  });

  it.each([
    undefined,
    {},
    { seeds: [] },
    { seeds: "10.0.0.1:7979" },
    { seeds: [5] },
    { seeds: [""] },
    { seeds: ["x".repeat(300)] },
    { seeds: Array(33).fill("10.0.0.1:7979") },
  ])("refuses %j", async (body) => {
    const { app, joined } = buildHouse();
    const answer = await request(app).post("/join").send(body);
    expect([answer.status, answer.body]).toEqual([400, { error: "seeds must be a list of 1 to 32 host:port" }]);
    expect(joined).toEqual([]);
  });

  it.each([
    [new TypeError("Expected a seed as host:port, got `x`"), 400, "Expected a seed as host:port, got `x`"],
    [new GossipError("ERR_JOIN_TIMEOUT", "nobody answered"), 504, "nobody answered"],
    [new GossipError("ERR_CLOSED", "closed"), 503, "closed"],
    [new Error("secret"), 500, "Internal error"],
  ])("passes on why it failed: %s", async (error, status, text) => {
    const { app } = buildHouse({ join: () => Promise.reject(error) });
    const answer = await request(app).post("/join").send({ seeds });
    expect([answer.status, answer.body]).toEqual([status, { error: text }]);
  });

  it("says of names that do not resolve, and of senseless seeds, what is wrong with them", async () => {
    const gossip = new FakeGossip();
    const lookup = async (host: string) => {
      throw new LookupError("ENOTFOUND", `${host} does not resolve: ENOTFOUND`);
    };
    const { app, log } = buildHouse({
      join: (given, signal) => joinByNames(gossip, given, { defaultPort: 7979, lookup, signal }),
    });
    const ask = async (...given: string[]) => {
      const { status, body } = await request(app).post("/join").send({ seeds: given });
      return [status, body];
    };
    expect(await ask("nope.invalid:1", "gone")).toEqual([
      502,
      { error: "nope.invalid does not resolve: ENOTFOUND; gone does not resolve: ENOTFOUND" },
    ]);
    expect(await ask("http://node1")).toEqual([400, { error: 'Expected a seed to be host:port, got "http://node1"' }]);
    expect(log.at("error")).toEqual([]);
  });

  it("gives up after half a minute on a join that heeds no signal", async () => {
    const timeout = new AbortController();
    const spy = vi.spyOn(AbortSignal, "timeout").mockReturnValue(timeout.signal);
    try {
      const started = deferred();
      const { app } = buildHouse({
        join: () => {
          started.resolve();
          return new Promise(() => {});
        },
      });
      const answer = request(app).post("/join").send({ seeds }).then();
      await started.promise;
      expect(spy).toHaveBeenCalledWith(30_000);
      timeout.abort();
      expect((await answer).status).toBe(504);
    } finally {
      spy.mockRestore();
    }
  });

  it("runs a few joins at a time and no more", async () => {
    const gate = deferred();
    let running = 0;
    const { app } = buildHouse({
      join: () => {
        running++;
        return gate.promise;
      },
    });
    const waiting = Array.from({ length: 4 }, () => request(app).post("/join").send({ seeds }).then());
    await vi.waitFor(() => expect(running).toBe(4));
    expect((await request(app).post("/join").send({ seeds })).status).toBe(503);
    gate.resolve();
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
    expect((await request(app).post("/join").send({ seeds })).status).toBe(200);
  });
});

describe("POST /leave", () => {
  it("answers first and then says goodbye, once", async () => {
    const { app, farewells } = buildHouse();
    const answer = await request(app).post("/leave");
    expect([answer.status, answer.body]).toEqual([202, { status: "leaving" }]);
    await vi.waitFor(() => expect(farewells).toEqual(["leave"]));
  });

  it("takes an empty JSON body, and no form", async () => {
    const { app, farewells } = buildHouse();
    expect((await request(app).post("/leave").send({})).status).toBe(202);
    await vi.waitFor(() => expect(farewells).toHaveLength(1));
    expect((await request(app).post("/leave").type("form").send("a=b")).status).toBe(415);
    expect(farewells).toHaveLength(1);
  });
});

describe("the admin routes", () => {
  const paths = ["/join", "/leave"];

  it.each(["203.0.113.9", "172.17.0.1", "::ffff:10.0.0.1", "fe80::1", "128.0.0.1"])(
    "are closed to %s",
    async (address) => {
      const { app, joined, farewells } = buildHouse({ adminToken: "s3cret" });
      for (const path of paths) {
        const answer = await request(from(address, app))
          .post(path)
          .set({ "X-Forwarded-For": "127.0.0.1", Forwarded: "for=127.0.0.1", "X-Real-IP": "127.0.0.1" })
          .send({ seeds });
        expect(answer.status).toBe(403);
        expect(answer.body).toEqual({ error: expect.any(String) });
      }
      expect([joined, farewells]).toEqual([[], []]);
    },
  );

  it.each(["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])("are open to %s", async (address) => {
    const { app } = buildHouse();
    expect((await request(from(address, app)).post("/join").send({ seeds })).status).toBe(200);
  });

  it("are closed to this machine as well without the token, where there is one: a proxy is on this machine", async () => {
    const { app } = buildHouse({ adminToken: "s3cret" });
    expect((await request(from("127.0.0.1", app)).post("/join").send({ seeds })).status).toBe(403);
    const shown = request(from("127.0.0.1", app)).post("/join").set("Authorization", "Bearer s3cret");
    expect((await shown.send({ seeds })).status).toBe(200);
  });

  it("are open from anywhere with the token", async () => {
    const { app } = buildHouse({ adminToken: "s3cret" });
    const join = (authorization: string) =>
      request(from("203.0.113.9", app)).post("/join").set("Authorization", authorization).send({ seeds });
    expect((await join("Bearer s3cret")).status).toBe(200);
    expect((await join("bearer s3cret")).status).toBe(200);
    for (const wrong of ["Bearer s3cre", "Bearer s3cret2", "Bearer", "Bearer  ", "Basic s3cret", "s3cret"]) {
      expect((await join(wrong)).status, wrong).toBe(403);
    }
  });

  it.each([undefined, ""])("know no token when it is %j", async (adminToken) => {
    const { app } = buildHouse(adminToken === undefined ? {} : { adminToken });
    for (const shown of ["Bearer ", "Bearer undefined", 'Bearer ""']) {
      const answer = await request(from("203.0.113.9", app)).post("/leave").set("Authorization", shown);
      expect(answer.status).toBe(403);
    }
  });

  it.each([
    ["a page of another site", { Origin: "http://evil.example" }],
    ["a sandboxed page", { Origin: "null" }],
    ["a page of another port here", { Origin: "http://127.0.0.1:8080" }],
    ["a browser that says so", { "Sec-Fetch-Site": "cross-site" }],
    ["a page of the same site", { "Sec-Fetch-Site": "same-site" }],
    ["a name that was pointed at us", { Host: "evil.example:5000", Origin: "http://evil.example:5000" }],
    ["a name that begins like an address", { Host: "127.0.0.1.evil.example" }],
    ["a name that begins like ours", { Host: "localhost.evil.example" }],
  ])("are closed to %s, though it runs on this machine", async (_who, headers) => {
    const { app, joined, farewells } = buildHouse();
    for (const path of paths) {
      expect((await request(app).post(path).set(headers).send({ seeds })).status).toBe(403);
    }
    expect([joined, farewells]).toEqual([[], []]);
  });

  it.each([
    { Host: "localhost:5000" },
    { Host: "LOCALHOST" },
    { Host: "[::1]:5000" },
    { Host: "127.0.0.1:5000", Origin: "http://127.0.0.1:5000", "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none" },
  ])("are open to this machine with %j", async (headers) => {
    const { app } = buildHouse();
    expect((await request(app).post("/join").set(headers).send({ seeds })).status).toBe(200);
  });

  it("refuse before they read a body", async () => {
    const { app } = buildHouse();
    const answer = await request(from("203.0.113.9", app)).post("/join").type("json").send("{");
    expect(answer.status).toBe(403);
  });
});
