import request from "supertest";
import { describe, expect, it } from "vitest";
import { registerPeer } from "../../src/http/peers.ts";
import { peerUrls } from "../../src/http/roster.ts";
import type { Routes } from "../../src/http/routes.ts";
import { someMember } from "./fake-gossip.ts";
import { buildHouse, FakeGuests } from "./house.ts";

describe("GET /peers", () => {
  it("lists live members, itself and guests, sorted and once, and no bootstrap", async () => {
    const { app, gossip, guests } = buildHouse({ self: { url: "http://10.0.0.5:5000" } });
    gossip.others = [
      someMember({ url: "http://10.0.0.9:5000" }),
      someMember({ url: "http://10.0.0.1:5000", status: "suspect" }),
      someMember({ url: "http://10.0.0.2:5000", status: "dead" }),
      someMember({ url: "http://10.0.0.3:5000", status: "left" }),
      someMember({ url: "http://10.0.0.4:5000", role: "bootstrap" }),
      someMember({ url: "http://10.0.0.9:5000" }),
      someMember({ url: "" }),
      someMember({ url: "javascript:alert(1)" }),
    ];
    guests.register("http://10.0.0.7:5000");
    guests.register("http://10.0.0.9:5000");
    const answer = await request(app).get("/peers");
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      peers: ["http://10.0.0.1:5000", "http://10.0.0.5:5000", "http://10.0.0.7:5000", "http://10.0.0.9:5000"],
    });
  });

  it("is empty on a bootstrap that is alone", async () => {
    const { app } = buildHouse({ self: { role: "bootstrap" } });
    expect((await request(app).get("/peers")).body).toEqual({ peers: [] });
  });

  it("registers nobody who asks", async () => {
    const { app, guests } = buildHouse();
    await request(app).get("/peers?address=http://10.0.0.7:5000").set("Referer", "http://10.0.0.7:5000");
    expect(guests.urls()).toEqual([]);
  });
});

