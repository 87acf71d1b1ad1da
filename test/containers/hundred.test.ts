// A hundred nodes on one bridge network: they find each other, lose five and nobody else, and outlive their bootstrap.
// The neighbour (ARP) table is left as the machine has it: its default holds a tenth of what a full mesh would need.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Container, containersIn, docker, LABEL, line, logs, NETWORK, sweep } from "./docker.ts";
import { allList, askInside, eventually, forEachOf, type MemberRow, type Received, urlsOf } from "./talk.ts";

const BUILD_MS = 600_000;
const UP_MS = 300_000;
/**
 * What asking a hundred nodes may take, two processes each, on processors that are busy with them. So a time comes from
 * the nodes' own logs: a peer is listed from the moment its `up` is logged, and no more from its `down`.
 */
const ASKING_MS = 15_000;
const SCALED = 88;
const NODES = 12 + SCALED;

const nodesIn = async (): Promise<Container[]> =>
  (await containersIn(NETWORK)).filter(({ name }) => name !== "bootstrap");

describe("a hundred nodes", () => {
  let nodes: Container[] = [];

  beforeAll(async () => {
    await sweep();
    await line("docker compose build", BUILD_MS);
  }, BUILD_MS);

  afterAll(sweep);

  it("all list all hundred within 10 s of the last container's start", { timeout: 2 * UP_MS + 60_000 }, async () => {
    const from = performance.now();
    await line("docker compose up -d", UP_MS);
    await line(
      `COMPOSE_PARALLEL_LIMIT=3 docker compose --profile scale up -d --no-deps --scale node=${SCALED} node`,
      UP_MS,
    );
    nodes = await nodesIn();
    expect(nodes).toHaveLength(NODES);
    const last = Math.max(...nodes.map(({ startedAt }) => startedAt));
    console.log(
      `compose took ${Math.round((performance.now() - from) / 1_000)} s, and returned ${Date.now() - last} ms after the last start`,
    );
    await allList(nodes, urlsOf(nodes), 10_000 + ASKING_MS, last);
    const tookMs = (await lastEventAt(nodes, "up")) - last;
    console.log(`all ${NODES} listed all ${NODES} ${tookMs} ms after the last container's start; ${neighbours()}`);
    expect(tookMs).toBeLessThanOrEqual(10_000);
  });

  it("drop five that are killed within 20 s, and nobody else", { timeout: 90_000 }, async () => {
    // In the order of names the last twelve are node1 … node9: one of those, but not node1, which is asked later.
    const killed = [7, 23, 42, 61, 95].map((i) => nodes[i] as Container);
    const rest = nodes.filter((node) => !killed.includes(node));
    const from = Date.now();
    await docker(["kill", ...killed.map(({ id }) => id)]);
    await allList(rest, urlsOf(rest), 20_000 + ASKING_MS, from);
    const tookMs = (await lastEventAt(rest, "down")) - from;
    console.log(`all ${rest.length} dropped the five within ${tookMs} ms; ${neighbours()}`);
    expect(tookMs).toBeLessThanOrEqual(20_000);
    const names = await calledDown(rest);
    expect([...names].sort()).toEqual(
      killed
        .map(({ id }) => id.slice(0, 12))
        .map((id) => nameOf(killed, id))
        .sort(),
    );
    nodes = rest;
  });

  it("hear a message to all without the bootstrap, each once", { timeout: 60_000 }, async () => {
    await docker(["rm", "-f", "bootstrap"]);
    const body = JSON.stringify({ sender: "me", msg: "who hears?", to: "all" });
    const sent = await line(
      `curl -s -X POST http://localhost:5001/message -H "Content-Type: application/json" -d '${body}'`,
    );
    expect(JSON.parse(sent)).toMatchObject({ status: "broadcast" });
    const { tookMs } = await eventually("everybody's inbox with the message", 15_000, async () => {
      const heard = await forEachOf(nodes, async (node) => {
        const { messages } = await askInside<{ messages: Received[] }>(node, "/messages");
        return messages.filter(({ msg }) => msg === "who hears?").length;
      });
      expect(Math.max(...heard)).toBeLessThanOrEqual(1);
      return heard.every((times) => times === 1) || undefined;
    });
    console.log(`all ${nodes.length} had the message when asked, ${Math.round(tookMs)} ms after it was sent`);
  });

  it("let in a newcomer by its seeds without the bootstrap", { timeout: 60_000 }, async () => {
    const seed = `${nodes[0]?.ip}:7979`;
    const options = ["--label", LABEL, "--network", NETWORK, "-e", `SEEDS=${seed}`, "-e", "HELLO=0"];
    await docker(["run", "-d", "--name", "newcomer", "--hostname", "newcomer", ...options, "p2p-node"]);
    nodes = (await nodesIn()).filter(({ pid }) => pid > 0);
    const tookMs = await allList(nodes, urlsOf(nodes), 20_000);
    console.log(`a newcomer was known to all ${nodes.length} after ${tookMs} ms`);
  });

  it("notice the newcomer's death without the bootstrap, and call nobody else dead", { timeout: 60_000 }, async () => {
    await docker(["kill", "newcomer"]);
    nodes = nodes.filter(({ name }) => name !== "newcomer");
    const tookMs = await allList(nodes, urlsOf(nodes), 20_000);
    console.log(`the newcomer's death was known to all after ${tookMs} ms`);
    const statuses = await forEachOf(nodes, async (node) => {
      const { members } = await askInside<{ members: MemberRow[] }>(node, "/members");
      return members.filter(({ status }) => status === "dead").length;
    });
    // The five, the newcomer and the bootstrap: a node that was let in later may not have heard of the first.
    expect(Math.max(...statuses)).toBeLessThanOrEqual(7);
    expect((await calledDown(nodes)).size).toBeLessThanOrEqual(7);
  });
});

/** Everybody whom any of these nodes ever called down. */
async function calledDown(observers: readonly Container[]): Promise<Set<string>> {
  const names = await forEachOf(observers, async ({ id }) =>
    (await logs(id))
      .split("\n")
      .filter((text) => text.includes('"event":"down"'))
      .map((text): string => JSON.parse(text).member.name),
  );
  return new Set(names.flat());
}

/**
 * When the last of these nodes logged its last event of a kind, in Unix ms. Who is cleared of a suspicion is `up` as well, and
 * was listed all the time.
 */
async function lastEventAt(observers: readonly Container[], event: "up" | "down"): Promise<number> {
  const times = await forEachOf(observers, async ({ id, name }) => {
    const lines = (await logs(id))
      .split("\n")
      .filter((text) => text.includes(`"event":"${event}"`))
      .map((text): { time: string; was?: string } => JSON.parse(text))
      .filter(({ was }) => event === "down" || was !== "suspect");
    expect(lines.length, `${event} events of ${name}`).toBeGreaterThan(0);
    return Date.parse(lines.at(-1)?.time ?? "");
  });
  return Math.max(...times);
}

/** A scaled node is named by its container's id, one of the twelve by its host name. */
function nameOf(containers: readonly Container[], id: string): string {
  const name = containers.find((container) => container.id.startsWith(id))?.name ?? "";
  return /^node\d+$/.test(name) ? name : id;
}

/** How full the machine's neighbour table is. */
function neighbours(): string {
  const [, row = ""] = readFileSync("/proc/net/stat/arp_cache", "utf8").split("\n");
  const limit = readFileSync("/proc/sys/net/ipv4/neigh/default/gc_thresh3", "utf8").trim();
  return `${Number.parseInt(row.split(/\s+/)[0] ?? "0", 16)} of ${limit} neighbour entries`;
}
