// Keeps the registry of guests true: checks the own ones over HTTP, announces them by gossip, hears what the other
// members announce, adopts what a dead member leaves behind. What it all means is decided in guests.ts.
//
// Nothing runs and nothing is sent while there are no guests.

import { setMaxListeners } from "node:events";
import type { GossipNode, MembershipEvent, MessageEvent } from "../gossip/api.ts";
import type { Log } from "../http/deps.ts";
import type { GuestList } from "../http/guest-list.ts";
import { type GetJson, getJson } from "../http/post.ts";
import { CHANGES, isLive } from "../http/roster.ts";
import { decodeAnnouncement, encodeAnnouncement, type News } from "./announcement.ts";
import { companyOf, Guests } from "./guests.ts";

const TICK_MS = 500;
const ANNOUNCE_EVERY_MS = 5_000;
/** News waits this long, so that a hundred guests that come at once make a few messages, not a hundred. */
const NEWS_DELAY_MS = 100;
const CHECK_EVERY_MS = 5_000;
/** A tenth more or less: three checks and a timeout must fit into 20 s, see `EXPIRY_MS`. */
const CHECK_JITTER = 0.1;
const CHECK_TIMEOUT_MS = 2_000;
const CHECK_BYTES_MAX = 16 * 1024;
/** 256 guests that all run into the timeout, each every 5 s, keep 102 checks under way. */
const CHECKS_MAX = 128;
const FAILURES_MAX = 3;
/** A guest may come again at another IP of its name: then who does not check it is wrong about it for so long. */
const ANSWER_LASTS_MS = 30_000;

export interface GuestWatchDeps {
  readonly gossip: GossipNode;
  readonly log: Log;
  /** @default getJson */
  readonly get?: GetJson;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
}

/** Why a guest is none. */
const MEMBER = "a member answers there";

interface Check {
  dueMs: number;
  failures: number;
  isUnderWay: boolean;
}

/** The `GuestList` of a running node. */
export class GuestWatch implements GuestList {
  readonly #gossip: GossipNode;
  readonly #log: Log;
  readonly #get: GetJson;
  readonly #random: () => number;
  readonly #guests: Guests;
  /** By url: the answer to the question under way, why there was none or undefined. Never two at a time for one guest. */
  readonly #pings = new Map<string, Promise<string | undefined>>();
  /** Guests that have answered this node, where and when. */
  readonly #answered = new Map<string, { ip: string; atMs: number }>();
  /** Guests, others' too, that were asked because somebody wanted to post there: not again before this time. */
  readonly #askAgainMs = new Map<string, number>();
  /** The own guests' checks. */
  readonly #checks = new Map<string, Check>();
  readonly #closing = new AbortController();
  #announceDueMs = 0;
  #ticker: NodeJS.Timeout | undefined;
  #newsTimer: NodeJS.Timeout | undefined;

