// Where a scenario plays: a driver's network, what was noticed in it, and what should have been. A scenario says what
// happens and what that should bring about; the stage waits for it, with a bound, and hands everything to measure.mjs.

import { Random } from "../../dist/gossip/random.js";
import { Ledger, measure } from "./measure.mjs";
import { isWhole, replay } from "./views.mjs";

/** Nobody is measured before all know all; Serf's last pair takes up to two minutes. */
const SETTLE_MS_MAX = 240_000;
const SETTLE_LOOK_MS = 500;
const LOOK_MS = 100;
/** So much longer for every so many pairs that are open, and this at most. */
const PAIRS_PER_MS = 5;
const LOOK_MS_MAX = 2_000;

/** How long things take that are not measured, and how often they are done. */
export const PACE = {
  /** Peace between the settling of a network and what happens to it. */
  settleMs: 3_000,
  /** How old the last member is at least before anything happens to a network that knows itself. */
  ageMs: 0,
  /** Nobody is asked for so long after a message. */
  quietMs: 200,
  messages: 10,
  idleMs: 30_000,
  /** How long a network stays cut; long enough for all to give each other up. */
  cutMs: 40_000,
  /** Up to so much longer, by the seed: a Serf agent looks for the lost every 30 s, and cuts that are all equally long would
   *  end at one point of that. */
  cutSpreadMs: 30_000,
  /** How long there is loss at least. */
  lossMs: 30_000,
  restarts: 10,
  restartEveryMs: 2_000,
  /** Who is called down so soon after a heal or a resume was doubted before it. */
  graceMs: 2_000,
  /** What comes after a join, a pause or a heal is waited for so long, whoever was quicker. */
  aftermathMs: 3_000,
  /** Factor of all longest waits. */
  patience: 1,
};
/** Of those that are no times in ms. */
export const PACE_UNITS = { messages: "times", restarts: "times", patience: "times all longest waits" };

