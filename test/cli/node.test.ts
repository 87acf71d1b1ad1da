// One node as a process: it serves, it leaves when it is asked, and it says why it cannot start.

import { fork } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { Command, getJson, MAIN, run } from "./door.ts";

const ALONE = ["--host", "127.0.0.1", "--http-port", "0", "--gossip-port", "0"];
const FAREWELL_MS_MAX = 2_000;

async function timed<T>(work: Promise<T>): Promise<{ value: T; tookMs: number }> {
  const startedMs = performance.now();
  const value = await work;
  return { value, tookMs: performance.now() - startedMs };
}

async function open(url: string, agent: Agent): Promise<IncomingMessage> {
  const [answer] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
  return answer;
}

describe("a node", () => {
  it("says first that it is running, and tells the port that it was given", async () => {
    await using node = new Command(["node", ...ALONE]);
    const { id, url, httpPort, msg, address } = await node.runs();
    expect(msg).toBe(`Node ${id} is running`);
    expect(url).toBe(`http://127.0.0.1:${httpPort}`);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await getJson(`${url}/`)).toEqual({ message: `Node ${id} is running!` });
    expect(await getJson(`${url}/peers`)).toEqual({ peers: [url] });
  });

  it.each(["SIGTERM", "SIGINT"] as const)("leaves at %s, whoever still holds a connection", async (signal) => {
    await using node = new Command(["node", ...ALONE]);
    const { url } = await node.runs();
    const agent = new Agent({ keepAlive: true });
    const idle = await open(`${url}/health`, agent);
    await once(idle.resume(), "end");
    const events = await open(`${url}/events`, agent);
    const streamEnded = once(events.resume(), "end");
    node.kill(signal);
    const { value, tookMs } = await timed(node.ended);
    expect(value).toEqual({ code: 0, signal: null });
    expect(tookMs).toBeLessThan(FAREWELL_MS_MAX);
    await streamEnded;
    agent.destroy();
    expect(node.stdout).toContain(`"why":"${signal}"`);
  });

  it("leaves as well when nobody reads its log any more", async () => {
    await using node = new Command(["node", ...ALONE]);
    await node.runs();
    node.hangUp();
    node.kill("SIGTERM");
    const { value, tookMs } = await timed(node.ended);
    expect(value).toEqual({ code: 0, signal: null });
    expect(tookMs).toBeLessThan(FAREWELL_MS_MAX);
  });

  it("listens before it loads, and ends at once while it loads", async () => {
    // Runs before the program, in its process: sends the signal the moment that somebody listens for it, and tells
    // whether anything beside the ears was loaded by then. The command line itself needs `child_process`.
    const preload = `
      const { on } = process;
      process.on = (event, ...rest) => {
        on.call(process, event, ...rest);
        if (event !== "SIGTERM") return process;
        process.stderr.write("loaded: " + process.moduleLoadList.includes("NativeModule child_process"));
        process.kill(process.pid, "SIGTERM");
        return process;
      };`;
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
    await using node = new Command(["node", ...ALONE], environment);
    expect(await node.ended).toEqual({ code: 0, signal: null });
    expect({ stdout: node.stdout, stderr: node.stderr }).toEqual({ stdout: "", stderr: "loaded: false" });
  });

  it("goes on serving when the system could not hand it a connection", async () => {
    // Runs before the program, in its process: the server fails as it does at accept(2), the moment that it listens.
    const preload = `
      import { Server } from "node:http";
      const { listen } = Server.prototype;
      Server.prototype.listen = function (...given) {
        const error = Object.assign(new Error("accept ENFILE"), { code: "ENFILE" });
        this.once("listening", () => setImmediate(() => this.emit("error", error)));
        return listen.apply(this, given);
      };`;
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
    await using node = new Command(["node", ...ALONE], environment);
    await node.says(/^\{"level":"error".*"code":"ENFILE".*"msg":"A connection could not be taken"\}$/m, 15_000);
    const { url } = await node.runs();
    expect(await getJson(`${url}/health`)).toMatchObject({ status: "ok" });
  });

  it("leaves at POST /leave, having answered", async () => {
    await using node = new Command(["node", ...ALONE]);
    const { url } = await node.runs();
    const answer = await fetch(`${url}/leave`, { method: "POST" });
    expect(answer.status).toBe(202);
    const { value, tookMs } = await timed(node.ended);
    expect(value).toEqual({ code: 0, signal: null });
    expect(tookMs).toBeLessThan(FAREWELL_MS_MAX);
  });

  it("is told gone, not down, by the member it left", async () => {
    await using stays = new Command(["node", ...ALONE, "--name", "stays", "--preset", "local"]);
    const { address } = await stays.runs();
    await using leaves = new Command(["node", ...ALONE, "--name", "leaves", "--preset", "local", "--seeds", address]);
    await leaves.says(/"msg":"Member stays is up"/, 10_000);
    await stays.says(/"msg":"Member leaves is up"/, 10_000);
    leaves.kill("SIGTERM");
    await stays.says(/"msg":"Member leaves has left"/, FAREWELL_MS_MAX);
    expect(await leaves.ended).toEqual({ code: 0, signal: null });
    expect(stays.stdout).not.toContain("suspected");
  });

  it("says in a sentence that the HTTP port is taken", async () => {
    const other = createServer().listen({ host: "127.0.0.1", port: 0 });
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await run(["node", ...ALONE, "--http-port", String(port)]);
    other.close();
    const sentence = `hearsay: Port ${port} (HTTP) is taken by another program; choose another with --http-port`;
    expect({ code, stderr }).toEqual({ code: 1, stderr: `${sentence}\n` });
  });

  it("ends when its port is taken, though a parent has a channel to it", async () => {
    const other = createServer().listen({ host: "127.0.0.1", port: 0 });
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const options = { env: { PATH: process.env.PATH }, silent: true };
    const child = fork(MAIN, ["node", ...ALONE, "--http-port", String(port)], options);
    const killer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    expect(await once(child, "exit")).toEqual([1, null]);
    clearTimeout(killer);
    other.close();
  });

  it("says in a sentence that the gossip port is taken", async () => {
    const other = createSocket("udp4").bind({ address: "127.0.0.1", port: 0 });
    await once(other, "listening");
    const { port } = other.address();
    const { code, stderr } = await run(["bootstrap", ...ALONE, "--gossip-port", String(port)]);
    other.close();
    const sentence = `hearsay: Port ${port} (UDP) is taken by another program; choose another with --gossip-port`;
    expect({ code, stderr }).toEqual({ code: 1, stderr: `${sentence}\n` });
  });
});
