// The real docker CLI, one process a call, every call with a deadline; and the sweep that leaves nothing behind. Labels tell
// it what is ours; the literal lines give none, so what has their names and this house's image is swept as well. That it
// is not a network of the user's own, setup.ts asks before the first sweep (marker.ts). What they say over HTTP: talk.ts.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { noteContainer, type Running } from "./marker.ts";

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Compose's own name for everything it makes here; another checkout's network is another project. */
export const PROJECT = "hearsay-containers-test";
export const NETWORK = `${PROJECT}_default`;
/** On every container that a test starts beside the literal lines and compose. */
export const LABEL = "hearsay.test=containers";
/** The bench's are those of bench/suite/drivers/engine.mjs. */
export const IMAGES = ["p2p-node", "bootstrap-node", "hearsay-bench:node", "hearsay-bench:serf"] as const;
/** Every image and container of this house carries it. */
const TITLE = "org.opencontainers.image.title=hearsay";
const LITERAL_NAMES = ["bootstrap", ...Array.from({ length: 12 }, (_, i) => `node${i + 1}`)];
const NAMED = LITERAL_NAMES.flatMap((name) => ["--filter", `name=^/${name}$`]);
/** What `docker run -d` prints. */
const CONTAINER_ID = /^[0-9a-f]{64}$/;

const CALL_TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** `docker rm` of a hundred at once would take the machine from everybody. */
const REMOVED_AT_ONCE = 20;

const environment = { ...process.env, COMPOSE_PROJECT_NAME: PROJECT, COMPOSE_IGNORE_ORPHANS: "1" };

/**
 * Runs `docker` with these arguments in the repository's root.
 * @returns what it wrote to stdout, without white space at the ends
 * @throws Error with what it wrote to stderr, if it fails or takes longer than `timeoutMs`
 */
export async function docker(args: readonly string[], timeoutMs = CALL_TIMEOUT_MS): Promise<string> {
  return call("docker", args, timeoutMs);
}

/** A line as a user types it into a shell, to the letter. As `docker`. */
export async function line(text: string, timeoutMs = CALL_TIMEOUT_MS): Promise<string> {
  const said = await call("bash", ["-c", text], timeoutMs);
  if (CONTAINER_ID.test(said)) await noteContainer(said);
  return said;
}

async function call(file: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const options = { cwd: ROOT, env: environment, timeout: timeoutMs, maxBuffer: OUTPUT_BYTES_MAX };
  const { stdout } = await run(file, [...args], options);
  return stdout.trim();
}

/** What a container wrote, stdout and stderr together. */
export async function logs(container: string): Promise<string> {
  const options = { timeout: CALL_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  const { stdout, stderr } = await run("docker", ["logs", container], options);
  return stdout + stderr;
}

export interface Foreground {
  /** What Ctrl-C does; resolves when the line has ended, or was killed because it would not. */
  interrupt(): Promise<void>;
  /** What it has written so far. */
  output(): string;
}

/** Starts a line that stays in the foreground. */
export function foreground(text: string): Foreground {
  const child = spawn("bash", ["-c", text], { cwd: ROOT, env: environment, detached: true });
  const ended = once(child, "exit");
  let output = "";
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_BYTES_MAX / 64);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const signal = (name: NodeJS.Signals) => {
    // The whole group, as a terminal does; it may be gone already.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, name);
  };
  return {
    output: () => output,
    interrupt: async () => {
      signal("SIGINT");
      const killer = setTimeout(() => signal("SIGKILL"), CALL_TIMEOUT_MS);
      await ended;
      clearTimeout(killer);
    },
  };
}

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  /** Its address in the network asked about. */
  readonly ip: string;
  /** Unix time in ms; 0 if it never started. */
  readonly startedAt: number;
}

/** The running containers of a network with their addresses there, by name. */
export async function containersIn(network: string): Promise<Container[]> {
  const [{ Containers = {} } = {}] = JSON.parse(await docker(["network", "inspect", network]));
  const ids = Object.keys(Containers);
  if (ids.length === 0) return [];
  const rows = JSON.parse(await docker(["inspect", "--type", "container", ...ids]));
  return rows
    .map((row: { Id: string; Name: string; State: { Pid: number; StartedAt: string } }) => ({
      id: row.Id,
      name: row.Name.slice(1),
      pid: row.State.Pid,
      ip: Containers[row.Id].IPv4Address.split("/")[0],
      startedAt: Date.parse(row.State.StartedAt),
    }))
    .sort((a: Container, b: Container) => (a.name < b.name ? -1 : 1));
}

/** What runs under the literal names from this house's image, and has no label that says that it is ours. */
export async function unlabelledRunning(): Promise<Running[]> {
  const [key, value] = LABEL.split("=");
  const format = `{{.ID}} {{.Names}} {{.Label "com.docker.compose.project"}} {{.Label "${key}"}}`;
  const rows = await docker(["ps", "--no-trunc", "--format", format, "--filter", `label=${TITLE}`, ...NAMED]);
  return rows.split("\n").flatMap((row) => {
    const [id = "", name = "", project, test] = row.split(" ");
    return id === "" || project === PROJECT || test === value ? [] : [{ id, name }];
  });
}

/** Removes what an earlier run, or this one, left: containers, the network. Images: `removeImages`. */
export async function sweep(): Promise<void> {
  const wanted = ["ps", "-aq", "--no-trunc"];
  const found = await Promise.all([
    docker([...wanted, "--filter", `label=${LABEL}`]),
    docker([...wanted, "--filter", `label=com.docker.compose.project=${PROJECT}`]),
    docker([...wanted, "--filter", `label=${TITLE}`, ...NAMED]),
  ]);
  const ids = [...new Set(found.flatMap((text) => text.split("\n")).filter((id) => id !== ""))];
  for (let from = 0; from < ids.length; from += REMOVED_AT_ONCE) {
    await docker(["rm", "-f", "-v", ...ids.slice(from, from + REMOVED_AT_ONCE)], 2 * CALL_TIMEOUT_MS);
  }
  const networks = await docker(["network", "ls", "-q", "--filter", `label=com.docker.compose.project=${PROJECT}`]);
  if (networks !== "") await docker(["network", "rm", ...networks.split("\n")]);
}

/** Which of our images are there. */
export async function imagesPresent(): Promise<string[]> {
  const present = await Promise.all(IMAGES.map((image) => docker(["images", "-q", image])));
  return IMAGES.filter((_, i) => present[i] !== "");
}

/** Removes these images, and the stages of this house's builds that nothing refers to any more. */
export async function removeImages(images: readonly string[]): Promise<void> {
  if (images.length > 0) await docker(["rmi", "-f", ...images]);
  await docker(["image", "prune", "-f", "--filter", `label=${TITLE}`]);
}

/** @throws Error naming the containers in the way of the literal lines that are not ours */
export async function refuseStrangers(): Promise<void> {
  const format = "{{.Names}}";
  const taken = await docker(["ps", "-a", "--format", format, ...NAMED]);
  if (taken === "") return;
  const names = taken.split("\n").join(", ");
  throw new Error(`containers named ${names} exist that these tests did not make: remove or rename them first`);
}
