// Everything the core waits for, behind ONE deadline: a binary heap ordered by time, then by the order
// of setting, so that equal deadlines fire the same way in every run (foca's issue 26 is what happens
// when a runtime owns the timers instead).
//
// A timer is a (kind, subject) pair; setting it again moves it. Nothing here fires by itself.

/** What a timer is for; in brackets what its subject is. */
export const PERIOD = 1;
/** [seq] */
export const PROBE_TIMEOUT = 2;
/** [seq] */
export const PROBE_END = 3;
/** [peer] */
export const SUSPICION = 4;
export const GOSSIP_ROUND = 5;
/** [seq] */
export const FORWARD = 6;
export const JOINING = 7;
export const COMEBACK = 8;
/** Its subject says what is looked after (repair.ts). */
export const RESYNC = 9;
export const CONFLICT = 10;

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly kind: number;
  readonly subject: number;
}

const SUBJECTS = 0x1_0000_0000;
const SLACK = 64;

export class Timers {
  #heap: Timer[] = [];
  readonly #current = new Map<number, Timer>();
  #order = 0;

  get size(): number {
    return this.#current.size;
  }

  /** `subject` is an unsigned 32-bit number. */
  set(kind: number, subject: number, at: number): void {
    const timer: Timer = { at, order: this.#order++, kind, subject };
    this.#current.set(kind * SUBJECTS + subject, timer);
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    if (this.#heap.length > 2 * this.#current.size + SLACK) this.#compact();
  }

  /** Drops what was moved or cancelled: whoever makes us set timers again and again does not fill our memory. */
  #compact(): void {
    const current = this.#heap.filter((timer) => this.#isCurrent(timer));
    // A sorted array is a heap.
    this.#heap = current.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  #isCurrent(timer: Timer): boolean {
    return this.#current.get(timer.kind * SUBJECTS + timer.subject) === timer;
  }

  cancel(kind: number, subject: number): void {
    this.#current.delete(kind * SUBJECTS + subject);
  }

  /** When the timer fires, or undefined if it is not set. */
  at(kind: number, subject: number): number | undefined {
    return this.#current.get(kind * SUBJECTS + subject)?.at;
  }

  /** The time of the next timer, Infinity if there is none. */
  get deadline(): number {
    return this.#peek()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the next timer that is due at `now`, or undefined. */
  take(now: number): Timer | undefined {
    const timer = this.#peek();
    if (!timer || timer.at > now) return undefined;
    this.#drop();
    this.#current.delete(timer.kind * SUBJECTS + timer.subject);
    return timer;
  }

  #peek(): Timer | undefined {
    for (;;) {
      const timer = this.#heap[0];
      if (!timer || this.#isCurrent(timer)) return timer;
      this.#drop(); // moved or cancelled since it was pushed
    }
  }

  #drop(): void {
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
  }

  #before(a: number, b: number): boolean {
    const left = this.#heap[a] as Timer;
    const right = this.#heap[b] as Timer;
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a] as Timer;
    this.#heap[a] = this.#heap[b] as Timer;
    this.#heap[b] = held;
  }

  #rise(from: number): void {
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #sink(from: number): void {
    for (let i = from; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }
}
