// Lifeguard's local health (section IV-A): a score of how slow this member itself seems to be. 0 is well. It stretches
// this member's own patience, so that one who hears late does not accuse early.

export class Health {
  readonly #max: number;
  #score = 0;

  constructor(max: number) {
    this.#max = max;
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
}
