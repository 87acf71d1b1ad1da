// When a member that hears it was declared dead says that it lives: flap damping. Its peers pay for every death and every
// return, so one that stalls again and again, or hears nothing for a while, waits until it has been steady.
//
//   a first death, heard by a member that is well            at once: a healed partition, a false alarm
//   … that stood still a moment ago                          after a second without another standstill
//   … whom others heard all the while, but not it them       after twice as long as that lasted
//   another death within minutes                             after 4 s, 16 s, then a minute
//
// Steady: no standstill of its own process, and never longer than a few periods without a word from others. All waits end
// by themselves (steadyMaxMs at most, when steady), so a damped member that is well is found alive in time. A mere suspicion
// is refuted at once, always.
//
// Only when; what is said is in `swim.ts`. (Akka and memberlist let the flapping one choose; BGP damps it at the
// receivers, RFC 2439, which would make views differ.)

import type { Claim } from "./claim.ts";
import type { Config } from "./config.ts";
import type { Health } from "./health.ts";

/** All times are in seconds, or in periods if those are shorter. */
const SECOND_MS = 1_000;
const STALLED = 1;
/** A standstill that ended longer ago says nothing of the present. */
const STALL_COUNTS = 10;
const DEAF_FACTOR = 2;
const AGAIN = 4;
const AGAIN_FACTOR = 4;
const STEADY_MAX = 60;
/** The memory of a death halves in this time. */
const HALF_LIFE = 120;
/** Periods without a word from others that are still steady. */
const QUIET_PERIODS = 3;

function unitMs({ probeIntervalMs }: Config): number {
  return Math.min(SECOND_MS, probeIntervalMs);
}

/** How long a member that is well lets itself be taken for dead at most. */
export function steadyMaxMs(config: Config): number {
  return STEADY_MAX * unitMs(config);
}

export class Comeback {
  /** When our own process last stood still until. */
  stalledAt = Number.NEGATIVE_INFINITY;
  #silentUntil = Number.NEGATIVE_INFINITY;
  #silenceMs = 0;
  readonly #config: Config;
  readonly #health: Health;
  readonly #unitMs: number;
  /** Heard for less, before it heard of its death, a member is not deaf: that is how long words take. */
  readonly #deafMinMs: number;
  #claim: Claim = 0;
  #steadyMs = 0;
  #steadySince = Number.NEGATIVE_INFINITY;
  #heardAt = Number.NEGATIVE_INFINITY;
  #deaths = 0;
  #diedAt = Number.NEGATIVE_INFINITY;

  constructor(config: Config, health: Health) {
    this.#health = health;
    this.#config = config;
    this.#unitMs = unitMs(config);
    this.#deafMinMs = config.probeIntervalMs;
  }

  /** Sick members ask less often, and so are answered less often. */
  get #quietMs(): number {
    return QUIET_PERIODS * this.#config.probeIntervalMs * this.#health.factor;
  }

  /** True while this member lets itself be taken for dead. */
  get isPending(): boolean {
    return this.#claim !== 0;
  }

  /** The highest claim against this member that it has to outbid; 0 if it does not wait. */
  get claim(): Claim {
    return this.#claim;
  }

  /** When a standstill, or a silence, ended last. */
  get unwellAt(): number {
    return Math.max(this.stalledAt, this.#silentUntil);
  }

  /** A member's word arrived. True if it ends a silence. */
  heard(now: number): boolean {
    const isFirst = this.#heardAt === Number.NEGATIVE_INFINITY;
    const isSilenceOver = now - this.#heardAt > this.#quietMs;
    if (isSilenceOver) this.#steadySince = now;
    const isExplained = now - this.stalledAt < this.#quietMs;
    if (isSilenceOver && !isFirst && !isExplained) {
      this.#silentUntil = now;
      this.#silenceMs = now - this.#heardAt;
    }
    this.#heardAt = now;
    return isSilenceOver && !isFirst;
  }

  /** Our own process stood still until now. */
  stalled(now: number): void {
    this.stalledAt = now;
    this.#steadySince = now;
  }

  /**
   * Others say that this member is dead. `deafMs`: for how long whoever said so has heard it since.
   * @returns true if it may say at once that it lives
   */
  died(now: number, claim: Claim, deafMs: number): boolean {
    if (!this.#config.damping) return true;
    if (this.#claim !== 0) {
      this.#claim = Math.max(this.#claim, claim);
      return false;
    }
    this.#deaths = 1 + this.#deaths * 0.5 ** ((now - this.#diedAt) / (HALF_LIFE * this.#unitMs));
    this.#diedAt = now;
    const again = this.#deaths < 1.5 ? 0 : AGAIN * this.#unitMs * AGAIN_FACTOR ** (Math.round(this.#deaths) - 2);
    const stalled = now - this.stalledAt < STALL_COUNTS * this.#unitMs ? STALLED * this.#unitMs : 0;
    const deaf = this.#deafWaitMs(now, deafMs);
    // Right after a silence several are asked: their answers are waited for.
    const asked = this.#isSilenceRecent(now) ? this.#config.probeTimeoutMs : 0;
    this.#steadyMs = Math.min(steadyMaxMs(this.#config), Math.max(again, stalled, deaf, asked));
    if (this.#steadyMs === 0) return true;
    this.#claim = claim;
    // What was before the death does not count, but for a standstill, which explains it.
    this.#steadySince = again + deaf + asked === 0 ? this.stalledAt : now;
    return false;
  }

  /** While it waits after a silence, one more says for how long it has heard this member. */
  heardBy(now: number, deafMs: number): void {
    if (!this.#isSilenceRecent(now)) return;
    this.#steadyMs = Math.min(steadyMaxMs(this.#config), Math.max(this.#steadyMs, this.#deafWaitMs(now, deafMs)));
  }

  /** The others know how long they heard us only since they first did; how long we heard nobody we know. */
  #deafWaitMs(now: number, deafMs: number): number {
    // Who stands still hears nothing, and is not deaf.
    if (deafMs < this.#deafMinMs || now - this.stalledAt < STALL_COUNTS * this.#unitMs) return 0;
    return DEAF_FACTOR * Math.max(deafMs, this.#isSilenceRecent(now) ? this.#silenceMs : 0);
  }

  #isSilenceRecent(now: number): boolean {
    return now - this.#silentUntil < STALL_COUNTS * this.#unitMs;
  }

  /** How long to wait still, if nothing happens; 0: the time has come. */
  waitMs(now: number): number {
    const isQuiet = now - this.#heardAt > this.#quietMs;
    return isQuiet ? this.#steadyMs : Math.max(0, this.#steadySince + this.#steadyMs - now);
  }

  /** It is said now; or there is no need any more. */
  end(): void {
    this.#claim = 0;
  }
}
