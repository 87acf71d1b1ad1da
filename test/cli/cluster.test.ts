// A local cluster of real processes, from its start to the last of them.

import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configure } from "../../src/gossip/config.ts";
import { Command, getJson, isRunning, run, until } from "./door.ts";

const NODES = 5;
const START_MS_MAX = 30_000;
/** What a node is given to leave, and as much again for a busy machine to notice. */
const FAREWELL_MS_MAX = 2_000;
const RELEARN_MS_MAX = 15_000;

/**
 * SWIM's worst case until a member of n is probed is 2n-1 periods (paper, section 4.3); then the longest suspicion,
 * which needs no second accuser; and two seconds for the word to get round.
 */
function detectionMsMax(members: number): number {
  const { probeIntervalMs, suspicionMult, suspicionMaxMult } = configure("local");
  const leastMs = suspicionMult * Math.max(1, Math.log10(members)) * probeIntervalMs;
  return (2 * members - 1) * probeIntervalMs + leastMs * suspicionMaxMult + 2_000;
}

interface Line {
  readonly node: string;
  readonly url: string;
  readonly pid: number;
}

interface View {
  readonly digest: string;
  readonly members: readonly { readonly name: string; readonly status: string }[];
}

/** The directory that the cluster under test keeps its logs in, and nobody else anything. */
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hearsay-test-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function startCluster(...args: string[]): Command {
  return new Command(["cluster", "--http-port", "0", ...args], { TMPDIR: directory, TMP: directory, TEMP: directory });
}

/** The log of each process, by its name. */
async function logs(): Promise<Map<string, string>> {
  const [folder = ""] = await readdir(directory);
  const names = await readdir(join(directory, folder));
  const texts = names.map(async (name) => {
    return [name.replace(".log", ""), await readFile(join(directory, folder, name), "utf8")] as const;
  });
  return new Map(await Promise.all(texts));
}

/** What each process said of itself in its first line. */
async function processes(): Promise<Map<string, Line>> {
  const lines = [...(await logs())].map(([name, text]) => [name, JSON.parse(text.split("\n")[0] ?? "")] as const);
  return new Map(lines);
}

function view({ url }: Line): Promise<View | undefined> {
  return getJson<View>(`${url}/members`);
}

function statusOf(name: string, seen: View | undefined): string | undefined {
  return seen?.members.findLast((member) => member.name === name)?.status;
}

async function lacks(pids: readonly number[], withinMs: number): Promise<void> {
  await until(`the end of ${pids.length} processes`, withinMs, () => !pids.some(isRunning));
}

describe("hearsay cluster", () => {
  it("agrees, notices a death, survives its bootstrap, and ends without a trace", { timeout: 120_000 }, async () => {
    await using cluster = startCluster("--nodes", String(NODES));
    await cluster.says(new RegExp(`All ${NODES + 1} agree`), START_MS_MAX);
    const all = await processes();
    const bootstrap = all.get("bootstrap");
    const victim = all.get("node3");
    if (!bootstrap || !victim) throw new Error(`Expected logs of bootstrap and node3, got ${[...all.keys()]}`);

    const views = await Promise.all([...all.values()].map(view));
    expect(new Set(views.map((seen) => seen?.digest)).size).toBe(1);
    expect(views.map((seen) => seen?.members.length)).toEqual(new Array(NODES + 1).fill(NODES + 1));
    expect(cluster.stdout).toContain(`kill -9 ${victim.pid} `);

    process.kill(victim.pid, "SIGKILL");
    const others = [...all.values()].filter((line) => line !== victim);
    await until("all others to say that node3 is down", detectionMsMax(NODES + 1), async () =>
      (await Promise.all(others.map(view))).every((seen) => statusOf("node3", seen) === "dead"),
    );
    await cluster.says(/node3 ended: SIGKILL/, 3_000);
    await cluster.says(/node3 is down \(seen by all 5\)/, 3_000);
    await cluster.says(/5 of 6 up, all agree on 5 members/, 3_000);

    process.kill(bootstrap.pid, "SIGKILL");
    await cluster.says(/bootstrap is down \(seen by all 4\)/, detectionMsMax(NODES));
    const { port } = new URL(bootstrap.url);
    await using successor = new Command([
      ...["bootstrap", "--host", "127.0.0.1", "--gossip-port", "0", "--http-port", port],
      ...["--name", "bootstrap", "--preset", "local"],
    ]);
    await successor.runs();
    const nodes = others.filter((line) => line !== bootstrap);
    const expected = nodes.map((line) => line.url).sort();
    await until("a new bootstrap to know all nodes", RELEARN_MS_MAX, async () => {
      const answer = await getJson<{ peers: string[] }>(`${bootstrap.url}/peers`);
      return answer?.peers.join() === expected.join();
    });
    await cluster.says(/bootstrap answers again/, 3_000);
    successor.kill("SIGTERM");
    expect(await successor.ended).toEqual({ code: 0, signal: null });

    cluster.kill("SIGTERM");
    const startedMs = performance.now();
    const { code } = await cluster.ended;
    expect(performance.now() - startedMs).toBeLessThan(FAREWELL_MS_MAX + 1_000);
    expect({ code, stderr: cluster.stderr }).toEqual({ code: 0, stderr: "" });
    expect([...all.values()].filter(({ pid }) => isRunning(pid))).toEqual([]);
    for (const [name, text] of await logs()) {
      if (name !== "node3" && name !== "bootstrap") expect(text).toContain('"msg":"Leaving"');
    }
  });

  it("leaves nobody behind when it is killed itself", { timeout: 60_000 }, async () => {
    await using cluster = startCluster("--nodes", "2");
    await cluster.says(/All 3 agree/, START_MS_MAX);
    const pids = [...(await processes()).values()].map(({ pid }) => pid);
    cluster.kill("SIGKILL");
    await lacks(pids, 2 * FAREWELL_MS_MAX);
    expect(pids).toHaveLength(3);
    for (const text of (await logs()).values()) expect(text).toContain('"why":"the parent process is gone"');
  });

  it("ends while it is still starting", { timeout: 60_000 }, async () => {
    await using cluster = startCluster("--nodes", "30");
    await cluster.says(/node1 is up/, START_MS_MAX);
    cluster.kill("SIGINT");
    expect(await cluster.ended).toEqual({ code: 0, signal: null });
    expect(cluster.stdout).not.toContain("All 31 agree");
    const started = [...(await logs()).values()].flatMap((text) => /"pid":(\d+)/.exec(text)?.[1] ?? []);
    expect(started.map(Number).filter(isRunning)).toEqual([]);
  });

  it("says which port is taken before it starts anything", async () => {
    const other = createServer().listen({ host: "127.0.0.1", port: 0 });
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await run(["cluster", "--nodes", "2", "--http-port", String(port - 1)]);
    other.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    // The port before it may be taken as well, by whoever runs beside us.
    expect(stderr).toMatch(
      /^hearsay: Port \d+ \(HTTP\) is taken by another program; choose another with --http-port\n$/,
    );
  });
});
