// About whom or what there is still something to tell, least-told first.
//
// A rumor carries no data: it is a number (a peer, or a message's ticket), and what is said of it is looked
// up when a datagram is filled, so an old rumor never carries an old claim. Buckets by how often told: a
// pick takes from the lowest bucket, in order of arrival, and a telling moves one bucket up.

export class Rumors {
  readonly #told = new Map<number, number>();
  readonly #buckets: Set<number>[] = [];

  get size(): number {
    return this.#told.size;
  }

  has(rumor: number): boolean {
    return this.#told.has(rumor);
  }

  /** Starts a rumor, or starts it anew as if it had been told `told` times. */
  add(rumor: number, told = 0): void {
    this.drop(rumor);
    this.#told.set(rumor, told);
    this.#bucket(told).add(rumor);
  }

  drop(rumor: number): void {
    const told = this.#told.get(rumor);
    if (told === undefined) return;
    this.#told.delete(rumor);
    this.#buckets[told]?.delete(rumor);
  }

  clear(): void {
    this.#told.clear();
    for (const bucket of this.#buckets) bucket.clear();
  }

  /** How often a rumor was told; 0 if there is none. */
  told(rumor: number): number {
    return this.#told.get(rumor) ?? 0;
  }

  /**
   * Offers rumors to `tell`, least told first, until it refuses one (it returns false: no room) or all
   * were offered. A rumor told `limit` times is dropped.
   */
  tell(limit: number, tell: (rumor: number) => boolean): void {
    const accepted: number[] = [];
    offering: for (const bucket of this.#buckets) {
      for (const rumor of bucket) {
        if (!tell(rumor)) break offering;
        accepted.push(rumor);
      }
    }
    for (const rumor of accepted) {
      const told = this.told(rumor) + 1;
      this.drop(rumor);
      if (told < limit) {
        this.#told.set(rumor, told);
        this.#bucket(told).add(rumor);
      }
    }
  }

  #bucket(told: number): Set<number> {
    while (this.#buckets.length <= told) this.#buckets.push(new Set());
    return this.#buckets[told] as Set<number>;
  }
}
