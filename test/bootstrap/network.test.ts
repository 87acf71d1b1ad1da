// The rooms together: real gossip over UDP on the loopback, real HTTP, a Flask-like guest. Ports are free ones; what is
// waited for is an event or a state, with vitest's timeout as the bound.

import { createServer, type RequestListener } from "node:http";
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

/**
 * A port that stays ours while who lives behind it comes and goes: a number that was let go may be another's when it is
 * wanted again. Nobody there is a connection that is closed at once.
 */
class Door {
  #app: RequestListener | undefined;
  readonly #server = createServer((req, res) => this.#app?.(req, res));
  url = "";

  constructor() {
    this.#server.on("connection", (socket) => {
      if (!this.#app) socket.destroy();
    });
  }

  async hang(): Promise<this> {
    const { port, close } = await listen(this.#server);
    closers.push(close);
    this.url = `http://127.0.0.1:${port}`;
    return this;
  }

  open(app: RequestListener): void {
    this.#app = app;
  }

  shut(): void {
    this.#app = undefined;
    this.#server.closeAllConnections();
  }
}

async function open(role: "node" | "bootstrap", bootstrapUrl?: string, at?: Door): Promise<Open> {
  const door = at ?? (await new Door().hang());
  const { url } = door;
  const gossip = await start({ host: "127.0.0.1", port: 0, preset: "local", profile: { url, role } });
  const log = new LogLines();
  const watch = new GuestWatch({ gossip, log });
  const { deps } = buildHouse({ gossip, guests: watch });
  door.open(role === "bootstrap" ? createBootstrapApp(deps) : createNodeApp(deps));
  const end = new AbortController();
  const ways = { conventionUrl: false, gatewayPort: false, ...(bootstrapUrl && { bootstrapUrl }) } as const;
  const found = discover({ gossip, ways, log, signal: end.signal, defaultSeedPort: 7979 });
  const kill = async () => {
    end.abort();
    watch.close();
    door.shut();
    await Promise.all([gossip.close(), found]);
  };
  closers.push(kill);
  return { gossip, url, kill };
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
  const door = await new Door().hang();
  const nodes = await Promise.all([1, 2].map(() => open("node", door.url)));
  const first = await open("bootstrap", undefined, door);
  const flask = await new FlaskNode().start();
  closers.push(() => flask.stop());
  await flask.register(first.url);
  const peers = [...nodes.map(({ url }) => url), flask.url].sort();
  const allKnowAll = async (everybody: Open[]) => {
    for (const { url } of everybody) expect(await peersOf(url)).toEqual({ peers });
  };
  await until(() => allKnowAll([first, ...nodes]));
  await first.kill();
  const second = await open("bootstrap", undefined, door);
  await until(() => allKnowAll([second, ...nodes]));
}, 40_000);
