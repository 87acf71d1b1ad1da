// What a node plays before it opens its ports: that it is what will be played, and that nobody hears of it.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { rehearse } from "../../src/cli/rehearsal.ts";

test("a handful of members find each other, hear what each says and write it down; what is asked is read; and all is the same each time", () => {
  const played = () => {
    const lines: string[] = [];
    const outcome = rehearse({ write: (line) => void lines.push(JSON.parse(line).event ?? "message") });
    return { outcome, lines };
  };
  const first = played();
  // Eight say something at once, and then thirty times one of them; seven others hear each.
  expect(first.outcome).toEqual({ agreed: true, heard: (8 + 30) * 7, understood: true });
  const count = (event: string) => first.lines.filter((line) => line === event).length;
  expect([count("up"), count("message")]).toEqual([8 * 7, (8 + 30) * 7]);
  // All but the first go, so that at least the first sees each go.
  expect(count("left")).toBeGreaterThanOrEqual(7);
  expect(played()).toEqual(first);
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
