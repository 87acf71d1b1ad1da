// The bench's containers: they do what a scenario asks of them, and nothing of them is left.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { ownerOf } from "../../bench/suite/owner.mjs";
import { type Driver, type DriverClass, driverOf, type Fact } from "../bench/suite/suite.ts";
import { docker } from "./docker.ts";

const NODES = 4;
const BUILD_MS = 600_000;
const SOON_MS = 60_000;
const LOOK_MS = 100;
const LABEL = "hearsay.bench.owner";

interface Prepared extends DriverClass {
  prepare(given: { nodes: number }): Promise<{ sentence: string; stops: boolean }[]>;
  versions(): Promise<Record<string, string>>;
}

/** Another bench may run beside these tests. */
const OURS = `label=${LABEL}=${ownerOf(process.pid)}`;

const labelled = async () => [
  await docker(["ps", "-aq", "--filter", OURS]),
  await docker(["network", "ls", "-q", "--filter", OURS]),
];

const kinds = await Promise.all(
  [
    { peer: "hearsay", name: "docker" },
    { peer: "serf", name: "docker" },
    { peer: "hearsay", name: "docker-routed" },
  ].map(async ({ peer, name }) => ({ peer, name, Kind: await driverOf(name, peer) })),
);

describe.each(kinds)("the bench's containers of $peer, driver $name", ({ peer, name, Kind }) => {
  const isHere = typeof Kind !== "string";
  const Containers = Kind as Prepared;
  let driver: Driver;
  let facts: Fact[];

  async function begin(joined: boolean): Promise<void> {
    driver = new Containers({ nodes: NODES });
    facts = [];
    await driver.start({ joined });
  }

  async function soon(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const end = driver.now() + SOON_MS;
    while (!(await isTrue())) {
      if (driver.now() > end) expect.fail(`${what}: not within ${SOON_MS} ms`);
      await driver.pass(LOOK_MS);
    }
  }

  const allKnow = (count: number) =>
    soon(`${count} know each other`, async () => {
      const views = await driver.views();
      return views.length === count && views.every(({ live }) => live === count);
    });

  /** Who has noticed it so far. */
  async function noticed(isIt: (fact: Fact) => boolean): Promise<Set<number>> {
    facts.push(...(await driver.observe()));
    return new Set(facts.filter(isIt).map(({ observer }) => observer));
  }

  beforeAll(async () => {
    if (!isHere) return;
    const stops = (await Containers.prepare({ nodes: NODES })).filter((problem) => problem.stops);
    expect(stops).toEqual([]);
  }, BUILD_MS);

  afterEach(async () => {
    await driver?.stop();
    if (isHere) expect(await labelled()).toEqual(["", ""]);
  });

  it.runIf(isHere)("run alone until they are told to join, and then carry messages", async () => {
    await begin(false);
    expect((await driver.views()).map(({ live }) => live)).toEqual(Array(NODES).fill(1));
    await driver.joinAll();
    await allKnow(NODES);
    const from = await driver.say(1, "good day");
    await soon("the others heard it", async () => {
      const heard = await noticed(({ type, text }) => type === "message" && text === "good day");
      return heard.size >= NODES - 1;
    });
    for (const { observer, about, at } of facts.filter(({ type }) => type === "message")) {
      expect(about).toBe(1);
      expect(observer).not.toBe(1);
      expect(at).toBeGreaterThanOrEqual(from - driver.clockErrorMs);
    }
    for (const { cpuMs, rssMiB, datagrams, bytes } of await driver.usage()) {
      expect(cpuMs).toBeGreaterThan(0);
      expect(rssMiB).toBeGreaterThan(0);
      expect(datagrams).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(28 * Number(datagrams));
    }
  });

  it.runIf(isHere && peer === "hearsay")("say which Node runs in them, and leave nothing for it", async () => {
    expect(await Containers.versions()).toMatchObject({ imageNode: expect.stringMatching(/^v\d+\.\d+\.\d+$/) });
  });

  it.runIf(isHere && peer === "hearsay")("lose everything when told to, and find together again", async () => {
    await begin(true);
    await allKnow(NODES);
    await driver.cut([0, 1], [2, 3]);
    await soon("each half is alone", async () => (await driver.views()).every(({ live }) => live === 2));
    await driver.heal();
    await allKnow(NODES);
  });

  it.runIf(isHere && peer === "hearsay")("leave, come back and are killed", async () => {
    await begin(true);
    await allKnow(NODES);
    await driver.restart(2);
    await allKnow(NODES);
    expect(await noticed(({ type, about }) => type === "left" && about === 2)).toEqual(new Set([0, 1, 3]));
    await driver.crash(3);
    await allKnow(NODES - 1);
    expect(await noticed(({ type, about }) => type === "down" && about === 3)).toEqual(new Set([0, 1, 2]));
  });

  it.runIf(isHere)(
    "reach each other directly, or routed by way of the machine alone, also after a restart",
    async () => {
      await begin(true);
      await allKnow(NODES);
      await driver.restart(2);
      await allKnow(NODES);
      const tables: string[][] = [];
      for (const id of (await docker(["ps", "-q", "--filter", OURS])).split("\n")) {
        const [, ...routes] = (await docker(["exec", id, "cat", "/proc/net/route"])).split("\n");
        // In hexadecimal, the last byte first: the machine is .1 of the network, and 0 is who needs nobody between.
        const ways = routes.map(
          (route) => route.split("\t")[2]?.replace(/^01.*/, "machine").replace(/^0+$/, "direct") ?? "",
        );
        // What writes the time down for us has no network.
        if (ways.length > 0) tables.push(ways.sort());
      }
      const expected = name === "docker" ? ["direct", "machine"] : ["machine", "machine"];
      expect(tables).toEqual(Array(NODES).fill(expected));
    },
  );

  it.runIf(isHere)("are swept when a bench that is gone has left them", async () => {
    // No process has the id 0.
    await docker(["create", "--label", `${LABEL}=0.1`, "node:24-bookworm-slim"]);
    await docker(["network", "create", "--label", `${LABEL}=0.1`, "hearsay-bench-leftover"]);
    await begin(true);
    const names = await docker(["network", "ls", "--format", "{{.Name}}", "--filter", `label=${LABEL}=0.1`]);
    expect(names).toBe("");
    expect(await docker(["ps", "-aq", "--filter", `label=${LABEL}=0.1`])).toBe("");
  });
});

