// What runs came across. A set of runs that never saw one of these proves nothing about it, and fails.

const KINDS = [
  // what was believed
  "ups",
  "suspicions",
  "refutations",
  "deaths",
  "returns",
  "leaves",
  "updates",
  "forgotten",
  "messages",
  // what was done to members
  "crashes",
  "restarts",
  "pauses",
  "slowdowns",
  "newcomers",
  "massCrashes",
  "ingressLosses",
  "egressLosses",
  // what was done to the network
  "cuts",
  "oneWayCuts",
  "storms",
  "farLinks",
  // what became of datagrams
  "lost",
  "duplicated",
  "reordered",
  "damaged",
  "overflowed",
  // what the members noticed
  "damagedSeen",
  "stalls",
  "syncs",
] as const;

export type CoverageKind = (typeof KINDS)[number];

export class Coverage {
  readonly #times = new Map<CoverageKind, number>(KINDS.map((kind) => [kind, 0]));

  count(kind: CoverageKind, times = 1): void {
    this.#times.set(kind, this.of(kind) + times);
  }

  of(kind: CoverageKind): number {
    return this.#times.get(kind) ?? 0;
  }

  /** Adds what another set of runs came across, as its `toJSON` says it. */
  add(other: Readonly<Record<CoverageKind, number>>): void {
    for (const kind of KINDS) this.count(kind, other[kind]);
  }

  /** What was never seen. */
  get missing(): CoverageKind[] {
    return KINDS.filter((kind) => this.of(kind) === 0);
  }

  toJSON(): Record<CoverageKind, number> {
    return Object.fromEntries(this.#times) as Record<CoverageKind, number>;
  }
}
