// The soak is a program that people run over night: what it prints and how it ends is all they see.

import { execFile } from "node:child_process";
import { describe, expect, it } from "vitest";

const SOAK = new URL("../../scripts/soak.mjs", import.meta.url).pathname;
const BROADCAST = new URL("../../dist/gossip/broadcast.js", import.meta.url).href;
/** Loaded into the soak and its workers: messages are kept to oneself. */
const PLANTED = `data:text/javascript,${encodeURIComponent(`import { Broadcast } from "${BROADCAST}"; Broadcast.prototype.add = () => {};`)}`;

function soak(node: string[], ...options: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...node, SOAK, ...options], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, text: stdout + stderr }),
    );
  });
}

describe("the soak", () => {
  it("plays the seeds it is told to, in several processes, and ends well when none fails", async () => {
    const { code, text } = await soak([], "--seeds", "60", "--from", "1", "--jobs", "2");
    expect(text).toContain("60 seeds from 1, 2 at a time");
    expect(text).toContain("60 of 60");
    expect(code).toBe(0);
  });

  it("draws its seeds and says which", async () => {
    const [once, again] = await Promise.all([soak([], "--seeds", "2"), soak([], "--seeds", "2")]);
    const first = (text: string) => /2 seeds from (\d+)/.exec(text)?.[1];
    expect(first(once.text)).toBeDefined();
    expect(first(once.text)).not.toBe(first(again.text));
  });

  it("says how to repeat a failing seed, with its story, and ends with 1", async () => {
    const { code, text } = await soak(["--import", PLANTED], "--seeds", "3", "--from", "1");
    expect(text).toMatch(/seed \d FAILED; again: npm run soak -- --seeds 1 --from \d/);
    expect(text).toContain("all is well again");
    expect(text).toContain("did not hear");
    expect(code).toBe(1);
  });

  it("says how it is used, and refuses in one line what it does not know", async () => {
    const [help, bogus] = await Promise.all([soak([], "--help"), soak([], "--bogus")]);
    expect([help.code, help.text]).toEqual([0, expect.stringMatching(/^Usage: npm run soak/)]);
    expect([bogus.code, bogus.text]).toEqual([2, "Unknown option '--bogus'; --help says what there is\n"]);
  });

  it.each([
    ["--seeds", "0"],
    ["--from", "-1"],
    ["--jobs", "many"],
  ])("refuses %s %s with exit code 2", async (option, value) => {
    const { code, text } = await soak([], `${option}=${value}`);
    expect(code).toBe(2);
    expect(text).toContain(option);
  });
});
