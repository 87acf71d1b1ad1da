// A network that several scenarios are played on, one after another: it stays while it is whole, and goes when it is not.

import { describe, expect, it } from "vitest";

interface Record {
  readonly after?: readonly string[];
  readonly error?: string;
  readonly leftBehind?: string;
  readonly startUpMs: number | null;
}

const file = new URL("../../../bench/suite/run.mjs", import.meta.url).href;
const { Venue } = (await import(file)) as { Venue: new () => { play(run: object, on: object): Promise<Record> } };

/** Time passes only when it is let. All know all, unless it is said otherwise. */
class Hall {
  static lacks = [];
  static tells = new Set<string>();
  static made: Hall[] = [];
  members: number[] = [];
  startUpMs: number | null = null;
  clock = 0;
  clockErrorMs = 0;
  lookMs = 0;
  isWhole = true;
  isStopped = false;
  progress = () => {};
  left: number[] = [];

  readonly nodes: number;
  constructor({ nodes }: { nodes: number }) {
    this.nodes = nodes;
    Hall.made.push(this);
  }
  async start() {
    this.members = Array.from({ length: this.nodes }, (_, i) => i);
    this.startUpMs = 5;
  }
  async stop() {
    this.isStopped = true;
  }
  now() {
    return this.clock;
  }
  async pass(ms: number) {
    this.clock += ms;
  }
  running() {
    return [...this.members];
  }
  async views() {
    return this.members.map((observer) => ({ observer, live: this.isWhole ? this.members.length : 1, digest: "" }));
  }
  async observe() {
    return [];
  }
  async usage() {
    return [];
  }
  settled() {}
  async addOne() {
    this.members.push(Math.max(...this.members) + 1);
  }
  async leave(member: number) {
    this.left.push(member);
    this.members = this.members.filter((each) => each !== member);
  }
}

/** Plays what is told on four members, one thing after another. */
async function played(...plays: ((hall: Hall) => void)[]) {
  Hall.made = [];
  const venue = new Venue();
  const records: Record[] = [];
  for (const [i, does] of plays.entries()) {
    const scenario = { joined: true, variants: { "": 0 }, play: async (stage: { driver: Hall }) => does(stage.driver) };
    const run = { nodes: 4, seed: 1, scenario: `s${i}`, variant: "" };
    const progress = { phase() {}, share() {} };
    const isLast = i === plays.length - 1;
    records.push(
      await venue.play(run, { Driver: Hall, scenario, machine: {}, preset: "lan", pace: {}, progress, isLast }),
    );
  }
  return { records, halls: Hall.made };
}

const nothing = () => {};

describe("a network that is shared", () => {
  it("is started once and stopped after the last; each record says what came before", async () => {
    const { records, halls } = await played(nothing, nothing, nothing);
    expect(halls.map(({ isStopped }) => isStopped)).toEqual([true]);
    expect(records.map(({ after }) => after)).toEqual([undefined, ["s0"], ["s0", "s1"]]);
    expect(records.map(({ startUpMs }) => startUpMs)).toEqual([5, null, null]);
  });

  it("is as large for the next as it was for the first", async () => {
    const sizes: number[] = [];
    const note = (hall: Hall) => sizes.push(hall.members.length);
    const { halls } = await played(
      (hall) => hall.members.pop(),
      (hall) => {
        note(hall);
        hall.members.push(7, 8);
      },
      note,
    );
    expect(sizes).toEqual([4, 4]);
    // The first of all may be who lets newcomers in.
    expect(halls.map(({ left }) => left)).toEqual([[7, 8]]);
  });

  it("is given up for a new one if not all come to know all again", async () => {
    const { records, halls } = await played((hall) => {
      hall.isWhole = false;
    }, nothing);
    expect(halls.map(({ isStopped }) => isStopped)).toEqual([true, true]);
    expect(records.map(({ after, error }) => [after, error])).toEqual(Array(2).fill([undefined, undefined]));
  });

  it("is given up for a new one if a scenario fails on it, or nobody can be brought in", async () => {
    const { records, halls } = await played(
      () => {
        throw new Error("fell over");
      },
      (hall) => {
        hall.members.pop();
        hall.addOne = async () => {
          throw new Error("no more");
        };
      },
      nothing,
    );
    expect(halls.map(({ isStopped }) => isStopped)).toEqual([true, true, true]);
    expect(records.map(({ error }) => error)).toEqual(["fell over", undefined, undefined]);
  });

  it("is given up for a new one if one of the first two is gone, by whom the others come back", async () => {
    for (const gone of [0, 1, 2]) {
      const { halls } = await played((hall) => {
        hall.members = hall.members.filter((member) => member !== gone);
      }, nothing);
      expect(halls).toHaveLength(gone < 2 ? 2 : 1);
    }
  });

  it("that could not be removed is told of in the record of who comes next", async () => {
    const { records } = await played((hall) => {
      hall.isWhole = false;
      hall.stop = async () => {
        throw new Error("it stays");
      };
    }, nothing);
    expect(records.map(({ leftBehind }) => leftBehind)).toEqual([undefined, "it stays"]);
  });
});
