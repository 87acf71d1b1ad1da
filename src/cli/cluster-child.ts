// One process of a local cluster: started, heard, ended. Its log goes straight into a file, not through us: it goes on if
// we are slow, and it is there if we die. The channel between us carries one `Ready`, and its end means: leave.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Ready, Role } from "./node-main.ts";
import { clusterSettings, nodeSettings } from "./settings.ts";

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
/** A log file that grows beyond this starts anew. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;
const TAIL_BYTES = 4_096;

export interface ChildOptions {
  readonly role: Role;
  readonly name: string;
  readonly logPath: string;
  /** What is said beside the name. */
  readonly args: readonly string[];
}

export class Child {
  readonly name: string;
  readonly logPath: string;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  /** Resolves when it serves, or is gone. */
  readonly settled: Promise<void>;
  readonly #process: ChildProcess;
  #ready: Ready["ready"] | undefined;
  #end: string | undefined;

  constructor({ role, name, logPath, args }: ChildOptions) {
    this.name = name;
    this.logPath = logPath;
    const log = openSync(logPath, "a", 0o600);
    this.#process = spawn(process.execPath, [MAIN, role, "--name", name, ...args], {
      stdio: ["ignore", log, log, "ipc"],
      env: cleanEnvironment(),
      windowsHide: true,
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      const end = (why: string) => {
        this.#end ??= why;
        resolve();
      };
      this.#process.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
      // Also what a failed kill or send says; only a process that never was ends by it.
      this.#process.on("error", (error) => {
        if (this.#process.pid === undefined) end(error.message);
      });
    });
    const ready = new Promise<void>((resolve) => {
      this.#process.on("message", (message) => {
        if (!isReady(message)) return;
        this.#ready = message.ready;
        resolve();
      });
    });
    this.settled = Promise.race([ready, this.exited]);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Undefined until it serves. */
  get url(): string | undefined {
    return this.#ready?.url;
  }

  /** How it ended: a signal, an exit code; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** Asks it to leave. Not by a signal: Ctrl-C has sent one to it already, and a second would cut its farewell short. */
  dismiss(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  kill(): void {
    if (this.#end === undefined) this.#process.kill("SIGKILL");
  }

  /** Keeps the log within its bound. */
  trimLog(): void {
    if (this.#logBytes() <= LOG_BYTES_MAX) return;
    const log = openSync(this.logPath, "r+");
    ftruncateSync(log, 0);
    closeSync(log);
  }

  /** The last line of its log: what it had to say, if it ended by itself. */
  lastWords(): string {
    const size = this.#logBytes();
    if (size === 0) return "";
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const log = openSync(this.logPath, "r");
    const read = readSync(log, bytes, 0, bytes.length, size - bytes.length);
    closeSync(log);
    return bytes.toString("utf8", 0, read).trim().split("\n").at(-1) ?? "";
  }

  /** 0 if somebody took the file away. */
  #logBytes(): number {
    return statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** A child takes its settings from us alone; but who may administer it is the user's to say. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const { env } of [...Object.values(nodeSettings), ...Object.values(clusterSettings)]) {
    if (env !== nodeSettings.adminToken.env) delete environment[env];
  }
  return environment;
}

function isReady(message: unknown): message is Ready {
  return typeof message === "object" && message !== null && "ready" in message;
}
