// How a node finds its network, and how a network finds a bootstrap that was started anew. Runs as long as the node.
//
//   alone        try the ways in order, again and again with jittered backoff, until somebody else is a member:
//                BOOTSTRAP_URL, SEEDS, http://bootstrap:5000, the default gateway, a broadcast hello
//   in company   now and then (about three members of the whole network every 5 s) register with the bootstrap again and
//                resolve the seeds again: whoever is there and not a member is joined, so both sides learn of each other
//   a part missing more than a third went down, did not leave, and stay away: they may be well and have other addresses, at
//                which nobody greets them. So all ways are tried again (by about three members of those who remain),
//                with pauses that grow from 5 s to a minute, until the missing are back or forgotten
//
// Whoever hears of one member hears of all.

import type { GossipNode, Member } from "../gossip/api.ts";
import type { Log } from "../http/deps.ts";
import { type Lookup, lookupHost } from "../http/lookup.ts";
import { isLive } from "../http/roster.ts";
import { sleep, withDeadline } from "./deadline.ts";
import { type Way, type WayDeps, waysInOrder } from "./leads.ts";
import { backoffMs, isPartMissing, missingMs, touchChance, touchMs } from "./ways.ts";

/** How long the next way waits for this one: what the operator named comes before what we guess. */
const PATIENCE_MS = { named: 2_000, seeds: 2_000, guessed: 250, hello: 250 } as const satisfies Record<
  Way["kind"],
  number
>;
const JOIN_TIMEOUT_MS = 3_000;
/** A join asks its seeds in turn: more would only wait longer. */
const JOIN_SEEDS_MAX = 8;
/** While alone a line at this many rounds, once a minute at the slowest pace. */
const ROUNDS_PER_LINE = 12;
/** Who comes back within this time was not missing: a machine that starts again, a link that is mended. */
const GRACE_MS = 10_000;
const CHANGES = ["up", "down", "left"] as const;
const LOSSES = ["down", "left"] as const;
const FOREVER_MS = 2 ** 31 - 1;

type Change = (typeof CHANGES)[number];

export interface DiscoverDeps extends Omit<WayDeps, "lookup"> {
  readonly log: Log;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** @default lookupHost */
  readonly lookup?: Lookup;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
}

/**
 * Looks for the network until `signal` aborts; then resolves.
 * @throws TypeError at once if a seed makes no sense; nothing later
 */
export function discover({ lookup = lookupHost, random = Math.random, ...deps }: DiscoverDeps): Promise<void> {
  return new Discovery(waysInOrder({ ...deps, lookup }), deps.gossip, deps.log, deps.signal, random).run();
}

class Discovery {
  readonly #ways: readonly Way[];
  readonly #gossip: GossipNode;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #random: () => number;
  /** Joins go one after another: each may bring the whole view. */
  #joins: Promise<unknown> = Promise.resolve();

  constructor(ways: readonly Way[], gossip: GossipNode, log: Log, signal: AbortSignal, random: () => number) {
    this.#ways = ways;
    this.#gossip = gossip;
    this.#log = log;
    this.#signal = signal;
    this.#random = random;
  }

  async run(): Promise<void> {
    await Promise.all([this.#seekCompany(), this.#keepInTouch(), this.#seekMissing()]);
  }

  async #seekCompany(): Promise<void> {
    if (this.#ways.length === 0) return;
    let round = 0;
    while (!this.#signal.aborted) {
      if (!this.#isAlone()) {
        round = 0;
        await this.#rest(FOREVER_MS, () => this.#isAlone());
        continue;
      }
      const failures = await this.#tryAll();
      if (!this.#isAlone() || this.#signal.aborted) continue;
      const level = round % ROUNDS_PER_LINE === 0 ? "info" : "debug";
      this.#log[level]({ round, failures }, "Alone: no way has led to a network yet; trying on");
      await this.#rest(backoffMs(round++, this.#random), () => !this.#isAlone());
    }
  }

  /** One round: each way starts when the one before has ended or used up its patience; company ends them all. */
  async #tryAll(): Promise<Record<string, string>> {
    const failures: Record<string, string> = {};
    const tries: Promise<void>[] = [];
    const round = this.#watch(() => !this.#isAlone());
    for (const way of this.#ways) {
      if (round.signal.aborted) break;
      const ended = this.#tryOne(way, round.signal).catch((error: unknown) => {
        failures[way.name] = reasonOf(error);
      });
      tries.push(ended);
      const patience = new AbortController();
      const stop = () => patience.abort();
      round.signal.addEventListener("abort", stop);
      void ended.then(stop);
      await sleep(PATIENCE_MS[way.kind], patience.signal);
      round.signal.removeEventListener("abort", stop);
    }
    await Promise.all(tries);
    round.end();
    return failures;
  }

  async #tryOne(way: Way, signal: AbortSignal): Promise<void> {
    const { seeds } = await way.find(signal);
    if (seeds.length === 0) return;
    const drawn = way.kind === "seeds" ? this.#draw(seeds) : seeds;
    if (await this.#join(drawn, () => this.#isAlone())) this.#log.info({ way: way.name }, "Found the network");
  }

