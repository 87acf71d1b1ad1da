// What drivers say of their clocks, and of what a look costs. Without an engine, and without processes: nothing is started.

import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { DriverClass } from "./suite.ts";

const load = (name: string) => import(new URL(`../../../bench/suite/drivers/${name}`, import.meta.url).href);
const { DockerDriver, DockerSerfDriver } = (await load("docker.mjs")) as Record<string, DriverClass>;
const { ProcessDriver } = (await load("process.mjs")) as Record<string, DriverClass>;
const { SerfDriver } = (await load("serf.mjs")) as Record<string, DriverClass>;
const { UdpDriver } = (await load("udp.mjs")) as Record<string, DriverClass>;

interface Told {
  members: object[];
  urlOf(number: number): string;
  say(number: number, text: string): Promise<number>;
  joinAll(): Promise<number>;
}

const made = (Kind: DriverClass | undefined, nodes: number) => {
  if (Kind === undefined) throw new Error("There is no such driver");
  return new Kind({ nodes });
};

afterEach(() => vi.restoreAllMocks());

describe("a driver", () => {
  it.each([
    ["hearsay's", DockerDriver, 1],
    ["Serf's", DockerSerfDriver, 0],
  ])(
    "of %s containers is off by as much as the wall clock was set, and by what its log leaves out",
    (_, Kind, step) => {
      const driver = made(Kind, 3);
      const before = driver.clockErrorMs;
      expect(before).toBeGreaterThanOrEqual(step);
      expect(before).toBeLessThan(step + 500);
      const real = Date.now;
      vi.spyOn(Date, "now").mockImplementation(() => real() + 5_000);
      expect(driver.clockErrorMs).toBeGreaterThan(4_000);
    },
  );

  it("whose members all have to be asked asks the seldomer the more they are", () => {
    expect(made(ProcessDriver, 100).lookMs).toBe(1_000);
    expect(made(ProcessDriver, 100).clockErrorMs).toBeGreaterThan(0);
  });

  it("that says nothing else has an exact clock, and is looked at as often as one likes", () => {
    expect(made(UdpDriver, 100)).toMatchObject({ clockErrorMs: 0, lookMs: 0 });
  });
});

describe("what hearsay's containers are told", () => {
  it("goes over a connection that is there before the clock starts, as Serf's does", async () => {
    const asked: [string, Socket][] = [];
    const listen = async () => {
      const server = createServer((request, response) => {
        asked.push([`${request.method} ${request.url}`, request.socket]);
        request.resume().on("end", () => response.end("{}"));
      });
      onTestFinished(() => void server.close().closeAllConnections());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const urls = await Promise.all([listen(), listen(), listen()]);
    const driver = made(DockerDriver, 3) as unknown as Told;
    driver.members = [0, 1, 2].map((number) => ({ number, ip: "127.0.0.1" }));
    driver.urlOf = (number) => urls[number] ?? "";
    await driver.say(0, "good day");
    expect(asked.map(([what]) => what)).toEqual(["GET /ping", "POST /message"]);
    expect(new Set(asked.map(([, socket]) => socket)).size).toBe(1);
    asked.length = 0;
    await driver.joinAll();
    await expect.poll(() => asked.length).toBe(4);
    expect(asked.map(([what]) => what)).toEqual(["GET /ping", "GET /ping", "POST /join", "POST /join"]);
    expect(new Set(asked.map(([, socket]) => socket)).size).toBe(2);
  });
});

describe("an agent of Serf's that is told to join", () => {
  const agents = (...answers: (() => Promise<void>)[]) => {
    const driver = made(SerfDriver, 2) as unknown as Told;
    let asked = 0;
    const ask = () => answers[asked++]?.() ?? Promise.resolve();
    driver.members = [0, 1].map((number) => ({ number, ip: `127.0.0.${number}`, isRunning: true, rpc: { ask } }));
    return { driver, asked: () => asked };
  };
  const refuse = () => Promise.reject(new Error("i/o timeout"));

  it("is told again until it is in, as a node of hearsay tries by itself", async () => {
    const { driver, asked } = agents(refuse, () => Promise.resolve());
    await driver.joinAll();
    await expect.poll(asked, { timeout: 10_000 }).toBe(2);
  });

  it("is not told again when it is gone", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { driver, asked } = agents(refuse, refuse, refuse);
    await driver.joinAll();
    driver.members = [];
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked()).toBe(1);
  });
});