  /** @param deps `gossip` must have its address: started */
  constructor({ gossip, log, get = getJson, random = Math.random }: GuestWatchDeps) {
    this.#gossip = gossip;
    this.#log = log;
    this.#get = get;
    this.#random = random;
    this.#guests = new Guests(gossip.self.address);
    // Every check under way listens to it; Node takes more than ten listeners for a leak.
    setMaxListeners(CHECKS_MAX, this.#closing.signal);
    gossip.on("message", this.#onMessage);
    for (const type of CHANGES) gossip.on(type, this.#onChange);
  }

  has(url: string): boolean {
    return this.#guests.has(url);
  }

  urls(): string[] {
    return this.#guests.urls();
  }

  async answersAt(url: string): Promise<string | undefined> {
    if (!this.#guests.has(url) || this.#closing.signal.aborted) return undefined;
    const lately = this.#answeredLately(url);
    if (lately !== undefined) return lately;
    const nowMs = performance.now();
    const underWay = this.#pings.get(url);
    if (!underWay && (nowMs < (this.#askAgainMs.get(url) ?? 0) || this.#pings.size >= CHECKS_MAX)) {
      return undefined;
    }
    this.#askAgainMs.set(url, nowMs + CHECK_EVERY_MS);
    await (underWay ?? this.#ping(url));
    return this.#answeredLately(url);
  }

  register(url: string): "new" | "known" | "full" {
    if (this.#closing.signal.aborted) return "full";
    if (this.#gossip.members().some((member) => isLive(member) && member.url === url)) return "known";
    const outcome = this.#guests.register(url);
    if (outcome === "new") {
      this.#log.info({ guest: url }, "A peer without gossip registered");
      this.#afterChange();
    }
    return outcome;
  }

  /** Stops checking and announcing; ends the checks under way. The other members adopt the guests once this one is gone. */
  close(): void {
    this.#closing.abort();
    clearInterval(this.#ticker);
    clearTimeout(this.#newsTimer);
    this.#gossip.off("message", this.#onMessage);
    for (const type of CHANGES) this.#gossip.off(type, this.#onChange);
  }

  readonly #onMessage = ({ from, payload }: MessageEvent): void => {
    // Only members own guests. Whose membership has not arrived yet is heard with the next announcement.
    if (!from || !isLive(from)) return;
    const said = decodeAnnouncement(payload);
    if (!said) return;
    this.#guests.heard(from, said, performance.now());
    this.#settle();
  };

  readonly #onChange = ({ member }: MembershipEvent): void => {
    if (this.#guests.concern(member)) this.#settle();
  };

  readonly #tick = (): void => {
    this.#settle();
    const nowMs = performance.now();
    if (nowMs >= this.#announceDueMs) {
      this.#announceDueMs = nowMs + ANNOUNCE_EVERY_MS;
      this.#announce({ live: this.#guests.owned(), gone: [] });
    }
    for (const [url, check] of this.#checks) {
      if (this.#pings.size >= CHECKS_MAX) break;
      if (!check.isUnderWay && nowMs >= check.dueMs) void this.#check(url, check);
    }
  };

  #settle(): void {
    if (this.#guests.size > 0) {
      const company = companyOf(this.#gossip.members(), (address, count) => this.#gossip.neighbours(address, count));
      this.#guests.settle(company, performance.now());
    }
    this.#afterChange();
  }

  /** Checks whom the registry calls ours, tells the news, and runs the ticker while there are guests. */
  #afterChange(): void {
    for (const url of this.#checks.keys()) if (!this.#guests.owns(url)) this.#checks.delete(url);
    for (const url of this.#answered.keys()) if (!this.#guests.has(url)) this.#answered.delete(url);
    for (const url of this.#askAgainMs.keys()) if (!this.#guests.has(url)) this.#askAgainMs.delete(url);
    for (const url of this.#guests.owned()) {
      if (!this.#checks.has(url)) this.#checks.set(url, { dueMs: this.#nextCheckMs(), failures: 0, isUnderWay: false });
    }
    if (this.#guests.hasNews && !this.#newsTimer) {
      this.#newsTimer = setTimeout(() => {
        this.#newsTimer = undefined;
        this.#announce(this.#guests.takeNews());
      }, NEWS_DELAY_MS);
    }
    if (this.#guests.size === 0) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    } else if (!this.#ticker) {
      this.#announceDueMs = performance.now() + ANNOUNCE_EVERY_MS;
      this.#ticker = setInterval(this.#tick, TICK_MS);
    }
  }

  async #check(url: string, check: Check): Promise<void> {
    check.dueMs = this.#nextCheckMs();
    check.isUnderWay = true;
    const reason = await (this.#pings.get(url) ?? this.#ping(url));
    check.isUnderWay = false;
    // Meanwhile the guest may have become another's, or gone and come again; and an end of ours says nothing of it.
    if (this.#closing.signal.aborted || this.#checks.get(url) !== check) return;
    check.failures = reason === undefined ? 0 : check.failures + 1;
    if (check.failures < FAILURES_MAX && reason !== MEMBER) return;
    this.#log.info({ guest: url, reason }, "A peer without gossip answers no more");
    this.#guests.remove(url);
    this.#afterChange();
  }

  #answeredLately(url: string): string | undefined {
    const answer = this.#answered.get(url);
    return answer && performance.now() - answer.atMs < ANSWER_LASTS_MS ? answer.ip : undefined;
  }

  /** @returns why it failed; undefined if the guest answered */
  #ping(url: string): Promise<string | undefined> {
    const { signal } = this.#closing;
    const options = { timeoutMs: CHECK_TIMEOUT_MS, bytesMax: CHECK_BYTES_MAX, signal };
    const answer = this.#get(`${url}/ping`, options).then(
      ({ body, ip }) => {
        this.#pings.delete(url);
        if (this.#isMember(body)) return MEMBER;
        // It may have gone meanwhile.
        if (ip !== undefined && this.#guests.has(url)) this.#answered.set(url, { ip, atMs: performance.now() });
        return undefined;
      },
      (error: unknown) => {
        this.#pings.delete(url);
        return error instanceof Error ? error.message : String(error);
      },
    );
    this.#pings.set(url, answer);
    return answer;
  }

  /** Members are listed by their own urls. One that answers at another as well, ours too, would be listed twice. */
  #isMember(answer: unknown): boolean {
    const { node_id: id } = (answer ?? {}) as { node_id?: unknown };
    return this.#gossip.members().some((member) => member.id === id && isLive(member));
  }

  #announce(news: News): void {
    try {
      for (const payload of encodeAnnouncement({ by: this.#gossip.self.id, ...news })) this.#gossip.broadcast(payload);
    } catch (error) {
      // The gossip node may be closed a moment before we are; the heir's and the next announcement make up for this one.
      this.#log.debug({ err: error }, "Guests could not be announced");
    }
  }

  #nextCheckMs(): number {
    return performance.now() + CHECK_EVERY_MS * (1 + CHECK_JITTER * (2 * this.#random() - 1));
  }
}
