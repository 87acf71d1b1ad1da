// The lines of a log on their way to a file descriptor: written together, a moment after the first of them.
//
// A line by itself is a system call, a thread of Node's that makes it and a word back to ours, and in a container two more
// processes of the engine that wake up and copy it. A hundred nodes on two processors that hear a message write a hundred
// lines in the moment in which they pass it on (docs/docker.md has what that takes).
//
//   warnings and worse     at once, with what waits before them; and so what the log is asked to write (`flush`)
//   the end of a process   by itself, by `process.exit` or by an error: what waits is written first
//   any other end          (SIGKILL, an abort): what was said less than `togetherMs` ago is lost
//   nobody reads them      up to `heldBytes` are kept; what does not fit is lost, and how many those were is told later
//   nobody will            (EPIPE): they are lost, and the node lives on
//
// Not by pino's own destination (sonic-boom 4.2): told to write before a process ends it goes on trying for ever, also where
// nobody will read, so that a node whose reader has gone would never end.

import { write, writeSync } from "node:fs";
import { type DestinationStream, type Level, pino } from "pino";
import { codeOf } from "./fault.ts";

/** So many bytes do not wait. */
const TOGETHER_BYTES = 8 * 1024;
/** Until a full pipe is tried again. */
const AGAIN_MS = 50;
/** In which a process that ends tries to write what waits: it has promised to be gone in two seconds. */
const END_MS = 200;
const END_AGAIN_MS = 5;
/** Such a line does not wait; nor does a fatal one, for which pino calls `flushSync`. */
const URGENT: readonly Level[] = ["warn", "error"];

export interface LinesOptions {
  /** Nobody who watches a log notices, and a message has gone through a hundred nodes that share two processors. @default 100 */
  readonly togetherMs?: number;
  /** What is held at most, when nobody reads; in bytes. @default 4 MiB */
  readonly heldBytes?: number;
  /** So many lines were lost, and there is room again. */
  readonly lost?: (lines: number) => void;
}

export class Lines implements DestinationStream {
  /** Has pino say of which level a line is, before it writes it. */
  readonly [pino.symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  readonly #fd: number;
  readonly #togetherMs: number;
  readonly #heldBytes: number;
  readonly #tellLost: (lines: number) => void;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What is being written, by a thread of Node's: a reader who stands still must not stop us. */
  #writing: Buffer | undefined;
  /** The pipe was full. */
  #again: NodeJS.Timeout | undefined;
  #lost = 0;
  #isOver = false;

  /** @param fd open for writing; it stays open */
  constructor(fd: number, { togetherMs = 100, heldBytes = 4 * 1024 * 1024, lost = () => {} }: LinesOptions = {}) {
    this.#fd = fd;
    this.#togetherMs = togetherMs;
    this.#heldBytes = heldBytes;
    this.#tellLost = lost;
  }

  write(line: string): void {
    if (this.#isOver) return;
    const bytes = Buffer.byteLength(line);
    if ((this.#writing?.length ?? 0) + this.#waitingBytes + bytes > this.#heldBytes) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    const isUrgent = URGENT.some((level) => pino.levels.values[level] === this.lastLevel);
    if (isUrgent || this.#waitingBytes >= TOGETHER_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#togetherMs).unref();
  }

  /** What waits is written now, or when the write that is under way is over. */
  flush(): void {
    this.#endWait();
    if (this.#writing || this.#waiting.length === 0) return;
    this.#writing = this.#take();
    this.#write();
  }

  /** What waits is written when this returns, unless nobody reads; pino calls it after a fatal line. */
  flushSync(): void {
    this.#endWait();
    let rest = this.#take();
    // What is to be tried again; what a thread is writing just now is its own.
    if (this.#again && this.#writing) {
      clearTimeout(this.#again);
      rest = Buffer.concat([this.#writing, rest]);
      this.#writing = this.#again = undefined;
    }
    const end = performance.now() + END_MS;
    while (rest.length > 0 && !this.#isOver) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        this.#isOver = codeOf(error) === "EPIPE";
        if (codeOf(error) !== "EAGAIN" || performance.now() > end) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, END_AGAIN_MS);
      }
    }
  }

  #take(): Buffer {
    const text = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingBytes = 0;
    return text;
  }

  #endWait(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #write(): void {
    this.#again = undefined;
    if (this.#writing) write(this.#fd, this.#writing, this.#written);
  }

  readonly #written = (error: NodeJS.ErrnoException | null, bytes: number): void => {
    const writing = this.#writing as Buffer;
    if (error?.code === "EAGAIN") {
      this.#again = setTimeout(() => this.#write(), AGAIN_MS).unref();
      return;
    }
    if (!error && bytes < writing.length) {
      this.#writing = writing.subarray(bytes);
      this.#write();
      return;
    }
    this.#writing = undefined;
    // A full disk may have room again; a pipe whose reader has gone has no other.
    if (error) this.#lost += writing.toString().split("\n").length - 1;
    if (error?.code === "EPIPE") {
      this.#isOver = true;
      this.#take();
      return;
    }
    if (this.#lost > 0 && !error) {
      const count = this.#lost;
      this.#lost = 0;
      this.#tellLost(count);
    }
    // Those whose time came meanwhile.
    if (this.#timer === undefined) this.flush();
  };
}
