// What will happen, in the order of time and, at the same time, of scheduling. A binary heap over parallel
// arrays: a run of ten thousand members holds some hundred thousand events.

export class EventQueue<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #events: T[] = [];
  #order = 0;

  get size(): number {
    return this.#times.length;
  }

  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  push(at: number, event: T): void {
    let i = this.#times.length;
    const order = this.#order++;
    this.#times.push(at);
    this.#orders.push(order);
    this.#events.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((this.#times[parent] as number) <= at) break;
      this.#copy(parent, i);
      i = parent;
    }
    this.#set(i, at, order, event);
  }

  pop(): T | undefined {
    const first = this.#events[0];
    const at = this.#times.pop();
    const order = this.#orders.pop();
    const event = this.#events.pop();
    if (at === undefined || order === undefined || event === undefined) return undefined;
    const size = this.#times.length;
    if (size === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(child + 1, child)) child++;
      const childAt = this.#times[child] as number;
      if (childAt > at || (childAt === at && (this.#orders[child] as number) > order)) break;
      this.#copy(child, i);
      i = child;
    }
    this.#set(i, at, order, event);
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const left = this.#times[a] as number;
    const right = this.#times[b] as number;
    return left < right || (left === right && (this.#orders[a] as number) < (this.#orders[b] as number));
  }

  #copy(from: number, to: number): void {
    this.#set(to, this.#times[from] as number, this.#orders[from] as number, this.#events[from] as T);
  }

  #set(i: number, at: number, order: number, event: T): void {
    this.#times[i] = at;
    this.#orders[i] = order;
    this.#events[i] = event;
  }
}
