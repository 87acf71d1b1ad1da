// What a driver owes a scenario: a network of members, named by numbers from 0 up, that does what it is told, on one clock
// that only the driver reads. A member keeps its number over a restart; one that is added gets the next.
//
// A driver says what it can do (`can`) and what its members tell (`tells`), and a scenario that needs more is skipped.
// Nothing of it outlives `stop`, nor the process.

import { pause } from "../../record.mjs";

/**
 * @typedef {object} Fact what a member noticed
 * @property {number} observer
 * @property {"up"|"suspect"|"down"|"left"|"updated"|"message"} type
 * @property {number} about   the member in question; of a message, who said it
 * @property {number} at      ms on the driver's clock
 * @property {string} [text]  of a message
 */

/** What any member can be made to do. */
export const ACTS = ["joinAll", "addOne", "crash", "leave", "restart", "pause", "resume", "stopBootstrap", "say"];
/** What can befall what members send each other. */
export const TROUBLES = ["cut", "heal", "loss"];

export class Driver {
  /** As in `--driver`; of a peer's driver the kind of thing its members are. */
  static name = "";
  /** @type {readonly string[]} */
  static peers = ["hearsay"];
  /** Its networks start for nothing, so that no two runs need to share one. */
  static isVirtual = false;
  /** Which of the acts below it can do here; those without a body are not among them. */
  static get can() {
    return new Set();
  }
  /** The types of facts that members tell. */
  static tells = new Set(["up", "suspect", "down", "left", "updated", "message"]);
  /** A sentence that says why it cannot be used here; undefined if it can. */
  static async available() {}
  /**
   * Before the first run: looks whether this machine can bear so many, and makes what all runs need.
   * @returns {Promise<{ sentence: string, mend: string, stops: boolean }[]>} what is wrong, and the line that mends it
   */
  static async prepare(_given) {
    return [];
  }
  /** Sentences about figures that it cannot give here. */
  static get lacks() {
    return [];
  }
  /** What else should be known of the peer: `{ serf: "0.10" }`. */
  static async versions() {
    return {};
  }

  /** From the first member's start to the last's being up; null before, and where starting takes no time. */
  startUpMs = null;
  #texts = 0;
  /** How many of the `nodes` are up, while `start` is under way. */
  progress = (_up) => {};

  constructor({ nodes, seed = 1, preset = "lan", config = {} }) {
    Object.assign(this, { nodes, seed, preset, config });
  }

  /**
   * Brings the members up. `joined`: each is told at its start to join the first, and this does not wait for more than
   * that all are up; otherwise none knows of another. `atOnce`: how many may be on their way up at the same time.
   */
  async start({ joined: _joined, atOnce: _atOnce = Number.POSITIVE_INFINITY }) {
    throw new Error("BUG: a driver without `start`");
  }

  // Of the prototype: a field would hide what a driver computes.

  /** Bound on the difference between what two observers call the same moment. */
  get clockErrorMs() {
    return 0;
  }

  /** Looking costs the members so much that it should not happen more often, in ms. */
  get lookMs() {
    return 0;
  }

  /** Measuring begins: what the start did to the clocks is over. */
  async settled() {}

  /** Removes everything it made, also when `start` failed half-way. */
  async stop() {}

  /** A text that nobody in this network has said yet. */
  nextText() {
    return `message ${++this.#texts}`;
  }

  /** ms, never backwards. */
  now() {
    return performance.now();
  }

  /** Lets no less than so much of this clock's time go by. A timer alone may fire up to a millisecond early. */
  async pass(ms) {
    const end = this.now() + ms;
    for (let left = ms; left > 0; left = end - this.now()) await pause(left);
  }

  /** The members that run, standing still included. @returns {number[]} */
  running() {
    throw new Error("BUG: a driver without `running`");
  }

  /** How many members there ever were. */
  get size() {
    throw new Error("BUG: a driver without `size`");
  }

  /** When a member's present process was up: its sockets open. */
  upAt(_member) {
    throw new Error("BUG: a driver without `upAt`");
  }

  /** What members noticed since the last call; of those who cannot answer, what is known. @returns {Promise<Fact[]>} */
  async observe() {
    throw new Error("BUG: a driver without `observe`");
  }

  /** @returns {Promise<{ observer: number, live: number, digest: string }[]>} equal digests, equal views */
  async views() {
    throw new Error("BUG: a driver without `views`");
  }

  /**
   * Since the start of the member's process, which `upAt` tells from others of the same member.
   * @returns {Promise<{ observer, upAt, cpuMs, rssMiB, datagrams, bytes, at }[]>} null: unknown
   */
  async usage() {
    return [];
  }

  // ── acts: each resolves with the time at which it happened ──
  //
  // joinAll()            all are told to join the first
  // addOne()             one more, told at its start to join the first: when it was up
  // crash(member)        ends without a word
  // leave(member)        says goodbye and ends: when it was told to
  // restart(member)      says goodbye, ends, and comes up again at its address: when it was up
  // pause(member), resume(member)      stands still, goes on
  // cut(groupA, groupB), heal()        nothing passes between the groups, from when that is whole until it begins to end
  // loss(share)          that share of what is sent is lost; 0: none
  // stopBootstrap()      what newcomers are told to join first ends without a word
  // say(member, text)    a message to all
}
