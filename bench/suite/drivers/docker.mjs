// Hearsay's nodes in containers, as the repository's Dockerfile makes them and at the settings they have there: the first is
// the bootstrap, the others are told of it. Each writes down what it notices, to the millisecond, on the machine's clock.
// They are told what to do over HTTP from the machine, which the interface counters see, but only while it is told.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { eachOf } from "../../record.mjs";
import { bounded } from "../../wards.mjs";
import { preflight } from "../preflight.mjs";
import { ContainerDriver, whyNoTrouble } from "./containers.mjs";
import { buildNodeImage, NODE_IMAGE, printed } from "./engine.mjs";

export { DockerRoutedSerfDriver, DockerSerfDriver } from "./docker-serf.mjs";

const HTTP_PORT = 5000;
const GOSSIP_PORT = 7979;
const ASK_MS = 20_000;
const GREETED_AT_ONCE = 8;
/** What is written down is whole milliseconds. */
const LOG_STEP_MS = 1;
const CHANGES = new Set(["up", "suspect", "down", "left", "updated"]);

export class DockerDriver extends ContainerDriver {
  static get lacks() {
    const why = whyNoTrouble();
    return why === "" ? [] : [`no partitions, no loss: ${why}`];
  }

  static async prepare({ nodes, isRouted = false }) {
    const image = { tag: NODE_IMAGE, mend: `docker build -t ${NODE_IMAGE} .` };
    return preflight({ nodes, peer: "hearsay", isRouted }, image, buildNodeImage);
  }

  /** What runs in a container is the image's Node, not this machine's. */
  static async versions() {
    const imageNode = await printed(NODE_IMAGE, ["node"], ["--version"]);
    return { ...(await ContainerDriver.versions()), imageNode };
  }

  /** Opens /join and /leave to us alone. */
  #token = randomUUID();
  #cluster = `bench-${randomUUID().slice(0, 8)}`;
  #agent = new Agent({ keepAlive: true });

  get clockErrorMs() {
    return LOG_STEP_MS + this.wallDriftMs;
  }

  specOf(number, seed) {
    const place = seed === undefined ? undefined : this.network.addressOf(seed);
    const told =
      place === undefined ? {} : { BOOTSTRAP_URL: `http://${place}:${HTTP_PORT}`, SEEDS: `${place}:${GOSSIP_PORT}` };
    const env = { NODE_NAME: `m${number}`, CLUSTER: this.#cluster, ADMIN_TOKEN: this.#token, PRESET: this.preset };
    return {
      image: NODE_IMAGE,
      command: [number === 0 && this.joined ? "bootstrap" : "node"],
      // Who is told whom to join looks for nobody else.
      env: { ...env, HELLO: "0", ...told },
    };
  }

  read(member, { text }) {
    if (!text.startsWith("{")) return;
    const { time, event, member: about, msg, from } = JSON.parse(text);
    const at = Date.parse(time);
    if (CHANGES.has(event)) this.change(member, event, numberOf(about.name), at, about.id);
    else if (msg.endsWith(" is running")) this.up(member, at);
    else if (from !== undefined && msg.startsWith("Received message from ")) this.#heard(member, msg, at);
  }

  #heard(member, msg, at) {
    const [, sender, text] = /^Received message from (m\d+): (.*)$/s.exec(msg) ?? [];
    if (sender !== undefined && numberOf(sender) !== member.number) this.heard(member, numberOf(sender), at, text);
  }

  /** Where a member is told what to do. */
  urlOf(number) {
    return `http://${this.members[number].ip}:${HTTP_PORT}`;
  }

  async #ask(number, path, body) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${this.#token}` };
    await this.#call(number, path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  /** Not by `fetch`, which does more: the members need the processors just then. */
  async #call(number, path, { method = "GET", headers = {}, body = "" } = {}) {
    const url = this.urlOf(number) + path;
    const call = request(url, { method, headers, agent: this.#agent, signal: AbortSignal.timeout(ASK_MS) });
    // One that comes after the answer's head comes with the answer, too.
    call.on("error", () => {}).end(body);
    const [response] = await bounded(once(call, "response"), ASK_MS, `${path} of member ${number}`);
    const answer = await bounded(text(response), ASK_MS, `the answer to ${path} of member ${number}`);
    if (response.statusCode >= 300) throw new Error(`${url} answered ${response.statusCode}: ${answer}`);
  }

  async stop() {
    this.#agent.destroy();
    await super.stop();
  }

  /** Before a clock starts: what is asked next goes over a connection that is there, as Serf's RPC does. */
  async #greet(number) {
    const ping = () => this.#call(number, "/ping");
    // A connection that was kept may have ended with the process it led to.
    await ping().catch(ping);
    // Until then it does not count as free.
    await nextTurn();
  }

  async joinAll() {
    const [first, ...others] = this.members;
    const seeds = [`${first.ip}:${GOSSIP_PORT}`];
    await eachOf(others, GREETED_AT_ONCE, ({ number }) => this.#greet(number));
    const at = this.now();
    // An answer comes when it is in; who is not shows as a pair that does not come true.
    for (const { number } of others) this.#ask(number, "/join", { seeds }).catch(() => {});
    return at;
  }

  async leave(number) {
    await this.#greet(number);
    this.members[number].isRunning = false;
    this.ending(this.members[number]);
    const at = this.now();
    // It may be gone before it has answered.
    this.#ask(number, "/leave", {}).catch(() => {});
    return at;
  }

  async say(number, text) {
    await this.#greet(number);
    const at = this.now();
    await this.#ask(number, "/message", { sender: `m${number}`, msg: text, to: "all" });
    return at;
  }
}

export class DockerRoutedDriver extends DockerDriver {
  static name = "docker-routed";
  static async prepare(given) {
    return DockerDriver.prepare({ ...given, isRouted: true });
  }

  isRouted = true;
}

const numberOf = (name) => Number(/^m(\d+)$/.exec(name)?.[1] ?? -1);
