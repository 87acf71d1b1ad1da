// The registry of guests: peers that speak only HTTP, such as the original Flask node. Pure: time is an argument,
// nothing here sends, checks or listens; `guest-watch.ts` does.
//
// Every guest has one owner, the member at which it registered. The owner checks it and announces it by gossip:
// the news at once, the whole list every 5 s. The others believe the owner and nobody else:
//
//   owner says so                      listed, for 20 s from the last announcement
//   owner says it is gone              gone
//   owner silent for 20 s              gone
//   owner suspected, dead, left       its heir adopts: the alive member nearest on the ring. Who is no heir waits 20 s.
//   or replaced by another process    An heir that came late knows nothing of it, so every 3 s one more may adopt
//   two owners                         the lower gossip address wins, the other yields as soon as it hears of it
//   the url belongs to a live member   no guest any more
//
// A suspect may be well after all: then there are two owners for a while, which does no harm. Waiting for the verdict would:
// in a network of three it takes 18 s, and nobody would tell a new bootstrap of the guests.
// So a killed bootstrap loses no guest, and a new one relearns them all from the next round of announcements.

import type { Member } from "../gossip/api.ts";
import { GUEST_URL_CHARS_MAX } from "../http/guest-list.ts";
import { isLive } from "../http/roster.ts";
import { originOf } from "../http/url.ts";
import type { Announcement, News } from "./announcement.ts";

/** At most so many guests in the whole network; a stranger can make us remember no more. */
export const GUESTS_MAX = 256;
/** Four announcements may be lost in a row. With detection in 20 s a dead guest is forgotten everywhere within 40 s. */
export const EXPIRY_MS = 20_000;
/** An heir is given so long to be heard of before the next in line adopts too. */
const HEIR_PATIENCE_MS = 3_000;
/** With six in line the last has adopted before `EXPIRY_MS` is over. */
const HEIRS_MAX = 6;

/** The live members, as the registry needs them. */
export interface Company {
  /** By gossip address, this node included. */
  readonly members: ReadonlyMap<string, Pick<Member, "id" | "status">>;
  readonly urls: ReadonlySet<string>;
  /** Gossip addresses of the members that are to adopt what the one at `address` left behind, the first in line first. */
  heirsOf(address: string): readonly string[];
}

interface Guest {
  owner: string;
  /** The owner's process: its successor at the same address knows nothing of the guest. */
  ownerId: string;
  expiresAtMs: number;
  /** Since when the owner is not alive, here, and no heir was heard of. */
  orphanedAtMs: number | undefined;
}

export class Guests {
  readonly #self: string;
  readonly #guests = new Map<string, Guest>();
  /** What the others were not told yet: true for a guest that came, false for one that went. At most one per url. */
  readonly #news = new Map<string, boolean>();

  /** @param self this node's gossip address */
  constructor(self: string) {
    this.#self = self;
  }

  get size(): number {
    return this.#guests.size;
  }

  has(url: string): boolean {
    return this.#guests.has(url);
  }