describe("POST /register", () => {
  it("registers a peer that speaks only HTTP, and knows it the second time", async () => {
    const { app, gossip } = buildHouse({ self: { url: "http://10.0.0.5:5000" } });
    const peers = ["http://10.0.0.5:5000", "http://10.0.0.7:5000"];
    const first = await request(app).post("/register").send({ address: "http://10.0.0.7:5000/" });
    expect([first.status, first.body]).toEqual([201, { message: "Peer registered", peers }]);
    const second = await request(app).post("/register").send({ address: "HTTP://10.0.0.7:5000/some/path" });
    expect([second.status, second.body]).toEqual([200, { message: "Peer already registered", peers }]);
    expect(gossip.broadcasts).toEqual([]);
  });

  it("knows live members already, and takes the dead as new", async () => {
    const { app, gossip, guests } = buildHouse();
    const live = someMember({ url: "http://10.0.1.1:5000/base" });
    const dead = someMember({ status: "dead" });
    gossip.others = [live, dead];
    for (const address of ["http://10.0.1.1:5000", gossip.self.url]) {
      const answer = await request(app).post("/register").send({ address });
      expect([answer.status, answer.body.message]).toEqual([200, "Peer already registered"]);
    }
    expect(guests.urls()).toEqual([]);
    expect((await request(app).post("/register").send({ address: dead.url })).status).toBe(201);
    expect(guests.urls()).toEqual([dead.url]);
  });

  it("does not take a port for the beginning of another", async () => {
    const { app, gossip } = buildHouse();
    gossip.others = [someMember({ url: "http://10.0.1.1:50001" })];
    expect((await request(app).post("/register").send({ address: "http://10.0.1.1:5000" })).status).toBe(201);
  });

  it.each(["172.18.0.9:7979", "[fd00::9]:7979"])("makes no guest of a gossip member at %s", async (gossip) => {
    const { app, guests } = buildHouse();
    const address = "http://172.18.0.9:5000";
    const answer = await request(app).post("/register").send({ address, gossip });
    expect([answer.status, answer.body.message]).toEqual([201, "Peer registered"]);
    expect(guests.urls()).toEqual([]);
  });

  it("knows a guest that has learnt to gossip", async () => {
    const { app } = buildHouse();
    const address = "http://172.18.0.9:5000";
    await request(app).post("/register").send({ address });
    expect((await request(app).post("/register").send({ address, gossip: "172.18.0.9:7979" })).status).toBe(200);
  });

  it.each([
    [undefined, "Missing peer address"],
    [{}, "Missing peer address"],
    [{ address: "" }, "Missing peer address"],
    [{ address: 5 }, "Missing peer address"],
    [["http://10.0.0.7:5000"], "Missing peer address"],
    [{ address: "10.0.0.7:5000" }, "address must be an http(s) URL"],
    [{ address: "ftp://10.0.0.7" }, "address must be an http(s) URL"],
    [{ address: "http://" }, "address must be an http(s) URL"],
    [{ address: "http://a b" }, "address must be an http(s) URL"],
    [{ address: `http://h/${"x".repeat(600)}` }, "address must be an http(s) URL"],
    [{ address: `http://${Array(5).fill("h".repeat(60)).join(".")}` }, "address is over 256 characters"],
    [{ address: "http://10.0.0.7:5000", gossip: "0.0.0.0:7979" }, "gossip must be an ip:port"],
    [{ address: "http://10.0.0.7:5000", gossip: 7979 }, "gossip must be an ip:port"],
    [{ address: "http://10.0.0.7:5000", gossip: "node1:7979" }, "gossip must be an ip:port"],
    [{ address: "http://10.0.0.7:5000", gossip: "10.0.0.7:0" }, "gossip must be an ip:port"],
    [{ address: "http://10.0.0.7:5000", gossip: "10.0.0.7:65536" }, "gossip must be an ip:port"],
    [{ address: "http://10.0.0.7:5000", gossip: "fd00::9:7979" }, "gossip must be an ip:port"],
    [{ address: "http://10.0.0.7:5000", gossip: "[10.0.0.7]:7979" }, "gossip must be an ip:port"],
  ])("refuses %j", async (body, error) => {
    const { app, guests } = buildHouse();
    const answer = await request(app).post("/register").send(body);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
    expect(guests.urls()).toEqual([]);
  });

  it("says that it has no room", async () => {
    const { app } = buildHouse({ guests: new FakeGuests(1) });
    await request(app).post("/register").send({ address: "http://10.0.0.7:5000" });
    const answer = await request(app).post("/register").send({ address: "http://10.0.0.8:5000" });
    expect(answer.status).toBe(503);
    expect(answer.body.error).toMatch(/^No room/);
    expect((await request(app).post("/register").send({ address: "http://10.0.0.7:5000" })).status).toBe(200);
  });

  it("introduces itself and a few live others in the headers, of refusals too", async () => {
    const { app, gossip } = buildHouse();
    const live = Array.from({ length: 20 }, () => someMember());
    gossip.others = [...live, someMember({ status: "dead", address: "172.30.0.1:7979" })];
    for (const body of [{ address: "http://10.0.0.7:5000" }, {}]) {
      const { headers } = await request(app).post("/register").send(body);
      expect(headers["hearsay-node"]).toBe(gossip.self.id);
      const seeds = headers["hearsay-seeds"]?.split(", ") ?? [];
      expect(seeds[0]).toBe(gossip.self.address);
      expect(new Set(seeds).size).toBe(8);
      const known = live.map(({ address }) => address);
      expect(seeds.slice(1).every((seed) => known.includes(seed))).toBe(true);
    }
    gossip.others = [];
    const alone = await request(app).post("/register").send({});
    expect(alone.headers["hearsay-seeds"]).toBe(gossip.self.address);
  });

  it("can be answered in other words by a bootstrap, beside the same other routes", async () => {
    const instead: Routes = {
      "/register": {
        POST: async (req, res) => {
          await registerPeer(req, res, house.deps);
          res.json({ status: "registered", peers: peerUrls(house.gossip, house.guests) });
        },
      },
    };
    const house = buildHouse({ self: { role: "bootstrap" } }, instead);
    const answer = await request(house.app).post("/register").send({ address: "http://10.0.0.7:5000" });
    expect([answer.status, answer.body]).toEqual([200, { status: "registered", peers: ["http://10.0.0.7:5000"] }]);
    expect(answer.headers["hearsay-seeds"]).toBe(house.gossip.self.address);
    expect((await request(house.app).post("/register").send({})).body).toEqual({ error: "Missing peer address" });
    expect((await request(house.app).get("/ping")).status).toBe(200);
    expect((await request(house.app).get("/register")).headers.allow).toBe("POST, OPTIONS");
  });
});