describe.runIf(typeof kinds[0]?.Kind !== "string")("the bench's command, with containers", () => {
  const MAIN = fileURLToPath(new URL("../../bench/suite/main.mjs", import.meta.url));

  // An image that has to be built first would be waited for as a container.
  beforeAll(async () => {
    await (kinds[0]?.Kind as Prepared | undefined)?.prepare({ nodes: NODES });
  }, BUILD_MS);

  function begin(...options: string[]) {
    const folder = mkdtempSync(join(tmpdir(), "hearsay-bench-"));
    const few = ["--driver", "docker", "--peer", "hearsay", "--nodes", "4", "--repetitions", "1", "--out", "all.jsonl"];
    const script = spawn(process.execPath, [MAIN, ...few, ...options], { cwd: folder, stdio: "ignore" });
    const owned = `label=${LABEL}=${ownerOf(script.pid)}`;
    const exited = once(script, "exit");
    onTestFinished(async () => {
      // By this it sweeps what it has made.
      script.kill("SIGTERM");
      await Promise.race([exited, sleep(SOON_MS, undefined, { ref: false })]);
      script.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }, 2 * SOON_MS);
    return { script, folder, owned, exited };
  }

  const left = async (owned: string) => [
    await docker(["ps", "-aq", "--filter", owned]),
    await docker(["network", "ls", "-q", "--filter", owned]),
  ];

  it("goes from nothing to the page, and leaves nothing behind", async () => {
    const pace = ["--pace", "settleMs=500", "messages=2"];
    const { folder, owned, exited } = begin("--scenario", "cold,broadcast,crash,pause:3s", ...pace);
    expect(await exited).toEqual([0, null]);
    const [, ...lines] = readFileSync(join(folder, "all.jsonl"), "utf8").trim().split("\n");
    const runs = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(runs.map(({ scenario }) => scenario)).toEqual(["cold", "broadcast", "crash", "pause"]);
    for (const run of runs) expect(run).toMatchObject({ missed: 0, figures: { falseDeaths: 0 } });
    expect(runs.slice(0, 3).map(({ facts }) => facts)).toEqual([12, 6, 3]);
    expect(readFileSync(join(folder, "all.html"), "utf8")).toContain("broadcast message");
    expect(await left(owned)).toEqual(["", ""]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "leaves nothing behind, interrupted by %s while containers start",
    async (signal) => {
      const { script, owned, exited } = begin("--scenario", "idle");
      const end = Date.now() + SOON_MS;
      while ((await docker(["ps", "-q", "--filter", owned])) === "") {
        if (Date.now() > end) expect.fail(`no container within ${SOON_MS} ms`);
        await sleep(LOOK_MS);
      }
      script.kill(signal);
      expect(await exited).toEqual([signal === "SIGINT" ? 130 : 143, null]);
      expect(await left(owned)).toEqual(["", ""]);
    },
  );
});
