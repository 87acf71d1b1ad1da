// The neighbour (ARP) table that all containers of a machine share, as far as it matters here: each pair of hosts that
// talks takes two entries, an entry is kept while it is in use and some time after, and a datagram that finds no entry is
// lost without an error. (Linux: gc_thresh3, 1,024 by default; a used entry stays 15 to 45 s. docs/docker.md)

const KEPT_MS = 30_000;
const HOSTS_MAX = 65_536;

export class NeighbourTable {
  readonly #limit: number;
  readonly #usedAt = new Map<number, number>();
  #purgedAt = 0;
  /** Most entries ever held. */
  entriesMax = 0;
  /** Datagrams lost for want of an entry. */
  refused = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False if the table has no room for this pair. */
  admits(a: number, b: number, now: number): boolean {
    const pair = Math.min(a, b) * HOSTS_MAX + Math.max(a, b);
    if (now - this.#purgedAt > 1_000) this.#purge(now);
    if (!this.#usedAt.has(pair) && 2 * (this.#usedAt.size + 1) > this.#limit) {
      this.refused++;
      return false;
    }
    this.#usedAt.set(pair, now);
    this.entriesMax = Math.max(this.entriesMax, 2 * this.#usedAt.size);
    return true;
  }

  /** How many entries it holds. */
  entries(now: number): number {
    this.#purge(now);
    return 2 * this.#usedAt.size;
  }

  #purge(now: number): void {
    this.#purgedAt = now;
    for (const [pair, at] of this.#usedAt) if (now - at > KEPT_MS) this.#usedAt.delete(pair);
  }
}
