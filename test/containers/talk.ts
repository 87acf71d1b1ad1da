// What the tests ask the nodes, and how they wait for an answer: always for a condition, always bounded.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Container } from "./docker.ts";

const run = promisify(execFile);
const ASK_TIMEOUT_MS = 3_000;
const PAUSE_MS = 100;
/** Two cores are asked: more at once would only wait for each other. */
const ASKED_AT_ONCE = 4;

/** A member as `GET /members` shows it: what the tests look at. */
export interface MemberRow {
  readonly name: string;
  readonly address: string;
  readonly url: string;
  readonly status: string;
}

export interface Received {
  readonly sender: string;
  readonly msg: string;
  readonly via: string;
}

/**
 * Tries until `attempt` gives something other than undefined.
 * @returns that, and how long it took from the call, in ms
 * @throws Error with `what` and the last failure or `seen()` once `withinMs` have passed
 */
export async function eventually<T>(
  what: string,
  withinMs: number,
  attempt: () => Promise<T | undefined>,
  seen: () => string = () => "",
): Promise<{ readonly value: T; readonly tookMs: number }> {
  const from = performance.now();
  let failure: unknown;
  for (;;) {
    try {
      const value = await attempt();
      if (value !== undefined && performance.now() - from <= withinMs)
        return { value, tookMs: performance.now() - from };
      failure = undefined;
    } catch (cause) {
      failure = cause;
    }
    if (performance.now() - from > withinMs) {
      const last = failure instanceof Error ? failure.message : seen();
      throw new Error(`within ${withinMs} ms expected: ${what}. ${last}`, { cause: failure });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** `GET` on a base URL. @throws Error if it does not answer 2xx with JSON in time */
export async function ask<T>(baseUrl: string, path: string): Promise<T> {
  const response = await fetch(baseUrl + path, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${baseUrl}${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

export async function post<T>(baseUrl: string, path: string, body: unknown): Promise<{ status: number; body: T }> {
  const response = await fetch(baseUrl + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
  });
  return { status: response.status, body: (await response.json()) as T };
}

/**
 * `GET` inside the container's own network namespace, over its loopback: asking a hundred nodes from outside would put two
 * hundred entries into the neighbour table that they are short of (docs/docker.md). Needs root, as the engine does.
 */
export async function askInside<T>({ pid }: Container, path: string): Promise<T> {
  const curl = ["curl", "-sf", "-m", String(ASK_TIMEOUT_MS / 1000), `http://127.0.0.1:5000${path}`];
  const { stdout } = await run("nsenter", ["-t", String(pid), "-n", ...curl], {
    timeout: 2 * ASK_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as T;
}

export async function peersInside(container: Container): Promise<string[]> {
  return (await askInside<{ peers: string[] }>(container, "/peers")).peers;
}

/** The URLs under which these containers should be listed, in the order of `/peers`. */
export function urlsOf(containers: readonly Container[]): string[] {
  return containers.map(({ ip }) => `http://${ip}:5000`).sort();
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** `task` for every item, four at a time. */
export async function forEachOf<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await task(items[i] as T);
  };
  await Promise.all(Array.from({ length: Math.min(ASKED_AT_ONCE, items.length) }, worker));
  return results;
}

/**
 * Waits until every one of the containers lists exactly these peers. Who did is not asked again.
 * @returns how long after `sinceMs` (Unix time) the last of them did, in ms
 * @throws Error who lists what instead, once `withinMs` after `sinceMs` have passed
 */
export async function allList(
  containers: readonly Container[],
  expected: readonly string[],
  withinMs: number,
  sinceMs = Date.now(),
): Promise<number> {
  let missing = containers;
  const counts = new Map<string, number>();
  const isRight = async (container: Container) => {
    const peers = await peersInside(container).catch((): string[] => []);
    counts.set(container.name, peers.length);
    return sameList(peers, expected);
  };
  for (;;) {
    // One first, until it is right: asking a hundred again and again would take the processors that they need.
    const [first] = missing;
    while (first && Date.now() - sinceMs <= withinMs && !(await isRight(first))) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    const right = await forEachOf(missing, isRight);
    missing = missing.filter((_, i) => !right[i]);
    const tookMs = Date.now() - sinceMs;
    if (missing.length === 0 && tookMs <= withinMs) return tookMs;
    if (tookMs > withinMs) {
      const who = missing.slice(0, 10).map(({ name }) => `${name} lists ${counts.get(name)}`);
      const wrong = missing.length === 0 ? `all did after ${tookMs} ms` : `${missing.length} do not: ${who.join(", ")}`;
      throw new Error(`within ${withinMs} ms every node should list these ${expected.length} peers; ${wrong}`);
    }
  }
}
