// The Docker engine as the bench uses it: images of the bench's own, one network, containers with addresses that they keep.
// Everything carries the label of sweepings.mjs. Every call has a bound.

import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { atEnd, bounded } from "../../wards.mjs";
import { LABEL, owner, sweepAtEnd } from "../sweepings.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const BASE_IMAGE = "node:24-bookworm-slim";
export const NODE_IMAGE = "hearsay-bench:node";
export const SERF_IMAGE = "hearsay-bench:serf";
const SOURCES = [
  "Dockerfile",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "scripts/bundle.mjs",
  "scripts/node.sh",
  "src",
];
const BUILD_MS = 600_000;
const CALL_MS = 60_000;
/** A /22 each, from the first on that nobody else has. */
const SUBNETS = Array.from({ length: 16 }, (_, i) => `10.213.${4 * i}`);
/** Below it are the network, its gateway, and room for what is not a member. */
const FIRST_HOST = 10;

const labels = { [LABEL]: owner };
export const docker = new Docker();

/** What the Dockerfile of this repository says; the engine's cache makes a second time short. */
export async function buildNodeImage() {
  await staged(NODE_IMAGE, (context) => {
    for (const path of SOURCES) cpSync(join(ROOT, path), join(context, path), { recursive: true });
  });
}

/** The machine's own binary on the nodes' base image. */
export async function buildSerfImage(binary) {
  await staged(SERF_IMAGE, (context) => {
    copyFileSync(binary, join(context, "serf"));
    const lines = [`FROM ${BASE_IMAGE}`, "COPY serf /usr/local/bin/serf", "USER node", 'ENTRYPOINT ["serf"]'];
    writeFileSync(join(context, "Dockerfile"), `${lines.join("\n")}\n`);
  });
}

/** In a folder of its own: dockerode would take the Dockerfile for something that .dockerignore leaves out. */
async function staged(tag, fill) {
  const context = mkdtempSync(join(tmpdir(), "hearsay-bench-"));
  const remove = () => rmSync(context, { recursive: true, force: true });
  const takeBack = atEnd(remove);
  try {
    fill(context);
    await build({ context, src: readdirSync(context) }, tag);
  } finally {
    takeBack();
    remove();
  }
}

async function build(files, tag) {
  const building = docker.buildImage(files, { t: tag, forcerm: true }).then(
    (stream) =>
      new Promise((resolve, reject) => {
        docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output)));
      }),
  );
  const said = await bounded(building, BUILD_MS, `the build of ${tag}`);
  const failure = said.find(({ error }) => error);
  if (failure) throw new Error(failure.error);
}

/** One network for one run. */
export class BenchNetwork {
  #subnet;
  name = `hearsay-bench-${owner}-${process.hrtime.bigint()}`;

  async open() {
    for (const subnet of SUBNETS) {
      const config = { Subnet: `${subnet}.0/22`, Gateway: `${subnet}.1` };
      try {
        const options = { Name: this.name, Labels: labels, CheckDuplicate: true, IPAM: { Config: [config] } };
        await bounded(docker.createNetwork(options), CALL_MS, "a network");
        this.#subnet = subnet;
        return;
      } catch (error) {
        if (!/overlap/i.test(error.message)) throw error;
      }
    }
    throw new Error(`Every network from ${SUBNETS[0]}.0/22 on is taken: docker network ls`);
  }

  get subnet() {
    return `${this.#subnet}.0/22`;
  }

  /** Where the machine itself is in it. */
  get gateway() {
    return `${this.#subnet}.1`;
  }

  addressOf(number) {
    const host = FIRST_HOST + number;
    const [a, b, c] = this.#subnet.split(".").map(Number);
    return `${a}.${b}.${c + (host >> 8)}.${host & 255}`;
  }

  /** A container with an address that is its own for good; not started. `number` undefined: without a network. */
  async container(number, { image, entry, command, env = {}, sysctls = {} }) {
    const options = {
      Image: image,
      ...(entry === undefined ? {} : { Entrypoint: entry }),
      Cmd: command,
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      Labels: labels,
      // A check is a process every half a minute: it is no part of what is measured.
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        LogConfig: { Type: "json-file", Config: {} },
        Sysctls: sysctls,
        NetworkMode: number === undefined ? "none" : this.name,
      },
    };
    if (number !== undefined) {
      options.Hostname = `m${number}`;
      const place = { IPAMConfig: { IPv4Address: this.addressOf(number) } };
      options.NetworkingConfig = { EndpointsConfig: { [this.name]: place } };
    }
    return bounded(docker.createContainer(options), CALL_MS, `container ${number ?? "beside"}`);
  }
}

/** What a command prints in a container of its own. A base image need not say what is in it. */
export async function printed(image, entry, command) {
  const what = `${entry} of ${image}`;
  const takeBack = sweepAtEnd();
  const container = await new BenchNetwork().container(undefined, { image, entry, command });
  try {
    await within(container.start(), what);
    await within(container.wait(), what);
    const said = await within(container.logs({ stdout: true }), what);
    // Before each piece stand eight bytes: which stream it is of, and its length.
    const pieces = [];
    for (let from = 0; from < said.length; from += 8 + said.readUInt32BE(from + 4)) {
      pieces.push(said.subarray(from + 8, from + 8 + said.readUInt32BE(from + 4)));
    }
    return Buffer.concat(pieces).toString().trim();
  } finally {
    await within(container.remove({ force: true, v: true }), what);
    takeBack();
  }
}

/** Does something with a container, and gives up after a while. */
export const within = (call, what) => bounded(call, CALL_MS, what);
