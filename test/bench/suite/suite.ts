// The bench is plain JavaScript: what the tests need to know of its shapes. Needs `npm run build` first, as it measures
// what is built.

const load = (name: string) => import(new URL(`../../../bench/suite/${name}`, import.meta.url).href);

export interface Fact {
  readonly observer: number;
  readonly type: string;
  readonly about: number;
  readonly at: number;
  readonly text?: string;
}

export interface Usage {
  readonly observer: number;
  readonly upAt?: number;
  readonly at: number;
  readonly cpuMs: number | null;
  readonly rssMiB: number | null;
  readonly datagrams: number | null;
  readonly bytes: number | null;
}

export interface Driver {
  readonly size: number;
  readonly startUpMs: number | null;
  readonly clockErrorMs: number;
  readonly lookMs: number;
  start(how: { joined: boolean; atOnce?: number }): Promise<void>;
  stop(): Promise<void>;
  now(): number;
  pass(ms: number): Promise<void>;
  running(): number[];
  upAt(member: number): number;
  observe(): Promise<Fact[]>;
  views(): Promise<{ observer: number; live: number; digest: string }[]>;
  usage(): Promise<Usage[]>;
  joinAll(): Promise<number>;
  addOne(): Promise<number>;
  crash(member: number): Promise<number>;
  leave(member: number): Promise<number>;
  restart(member: number): Promise<number>;
  pause(member: number): Promise<number>;
  resume(member: number): Promise<number>;
  cut(a: number[], b: number[]): Promise<number>;
  heal(): Promise<number>;
  loss(share: number): Promise<number>;
  say(member: number, text: string): Promise<number>;
}

export interface DriverClass {
  new (options: { nodes: number; seed?: number; preset?: string; config?: object }): Driver;
  readonly can: ReadonlySet<string>;
}

export interface Pair {
  readonly observer: number;
  readonly about: number;
  readonly kind: string;
  readonly from: number;
  readonly text?: string;
}

export interface Outcome {
  readonly pairs: readonly Pair[];
  readonly facts: readonly Fact[];
  readonly entries?: readonly { at: number; observer: number; live?: readonly number[] }[];
  readonly excuses?: readonly object[];
  readonly tells?: readonly string[];
  readonly clockErrorMs?: number;
  readonly usage?: { before: readonly Usage[] | null; after: readonly Usage[] | null };
}

export interface Measured {
  readonly facts: number;
  readonly missed: number;
  readonly times: readonly number[];
  readonly thinnedFrom?: number;
  readonly figures: Readonly<Record<string, number | null>>;
  readonly views: readonly (readonly [number, number])[];
}

/** The class, a sentence why it cannot be used here, or undefined if there is none. */
export async function driverOf(driver: string, peer: string): Promise<DriverClass | string | undefined> {
  return (await load("drivers/index.mjs")).driverOf(driver, peer);
}

/** What is measured from 0 on; nobody suspects anybody, unless it is said that they tell it. */
export async function measure(outcome: Outcome): Promise<Measured> {
  const { Ledger, measure: measured } = await load("measure.mjs");
  const { pairs, facts, entries = [], excuses = [], clockErrorMs = 0, usage = { before: null, after: null } } = outcome;
  const ledger = new Ledger();
  ledger.add(facts);
  return measured({ ledger, pairs, entries, excuses, from: 0, clockErrorMs, tells: new Set(outcome.tells), usage });
}

export interface Run {
  readonly peer: string;
  readonly driver: string;
  readonly nodes: number;
  readonly scenario: string;
  readonly repetition: number;
  readonly seed: number;
  readonly network: number;
}

export interface Plan {
  readonly runs: readonly Run[];
  readonly skipped: readonly (Omit<Run, "repetition" | "seed" | "network"> & { readonly skipped: string })[];
}

export async function plan(...given: unknown[]): Promise<Plan> {
  return (await load("plan.mjs")).plan(...given);
}

export async function lengthOf(...given: unknown[]): Promise<string> {
  return (await load("plan.mjs")).lengthOf(...given);
}
