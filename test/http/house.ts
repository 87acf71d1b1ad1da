// An app over a fake gossip node, with everything it wrote down and sent in view of the test.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createNodeApp, type NodeAppDeps } from "../../src/http/app.ts";
import { Feed } from "../../src/http/feed.ts";
import type { GuestList } from "../../src/http/guest-list.ts";
import { Inbox } from "../../src/http/inbox.ts";
import type { JsonAnswer, RequestOptions } from "../../src/http/post.ts";
import type { Routes } from "../../src/http/routes.ts";
import { FakeGossip } from "./fake-gossip.ts";

/** Where every guest has answered. */
export const GUEST_IP = "192.0.2.9";

export class FakeGuests implements GuestList {
  /** They never answer a check. */
  readonly silent = new Set<string>();
  readonly #urls: string[] = [];
  readonly #max: number;
  constructor(max = 256) {
    this.#max = max;
  }
  has(url: string): boolean {
    return this.#urls.includes(url);
  }
  urls(): string[] {
    return [...this.#urls];
  }
  async answersAt(url: string): Promise<string | undefined> {
    return this.silent.has(url) ? undefined : GUEST_IP;
  }
  register(url: string): "new" | "known" | "full" {
    if (this.has(url)) return "known";
    if (this.#urls.length >= this.#max) return "full";
    this.#urls.push(url);
    return "new";
  }
}

/** A `PostJson` that only notes what it was asked, and lets a test decide how each post ends. */
export class Posts {
  readonly sent: { url: string; body: unknown }[] = [];
  underWay = 0;
  mostUnderWay = 0;
  /** Ends a post; replaced by tests that want it late, or never, or wrong. */
  answer: (url: string, options: RequestOptions) => Promise<void> = async () => {};

  readonly post = async (url: string, body: unknown, options: RequestOptions = {}): Promise<JsonAnswer> => {
    this.sent.push({ url, body });
    this.underWay++;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    try {
      await this.answer(url, options);
    } finally {
      this.underWay--;
    }
    return { status: 200, headers: {}, body: { status: "received" } };
  };
}

export class LogLines {
  readonly lines: { level: string; fields: object; text: string }[] = [];
  readonly debug = this.#note("debug");
  readonly info = this.#note("info");
  readonly warn = this.#note("warn");
  readonly error = this.#note("error");
  /** How many lines there were when it was last asked to write them. */
  flushed = 0;

  flush(): void {
    this.flushed = this.lines.length;
  }

  at(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.text);
  }

  #note(level: string): (fields: object, text: string) => void {
    return (fields, text) => void this.lines.push({ level, fields, text });
  }
}

export function buildHouse(change: Partial<NodeAppDeps> & { self?: object } = {}, instead: Routes = {}) {
  const { self, ...others } = change;
  const gossip = new FakeGossip(self);
  const inbox = new Inbox();
  const feed = new Feed();
  const guests = new FakeGuests();
  const posts = new Posts();
  const log = new LogLines();
  const joined: string[][] = [];
  const farewells: string[] = [];
  const deps: NodeAppDeps = {
    gossip,
    inbox,
    feed,
    guests,
    post: posts.post,
    log,
    join: async (seeds) => void joined.push(seeds),
    leave: () => void farewells.push("leave"),
    startedAt: Date.now(),
    ...others,
  };
  return { app: createNodeApp(deps, instead), deps, gossip, inbox, feed, guests, posts, log, joined, farewells };
}

/** Listens on a free port of the loopback; the test closes what it gets. */
export async function listen(server: Server): Promise<{ port: number; close(): Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port, close };
}

/** A promise and the two ways to end it. */
export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
