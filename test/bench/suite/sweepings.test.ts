// What the bench sweeps away: its own, and what processes that are gone have left; nobody else's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";

interface Thing {
  readonly id: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const load = (name: string) => import(new URL(`../../../bench/suite/${name}`, import.meta.url).href);
const { LABEL, ownerOf, sweepings } = (await load("sweepings.mjs")) as {
  LABEL: string;
  ownerOf(pid: number): string | undefined;
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
