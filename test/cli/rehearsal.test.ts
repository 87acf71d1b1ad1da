// What a node plays before it opens its ports: that it is what will be played, and that nobody hears of it.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { rehearse } from "../../src/cli/rehearsal.ts";

test("a handful of members find each other, hear what each says, and write it down; and it is the same each time", () => {
  const first = rehearse();
  expect(first.agreed).toBe(true);
  // Eight say something, seven others hear each.
  expect(first.heard).toBe(8 * 7);
  expect(first.lines).toMatchObject({ up: 8 * 7, message: 8 * 7 });
  // All but the first go, so that at least the first sees each go.
  expect(first.lines.left).toBeGreaterThanOrEqual(7);
  expect(rehearse()).toEqual(first);
});

test("it writes nothing, and leaves nothing that a process would wait for", () => {
  const built = new URL("../../dist/cli/rehearsal.js", import.meta.url).href;
  const script = `
    const { rehearse } = await import(${JSON.stringify(built)});
    const before = process.getActiveResourcesInfo();
    rehearse();
    const after = process.getActiveResourcesInfo();
    process.exitCode = after.join() === before.join() ? 7 : 1;`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: "", stderr: "" });
});
