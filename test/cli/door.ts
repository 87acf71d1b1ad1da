// The front door for tests: `dist/cli/main.js` as a process, the way a user calls it. `npm test` builds it first.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** Nothing of the developer's own settings reaches the process. */
const ENVIRONMENT = { PATH: process.env.PATH };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running command. */
export class Command {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  #hasEnded = false;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    if (!existsSync(MAIN)) throw new Error("dist/ is missing: run `npm run build` first");
    this.#process = spawn(process.execPath, [MAIN, ...args], {
      env: { ...ENVIRONMENT, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        this.#hasEnded = true;
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Nobody reads what it says from now on. */
  hangUp(): void {
    this.#process.stdout?.destroy();
  }

  /** What `pattern` finds in the output so far, as soon as it does. */
  async says(pattern: RegExp, withinMs: number): Promise<RegExpExecArray> {
    return until(`output like ${pattern}`, withinMs, () => {
      const found = pattern.exec(this.stdout);
      if (!found && this.#hasEnded) throw new Error(`It ended and said:\n${this.stdout}${this.stderr}`);
      return found ?? undefined;
    });
  }

  /** The first log line of a node. */
  async runs(withinMs = 15_000): Promise<{ id: string; url: string; address: string; httpPort: number; msg: string }> {
    const [line] = await this.says(/^\{.*\}$/m, withinMs);
    return JSON.parse(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.kill("SIGKILL");
    await this.ended;
  }
}

/** Runs a command that ends by itself. */
export async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  await using command = new Command(args, environment);
  const { code } = await command.ended;
  return { code, stdout: command.stdout, stderr: command.stderr };
}

/** Asks again until there is something other than undefined or false. */
export async function until<T>(
  what: string,
  withinMs: number,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain for ${what}`);
    await sleep(25);
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: no such process.
    return false;
  }
}

/** @returns the body, or undefined if nobody answers within a second */
export async function getJson<T>(url: string): Promise<T | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    return (await answer.json()) as T;
  } catch {
    // Refused, reset or late: whoever asks goes on asking.
    return undefined;
  }
}
