// What a local cluster shows: on a terminal one block that is rewritten in place, below whatever was said for good;
// elsewhere a plain line whenever something changes. Strings in, strings out to one stream; decides nothing.

import type { WriteStream } from "node:tty";
import { stripVTControlCharacters, styleText } from "node:util";
import type { Agreement, Condition, News } from "./cluster-view.ts";

export interface Screen {
  /** Said for good. */
  say(text: string): void;
  show(agreement: Agreement, news: readonly News[]): void;
  /** Leaves the last state standing; what is said now comes below it. */
  close(): void;
}

type Format = Parameters<typeof styleText>[0];

const NEWS_SHOWN_MAX = 8;
const looks = {
  waiting: { sign: "·", format: "gray", text: "not there yet" },
  agrees: { sign: "●", format: "green", text: "agrees" },
  differs: { sign: "◐", format: "yellow", text: "differs" },
  silent: { sign: "○", format: "magenta", text: "does not answer" },
  down: { sign: "✕", format: "red", text: "ended" },
} as const satisfies Record<Condition, { sign: string; format: Format; text: string }>;

/** @param isLive a terminal that takes control characters */
export function openScreen(output: NodeJS.WriteStream, isLive: boolean, isColoured: boolean): Screen {
  return isLive ? new LiveScreen(output, isColoured) : new PlainScreen(output);
}

function headline({ total, up, agree, members, digest, isWhole }: Agreement): string {
  const agreeing =
    up === 0
      ? ""
      : `, ${agree === up ? "all" : agree} agree on ${members} ${members === 1 ? "member" : "members"} (digest ${digest})`;
  return `${up} of ${total} up${agreeing}${isWhole ? "" : " …"}`;
}

class PlainScreen implements Screen {
  readonly #output: NodeJS.WriteStream;
  readonly #startedMs = performance.now();
  readonly #told = new Set<string>();
  #headline = "";

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  say(text: string): void {
    this.#output.write(`${text}\n`);
  }

  show(agreement: Agreement, news: readonly News[]): void {
    for (const { key, text, isFinal } of news) {
      // The first who says so, and when all say so; the steps between would fill the page.
      if (!isFinal && this.#told.has(key)) continue;
      if (isFinal) this.#told.delete(key);
      else this.#told.add(key);
      this.#output.write(`${since(this.#startedMs)}  ${text}\n`);
    }
    const line = headline(agreement);
    if (line !== this.#headline) this.#output.write(`${since(this.#startedMs)}  ${line}\n`);
    this.#headline = line;
  }

  close(): void {}
}

class LiveScreen implements Screen {
  readonly #output: WriteStream;
  readonly #isColoured: boolean;
  readonly #startedMs = performance.now();
  readonly #news: { readonly key: string; readonly text: string }[] = [];
  #agreement: Agreement | undefined;
  /** The block as it stands below the cursor's column 0, and its height in lines. */
  #shown = "";
  #height = 0;
  #isClosed = false;

  constructor(output: NodeJS.WriteStream, isColoured: boolean) {
    this.#output = output as WriteStream;
    this.#isColoured = isColoured;
  }

  say(text: string): void {
    this.#output.write(`${this.#erased()}${text}\n`);
    this.#forget();
    if (!this.#isClosed) this.#draw();
  }

  show(agreement: Agreement, news: readonly News[]): void {
    this.#agreement = agreement;
    for (const { key, text } of news) {
      const at = this.#news.findIndex((earlier) => earlier.key === key);
      if (at >= 0) this.#news.splice(at, 1);
      this.#news.push({ key, text: `${since(this.#startedMs)}  ${text}` });
    }
    this.#news.splice(0, this.#news.length - NEWS_SHOWN_MAX);
    this.#draw();
  }

  close(): void {
    this.#isClosed = true;
    // The terminal has put a ^C where we would go on.
    if (this.#height > 0) this.#output.write("\n");
    this.#forget();
  }

  /** What was drawn is not ours to erase any more. */
  #forget(): void {
    this.#shown = "";
    this.#height = 0;
  }

  #draw(): void {
    if (!this.#agreement) return;
    // A last column is left free: some terminals wrap as soon as it is written.
    const columns = Math.max(20, (this.#output.columns ?? 80) - 1);
    const rows = Math.max(4, (this.#output.rows ?? 24) - 1);
    const top = [
      "",
      ` ${headline(this.#agreement)}`,
      ...this.#grid(this.#agreement, columns),
      this.#legend(this.#agreement),
    ];
    const room = Math.max(0, rows - top.length - 1);
    const news = room === 0 ? [] : this.#news.slice(-room).map(({ text }) => this.#paint("gray", ` ${text}`));
    const lines = [...top, ...news, this.#paint("gray", " Ctrl-C ends it")].slice(0, rows);
    const block = lines.map((line) => this.#cut(line, columns)).join("\n");
    if (block === this.#shown) return;
    this.#output.write(`${this.#erased()}${block}\n`);
    this.#shown = block;
    this.#height = Math.min(lines.length, rows);
  }

  #grid({ conditions }: Agreement, columns: number): string[] {
    const width = String(conditions.length - 1).length + 3;
    const perLine = Math.max(1, Math.min(20, Math.floor((columns - 1) / width)));
    const cells = conditions.map((condition, i) => {
      const { sign, format } = looks[condition];
      const label = i === 0 ? "B" : String(i);
      return `${label.padStart(width - 3)} ${this.#paint(format, sign)} `;
    });
    const lines: string[] = [];
    for (let i = 0; i < cells.length; i += perLine) lines.push(` ${cells.slice(i, i + perLine).join("")}`);
    return lines;
  }

  #legend({ conditions }: Agreement): string {
    const present = (Object.keys(looks) as Condition[]).filter((condition) => conditions.includes(condition));
    const entries = present.map((condition) => {
      const { sign, format, text } = looks[condition];
      return `${this.#paint(format, sign)} ${text}`;
    });
    return ` ${entries.join("   ")}   B bootstrap`;
  }

  #paint(format: Format, text: string): string {
    return this.#isColoured ? styleText(format, text, { validateStream: false }) : text;
  }

  /** Colours are dropped from a line that must be cut: half a control sequence would stain what follows. */
  #cut(line: string, columns: number): string {
    const bare = stripVTControlCharacters(line);
    return bare.length <= columns ? line : `${bare.slice(0, columns - 1)}…`;
  }

  #erased(): string {
    return this.#height === 0 ? "" : `\x1b[${this.#height}A\x1b[J`;
  }
}

function since(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s`;
}
