// Serf's RPC: msgpack over TCP, a header and, of most answers, a body, one after the other without a frame around them.
// https://github.com/hashicorp/serf/blob/master/docs/agent/rpc.html.markdown
//
//   → { Command, Seq } { arguments }        ← { Seq, Error } { body }
//   stream: first { Seq, Error } alone, then { Seq, Error } { event } for each event

import { connect } from "node:net";
import { Packr, UnpackrStream } from "msgpackr";
import { bounded } from "../../wards.mjs";

const VERSION = 1;
const ANSWER_MS = 20_000;
/** Commands whose answer has a body. */
const WITH_BODY = new Set(["join", "members", "stats"]);

export class SerfRpc {
  #socket;
  #packr = new Packr({ useRecords: false, variableMapSize: true });
  #seq = 0;
  /** Seq → { resolve, reject, hasBody, onEvent, isOpen }: who waits for what. */
  #waiting = new Map();
  /** The header whose body is next. */
  #header;

  static async open(host, port) {
    const socket = connect({ host, port, noDelay: true });
    await bounded(
      new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject)),
      ANSWER_MS,
      `RPC of ${host}:${port}`,
    );
    const rpc = new SerfRpc(socket);
    await rpc.ask("handshake", { Version: VERSION });
    return rpc;
  }

  constructor(socket) {
    this.#socket = socket;
    const objects = new UnpackrStream({ useRecords: false, mapsAsObjects: true });
    objects.on("data", (object) => this.#take(object));
    // What a killed agent leaves of an answer is nobody's.
    objects.on("error", () => socket.destroy());
    socket.on("error", () => {});
    socket.on("close", () => this.#end());
    socket.pipe(objects);
  }

  /** @returns the body of the answer, if it has one */
  ask(command, body) {
    const seq = ++this.#seq;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject, hasBody: WITH_BODY.has(command) });
    });
    this.#send(seq, command, body);
    return bounded(answer, ANSWER_MS, `${command} over RPC`).finally(() => this.#waiting.delete(seq));
  }

  /** Calls `onEvent` for each event of a type, from now on. */
  async stream(type, onEvent) {
    const seq = ++this.#seq;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject, hasBody: false, onEvent });
    });
    this.#send(seq, "stream", { Type: type });
    await bounded(answer, ANSWER_MS, "stream over RPC");
  }

  close() {
    this.#socket.destroy();
  }

  #send(seq, command, body) {
    this.#socket.write(this.#packr.pack({ Command: command, Seq: seq }));
    if (body) this.#socket.write(this.#packr.pack(body));
  }

  #take(object) {
    if (this.#header !== undefined) {
      const { Seq, Error: error } = this.#header;
      this.#header = undefined;
      this.#settle(Seq, error, object);
      return;
    }
    const waiting = this.#waiting.get(object.Seq);
    if (waiting?.hasBody || waiting?.isOpen) this.#header = object;
    else this.#settle(object.Seq, object.Error);
  }

  #settle(seq, error, body) {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    if (waiting.isOpen) {
      waiting.onEvent(body);
      return;
    }
    waiting.isOpen = waiting.onEvent !== undefined;
    if (error) waiting.reject(new Error(`Serf: ${error}`));
    else waiting.resolve(body);
  }

  #end() {
    for (const { reject } of this.#waiting.values()) reject(new Error("Serf has closed its RPC"));
    this.#waiting.clear();
  }
}
