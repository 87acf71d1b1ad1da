// Runs: a network is made, a scenario is played on it, and a record is what is left; then the next one of those that share the
// network, as long as it is whole. A run that fails is a record, too, and ends its network.

import { Stage } from "./stage.mjs";
import { isWhole } from "./views.mjs";

/** So many members are on their way up at the same time where the start itself is not what is measured. */
const AT_ONCE = 4;
/** A network that has not come to rest by then is given up for a new one: what is slow to mend is no part of what comes next. */
const REST_MS = 60_000;
const REST_LOOK_MS = 500;

/** Where runs are played, one after another. */
export class Venue {
  #driver;
  #played = [];

  /**
   * @param run   of plan.mjs
   * @param on    { Driver, scenario, machine, preset, config, pace, progress, isLast }; `isLast`: nothing more is played on
   *   this network, which then ends
   * @returns a record: a line of the results file
   */
  async play(run, { Driver, scenario, machine, preset, config, pace, progress, isLast }) {
    const { nodes, seed, variant } = run;
    const startedAt = new Date().toISOString();
    let measured = NOTHING;
    let clockErrorMs = 0;
    let startUpMs = null;
    let error;
    let leftBehind = await this.#leaveUnlessRested(nodes, progress);
    const after = this.#played;
    const driver = this.#driver ?? new Driver({ nodes, seed, preset, config });
    const stage = new Stage(driver, { seed, pace, progress });
    try {
      if (this.#driver === undefined) {
        this.#driver = driver;
        driver.progress = (up) => progress.share(up / nodes);
        progress.phase("start");
        const isCold = run.scenario === "cold";
        await driver.start({ joined: scenario.joined, ...(isCold ? {} : { atOnce: AT_ONCE }) });
        startUpMs = driver.startUpMs;
      }
      await scenario.play(stage, scenario.variants[variant]);
      measured = await stage.measured();
      clockErrorMs = driver.clockErrorMs;
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause);
    }
    this.#played = [...after, run.scenario + (variant && `:${variant}`)];
    if (isLast || error !== undefined) leftBehind = (await this.#leave()) ?? leftBehind;
    return {
      ...run,
      startedAt,
      machine,
      settings: { preset, ...config, pace: { ...stage.pace, ...stage.drawn } },
      startUpMs: startUpMs === null ? null : Math.round(startUpMs),
      clockErrorMs: Math.round(clockErrorMs * 1_000) / 1_000,
      ...measured,
      ...(after.length > 0 ? { after } : {}),
      ...(Driver.lacks.length > 0 ? { lacks: Driver.lacks } : {}),
      ...(leftBehind === undefined ? {} : { leftBehind }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /** A network that was played on is used again if it is as large as it was, and all know all. */
  async #leaveUnlessRested(nodes, progress) {
    if (this.#driver === undefined) return undefined;
    progress.phase("rest");
    try {
      if (await isRested(this.#driver, nodes)) return undefined;
    } catch {
      // Why a network is not to be used again is of no interest: there is a new one.
    }
    return this.#leave();
  }

  /** @returns what could not be removed, undefined if everything could */
  async #leave() {
    const driver = this.#driver;
    this.#driver = undefined;
    this.#played = [];
    try {
      await driver.stop();
    } catch (cause) {
      // What was measured stays measured.
      return cause.message;
    }
  }
}

/**
 * Brings members in, or lets some go, until there are so many again, and waits until all know all. Not without the first two:
 * by these the others come back, and the first is the bootstrap.
 */
async function isRested(driver, nodes) {
  if (![0, 1].every((member) => driver.running().includes(member))) return false;
  for (let missing = nodes - driver.running().length; missing > 0; missing--) await driver.addOne();
  for (const surplus of driver.running().slice(nodes)) await driver.leave(surplus);
  const end = driver.now() + REST_MS;
  while (!isWhole(await driver.views())) {
    if (driver.now() >= end) return false;
    await driver.pass(REST_LOOK_MS);
  }
  // One that took long to come up has been replaced.
  return driver.running().length === nodes;
}

const NOTHING = {
  facts: 0,
  missed: 0,
  times: [],
  figures: Object.fromEntries(
    [
      ...["firstMs", "p50Ms", "p90Ms", "p99Ms", "lastMs", "distinctViewsMax", "falseDeaths", "falseSuspicions"],
      ...["datagramsPerNodeAndSecond", "bytesPerNodeAndSecond", "framesPerNodeAndSecond"],
      ...["cpuMsPerNodeAndSecond", "rssMiB"],
    ].map((name) => [name, null]),
  ),
  views: [],
};
