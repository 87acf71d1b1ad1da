// The lines of a log on their way to a file descriptor: written together, a moment after the first of them.
//
// A line by itself is a system call, a thread of Node's that makes it and a word back to ours, and in a container two more
// processes of the engine that wake up and copy it. A hundred nodes on two processors that hear a message write a hundred
// lines in the moment in which they pass it on: that took them a tenth of the time (docs/docker.md).
//
//   warnings and worse     at once, with what waits before them; and so what the log is asked to write (`flush`)
//   the end of a process   by itself, by `process.exit` or by an error: all is written first
//   SIGKILL                what was said less than TOGETHER_MS ago is lost
//   nobody reads them      up to HELD_BYTES are kept; what does not fit is lost, and how many those were is told later

import { type DestinationStream, type Level, pino } from "pino";

/** Nobody who watches a log notices. Longer than a message takes through a hundred nodes that share two processors. */
const TOGETHER_MS = 100;
/** So many bytes do not wait. sonic-boom writes at most 16 KiB at once. */
const TOGETHER_BYTES = 8 * 1024;
const HELD_BYTES = 4 * 1024 * 1024;
/** Such a line does not wait; nor does a fatal one, for which pino calls `flushSync`. */
const URGENT: readonly Level[] = ["warn", "error"];

export interface LinesOptions {
  /** What is held at most, when nobody reads; in bytes. @default 4 MiB */
  readonly heldBytes?: number;
  /** So many lines were lost, and there is room again. */
  readonly lost?: (lines: number) => void;
}

export class Lines implements DestinationStream {
  /** Has pino say of which level a line is, before it writes it. */
  readonly [pino.symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  readonly #out;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that are not written yet. */
  #held = 0;
  #lost = 0;

  /** @param fd open for writing; it stays open */
  constructor(fd: number, { heldBytes = HELD_BYTES, lost = () => {} }: LinesOptions = {}) {
    // By Node's threads: a reader who stands still must not stop the node.
    this.#out = pino.destination({ fd, sync: false, minLength: TOGETHER_BYTES, maxLength: heldBytes });
    this.#out.on("drop", (line: string) => {
      this.#held -= Buffer.byteLength(line);
      this.#lost++;
    });
    this.#out.on("write", (bytes: number) => {
      this.#held -= bytes;
    });
    this.#out.on("drain", () => this.#rest(lost));
  }

  /** A write is over. What came meanwhile, and was little, nobody else writes: sonic-boom flushes only when it does not write. */
  #rest(lost: (lines: number) => void): void {
    if (this.#held > 0) this.#soon();
    if (this.#lost === 0) return;
    const count = this.#lost;
    this.#lost = 0;
    lost(count);
  }

  write(line: string): void {
    this.#held += Buffer.byteLength(line);
    this.#out.write(line);
    if (URGENT.some((level) => pino.levels.values[level] === this.lastLevel)) this.#flush();
    else this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(this.#flush, TOGETHER_MS).unref();
  }

  /** What waits is written now; pino's loggers have it as `flush`. */
  flush(): void {
    this.#flush();
  }

  /** Returns when all is written; pino calls it after a fatal line. */
  flushSync(): void {
    this.#endWait();
    this.#out.flushSync();
    this.#held = 0;
  }

  readonly #flush = (): void => {
    this.#endWait();
    this.#out.flush();
  };

  #endWait(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
