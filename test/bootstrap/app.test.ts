// The bootstrap's face over real HTTP: what it says of its own, and that the rest is a node's.

import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import { createBootstrapApp } from "../../src/bootstrap/app.ts";
import { GuestWatch } from "../../src/bootstrap/guest-watch.ts";
import { GUESTS_MAX } from "../../src/bootstrap/guests.ts";
import { createNodeApp } from "../../src/http/app.ts";
import { buildHouse, FakeGuests, LogLines, listen } from "../http/house.ts";
import { someMember, Town } from "./fake-gossip.ts";
import { FlaskNode, peersOf } from "./flask-node.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const SELF = { role: "bootstrap", name: "bootstrap", url: "http://172.18.0.2:5000", address: "172.18.0.2:7979" };

async function openBootstrap(guests = new FakeGuests()) {
  const house = buildHouse({ self: SELF, guests });
  const { port, close } = await listen(createServer(createBootstrapApp(house.deps)));
  closers.push(close);
  const url = `http://127.0.0.1:${port}`;
  const post = (body: unknown, type = "application/json") =>
    fetch(`${url}/register`, {
      method: "POST",
      headers: { "Content-Type": type },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return { ...house, guests, url, post };
}

test("an empty bootstrap lists nobody, itself not either", async () => {
  const { url } = await openBootstrap();
  expect(await peersOf(url)).toEqual({ peers: [] });
});

test("a peer without gossip is registered, listed at once, and answered alike the second time", async () => {
  const { url, post } = await openBootstrap();
  for (let i = 0; i < 2; i++) {
    const answer = await post({ address: "http://172.18.0.7:5000" });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: "registered", peers: ["http://172.18.0.7:5000"] });
  }
  expect(await peersOf(url)).toEqual({ peers: ["http://172.18.0.7:5000"] });
});

test("a peer that names a gossip address is told where to join, and is no guest", async () => {
  const { gossip, guests, post } = await openBootstrap();
  gossip.others = [someMember(), someMember({ role: "bootstrap" })];
  const answer = await post({ address: "http://172.18.0.7:5000", gossip: "172.18.0.7:7979" });
  expect(await answer.json()).toEqual({ status: "registered", peers: [gossip.others[0]?.url] });
  expect(answer.headers.get("hearsay-node")).toBe(gossip.self.id);
  expect(answer.headers.get("hearsay-seeds")?.split(", ")[0]).toBe(SELF.address);
  expect(guests.urls()).toEqual([]);
});

test("bad registrations are refused in the contract's words, and the bootstrap goes on", async () => {
  const { url, post } = await openBootstrap();
  for (const body of [{}, { address: "" }, { address: 5 }, [], null]) {
    const answer = await post(body);
    expect([answer.status, await answer.json()]).toEqual([400, { error: "Missing peer address" }]);
  }
  expect((await post({ address: "ftp://172.18.0.7" })).status).toBe(400);
  expect((await post({ address: "http://172.18.0.7:5000", gossip: "nowhere" })).status).toBe(400);
  expect((await post("{oops")).status).toBe(400);
  expect((await post("address=x", "application/x-www-form-urlencoded")).status).toBe(415);
  expect((await post({ address: "x".repeat(70_000) })).status).toBe(413);
  expect((await fetch(`${url}/register`)).status).toBe(405);
  expect(await peersOf(url)).toEqual({ peers: [] });
});

test("the 257th guest is told that there is no room", async () => {
  const guests = new FakeGuests(GUESTS_MAX);
  const { post } = await openBootstrap(guests);
  for (let i = 0; i < GUESTS_MAX; i++) guests.register(`http://10.9.0.${i}:5000`);
  expect((await post({ address: "http://172.18.0.7:5000" })).status).toBe(503);
});

test("the rest of the face is a node's", async () => {
  const { url, gossip } = await openBootstrap();
  const get = async (path: string) => (await fetch(url + path)).json();
  expect(await get("/")).toEqual({ message: `Node ${gossip.self.id} is running!` });
  expect(await get("/ping")).toEqual({ response: "pong", node_id: gossip.self.id });
  expect((await fetch(`${url}/members`)).status).toBe(200);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
});

test("a Flask node that registers is listed by the bootstrap and every node, and by a bootstrap that knows it from others", async () => {
  const town = new Town();
  const open = async (gossip: ReturnType<Town["add"]>, isBootstrap: boolean) => {
    const watch = new GuestWatch({ gossip, log: new LogLines() });
    const { deps } = buildHouse({ gossip, guests: watch });
    const { port, close } = await listen(createServer((isBootstrap ? createBootstrapApp : createNodeApp)(deps)));
    closers.push(close, () => watch.close());
    return `http://127.0.0.1:${port}`;
  };
  const bootstrap = await open(town.add(SELF), true);
  const node = town.add();
  const nodeUrl = await open(node, false);
  const flask = await new FlaskNode().start();
  closers.push(() => flask.stop());
  const heard = new Promise((resolve) => node.on("message", resolve));
  const peers = [node.self.url, flask.url].sort();
  expect(await flask.register(bootstrap)).toEqual({ status: 200, body: { status: "registered", peers } });
  await heard;
  expect(await peersOf(nodeUrl)).toEqual({ peers });
  expect(await peersOf(bootstrap)).toEqual({ peers });
});