  async #keepInTouch(): Promise<void> {
    const named = this.#ways.filter((way) => way.kind === "named");
    const bootstraps = named.length > 0 ? named : this.#ways.filter((way) => way.kind === "guessed");
    const seeds = this.#ways.find((way) => way.kind === "seeds");
    if (bootstraps.length === 0 && !seeds) return;
    while (!this.#signal.aborted) {
      await sleep(touchMs(this.#random), this.#signal);
      if (this.#signal.aborted || this.#isAlone() || this.#random() >= touchChance(this.#live().length)) continue;
      await Promise.all([this.#touchBootstrap(bootstraps), seeds && this.#touchSeeds(seeds)]);
    }
  }

  /** Asks the first bootstrap that answers; one that is no member knows nobody, or another network: joins it. */
  async #touchBootstrap(bootstraps: readonly Way[]): Promise<void> {
    for (const way of bootstraps) {
      try {
        const { nodeId, seeds } = await way.find(this.#signal);
        const isStranger = () => !this.#live().some((member) => member.id === nodeId);
        if (isStranger() && (await this.#join(seeds, isStranger))) {
          this.#log.info({ way: way.name, nodeId }, "Joined a bootstrap that was not a member");
        }
        return;
      } catch (error) {
        // A network lives without a bootstrap; whether it is there is asked again soon.
        this.#log.debug({ way: way.name, reason: reasonOf(error) }, "No bootstrap there");
      }
    }
  }

  /** Joins one of the seeds that are no members: the other half of a network that was split, or one started apart. */
  async #touchSeeds(way: Way): Promise<void> {
    try {
      const { seeds } = await way.find(this.#signal);
      const members = new Set(this.#live().map((member) => member.address));
      const strangers = this.#draw(seeds.filter((seed) => !members.has(seed)));
      if (strangers.length > 0 && (await this.#join(strangers, () => true))) {
        this.#log.debug({ seeds: strangers }, "Joined a seed that was not a member");
      }
    } catch (error) {
      // A seed that is away is no news; it is asked again soon.
      this.#log.debug({ way: way.name, reason: reasonOf(error) }, "No seed there that is not a member already");
    }
  }

  async #seekMissing(): Promise<void> {
    if (this.#ways.length === 0) return;
    while (!this.#signal.aborted) {
      await this.#rest(FOREVER_MS, () => this.#isPartMissing(), LOSSES);
      await sleep(GRACE_MS, this.#signal);
      for (let round = 0; this.#isPartMissing() && !this.#signal.aborted; round++) {
        if (this.#random() < touchChance(this.#live().length)) await this.#askForMissing(round);
        await sleep(missingMs(round, this.#random), this.#signal);
      }
    }
  }

  /** Joins whoever a way leads to and is no member: one way after another, until nobody is missing any more. */
  async #askForMissing(round: number): Promise<void> {
    this.#log[round === 0 ? "info" : "debug"]({ round }, "A part of the network is missing: trying all ways again");
    for (const way of this.#ways) {
      if (!this.#isPartMissing() || this.#signal.aborted) return;
      try {
        const { seeds } = await way.find(this.#signal);
        const members = new Set(this.#live().map((member) => member.address));
        const strangers = this.#draw(seeds.filter((seed) => !members.has(seed)));
        if (strangers.length > 0 && (await this.#join(strangers, () => this.#isPartMissing()))) {
          this.#log.info({ way: way.name, seeds: strangers }, "Joined somebody who was not a member");
        }
      } catch (error) {
        this.#log.debug({ way: way.name, reason: reasonOf(error) }, "No missing member this way");
      }
    }
  }

  /** @returns false if it was not wanted any more when its turn came. Throws why nobody admitted us. */
  #join(seeds: readonly string[], isWanted: () => boolean): Promise<boolean> {
    const joined = this.#joins.then(async () => {
      if (this.#signal.aborted || !isWanted()) return false;
      const late = `no seed admitted this node within ${JOIN_TIMEOUT_MS} ms: is its UDP port open, and the cluster label the same?`;
      await withDeadline(JOIN_TIMEOUT_MS, late, this.#signal, (signal) => this.#gossip.join(seeds, { signal }));
      return true;
    });
    // Whoever waits for this join hears of its failure; the next in line does not care.
    this.#joins = joined.catch(() => {});
    return joined;
  }

  /** At most eight, at random: a name may stand for hundreds, some of them long dead. */
  #draw(seeds: readonly string[]): string[] {
    const left = [...seeds];
    const drawn: string[] = [];
    while (left.length > 0 && drawn.length < JOIN_SEEDS_MAX) {
      drawn.push(...left.splice(Math.floor(this.#random() * left.length), 1));
    }
    return drawn;
  }

  async #rest(ms: number, until: () => boolean, types: readonly Change[] = CHANGES): Promise<void> {
    const watch = this.#watch(until, types);
    await sleep(ms, watch.signal);
    watch.end();
  }

  /** A signal that aborts once the membership is as `until` says, or with everything. */
  #watch(until: () => boolean, types: readonly Change[] = CHANGES): { readonly signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const look = () => {
      if (this.#signal.aborted) controller.abort(this.#signal.reason);
      else if (until()) controller.abort(new Error("not needed any more"));
    };
    for (const type of types) this.#gossip.on(type, look);
    this.#signal.addEventListener("abort", look);
    look();
    const end = () => {
      for (const type of types) this.#gossip.off(type, look);
      this.#signal.removeEventListener("abort", look);
    };
    return { signal: controller.signal, end };
  }

  #live(): Member[] {
    return this.#gossip.members().filter(isLive);
  }

  /** Whoever is alone misses everybody, and looks for anybody. */
  #isPartMissing(): boolean {
    return !this.#isAlone() && isPartMissing(this.#gossip.members());
  }

  /** Asked at every change, so without a list of all members. */
  #isAlone(): boolean {
    return this.#gossip.neighbours(this.#gossip.self.address, 1).length === 0;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
