// The rooms together: real gossip over UDP on the loopback, real HTTP, a Flask-like guest. Ports are free ones; what is
// waited for is an event or a state, with vitest's timeout as the bound.

import { createServer } from "node:http";
import { afterEach, expect, test, vi } from "vitest";
import { createBootstrapApp } from "../../src/bootstrap/app.ts";
import { discover } from "../../src/bootstrap/discover.ts";
import { GuestWatch } from "../../src/bootstrap/guest-watch.ts";
import type { GossipNode } from "../../src/gossip/api.ts";
import { start } from "../../src/gossip/node.ts";
import { createNodeApp } from "../../src/http/app.ts";
import { buildHouse, LogLines, listen } from "../http/house.ts";
import { FlaskNode, peersOf } from "./flask-node.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Open {
  readonly gossip: GossipNode;
  readonly url: string;
  /** As kill -9 does: no goodbye. */
  kill(): Promise<void>;
}

async function open(role: "node" | "bootstrap", bootstrapUrl?: string, httpPort = 0): Promise<Open> {
  let app: Parameters<typeof createServer>[1];
  const server = createServer((req, res) => app?.(req as never, res as never));
  const { port, close } = httpPort === 0 ? await listen(server) : await listenAt(server, httpPort);
  const url = `http://127.0.0.1:${port}`;
  const gossip = await start({ host: "127.0.0.1", port: 0, preset: "local", profile: { url, role } });
  const log = new LogLines();
  const watch = new GuestWatch({ gossip, log });
  const { deps } = buildHouse({ gossip, guests: watch });
  app = role === "bootstrap" ? createBootstrapApp(deps) : createNodeApp(deps);
  const end = new AbortController();
  const ways = { conventionUrl: false, gatewayPort: false, ...(bootstrapUrl && { bootstrapUrl }) } as const;
  const found = discover({ gossip, ways, log, signal: end.signal, defaultSeedPort: 7979 });
  const kill = async () => {
    end.abort();
    watch.close();
    await Promise.all([close(), gossip.close(), found]);
  };
  closers.push(kill);
  return { gossip, url, kill };
}

async function listenAt(server: ReturnType<typeof createServer>, port: number) {
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  return { port, close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}

/** A bootstrap started anew must have relearned everything within 15 s. */
function until(isSo: () => Promise<void>, timeout = 15_000): Promise<void> {
  return vi.waitFor(isSo, { timeout, interval: 20 });
}

test("nodes find each other through the bootstrap, and a Flask node is on everybody's list", async () => {
  const bootstrap = await open("bootstrap");
  const nodes = await Promise.all([1, 2, 3].map(() => open("node", bootstrap.url)));
  const flask = await new FlaskNode().start();
  closers.push(() => flask.stop());
  await flask.register(bootstrap.url);
  const peers = [...nodes.map(({ url }) => url), flask.url].sort();
  await until(async () => {
    for (const { url } of [bootstrap, ...nodes]) expect(await peersOf(url)).toEqual({ peers });
  });
});

test("nodes that wait alone join as soon as the bootstrap comes, and it may go and come again", async () => {
  const first = await open("bootstrap");
  const { port } = new URL(first.url);
  await first.kill();
  const nodes = await Promise.all([1, 2].map(() => open("node", first.url)));
  const second = await open("bootstrap", undefined, Number(port));
  const flask = await new FlaskNode().start();
  closers.push(() => flask.stop());
  await flask.register(second.url);
  const peers = [...nodes.map(({ url }) => url), flask.url].sort();
  const allKnowAll = async (everybody: Open[]) => {
    for (const { url } of everybody) expect(await peersOf(url)).toEqual({ peers });
  };
  await until(() => allKnowAll([second, ...nodes]));
  await second.kill();
  const third = await open("bootstrap", undefined, Number(port));
  await until(() => allKnowAll([third, ...nodes]));
}, 40_000);
