// Lifeguard's local health (section IV-A): a score of how slow this member itself seems to be. 0 is well. It stretches
// this member's own patience, so that one who hears late does not accuse early.
//
// Lifeguard learns it from probes alone, one a period. An event loop that comes late says it sooner, and by how much: for
// so long answers may lie unread, so for so much longer they are waited for.

export class Health {
  readonly #max: number;
  readonly #halfLifeMs: number;
  #score = 0;
  #lagMs = 0;
  #lagAt = 0;

  /** @param halfLifeMs after so long half of a lag is forgotten */
  constructor(max: number, halfLifeMs: number) {
    this.#max = max;
    this.#halfLifeMs = halfLifeMs;
  }

  get score(): number {
    return this.#score;
  }

  feel(change: number): void {
    this.#score = Math.max(0, Math.min(this.#max, this.#score + change));
  }

  /** What intervals and timeouts are multiplied by. */
  get factor(): number {
    return this.#score + 1;
  }

  /** An input came so long after it was due. */
  late(byMs: number, now: number): void {
    if (byMs <= this.lagMs(now)) return;
    this.#lagMs = byMs;
    this.#lagAt = now;
  }

  /** What timeouts are lengthened by: the latest lateness that counts, in ms. 0 without local health. */
  lagMs(now: number): number {
    return this.#lagMs === 0 || this.#max === 0 ? 0 : this.#lagMs * 0.5 ** ((now - this.#lagAt) / this.#halfLifeMs);
  }
}
