// What a node plays before it opens its ports: that it is what will be played, and that nobody hears of it.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { rehearse } from "../../src/cli/rehearsal.ts";

test("a handful of members find each other, hear what each says, and write it down", () => {
  const { agreed, heard, lines } = rehearse();
  expect(agreed).toBe(true);
  // Eight say something, seven others hear each.
  expect(heard).toBe(8 * 7);
  // Each sees seven others come and receives seven messages; and all seven who go are seen by somebody.
  expect(lines).toBeGreaterThanOrEqual(8 * 7 + 8 * 7 + 7);
});

test("it writes nothing, and leaves nothing that a process would wait for", () => {
  const built = new URL("../../dist/cli/rehearsal.js", import.meta.url).href;
  const script = `const { rehearse } = await import(${JSON.stringify(built)}); process.exitCode = rehearse().agreed ? 7 : 1;`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: "", stderr: "" });
});
