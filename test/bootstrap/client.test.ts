// Asking a bootstrap, and everything else that may sit on its port. Real HTTP servers on port 0.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { createBootstrapApp } from "../../src/bootstrap/app.ts";
import { parseSeedsHeader, register } from "../../src/bootstrap/client.ts";
import { createNodeApp } from "../../src/http/app.ts";
import { buildHouse, listen } from "../http/house.ts";
import { someMember } from "./fake-gossip.ts";

const US = { address: "http://172.18.0.9:5000", gossip: "172.18.0.9:7979" };
const ME = { selfId: "01900000-0000-7000-8000-00000000abcd" };
const BOOTSTRAP_ID = "01900000-0000-7000-8000-0000000000b0";
const closers: (() => unknown)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0)) await close();
});

async function serve(app: (req: IncomingMessage, res: ServerResponse) => void): Promise<string> {
  const { port, close } = await listen(createServer(app));
  closers.push(close);
  return `http://127.0.0.1:${port}`;
}

function answering(headers: Record<string, string>, status = 200, body = "{}") {
  return serve((_req, res) => res.writeHead(status, headers).end(body));
}

test.each([
  ["a bootstrap", createBootstrapApp],
  ["a node", createNodeApp],
])("%s answers with its id and a few members to join, and lists us as no guest", async (_name, create) => {
  const { deps, gossip, guests } = buildHouse({ self: { id: BOOTSTRAP_ID, address: "172.18.0.2:7979" } });
  gossip.others = Array.from({ length: 20 }, (_, i) => someMember({ address: `10.0.0.${i + 1}:7979` }));
  const answer = await register(await serve(create(deps)), US, ME);
  expect(answer).toMatchObject({ outcome: "registered", nodeId: BOOTSTRAP_ID });
  const seeds = answer.outcome === "registered" ? answer.seeds : [];
  expect(seeds).toHaveLength(8);
  expect(seeds[0]).toBe("172.18.0.2:7979");
  const known = new Set(gossip.members().map((member) => member.address));
  expect(seeds.every((seed) => known.has(seed))).toBe(true);
  expect(guests.urls()).toEqual([]);
});

test("our own answer, through whatever port it came, is known as such", async () => {
  const { deps } = buildHouse({ self: { id: ME.selfId } });
  expect(await register(await serve(createNodeApp(deps)), US, ME)).toEqual({ outcome: "self" });
});

test("the original bootstrap, which knows no gossip, is not a hearsay bootstrap", async () => {
  const url = await answering({ "Content-Type": "application/json" }, 200, '{"status":"registered","peers":[]}');
  expect(await register(url, US, ME)).toEqual({ outcome: "not-hearsay", reason: `${url} is not a hearsay bootstrap` });
});

test.each([
  ["an id that is none", { "Hearsay-Node": "me", "Hearsay-Seeds": "172.18.0.2:7979" }],
  ["no seeds", { "Hearsay-Node": BOOTSTRAP_ID }],
  ["seeds that are none", { "Hearsay-Node": BOOTSTRAP_ID, "Hearsay-Seeds": "evil.example:7979, 0.0.0.0:0, 1.2.3.4" }],
  ["nobody but ourselves", { "Hearsay-Node": BOOTSTRAP_ID, "Hearsay-Seeds": US.gossip }],
  ["a header as long as a book", { "Hearsay-Node": BOOTSTRAP_ID, "Hearsay-Seeds": "172.18.0.2:7979,".repeat(100) }],
])("an answer with %s leads nowhere", async (_name, headers) => {
  expect(await register(await answering(headers), US, ME)).toMatchObject({ outcome: "not-hearsay" });
});

test.each([403, 404, 500, 302])("status %i is an answer of somebody else", async (status) => {
  const answer = await register(await answering({ Location: "http://127.0.0.1:1/" }, status), US, ME);
  expect(answer).toMatchObject({ outcome: "not-hearsay" });
});

test("an answer without end is cut off", async () => {
  const url = await serve((_req, res) => {
    const flood = () => {
      while (!res.destroyed && res.write(Buffer.alloc(65536, 32)));
    };
    res.writeHead(200, { "Hearsay-Node": BOOTSTRAP_ID, "Hearsay-Seeds": "172.18.0.2:7979" });
    res.on("drain", flood);
    flood();
  });
  expect(await register(url, US, ME)).toMatchObject({ outcome: "not-hearsay" });
});

test("a port where nobody listens is unreachable, and so is one that does not speak HTTP, and no URL at all", async () => {
  const server = createTcpServer((socket) => socket.resume().end("220 smtp.example ESMTP\r\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await register(`http://127.0.0.1:${port}`, US, ME)).toMatchObject({ outcome: "unreachable" });
  await new Promise((resolve) => server.close(resolve));
  expect(await register(`http://127.0.0.1:${port}`, US, ME)).toMatchObject({ outcome: "unreachable" });
  expect(await register("bootstrap:5000", US, ME)).toMatchObject({ outcome: "unreachable" });
});

test("who does not answer is unreachable after two seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let arrived: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const answer = register(await serve(() => arrived()), US, ME);
  await asked;
  let isOver = false;
  void answer.then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(1_999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await answer).toMatchObject({ outcome: "unreachable" });
});

test("an abort ends the wait with the signal's reason", async () => {
  const abort = new AbortController();
  const url = await serve(() => abort.abort(new Error("enough")));
  await expect(register(url, US, { ...ME, signal: abort.signal })).rejects.toThrow("enough");
});

test("of a seeds header only gossip addresses count, each once, eight at most", () => {
  expect(parseSeedsHeader("172.18.0.2:7979, [FD00:0::1]:1,172.18.0.2:7979,x,224.0.0.1:5, :7979")).toEqual([
    "172.18.0.2:7979",
    "[fd00::1]:1",
  ]);
  expect(parseSeedsHeader(Array.from({ length: 30 }, (_, i) => `10.0.0.${i + 1}:1`).join(","))).toHaveLength(8);
  expect(parseSeedsHeader(undefined)).toEqual([]);
});
