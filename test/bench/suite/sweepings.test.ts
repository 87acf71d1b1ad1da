// What the bench sweeps away: its own, and what processes that are gone have left; nobody else's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ownerOf } from "../../../bench/suite/owner.mjs";

interface Thing {
  readonly id: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const load = (name: string) => import(new URL(`../../../bench/suite/${name}`, import.meta.url).href);
const { LABEL, sweep, sweepings } = (await load("sweepings.mjs")) as {
  LABEL: string;
  sweep(
    whose: string,
    docker: unknown,
    patience: { containersMs: number; networksMs: number; callMs: number },
  ): Promise<{ containers: number; networks: number }>;
  sweepings(things: readonly Thing[], whose: string, nowOf: (pid: number) => string | undefined): Thing[];
};

const of = (id: string, owner: string): Thing => ({ id, labels: { [LABEL]: owner } });
const running = new Map([
  [10, "10.500"],
  [20, "20.600"],
]);
const nowOf = (pid: number) => running.get(pid);
const idsOf = (things: readonly Thing[], whose: string) => sweepings(things, whose, nowOf).map(({ id }) => id);

describe("the sweepings", () => {
  it("are one's own and those of processes that are gone, not those of another bench that runs", () => {
    const things = [of("mine", "10.500"), of("another's", "20.600"), of("a dead one's", "30.700")];
    expect(idsOf(things, "10.500")).toEqual(["mine", "a dead one's"]);
    expect(idsOf(things, "")).toEqual(["a dead one's"]);
  });

  it("are also those of a process whose id has come again", () => {
    expect(idsOf([of("old", "20.599")], "10.500")).toEqual(["old"]);
  });

  it("are never what does not carry the label", () => {
    expect(idsOf([{ id: "none" }, { id: "other", labels: { other: "30.700" } }], "10.500")).toEqual([]);
  });

  // An engine that has lost count of a network's endpoints (20.10 does, now and then) cannot be had at will.
  it("that the engine does not let go are told of once, with its reason, and not waited for again", async () => {
    const network = { Id: "n1", Labels: { [LABEL]: "1.0" } };
    const refused = Object.assign(new Error("403"), { statusCode: 403, json: { message: "has active endpoints" } });
    let asked = 0;
    const engine = {
      listContainers: async () => [],
      listNetworks: async () => [network],
      getNetwork: () => ({
        remove: async () => {
          asked++;
          throw refused;
        },
      }),
    };
    const patience = { containersMs: 60_000, networksMs: 300, callMs: 10_000 };
    await expect(sweep("1.0", engine, patience)).rejects.toThrow("The engine does not remove n1: has active endpoints");
    const before = asked;
    expect(before).toBeGreaterThan(0);
    expect(await sweep("1.0", engine, patience)).toEqual({ containers: 0, networks: 0 });
    expect(asked).toBe(before);
  });

  it("that stay in numbers are told of in one sentence", async () => {
    const networks = ["0123456789abcdef", "n2", "n3"].map((Id) => ({ Id, Labels: { [LABEL]: "1.0" } }));
    const refused = Object.assign(new Error("403"), { statusCode: 403, json: { message: "has active endpoints" } });
    const engine = {
      listContainers: async () => [],
      listNetworks: async () => networks,
      getNetwork: () => ({ remove: () => Promise.reject(refused) }),
    };
    await expect(sweep("1.0", engine, { containersMs: 60_000, networksMs: 50, callMs: 10_000 })).rejects.toThrow(
      /^The engine does not remove 0123456789ab and 2 more: has active endpoints$/,
    );
  });

  /** An engine with one container, and what becomes of the first attempts to remove it. */
  const engineOf = (...troubles: (Error | "silence")[]) => {
    const engine = {
      containers: [{ Id: "c1", Labels: { [LABEL]: "1.0" } }],
      listContainers: async () => engine.containers,
      listNetworks: async () => [],
      getContainer: () => ({
        remove: async () => {
          const trouble = troubles.shift();
          if (trouble === "silence") await new Promise(() => {});
          if (trouble !== undefined) throw trouble;
          engine.containers = [];
        },
      }),
    };
    return engine;
  };
  const busy = Object.assign(new Error("500"), { statusCode: 500, json: { message: "device or resource busy" } });
  const hungUp = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  const wrong = Object.assign(new Error("400"), { statusCode: 400 });

  it("are asked for again of an engine that is busy, hangs up, or does not answer in time", async () => {
    const patience = { containersMs: 60_000, networksMs: 60_000, callMs: 100 };
    const engine = engineOf(busy, hungUp, "silence");
    expect(await sweep("1.0", engine, patience)).toEqual({ containers: 1, networks: 0 });
    expect(engine.containers).toEqual([]);
    await expect(sweep("1.0", engineOf(wrong), patience)).rejects.toThrow("400");
  });

  it("are waited for with a bound, also when nothing is answered at all", async () => {
    const engine = { ...engineOf(), listContainers: () => new Promise(() => {}) };
    const patience = { containersMs: 60_000, networksMs: 60_000, callMs: 50 };
    await expect(sweep("1.0", engine, patience)).rejects.toThrow("a list of containers: nothing within 50 ms");
  });

  it("say how many containers stay, and say it again as long as they do", async () => {
    const always = Array.from({ length: 1_000 }, () => busy);
    const patience = { containersMs: 300, networksMs: 100, callMs: 10_000 };
    const engine = engineOf(...always);
    const failure = { message: "The engine does not remove c1: device or resource busy", containers: 1 };
    await expect(sweep("1.0", engine, patience)).rejects.toMatchObject(failure);
    await expect(sweep("1.0", engine, { ...patience, containersMs: 60_000 })).rejects.toMatchObject(failure);
  });

  it.runIf(process.platform === "linux")("know a process while it runs, and no longer", async () => {
    expect(ownerOf(process.pid)).toBe(ownerOf(process.pid));
    const child = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
    const pid = child.pid ?? 0;
    expect(ownerOf(pid)).toMatch(new RegExp(`^${pid}\\.\\d+$`));
    child.stdin?.end();
    await once(child, "exit");
    expect(ownerOf(pid)).toBeUndefined();
  });
});