/** Its multiples, without their whole part, fill an interval evenly: each falls into the largest gap of those before. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

export class Stage {
  driver;
  pace;
  /** Of the seed: who it happens to. */
  random;
  /** What a scenario has drawn for this run, by name: in the record beside the pace. */
  drawn = {};
  #seed;
  #progress;
  #ledger = new Ledger();
  #pairs = [];
  #open = [];
  /** Pairs that are to be restored, with the event: each is expected once. */
  #restored = new Set();
  #entries = [];
  #excuses = [];
  #usage = { before: null, after: null };
  #from = 0;

  constructor(driver, { seed, pace = {}, progress }) {
    this.driver = driver;
    this.pace = { ...PACE, ...pace };
    this.random = new Random(seed);
    this.#seed = seed;
    this.#progress = progress;
  }

  phase(name) {
    this.#progress.phase(name);
  }

  /** One of the running members, or of those given. */
  any(of = this.driver.running()) {
    return of[this.random.below(of.length)];
  }

  /** In [0, 1): evenly spread over seeds that follow each other, so that three runs are no cluster. Each size begins at another point. */
  spread(size) {
    return ((this.#seed + size) * GOLDEN) % 1;
  }

  /** Waits until all know all, and then for peace. */
  async settle() {
    this.phase("settle");
    const { driver } = this;
    const isSettled = async () => {
      const views = await driver.views();
      const full = views.filter(({ live }) => live === views.length).length;
      this.#progress.share(full / views.length);
      return isWhole(views);
    };
    if (!(await this.until(isSettled, SETTLE_MS_MAX, () => SETTLE_LOOK_MS))) {
      throw new Error(`Not all knew all within ${(SETTLE_MS_MAX * this.pace.patience) / 1_000} s`);
    }
    const born = Math.max(...driver.running().map((member) => driver.upAt(member)));
    await driver.pass(Math.max(this.pace.settleMs, this.pace.ageMs - (driver.now() - born)));
  }

  /** Measuring begins now. `know`: all know all; otherwise each only itself. */
  async begin({ know }) {
    await this.driver.observe();
    this.#usage.before = await this.driver.usage();
    await this.driver.settled();
    this.#from = this.driver.now();
    const running = this.driver.running();
    for (const observer of running) this.enters(observer, this.#from, know ? running : []);
  }

  /** Measuring began when the first was up. */
  beginAtStart() {
    const { driver } = this;
    for (const observer of driver.running()) this.enters(observer, driver.upAt(observer), []);
    this.#from = Math.min(...driver.running().map((member) => driver.upAt(member)));
  }

  enters(observer, at, live = []) {
    this.#entries.push({ observer, at, live });
  }

  /** A member is away from now on, until it enters again: its death is none to wonder at. */
  goes(member, from) {
    this.#entries.push({ observer: member, at: from });
    const excuse = { member, from };
    this.#excuses.push(excuse);
    return excuse;
  }

  /** `excuse`: { member, from, until, observers, isPause } @returns it, for its end may not be known yet */
  excuse(excuse) {
    this.#excuses.push(excuse);
    return excuse;
  }

  /** Each of these observers should notice it. */
  expect(observers, kind, about, from, text) {
    for (const observer of observers) {
      if (observer === about) continue;
      const pair = { observer, kind, about, from, ...(text === undefined ? {} : { text }) };
      this.#pairs.push(pair);
      this.#open.push(pair);
    }
  }

  /** Looks until everything expected was noticed; false if that is not within so long. */
  async see(withinMs) {
    return this.until(
      () => this.look(),
      withinMs,
      () => this.#pauseMs(),
    );
  }

  /**
   * Looking costs processor time that the members lack: the more there is to see, the less often. When it was, they know. In
   * virtual time nobody lacks any.
   */
  #pauseMs() {
    const { isVirtual } = this.driver.constructor;
    const costMs = isVirtual ? 0 : Math.min(LOOK_MS_MAX, this.#open.length / PAIRS_PER_MS);
    return Math.max(LOOK_MS, this.driver.lookMs, costMs);
  }

  /** Takes in what was noticed. @returns whether nothing is open */
  async look() {
    this.#ledger.add(await this.driver.observe());
    return this.#isSeen();
  }

  #isSeen() {
    const { clockErrorMs } = this.driver;
    this.#open = this.#open.filter((pair) => this.#ledger.timeOf(pair, clockErrorMs) === undefined);
    if (this.#pairs.length > 0) this.#progress.share(1 - this.#open.length / this.#pairs.length);
    return this.#open.length === 0;
  }

  /**
   * Waits until all who run know each other again, counted from an event; who did not when it happened, or gives somebody up
   * since, is expected to. Those who find each other before anybody looks are among them: they are the fastest.
   */
  async restore(from, withinMs) {
    const isWhole = async () => {
      await this.look();
      const missing = replay(this.#entries, this.#ledger.all).missing;
      const before = ({ at }) => at < from;
      const apart = replay(this.#entries.filter(before), this.#ledger.all.filter(before)).missing;
      const since = this.#ledger.all.filter((fact) => fact.type === "down" && !before(fact));
      for (const { observer, about } of [...apart, ...since, ...missing]) {
        const key = `${observer} ${about} ${from}`;
        if (!this.#restored.has(key)) this.expect([observer], "up", about, from);
        this.#restored.add(key);
      }
      return this.#isSeen() && missing.length === 0;
    };
    return this.until(isWhole, withinMs, () => SETTLE_LOOK_MS);
  }

  /** Lets the driver's time go by, and says how much of it is gone. */
  async pass(ms) {
    const end = this.driver.now() + ms;
    for (let left = ms; left > 0; left = end - this.driver.now()) {
      await this.driver.pass(Math.min(left, 1_000));
      this.#progress.share(Math.min(1, 1 - (end - this.driver.now()) / ms));
    }
  }

  /**
   * Looks until it is true, on the driver's clock; false if it is not within so long.
   * @param pauseMs after each look: how long until the next
   */
  async until(isTrue, withinMs, pauseMs) {
    const end = this.driver.now() + withinMs * this.pace.patience;
    while (!(await isTrue())) {
      if (this.driver.now() >= end) return false;
      await this.driver.pass(pauseMs());
    }
    return true;
  }

  /** What was measured. */
  async measured() {
    this.#ledger.add(await this.driver.observe());
    const { clockErrorMs } = this.driver;
    // Afterwards: to ask for it stops us, and no clock that matters may seem to err by that.
    this.#usage.after = await this.driver.usage();
    return measure({
      ledger: this.#ledger,
      pairs: this.#pairs,
      entries: this.#entries,
      excuses: this.#excuses,
      from: this.#from,
      clockErrorMs,
      tells: this.driver.constructor.tells,
      usage: this.#usage,
    });
  }
}
