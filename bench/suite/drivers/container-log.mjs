// What a container wrote, read from the engine's own file (its `json-file` log driver): nobody in the container, on its
// network or in the engine is asked for it, and it is there also of those that stand still, are cut off, or are dead.

import { closeSync, openSync, readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);

export class ContainerLog {
  #fd;
  #rest = Buffer.alloc(0);
  /** The last line, for who wants to know why it ended. */
  last = "";

  constructor(path) {
    this.#fd = openSync(path, "r");
  }

  /** The lines since the last call: what was written, and when the engine read it, as Unix time in ms. */
  read() {
    const lines = [];
    for (;;) {
      const length = readSync(this.#fd, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) break;
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      const end = bytes.lastIndexOf(10) + 1;
      this.#rest = Buffer.from(bytes.subarray(end));
      for (const text of bytes.toString("utf8", 0, end).split("\n")) {
        if (text !== "") lines.push(lineOf(text));
      }
    }
    this.last = lines.findLast(({ text }) => text.trim() !== "")?.text ?? this.last;
    return lines;
  }

  close() {
    closeSync(this.#fd);
  }
}

function lineOf(json) {
  const { log, time } = JSON.parse(json);
  return { text: log.replace(/\n$/, ""), at: instantOf(time) };
}

/** RFC 3339 with up to nine decimals → Unix time in ms, with what a number can hold of them. */
export function instantOf(time) {
  const [, seconds, fraction = ""] = /^(.*?:\d\d:\d\d)(\.\d+)?Z$/.exec(time);
  return Date.parse(`${seconds}Z`) + Number(fraction) * 1_000;
}