  urls(): string[] {
    return [...this.#guests.keys()];
  }

  /** The guests that this node checks and announces. */
  owned(): string[] {
    return this.urls().filter((url) => this.owns(url));
  }

  owns(url: string): boolean {
    return this.#guests.get(url)?.owner === this.#self;
  }

  /** True if a guest's fate hangs on this member: it owns one, or has one's url. */
  concern(member: Pick<Member, "address" | "url">): boolean {
    if (this.#guests.has(member.url)) return true;
    for (const guest of this.#guests.values()) if (guest.owner === member.address) return true;
    return false;
  }

  /**
   * A peer without gossip asks this node to list it.
   * @throws TypeError if `url` is not what `isGuestUrl` wants
   */
  register(url: string): "new" | "known" | "full" {
    if (!isGuestUrl(url))
      throw new TypeError(`Expected \`url\` to be http(s)://host[:port], got ${JSON.stringify(url)}`);
    if (this.#guests.has(url)) return "known";
    if (this.#guests.size >= GUESTS_MAX) return "full";
    this.#own(url);
    return "new";
  }

  /** An own guest answers no more. */
  remove(url: string): void {
    if (!this.owns(url)) return;
    this.#guests.delete(url);
    this.#news.set(url, false);
  }

  /** An announcement of another member. Only call it with members: strangers own nothing. */
  heard(from: Pick<Member, "address" | "id">, said: Announcement, nowMs: number): void {
    if (from.address === this.#self || from.id !== said.by) return;
    for (const url of said.gone) {
      if (this.#guests.get(url)?.owner === from.address) this.#guests.delete(url);
    }
    for (const url of said.live) {
      const guest = this.#guests.get(url);
      if (!guest && this.#guests.size >= GUESTS_MAX) continue;
      // Of two owners the lower address stays; an orphan is anybody's.
      if (guest && guest.owner !== from.address && guest.orphanedAtMs === undefined && guest.owner < from.address)
        continue;
      this.#news.delete(url);
      this.#guests.set(url, {
        owner: from.address,
        ownerId: from.id,
        expiresAtMs: nowMs + EXPIRY_MS,
        orphanedAtMs: undefined,
      });
    }
  }

  /** Brings the registry into line with the membership and the time: adopts, keeps, forgets. */
  settle(company: Company, nowMs: number): void {
    for (const [url, guest] of this.#guests) {
      if (company.urls.has(url)) {
        this.#guests.delete(url);
        this.#news.delete(url);
      } else if (guest.owner !== this.#self) {
        this.#settleForeign(url, guest, company, nowMs);
      }
    }
  }

  get hasNews(): boolean {
    return this.#news.size > 0;
  }

  /** What is to be told at once; empty afterwards. */
  takeNews(): News {
    const live: string[] = [];
    const gone: string[] = [];
    for (const [url, here] of this.#news) (here ? live : gone).push(url);
    this.#news.clear();
    return { live, gone };
  }

  #settleForeign(url: string, guest: Guest, company: Company, nowMs: number): void {
    const owner = company.members.get(guest.owner);
    if (owner?.id === guest.ownerId && owner.status === "alive") {
      guest.orphanedAtMs = undefined;
    } else {
      if (guest.orphanedAtMs === undefined) guest.expiresAtMs = nowMs + EXPIRY_MS;
      guest.orphanedAtMs ??= nowMs;
      const inLine = 1 + Math.floor((nowMs - guest.orphanedAtMs) / HEIR_PATIENCE_MS);
      if (company.heirsOf(guest.owner).slice(0, inLine).includes(this.#self)) {
        this.#own(url);
        return;
      }
    }
    if (nowMs >= guest.expiresAtMs) this.#guests.delete(url);
  }

  #own(url: string): void {
    this.#guests.set(url, {
      owner: this.#self,
      ownerId: "",
      expiresAtMs: Number.POSITIVE_INFINITY,
      orphanedAtMs: undefined,
    });
    this.#news.set(url, true);
  }
}

/**
 * The live ones among the members, as the registry needs them.
 * @param nearest the live members that stand next to a gossip address on the ring, nearest first
 */
export function companyOf(
  members: readonly Member[],
  nearest: (address: string, count: number) => readonly Member[],
): Company {
  const live = members.filter(isLive);
  return {
    members: new Map(live.map((member) => [member.address, member])),
    urls: new Set(live.map((member) => member.url)),
    // The suspected may be as dead as the owner: twice as many are looked at.
    heirsOf: (address) =>
      nearest(address, 2 * HEIRS_MAX)
        .filter((member) => member.status === "alive")
        .slice(0, HEIRS_MAX)
        .map((member) => member.address),
  };
}

/** True for what a guest may be called: `http(s)://host[:port]` and nothing behind it, in at most 256 characters. */
export function isGuestUrl(value: unknown): value is string {
  return typeof value === "string" && value.length <= GUEST_URL_CHARS_MAX && originOf(value) === value;
}
