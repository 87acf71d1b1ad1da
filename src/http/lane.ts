// Work that nobody waits for, a bounded amount of it: so many jobs at a time, so many waiting, the rest is turned away.

import { setMaxListeners } from "node:events";

export type Job = (signal: AbortSignal) => Promise<unknown>;

export interface LaneOptions {
  /** Jobs under way at once. */
  readonly width: number;
  /** Jobs that may wait. A lane with nothing to do takes a batch of any size. */
  readonly waitingMax: number;
  /** Ends the jobs under way and forgets the waiting ones. */
  readonly signal: AbortSignal;
  /** Hears what a job threw, unless the lane was ended. */
  failed(error: unknown): void;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #ended = new AbortController();
  #waiting: Job[] = [];
  #running = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    // Every job under way listens to one signal. Node takes more than ten listeners for a leak; here they are the width.
    setMaxListeners(options.width, this.#ended.signal);
    const end = () => {
      this.#waiting = [];
      this.#ended.abort(options.signal.reason);
    };
    if (options.signal.aborted) end();
    else options.signal.addEventListener("abort", end, { once: true });
  }

  /** Takes all the jobs or, if there is no room, none. */
  offer(jobs: readonly Job[]): boolean {
    if (this.#ended.signal.aborted) return false;
    const busy = this.#running > 0 || this.#waiting.length > 0;
    if (busy && this.#waiting.length + jobs.length > this.#options.waitingMax) return false;
    for (const job of jobs) this.#waiting.push(job);
    while (this.#running < this.#options.width && this.#waiting.length > 0) void this.#work();
    return true;
  }

  async #work(): Promise<void> {
    const { failed } = this.#options;
    const { signal } = this.#ended;
    this.#running++;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      try {
        await job(signal);
      } catch (error) {
        if (!signal.aborted) failed(error);
      }
    }
    this.#running--;
  }
}
