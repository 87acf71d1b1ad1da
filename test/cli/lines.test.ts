// When the lines of a log are written, and what becomes of them where nobody reads, or the process ends.

import { execFile, execFileSync } from "node:child_process";
import fs, { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
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
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Who imports `write` by its name has it from another place. */
function spyOnWrite() {
  const spy = vi.spyOn(fs, "write");
  syncBuiltinESMExports();
  return spy;
}

/** Until `written` reads what fills it. */
function fillPipe(): void {
  expect(fs.writeSync(fd, Buffer.alloc(PIPE_BYTES, "\n"))).toBe(PIPE_BYTES);
}

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

/** So long that nothing is written because its time has come. */
const NEVER_MS = 600_000;

const logTo = (options?: LinesOptions) => pino({ level: "info" }, new Lines(fd, { togetherMs: NEVER_MS, ...options }));

test("lines that come together are written together, a moment later", async () => {
  const writes = spyOnWrite();
  const log = logTo({ togetherMs: 30 });
  const startedAt = performance.now();
  log.info("one");
  log.info("two");
  expect(writes).not.toHaveBeenCalled();
  await soon(() => expect(messages()).toEqual(["one", "two"]));
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
  expect(writes).toHaveBeenCalledTimes(1);
  log.info("three");
  await soon(() => expect(messages()).toEqual(["one", "two", "three"]));
});

test("a warning does not wait, nor what was said before it", async () => {
  const log = logTo();
  log.info("one");
  log.warn("two");
  await soon(() => expect(messages()).toEqual(["one", "two"]));
});

test("nor does what the log is asked to write", async () => {
  const log = logTo();
  log.info("one");
  log.flush();
  await soon(() => expect(messages()).toEqual(["one"]));
});

test("many lines do not wait", async () => {
  const log = logTo();
  const all = Array.from({ length: 200 }, (_, i) => `line ${i} ${"-".repeat(50)}`);
  for (const line of all) log.info(line);
  // The last of them do.
  await soon(() => expect(messages().length).toBeGreaterThan(100));
  expect(messages()).toEqual(all.slice(0, messages().length));
  log.flush();
  await soon(() => expect(messages()).toEqual(all));
});

test("a fatal line is written before anything else happens", () => {
  const log = logTo();
  log.info("one");
  log.fatal("two");
  expect(messages()).toEqual(["one", "two"]);
});

/** A log whose first line was tried in vain, and is to be tried again: it is in no thread any more. */
async function stuckLog() {
  fillPipe();
  const tries = spyOnWrite();
  const log = logTo();
  log.info("one");
  log.flush();
  await soon(() => expect(tries.mock.calls.length).toBeGreaterThan(1));
  return log;
}

test("what is said while earlier lines are stuck needs no further line to be written", async () => {
  const log = await stuckLog();
  log.info("two");
  log.flush();
  await soon(() => expect(messages()).toEqual(["one", "two"]));
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
  log.flush();
  await soon(() => expect(numbers().at(-1)).toBe(count));
  const kept = numbers();
  expect(kept.slice(0, -1)).toEqual(Array.from({ length: kept.length - 1 }, (_, i) => i));
  expect(kept.length - 1 + (lost[0] as number)).toBe(count);
  // What is held, and what the pipe takes meanwhile.
  expect(text.length).toBeLessThan(6 * PIPE_BYTES);
});

test("a process that must end waits a moment for who does not read, and loses what that does not take", async () => {
  const log = await stuckLog();
  const startedAt = performance.now();
  log.fatal("two");
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeGreaterThanOrEqual(200);
  expect(tookMs).toBeLessThan(2_000);
  log.info("three");
  log.flush();
  await soon(() => expect(messages()).toEqual(["three"]));
});

test("where nobody will read any more, they are lost, and that is all", async () => {
  const path = join(folder, "broken");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  closeSync(reader);
  const tries = spyOnWrite();
  const log = pino({ level: "info" }, new Lines(writer, { togetherMs: NEVER_MS }));
  log.warn("one");
  await soon(() => expect(tries).toHaveBeenCalledTimes(1));
  const startedAt = performance.now();
  log.fatal("two");
  expect(performance.now() - startedAt).toBeLessThan(200);
  log.warn("three");
  log.warn("four");
  expect(tries).toHaveBeenCalledTimes(1);
  closeSync(writer);
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
