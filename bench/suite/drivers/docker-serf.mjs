// Serf's agents in containers of the nodes' base image, at the defaults of their profile. What they notice is read from
// their log, which has each change as soon as the agent believes it, and each message; it is timed by the engine, when that
// reads the line. How late the engine is, a witness says: a container that does nothing but write the
// time down. Who suspects whom an agent does not tell.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { preflight } from "../preflight.mjs";
import { ContainerLog } from "./container-log.mjs";
import { ContainerDriver, whyNoTrouble } from "./containers.mjs";
import { buildSerfImage, SERF_IMAGE, within } from "./engine.mjs";
import { CHANGE, joinUntilIn, SerfDriver, TYPES } from "./serf.mjs";
import { SerfRpc } from "./serf-rpc.mjs";

const GOSSIP_PORT = 7946;
const RPC_PORT = 7373;
const MESSAGE = /agent: Received event: user-event: (.*)$/;
/** Writes down the time in seconds, ten times a second, and starts no process for it. */
const WITNESS = 'exec 3<> <(:); while :; do echo "$EPOCHREALTIME"; read -t 0.1 -u 3; done';
const run = promisify(execFile);

export class DockerSerfDriver extends ContainerDriver {
  static peers = ["serf"];
  static tells = SerfDriver.tells;
  static get lacks() {
    const why = whyNoTrouble();
    const troubles = why === "" ? [] : [`no partitions, no loss: ${why}`];
    return ["suspicions are not known: an agent does not tell them", ...troubles];
  }

  static async available() {
    return SerfDriver.available();
  }

  static async versions() {
    return { ...(await SerfDriver.versions()), ...(await ContainerDriver.versions()) };
  }

  static async prepare({ nodes, isRouted = false }) {
    const { stdout } = await run("sh", ["-c", "command -v serf"]);
    const image = { tag: SERF_IMAGE, mend: "docker pull node:24-bookworm-slim" };
    return preflight({ nodes, peer: "serf", isRouted }, image, () => buildSerfImage(stdout.trim()));
  }

  /** Text of a message → who said it: an event does not tell. */
  #sayers = new Map();
  #rpcs = new Map();
  #witness;
  #lateMs = 0;

  get clockErrorMs() {
    this.#hearWitness();
    return this.#lateMs + this.wallDriftMs;
  }

  async prepareClock() {
    const container = await this.network.container(undefined, {
      image: SERF_IMAGE,
      entry: ["bash", "-c"],
      command: [WITNESS],
    });
    await within(container.start(), "the start of the clock's witness");
    this.#witness = new ContainerLog((await within(container.inspect(), "a look at the clock's witness")).LogPath);
  }

  #hearWitness() {
    for (const { text, at } of this.#witness?.read() ?? [])
      this.#lateMs = Math.max(this.#lateMs, at - Number(text) * 1_000);
  }

  async settled() {
    this.#hearWitness();
    this.#lateMs = 0;
  }

  specOf(number, seed) {
    const ip = this.network.addressOf(number);
    const join = seed === undefined ? [] : [`-retry-join=${this.network.addressOf(seed)}`, "-retry-interval=1s"];
    const places = [`-bind=${ip}:${GOSSIP_PORT}`, `-rpc-addr=0.0.0.0:${RPC_PORT}`];
    return { image: SERF_IMAGE, command: ["agent", `-node=m${number}`, ...places, `-profile=${this.preset}`, ...join] };
  }

  read(member, { text, at }) {
    if (text.includes("Serf agent running")) this.up(member, at);
    const [, change, name] = CHANGE.exec(text) ?? [];
    if (change !== undefined) this.change(member, TYPES[change], Number(name), at);
    const [, said] = MESSAGE.exec(text) ?? [];
    const sayer = this.#sayers.get(said);
    if (sayer !== undefined && sayer !== member.number) this.heard(member, sayer, at, said);
  }

  /** Asks over a connection that is kept, to a process that may be another one by now. */
  async #ask(number, command, body) {
    const { ip, pid } = this.members[number];
    if (this.#rpcs.get(number)?.pid !== pid) {
      this.#rpcs.get(number)?.rpc.close();
      this.#rpcs.set(number, { pid, rpc: await SerfRpc.open(ip, RPC_PORT) });
    }
    return this.#rpcs.get(number).rpc.ask(command, body);
  }

  async joinAll() {
    const [first, ...others] = this.members;
    for (const { number } of others) await this.#ask(number, "stats");
    const at = this.now();
    // An answer comes when it is in; who is not shows as a pair that does not come true.
    for (const member of others) {
      const { number, pid } = member;
      const isThere = () => this.members[number] === member && member.isRunning && member.pid === pid;
      void joinUntilIn(isThere, () => this.#ask(number, "join", { Existing: [first.ip], Replay: false }));
    }
    return at;
  }

  async leave(number) {
    await this.#ask(number, "stats");
    this.members[number].isRunning = false;
    this.ending(this.members[number]);
    const at = this.now();
    this.#ask(number, "leave").catch(() => {});
    return at;
  }

  async say(number, text) {
    this.#sayers.set(text, number);
    await this.#ask(number, "stats");
    const at = this.now();
    await this.#ask(number, "event", { Name: text, Payload: Buffer.alloc(0), Coalesce: false });
    return at;
  }

  async stop() {
    for (const { rpc } of this.#rpcs.values()) rpc.close();
    this.#rpcs.clear();
    this.#hearWitness();
    this.#witness?.close();
    this.#witness = undefined;
    await super.stop();
  }
}

export class DockerRoutedSerfDriver extends DockerSerfDriver {
  static name = "docker-routed";
  static async prepare(given) {
    return DockerSerfDriver.prepare({ ...given, isRouted: true });
  }

  isRouted = true;
}
