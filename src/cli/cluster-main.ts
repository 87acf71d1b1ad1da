// `hearsay cluster`, and so `npm start`: a bootstrap and nodes as real processes on this machine, over the loopback alone.
// Starts them one after another, asks each what it believes, shows how far they agree, and ends them all. A node that
// dies is shown, not started again: to watch that is what this is for.

import { setMaxListeners } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../gossip/api.ts";
import { getJson } from "../http/post.ts";
import { isLive } from "../http/roster.ts";
import { Child } from "./cluster-child.ts";
import { requireFreePorts } from "./cluster-ports.ts";
import { openScreen, type Screen } from "./cluster-screen.ts";
import { type Answer, agreementOf, Chronicle, type Report } from "./cluster-view.ts";
import type { ClusterConfig } from "./config.ts";
import { CommandFault } from "./fault.ts";
import type { Stop } from "./stop.ts";

const START_MS_MAX = 30_000;
/** Between two looks at a cluster of up to 25; larger ones are looked at less often, so that looking stays cheap. */
const LOOK_EVERY_MS = 500;
const LOOK_MS_PER_NODE = 20;
const ASKED_AT_ONCE = 8;
const ANSWER_MS_MAX = 1_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const LOOKS_PER_TRIM = 20;
/** Children leave in less; whoever does not is killed. */
const LEAVE_MS_MAX = 2_000;

/**
 * Runs until `stop` is asked, and then until no process of it is left.
 * @returns the exit code
 * @throws CommandFault a port is taken, or the bootstrap does not start: nothing is running then
 */
export async function runCluster(config: ClusterConfig, stop: Stop): Promise<number> {
  await requireFreePorts(config.httpPort, config.nodes + 1);
  const directory = await mkdtemp(join(tmpdir(), "hearsay-"));
  const { stdout } = process;
  // Nobody reads what we show any more.
  stdout.on("error", () => stop.ask("the output is closed"));
  const { NO_COLOR: noColor, TERM: terminal } = process.env;
  const isLive = stdout.isTTY && terminal !== "dumb";
  const cluster = new Cluster(config, directory, openScreen(stdout, isLive, isLive && (noColor ?? "") === ""));
  process.on("exit", () => cluster.kill());
  try {
    await cluster.run(stop);
  } finally {
    await cluster.end();
  }
  return 0;
}

class Cluster {
  readonly #config: ClusterConfig;
  readonly #directory: string;
  readonly #screen: Screen;
  readonly #chronicle = new Chronicle();
  readonly #startedMs = performance.now();
  readonly #children: Child[] = [];
  /** Of those that were asked: the last answer, if there was one. */
  readonly #answers = new Map<Child, Answer | undefined>();
  readonly #ending = new AbortController();
  #looks = 0;
  #isIntroduced = false;

