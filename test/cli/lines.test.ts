// When the lines of a log are written, and what becomes of them where nobody reads, or the process ends.

import { execFile, execFileSync } from "node:child_process";
import fs, { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Lines, type LinesOptions } from "../../src/cli/lines.ts";
import { MAIN } from "./door.ts";

/** Most systems let a pipe hold 64 KiB. */
const PIPE_BYTES = 64 * 1024;

let folder: string;
let fd: number;
let text: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hearsay-lines-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  // Both ends in one, and neither waits for the other.
  fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  text = "";
});

afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** What was written since the test began. */
function written(): string {
  const chunk = Buffer.alloc(PIPE_BYTES);
  try {
    text += chunk.toString("utf8", 0, readSync(fd, chunk));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
  return text;
}

const messages = () =>
  written()
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line).msg);

const soon = (isTrue: () => void) => vi.waitFor(isTrue, { timeout: 5_000, interval: 5 });

const logTo = (options?: LinesOptions) => pino({ level: "info" }, new Lines(fd, options));

test("lines that come together are written together, a moment later", async () => {
  const log = logTo();
  const startedAt = performance.now();
  log.info("one");
  log.info("two");
  await new Promise((resolve) => setImmediate(resolve));
  expect(written()).toBe("");
  await soon(() => expect(messages()).toEqual(["one", "two"]));
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99);
  log.info("three");
  await soon(() => expect(messages()).toEqual(["one", "two", "three"]));
});

test("a warning does not wait, nor what was said before it", async () => {
  const log = logTo();
  const startedAt = performance.now();
  log.info("one");
  log.warn("two");
  await soon(() => expect(messages()).toEqual(["one", "two"]));
  expect(performance.now() - startedAt).toBeLessThan(99);
});

test("nor does what the log is asked to write", async () => {
  const log = logTo();
  const startedAt = performance.now();
  log.info("one");
  log.flush();
  await soon(() => expect(messages()).toEqual(["one"]));
  expect(performance.now() - startedAt).toBeLessThan(99);
});

test("many lines do not wait", async () => {
  const log = logTo();
  const startedAt = performance.now();
  const all = Array.from({ length: 200 }, (_, i) => `line ${i} ${"-".repeat(50)}`);
  for (const line of all) log.info(line);
  // The last of them do.
  await soon(() => expect(messages().length).toBeGreaterThan(100));
  expect(performance.now() - startedAt).toBeLessThan(99);
  await soon(() => expect(messages()).toEqual(all));
});

test("a fatal line is written before anything else happens", () => {
  const log = logTo();
  log.info("one");
  log.fatal("two");
  expect(messages()).toEqual(["one", "two"]);
});

test("what is said while earlier lines are stuck needs no further line to be written", async () => {
  const tries = vi.spyOn(fs, "write");
  const full = Buffer.alloc(PIPE_BYTES, "\n");
  expect(fs.writeSync(fd, full)).toBe(PIPE_BYTES);
  const log = logTo();
  log.info("one");
  await soon(() => expect(tries).toHaveBeenCalled());
  log.info("two");
  // It is tried again every tenth of a second: the moment of the second line has passed.
  await soon(() => expect(tries.mock.calls.length).toBeGreaterThan(3));
  await soon(() => expect(messages()).toEqual(["one", "two"]));
  tries.mockRestore();
});

test("where nobody reads, a bounded part is kept, and what was lost is told when somebody does", async () => {
  const lost: number[] = [];
  const log = logTo({ heldBytes: 4 * PIPE_BYTES, lost: (lines) => lost.push(lines) });
  const count = 2_000;
  const line = "-".repeat(1_000);
  for (let i = 0; i < count; i++) log.info({ i }, line);
  const numbers = () =>
    written()
      .match(/"i":\d+/g)
      ?.map((one) => Number(one.slice(4))) ?? [];
  await soon(() => {
    written();
    expect(lost).toHaveLength(1);
  });
  log.info({ i: count }, "again");
  await soon(() => expect(numbers().at(-1)).toBe(count));
  const kept = numbers();
  expect(kept.slice(0, -1)).toEqual(Array.from({ length: kept.length - 1 }, (_, i) => i));
  expect(kept.length - 1 + (lost[0] as number)).toBe(count);
  // What is held, and what the pipe takes meanwhile.
  expect(text.length).toBeLessThan(6 * PIPE_BYTES);
});

test.each([
  ["by itself", ""],
  ["by process.exit", "process.exit(0)"],
])("a process that ends %s has said everything", async (_how, end) => {
  const script = `
    import { openLog } from ${JSON.stringify(new URL("log.js", pathToFileURL(MAIN)).href)};
    openLog("info", "n").info("last words");
    ${end}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  expect(JSON.parse(stdout)).toMatchObject({ node: "n", msg: "last words" });
});
