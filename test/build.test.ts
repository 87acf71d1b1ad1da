// What `npm run build` leaves to those who run from dist/ meanwhile. In a project of its own, for this one's dist/ is in use.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const here = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hearsay-build-"));
const inFolder = (...path: string[]) => join(folder, ...path);

/** @returns the exit code; `meanwhile` is called again and again until then */
async function build(meanwhile?: () => void): Promise<number | null> {
  const child = spawn(process.execPath, [inFolder("scripts", "build.mjs")], { stdio: "ignore" });
  const ended = once(child, "exit");
  try {
    while (meanwhile && child.exitCode === null) {
      meanwhile();
      await nextTurn();
    }
    const [code] = await ended;
    return code;
  } finally {
    child.kill();
  }
}

beforeAll(() => {
  mkdirSync(inFolder("scripts"));
  for (const name of ["package.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.mjs"]) {
    copyFileSync(join(here, name), inFolder(name));
  }
  symlinkSync(join(here, "node_modules"), inFolder("node_modules"));
});
beforeEach(async () => {
  rmSync(inFolder("src"), { recursive: true, force: true });
  mkdirSync(inFolder("src/cli"), { recursive: true });
  writeFileSync(inFolder("src/cli/main.ts"), "export const built = 1;\n");
  rmSync(inFolder("dist"), { recursive: true, force: true });
  expect(await build()).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a build", () => {
  it("never takes a file away that the next one has as well, and brings first what that needs", async () => {
    writeFileSync(inFolder("src/cli/main.ts"), 'import "../new.ts";\nexport const built = 2;\n');
    writeFileSync(inFolder("src/new.ts"), "export const isNew = true;\n");
    const seen = new Set<string>();
    const look = () => {
      const [, built] = /built = (\d)/.exec(readFileSync(inFolder("dist/cli/main.js"), "utf8")) ?? [];
      seen.add(String(built));
      if (built === "2") expect(existsSync(inFolder("dist/new.js"))).toBe(true);
    };
    expect(await build(look)).toBe(0);
    look();
    expect([...seen]).toEqual(["1", "2"]);
    expect(statSync(inFolder("dist/cli/main.js")).mode & 0o111).toBe(0o111);
  });

  it("removes what an earlier one left, and nothing else", async () => {
    writeFileSync(inFolder("dist/cli/gone.js"), "");
    expect(await build()).toBe(0);
    expect(readdirSync(inFolder("dist/cli")).sort()).toEqual(["main.d.ts", "main.js", "main.js.map"]);
    expect(JSON.parse(readFileSync(inFolder("dist/cli/main.js.map"), "utf8"))).toMatchObject({
      sources: ["../../src/cli/main.ts"],
    });
  });

  it("that fails says so, and leaves everything as it was", async () => {
    writeFileSync(inFolder("src/cli/main.ts"), "export const built: string = 3;\n");
    expect(await build()).toBeGreaterThan(0);
    expect(readFileSync(inFolder("dist/cli/main.js"), "utf8")).toContain("built = 1");
    expect(readdirSync(folder).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
  });

  it("and others at the same time all succeed, also where there is nothing yet", async () => {
    for (let i = 0; i < 50; i++) writeFileSync(inFolder(`src/part${i}.ts`), "export {};\n");
    rmSync(inFolder("dist"), { recursive: true });
    expect(await Promise.all([build(), build(), build()])).toEqual([0, 0, 0]);
    expect(readdirSync(inFolder("dist")).filter((name) => /^part\d+\.js$/.test(name))).toHaveLength(50);
    expect(readdirSync(folder).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
  });
});
