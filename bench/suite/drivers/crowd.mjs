// What drivers over real members have in common: they stand in a list by their numbers, each with `number`, `upAt`,
// `isRunning` and `isPaused`, and what they noticed is kept until it is asked for. Those whose members are processes on the
// loopback also have their traffic counted, cut and lost in the same way.

import { eachOf } from "../../record.mjs";
import { ACTS, Driver, TROUBLES } from "./driver.mjs";
import { used } from "./procfs.mjs";
import { Traffic, whyNoTraffic } from "./traffic.mjs";

export class Crowd extends Driver {
  members = [];
  facts = [];

  /** Opens the first alone, for the others join by it, and then those, so many at a time. */
  async openAll(open, atOnce) {
    const began = this.now();
    await open(0);
    const others = Array.from({ length: this.nodes - 1 }, (_, i) => i + 1);
    await eachOf(others, atOnce, open);
    this.startUpMs = this.now() - began;
  }

  /** A member is up. @returns when it was */
  opened(member) {
    member.isRunning = true;
    this.progress(this.running().length);
    return member.upAt;
  }

  running() {
    return this.members.filter((member) => member?.isRunning).map(({ number }) => number);
  }

  /** Those who can answer. */
  able() {
    return this.members.filter((member) => member?.isRunning && !member.isPaused);
  }

  /** Somebody else, to be told to a newcomer; undefined if there is none. */
  another(number) {
    return this.able().find((member) => member.number !== number);
  }

  get size() {
    return this.members.length;
  }

  upAt(number) {
    return this.members[number].upAt;
  }

  async observe() {
    return this.facts.splice(0);
  }

  async stopBootstrap() {
    return this.crash(0);
  }
}

/** Processes. What they use is read from /proc; what they send is counted by nftables where we are root, as for the peers. */
export class ProcessCrowd extends Crowd {
  static name = "process";
  static get can() {
    return new Set(whyNoTraffic() === "" ? [...ACTS, ...TROUBLES] : ACTS);
  }
  static get lacks() {
    const why = whyNoTraffic();
    return why === "" ? [] : [`datagrams and bytes are not known: ${why}`];
  }

  traffic;

  // ── what a peer says of itself ──
  //
  // pidOf(member)
  // placeOf(number)    { member, ip, port } of its gossip

  /** @param ignored TCP port whose traffic is the measurement's own */
  countTraffic(ignored) {
    if (whyNoTraffic() === "") this.traffic = new Traffic(ignored);
  }

  async usage() {
    const sent = this.traffic?.counts();
    return this.running().map((observer) => {
      const none = this.traffic ? { datagrams: 0, bytes: 0 } : { datagrams: null, bytes: null };
      const own = used(this.pidOf(this.members[observer]));
      return { observer, upAt: this.upAt(observer), at: this.now(), ...own, ...none, ...sent?.get(observer) };
    });
  }

  async cut(groupA, groupB) {
    const places = (numbers) => numbers.map((number) => this.placeOf(number));
    this.traffic.cut(places(groupA), places(groupB));
    return this.now();
  }

  async heal() {
    const at = this.now();
    this.traffic.calm();
    return at;
  }

  async loss(share) {
    this.traffic.calm();
    if (share > 0) this.traffic.lose(share);
    return this.now();
  }
}
