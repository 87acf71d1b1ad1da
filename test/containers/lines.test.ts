// The coursework's own lines, to the letter and in their order, on the default bridge network.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containersIn, docker, line, logs, sweep } from "./docker.ts";
import { ask, eventually, urlsOf } from "./talk.ts";

const BUILD_MS = 600_000;
/** From `docker run`'s return; the issue's own bound. */
const SOON_MS = 3_000;
/** Until a container answers at all, on a machine that may be busy. */
const START_MS = 20_000;

const curl = (text: string) => line(`curl -s -m 5 ${text}`);

describe("the literal lines", () => {
  beforeAll(sweep);
  afterAll(sweep);

  it("build the node's image", { timeout: BUILD_MS }, async () => {
    await line("docker build -t p2p-node .", BUILD_MS);
  });

  it("run one node alone: it serves, it waits, it does not die", async () => {
    await line("docker run -d -p 5000:5000 --name node1 p2p-node");
    const { value } = await eventually("an answer at /", START_MS, async () =>
      JSON.parse(await curl("http://localhost:5000/")),
    );
    expect(value.message).toMatch(/^Node [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12} is running!$/);
    // It tried every way once, found nobody, and says so; and goes on.
    await eventually(
      "a word that it is alone",
      START_MS,
      async () => (await logs("node1")).includes("Alone") || undefined,
    );
    expect(await docker(["inspect", "-f", "{{.State.Running}}", "node1"])).toBe("true");
    expect(JSON.parse(await curl("http://localhost:5000/health"))).toMatchObject({ members: { alive: 1 } });
  });

  it("stop a node within two seconds and a bit, by its own farewell", async () => {
    const from = performance.now();
    await docker(["stop", "node1"]);
    // Two seconds are the node's; the rest is the engine's own work.
    expect(performance.now() - from).toBeLessThan(4_000);
    expect(await docker(["inspect", "-f", "{{.State.ExitCode}}", "node1"])).toBe("0");
    await line("docker rm -f node1");
  });

  it("take a message to a node, and show it in its log", async () => {
    await line("docker run -d --name node1 -p 5001:5000 p2p-node");
    await line("docker run -d --name node2 -p 5002:5000 p2p-node");
    const { value } = await eventually("an answer to the message", START_MS, async () =>
      JSON.parse(
        await line(
          `curl -s -X POST http://localhost:5002/message -H "Content-Type: application/json" -d '{"sender": "Node1", "msg": "Hello Node2!"}'`,
        ),
      ),
    );
    expect(value).toEqual({ status: "received" });
    expect(await logs("node2")).toContain("Received message from Node1: Hello Node2!");
  });

  it("let two nodes without a bootstrap find each other by broadcast", async () => {
    const expected = urlsOf((await containersIn("bridge")).filter(({ name }) => /^node[12]$/.test(name)));
    expect(expected).toHaveLength(2);
    for (const port of [5001, 5002]) {
      await eventually(`both nodes listed at ${port}`, START_MS, async () => {
        const { peers } = await ask<{ peers: string[] }>(`http://localhost:${port}`, "/peers");
        return JSON.stringify(peers) === JSON.stringify(expected) || undefined;
      });
    }
    await line("docker rm -f node1 node2");
  });

  it("build and run a bootstrap, which lists nobody", { timeout: BUILD_MS }, async () => {
    await line("docker build -t bootstrap-node -f Dockerfile.bootstrap .", BUILD_MS);
    // The two files say the same but for the command, so the second build adds nothing.
    const layers = ["p2p-node", "bootstrap-node"].map((image) =>
      docker(["inspect", "-f", "{{json .RootFS.Layers}}", image]),
    );
    expect(await layers[1]).toBe(await layers[0]);
    await line("docker run -d --name bootstrap -p 5000:5000 bootstrap-node");
    const { value } = await eventually("an answer at /peers", START_MS, async () =>
      JSON.parse(await curl("http://localhost:5000/peers")),
    );
    expect(value).toEqual({ peers: [] });
  });

  it("show node1 at the bootstrap within 3 s of its start", async () => {
    await line("docker run -d --name node1 -p 5001:5000 p2p-node");
    const { value, tookMs } = await eventually("node1 at the bootstrap", SOON_MS, async () => {
      const { peers } = JSON.parse(await curl("http://localhost:5000/peers"));
      return peers.length > 0 ? peers : undefined;
    });
    expect(value).toEqual(urlsOf((await containersIn("bridge")).filter(({ name }) => name === "node1")));
    console.log(`node1 was listed ${Math.round(tookMs)} ms after docker run returned`);
  });

  it("let node1 and node2 know each other within 3 s, under the addresses that docker network inspect shows", async () => {
    await line("docker run -d --name node2 -p 5002:5000 p2p-node");
    // The question takes the engine a moment, which is none of the three seconds.
    const expected = urlsOf((await containersIn("bridge")).filter(({ name }) => /^node[12]$/.test(name)));
    expect(expected).toHaveLength(2);
    const from = performance.now();
    for (const port of [5000, 5001, 5002]) {
      await eventually(`both nodes listed at ${port}`, SOON_MS - (performance.now() - from), async () => {
        const { peers } = JSON.parse(await curl(`http://localhost:${port}/peers`));
        return JSON.stringify(peers) === JSON.stringify(expected) || undefined;
      });
    }
    console.log(
      `node1 and node2 knew each other within ${Math.round(performance.now() - from)} ms of the first question`,
    );
    await line("docker rm -f bootstrap node1 node2");
  });
});
