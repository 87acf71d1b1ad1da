// What the local cluster's screen makes of the nodes' answers.

import { describe, expect, it } from "vitest";
import { Chronicle, type Report } from "../../src/cli/cluster-view.ts";
import type { Status } from "../../src/gossip/api.ts";

const NAMES = ["a", "b", "c"];

/** What all but the first say of the first; undefined: they do not know it (any more). */
function reports(...statuses: (Status | undefined)[]): Report[] {
  return NAMES.map((name, i) => {
    const status = statuses[i - 1];
    const answer = { digest: "0", live: 3, statuses: new Map(status === undefined ? [] : [["http://a", status]]) };
    return { name, url: `http://${name}`, end: undefined, answer: i === 0 ? undefined : answer };
  });
}

const texts = (chronicle: Chronicle, ...statuses: (Status | undefined)[]) =>
  chronicle.compare(reports(...statuses)).map(({ text }) => text);

describe("the chronicle of a local cluster", () => {
  it("counts those who have noticed, and ends when all have", () => {
    const chronicle = new Chronicle();
    texts(chronicle, "alive", "alive");
    expect(texts(chronicle, "dead", "alive")).toContain("a is down (seen by 1 of 2)");
    expect(texts(chronicle, "dead", "dead")).toContain("a is down (seen by all 2)");
  });

  it("says nothing when they forget it one by one", () => {
    const chronicle = new Chronicle();
    texts(chronicle, "left", "left");
    expect(texts(chronicle, undefined, "left")).toEqual([]);
    expect(texts(chronicle, undefined, undefined)).toEqual([]);
  });

  it("takes back what is no longer said", () => {
    const chronicle = new Chronicle();
    texts(chronicle, "suspect", "suspect");
    texts(chronicle, "alive", "alive");
    expect(texts(chronicle, "suspect", "alive")).toContain("a is suspected (seen by 1 of 2)");
  });
});
