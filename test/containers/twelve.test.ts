// `docker compose up`: a bootstrap and twelve nodes; what they tell each other, and how they outlive the bootstrap.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Container,
  containersIn,
  docker,
  type Foreground,
  foreground,
  LABEL,
  line,
  logs,
  NETWORK,
  sweep,
} from "./docker.ts";
import {
  allList,
  ask,
  askInside,
  eventually,
  forEachOf,
  peersInside,
  post,
  type Received,
  sameList,
  urlsOf,
} from "./talk.ts";

const BUILD_MS = 600_000;
const UP_MS = 90_000;

/** The original coursework's peer: HTTP only. Registers itself, answers /ping and /message, polls its peers. */
const FLASK_LIKE = `
const http = require("http"), os = require("os");
const ip = Object.values(os.networkInterfaces()).flat().find((a) => !a.internal && a.family === "IPv4").address;
http.createServer((req, res) => {
  res.setHeader("content-type", "application/json");
  req.resume().on("end", () => res.end(req.url === "/ping" ? '{"response":"pong"}' : '{"status":"received"}'));
}).listen(5000);
const body = JSON.stringify({ address: "http://" + ip + ":5000" });
http.request("http://bootstrap:5000/register", { method: "POST", headers: { "content-type": "application/json" } }).end(body);
`;

const nodesIn = async (): Promise<Container[]> =>
  (await containersIn(NETWORK)).filter(({ name }) => /^node\d+$/.test(name));
const start = (name: string, ...options: string[]) =>
  docker(["run", "-d", "--name", name, "--hostname", name, "--label", LABEL, "--network", NETWORK, ...options]);

describe("twelve nodes and a bootstrap", () => {
  let compose: Foreground | undefined;
  let nodes: Container[] = [];

  beforeAll(async () => {
    await sweep();
    await line("docker compose build --no-cache", BUILD_MS);
    compose = foreground("docker compose up");
  }, BUILD_MS);

  afterAll(async () => {
    await compose?.interrupt();
    await sweep();
  });

  it("all list all twelve", { timeout: UP_MS }, async () => {
    await eventually("twelve running nodes", UP_MS, async () => {
      nodes = await nodesIn();
      return nodes.length === 12 || undefined;
    });
    const tookMs = await allList(nodes, urlsOf(nodes), 10_000);
    console.log(`twelve nodes listed each other ${tookMs} ms after the last was seen running`);
  });

  it("answer on their published ports with the addresses that docker network inspect shows", async () => {
    for (const port of [5000, 5001, 5012]) {
      expect((await ask<{ peers: string[] }>(`http://localhost:${port}`, "/peers")).peers).toEqual(urlsOf(nodes));
    }
  });

  it("deliver a message to one by name, and to all, each once", async () => {
    const one = await post("http://localhost:5001", "/message", { sender: "me", msg: "to one", to: "node7" });
    expect(one).toEqual({ status: 200, body: { status: "delivered", to: "node7" } });
    const all = await post<{ members: number }>("http://localhost:5001", "/message", {
      sender: "me",
      msg: "to all",
      to: "all",
    });
    expect(all).toEqual({ status: 202, body: { status: "broadcast", members: 13 } });
    for (const node of nodes) {
      await eventually(`one "to all" at ${node.name}`, 10_000, async () => {
        const { messages } = await askInside<{ messages: Received[] }>(node, "/messages");
        const heard = messages.filter(({ msg }) => msg === "to all").length;
        if (heard > 1) throw new Error(`${node.name} heard it ${heard} times`);
        return heard === 1 || undefined;
      });
    }
    expect(await logs("node7")).toContain("Received message from me: to one");
  });

  it("list a peer that speaks only HTTP within 15 s, and drop it within 40 s of its death", {
    timeout: 90_000,
  }, async () => {
    await start("flask", "--entrypoint", "node", "p2p-node", "-e", FLASK_LIKE);
    const ip = (await containersIn(NETWORK)).find(({ name }) => name === "flask")?.ip;
    const url = `http://${ip}:5000`;
    const listed = await allList(nodes, [...urlsOf(nodes), url].sort(), 15_000);
    await docker(["kill", "flask"]);
    const dropped = await allList(nodes, urlsOf(nodes), 40_000);
    console.log(
      `the HTTP-only peer was listed by all after ${listed} ms, and dropped by all ${dropped} ms after its death`,
    );
    expect((await ask<{ peers: string[] }>("http://localhost:5000", "/peers")).peers).not.toContain(url);
  });

  it("lose nothing with the bootstrap, and let a newcomer in without it", { timeout: 90_000 }, async () => {
    await docker(["rm", "-f", "bootstrap"]);
    await start("node13", "p2p-node");
    // No bootstrap, no seeds: the broadcast on their own subnet is what is left.
    await start("node14", "-e", "HELLO=0", "p2p-node");
    const all = (await nodesIn()).filter(({ name }) => name !== "node14");
    const tookMs = await allList(all, urlsOf(all), 20_000);
    console.log(`a newcomer without a bootstrap was known to all after ${tookMs} ms`);
  });

  it("teach a new bootstrap of the same name everything within 15 s, and so let in who waited for one", {
    timeout: 90_000,
  }, async () => {
    const waiting = (await nodesIn()).find(({ name }) => name === "node14") as Container;
    const alone = async () => sameList(await peersInside(waiting), urlsOf([waiting])) || undefined;
    await eventually("node14 serving, and alone", 20_000, alone);
    await start("bootstrap", "--network-alias", "bootstrap", "p2p-node", "bootstrap");
    const from = performance.now();
    const all = await nodesIn();
    const bootstrap = (await containersIn(NETWORK)).find(({ name }) => name === "bootstrap") as Container;
    const { tookMs } = await eventually(
      "all fourteen at the new bootstrap",
      15_000 - (performance.now() - from),
      async () => sameList(await peersInside(bootstrap), urlsOf(all)) || undefined,
    );
    console.log(`the new bootstrap listed all fourteen after ${Math.round(tookMs)} ms`);
    await allList(all, urlsOf(all), 15_000);
  });

  it("see a killed node dead, and nobody else", { timeout: 60_000 }, async () => {
    const before = await nodesIn();
    await docker(["kill", "node3"]);
    const rest = before.filter(({ name }) => name !== "node3");
    const tookMs = await allList(rest, urlsOf(rest), 20_000);
    console.log(`a killed node of fourteen was dropped by all after ${tookMs} ms`);
    const downs = await forEachOf(rest, async ({ name }) => downsIn(await logs(name)));
    expect(new Set(downs.flat())).toEqual(new Set(["node3"]));
  });
});

/** Whom a log calls down. */
function downsIn(log: string): string[] {
  return log
    .split("\n")
    .filter((text) => text.includes('"event":"down"'))
    .map((text) => JSON.parse(text).member.name);
}
