// Lifeguard's local health (section IV-A): a score of how slow this member itself seems to be. 0 is well. It stretches
// this member's own patience, so that one who hears late does not accuse early.
//
// Lifeguard learns it from probes alone, one a period. An event loop that comes late says it sooner: whoever is late by a
// tenth of a second has answers waiting that it has not read.

export class Health {
  readonly #max: number;
  readonly #lateMs: number;
  readonly #fadeMs: number;
  #score = 0;
  #lagMs = 0;
  #lagAt = Number.NEGATIVE_INFINITY;

  /**
   * @param lateMs lateness that does not count; twice that doubles the patience
   * @param fadeMs after so long half of it is forgotten
   */
  constructor(max: number, lateMs: number, fadeMs: number) {
    this.#max = max;
    this.#lateMs = lateMs;
    this.#fadeMs = fadeMs;
  }

  get score(): number {
    return this.#score;
  }

  feel(change: number): void {
    this.#score = Math.max(0, Math.min(this.#max, this.#score + change));
  }

  /** A timer fired late. */
  late(byMs: number, now: number): void {
    if (byMs <= this.#lateMs) return;
    this.#lagMs = Math.max(byMs, this.#lag(now));
    this.#lagAt = now;
  }

  #lag(now: number): number {
    return this.#lagMs === 0 ? 0 : this.#lagMs * 0.5 ** ((now - this.#lagAt) / this.#fadeMs);
  }

  /** What intervals and timeouts are multiplied by. */
  factor(now: number): number {
    return Math.max(this.#score + 1, Math.min(this.#max + 1, this.#lag(now) / this.#lateMs));
  }
}
