// The engine's log files, read while they are written.

import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

interface Log {
  readonly last: string;
  read(): { text: string; at: number }[];
  close(): void;
}

const file = new URL("../../../bench/suite/drivers/container-log.mjs", import.meta.url).href;
const { ContainerLog, instantOf } = (await import(file)) as {
  ContainerLog: new (path: string) => Log;
  instantOf(time: string): number;
};

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const lineOf = (log: string, time = "2026-01-02T03:04:05Z") => `${JSON.stringify({ log, stream: "stdout", time })}\n`;

describe("a container's log", () => {
  let folder: string;
  let path: string;
  let log: Log;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearsay-log-"));
    path = join(folder, "json.log");
    writeFileSync(path, "");
    log = new ContainerLog(path);
  });
  afterEach(() => {
    log.close();
    rmSync(folder, { recursive: true });
  });

  it("gives each line once, with the time to the microsecond", () => {
    appendFileSync(path, lineOf("one\n") + lineOf("two\n", "2026-01-02T03:04:05.123456789Z"));
    const [one, two] = log.read();
    expect(one).toEqual({ text: "one", at: AT });
    expect(two?.at).toBeCloseTo(AT + 123.456, 2);
    expect(log.read()).toEqual([]);
    expect(log.last).toBe("two");
  });

  it("waits for the rest of a line, also in the middle of a character", () => {
    const bytes = Buffer.from(lineOf("grüße\n"));
    const middle = bytes.indexOf(0xc3) + 1;
    appendFileSync(path, bytes.subarray(0, middle));
    expect(log.read()).toEqual([]);
    appendFileSync(path, bytes.subarray(middle));
    expect(log.read().map(({ text }) => text)).toEqual(["grüße"]);
  });

  it("reads instants with as many decimals as there are", () => {
    expect(instantOf("2026-01-02T03:04:05Z")).toBe(AT);
    expect(instantOf("2026-01-02T03:04:05.5Z")).toBe(AT + 500);
  });
});