  constructor(config: ClusterConfig, directory: string, screen: Screen) {
    this.#config = config;
    this.#directory = directory;
    this.#screen = screen;
    // Every question under way and the pause between looks listen to it.
    setMaxListeners(ASKED_AT_ONCE + 4, this.#ending.signal);
  }

  async run(stop: Stop): Promise<void> {
    const { nodes } = this.#config;
    this.#screen.say(`hearsay: starting a bootstrap and ${nodes} ${nodes === 1 ? "node" : "nodes"} on this machine`);
    const end = stop.asked.then(() => this.#ending.abort());
    const bootstrap = this.#spawn(0, []);
    await Promise.race([bootstrap.settled, end, patience()]);
    if (this.#ending.signal.aborted) return;
    const { url } = bootstrap;
    if (url === undefined) {
      const words = bootstrap.lastWords() || bootstrap.end || `no sign of life in ${START_MS_MAX / 1_000} s`;
      throw new CommandFault(1, `The bootstrap did not start: ${words.replace(/^hearsay: /, "")}`);
    }
    await Promise.race([Promise.all([this.#startNodes(url), this.#watch()]), end]);
  }

  /** Asks all to leave, and kills who has not after two seconds. */
  async end(): Promise<void> {
    this.#ending.abort();
    this.#screen.close();
    const running = this.#children.filter((child) => child.end === undefined);
    if (running.length > 0) this.#screen.say(`Ending ${running.length} processes …`);
    for (const child of running) child.dismiss();
    const all = Promise.all(running.map((child) => child.exited));
    await Promise.race([all, sleep(LEAVE_MS_MAX, undefined, { ref: false })]);
    this.kill();
    await all;
    this.#screen.say(`All have ended. Their logs remain in ${this.#directory}`);
  }

  /** The last resort: whoever is left, at once. */
  kill(): void {
    for (const child of this.#children) child.kill();
  }

  #spawn(index: number, more: readonly string[]): Child {
    const { httpPort, preset, logLevel } = this.#config;
    const name = index === 0 ? "bootstrap" : `node${index}`;
    const port = httpPort === 0 ? 0 : httpPort + index;
    const args = ["--host", "127.0.0.1", "--http-port", String(port), "--gossip-port", "0"];
    const child = new Child({
      role: index === 0 ? "bootstrap" : "node",
      name,
      logPath: join(this.#directory, `${name}.log`),
      args: [...args, "--preset", preset, "--log-level", logLevel, ...more],
    });
    this.#children.push(child);
    return child;
  }

  /** As many at a time as there are processors: more would only start later. */
  async #startNodes(bootstrapUrl: string): Promise<void> {
    const { signal } = this.#ending;
    let next = 1;
    const starter = async () => {
      while (next <= this.#config.nodes && !signal.aborted) {
        const child = this.#spawn(next++, ["--bootstrap", bootstrapUrl]);
        await Promise.race([child.settled, patience()]);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, starter));
  }

  async #watch(): Promise<void> {
    const everyMs = Math.max(LOOK_EVERY_MS, LOOK_MS_PER_NODE * this.#config.nodes);
    while (!this.#ending.signal.aborted) {
      const dueMs = performance.now() + everyMs;
      await this.#askAll();
      if (this.#ending.signal.aborted) return;
      this.#show();
      if (++this.#looks % LOOKS_PER_TRIM === 0) for (const child of this.#children) child.trimLog();
      await this.#pause(dueMs - performance.now());
    }
  }

  async #askAll(): Promise<void> {
    const waiting = this.#children.filter((child) => child.url !== undefined);
    const asker = async () => {
      for (let child = waiting.shift(); child; child = waiting.shift()) {
        this.#answers.set(child, await this.#ask(child.url ?? ""));
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, asker));
  }

  /** Also those whose process has ended are asked: somebody may have started a node in their place. */
  async #ask(url: string): Promise<Answer | undefined> {
    try {
      const { signal } = this.#ending;
      const options = { timeoutMs: ANSWER_MS_MAX, bytesMax: ANSWER_BYTES_MAX, signal };
      return readAnswer((await getJson(`${url}/members`, options)).body);
    } catch {
      // It does not answer: that is what is shown.
      return undefined;
    }
  }

  #show(): void {
    const reports = this.#reports();
    const agreement = agreementOf(reports);
    this.#screen.show(agreement, this.#chronicle.compare(reports));
    if (this.#isIntroduced || !agreement.isWhole || agreement.up < agreement.total) return;
    this.#isIntroduced = true;
    this.#screen.say(this.#introduction());
  }

  #reports(): Report[] {
    const reports: Report[] = this.#children.map((child) => ({
      name: child.name,
      // Who serves and was not asked yet has not failed to answer.
      url: this.#answers.has(child) ? child.url : undefined,
      end: child.end && child.url === undefined ? `${child.end}, ${child.lastWords()}` : child.end,
      answer: this.#answers.get(child),
    }));
    while (reports.length <= this.#config.nodes) {
      reports.push({ name: `node${reports.length}`, url: undefined, end: undefined, answer: undefined });
    }
    return reports;
  }

  #introduction(): string {
    const [bootstrap, ...nodes] = this.#children;
    const [first, second] = [nodes[0], nodes[1] ?? nodes[0]];
    const victim = nodes[2] ?? nodes.at(-1);
    const json = `-H "Content-Type: application/json" -d`;
    const seconds = ((performance.now() - this.#startedMs) / 1_000).toFixed(1);
    return `
All ${this.#children.length} agree, ${seconds} s after the start. Try in another terminal:

  curl ${first?.url}/peers
  curl -X POST ${second?.url}/message ${json} '{"sender": "me", "msg": "Hello ${second?.name}!"}'
  curl -X POST ${first?.url}/message ${json} '{"sender": "me", "msg": "Hello all!", "to": "all"}'
  curl ${nodes.at(-1)?.url}/messages
  curl -N ${first?.url}/events
  kill -9 ${victim?.pid}        # ${victim?.name}: watch the others notice

  bootstrap  ${bootstrap?.url}
  nodes      ${first?.url}${nodes.length > 1 ? ` … ${nodes.at(-1)?.url}` : ""}
  logs       ${this.#directory}`;
  }

  /** Ends early when the cluster does. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#ending;
    // The one way this rejects is the abort, which the callers look at.
    await sleep(Math.max(0, ms), undefined, { signal }).catch(() => {});
  }
}

function patience(): Promise<void> {
  return sleep(START_MS_MAX, undefined, { ref: false });
}

/** @returns undefined if this is not what `/members` answers: another program may have taken the port */
function readAnswer(body: unknown): Answer | undefined {
  if (typeof body !== "object" || body === null || !("digest" in body) || !("members" in body)) return undefined;
  if (typeof body.digest !== "string" || !Array.isArray(body.members)) return undefined;
  const statuses = new Map<string, Status>();
  let live = 0;
  for (const { url, status } of body.members as { url: string; status: Status }[]) {
    if (isLive({ status })) live++;
    const seen = statuses.get(url);
    if (seen === undefined || !isLive({ status: seen })) statuses.set(url, status);
  }
  return { digest: body.digest, live, statuses };
}
