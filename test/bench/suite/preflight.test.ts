// What a machine lacks for so many containers, said as a sentence with the line that mends it.

import { describe, expect, it } from "vitest";

interface Problem {
  readonly sentence: string;
  readonly mend: string;
  readonly stops: boolean;
}

const load = (name: string) => import(new URL(`../../../bench/suite/${name}`, import.meta.url).href);
const { problems, processProblems, socketProblems } = (await load("preflight.mjs")) as {
  problems(facts: object, given: { nodes: number; peer: string; isRouted?: boolean }): Problem[];
  processProblems(facts: object, given: { nodes: number; peer: string }): Problem[];
  socketProblems(facts: object, given: { nodes: number }): Problem[];
};

const plenty = {
  engine: null,
  isRoot: true,
  memoryMiB: 64_000,
  filesMax: 65_536,
  threadsMax: 4_194_304,
  neighboursMax: 65_536,
  isPortTaken: false,
  missing: [],
};
const hundred = { nodes: 100, peer: "hearsay" };
const found = (facts: object, given: { nodes: number; peer: string; isRouted?: boolean } = hundred) =>
  problems({ ...plenty, ...facts }, given);

describe("the preflight", () => {
  it("finds nothing wrong with a machine that has plenty", () => {
    expect(found({})).toEqual([]);
    expect(found({}, { nodes: 100, peer: "serf" })).toEqual([]);
  });

  it("does not guess where the machine does not say", () => {
    expect(found({ memoryMiB: null, filesMax: null, threadsMax: null, neighboursMax: null })).toEqual([]);
  });

  it("speaks of nothing else when there is no engine", () => {
    const [only, ...more] = found({ engine: "connect ENOENT /var/run/docker.sock", memoryMiB: 1, isRoot: false });
    expect(more).toEqual([]);
    expect(only).toMatchObject({ mend: "sudo systemctl start docker", stops: true });
    expect(only?.sentence).toContain("ENOENT");
  });

  it("says how many containers would fit into the memory, and that many do", () => {
    const [problem] = found({ memoryMiB: 4_000 });
    expect(problem).toMatchObject({ mend: "--nodes 36", stops: true });
    expect(found({ memoryMiB: 4_000 }, { nodes: 36, peer: "hearsay" })).toEqual([]);
    expect(found({ memoryMiB: 4_000 }, { nodes: 37, peer: "hearsay" })).toHaveLength(1);
  });

  it("looks at memory, files and threads where members are processes, and at nothing that containers need", () => {
    const facts = { ...plenty, isRoot: false, neighboursMax: 8, isPortTaken: true, missing: ["nft", "nsenter", "ip"] };
    expect(processProblems(facts, hundred)).toEqual([]);
    const poor = { ...facts, memoryMiB: 4_000, filesMax: 256, threadsMax: 1_000 };
    const told = processProblems(poor, hundred);
    expect(told).toMatchObject([{ mend: "--nodes 43", stops: true }, { stops: true }, { stops: true }]);
    expect(told.map(({ mend }) => mend)).toEqual([
      "--nodes 43",
      expect.stringMatching(/^ulimit -n \d+$/),
      expect.stringContaining("sysctl"),
    ]);
    for (const { sentence } of told) expect(sentence).toContain("100 processes");
    expect(processProblems({ ...facts, memoryMiB: 4_000 }, { nodes: 43, peer: "hearsay" })).toEqual([]);
  });

  it("says the same of members that share a process, which take a file each", () => {
    expect(socketProblems({ filesMax: 1_024 }, { nodes: 100 })).toEqual([]);
    expect(socketProblems({ filesMax: null }, { nodes: 1_000 })).toEqual([]);
    const [told] = socketProblems({ filesMax: 1_024 }, { nodes: 1_000 });
    expect(told).toMatchObject({ mend: "ulimit -n 2048", stops: true });
    expect(told?.sentence).toContain("1000 members");
  });

  it("gives limits that are enough", () => {
    const numbers = (text = "") => [...text.matchAll(/=(\d+)/g)].map(([, digits]) => Number(digits));
    const [files] = found({ filesMax: 256 });
    expect(files?.mend).toMatch(/^ulimit -n \d+$/);
    expect(found({ filesMax: Number(files?.mend.split(" ").at(-1)) })).toEqual([]);
    const [threads] = found({ threadsMax: 1_000 });
    expect(found({ threadsMax: Math.min(...numbers(threads?.mend)) })).toEqual([]);
    const [table] = found({ neighboursMax: 1_024 });
    const [first = 0, second = 0, third = 0] = numbers(table?.mend);
    expect(first).toBeLessThan(second);
    expect(second).toBeLessThan(third);
    expect(found({ neighboursMax: third })).toEqual([]);
  });

  it("stops at a small neighbour table only who talks to everybody", () => {
    expect(found({ neighboursMax: 1_024 })).toMatchObject([{ stops: false }]);
    expect(found({ neighboursMax: 1_024 }, { nodes: 100, peer: "serf" })).toMatchObject([{ stops: true }]);
    expect(found({ neighboursMax: 1_024 }, { nodes: 12, peer: "serf" })).toEqual([]);
  });

  it("finds a small one enough where each goes by way of the machine, if it can be told to", () => {
    const routed = { nodes: 100, peer: "serf", isRouted: true };
    expect(found({ neighboursMax: 1_024 }, routed)).toEqual([]);
    expect(found({ neighboursMax: 128 }, routed)).toMatchObject([{ stops: true }]);
    expect(found({ missing: ["ip"] }, routed)).toMatchObject([
      { sentence: expect.stringContaining("ip"), stops: true },
    ]);
    expect(found({ missing: ["ip"] })).toEqual([]);
    expect(found({ missing: ["nft"] }, routed)).toMatchObject([{ stops: false }]);
  });

  it("names the port where lone nodes would ask, and the tools without which nothing is lost", () => {
    const [port, tools] = found({ isPortTaken: true, missing: ["nft"] });
    expect(port).toMatchObject({ mend: "sudo ss -ltnp 'sport = :5000'", stops: true });
    expect(tools).toMatchObject({ sentence: "Without nft no partition and no loss is played", stops: false });
    expect(found({ isRoot: false })).toMatchObject([{ stops: true }]);
  });
});
