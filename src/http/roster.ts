// How the HTTP face writes the membership down: urls, rows, counts, introductions. Reads a view, changes nothing.

import type { GossipNode, Member, MembershipEvent, Status } from "../gossip/api.ts";
import type { GuestList } from "./guest-list.ts";

/** Seeds named to somebody who registers: this node first, others behind it. */
const SEEDS_MAX = 8;

/** What can happen to a member: the names of the events. */
export const CHANGES = [
  "up",
  "suspect",
  "down",
  "left",
  "updated",
] as const satisfies readonly MembershipEvent["type"][];

/** A member as JSON. */
export interface MemberRow {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly url: string;
  readonly role: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly status: Status;
  readonly incarnation: number;
  /** ISO 8601: the last change of status seen here. */
  readonly since: string;
  /** Null for members that this node does not probe, and before the first answered probe. */
  readonly rttMs: number | null;
}

export function memberRow(member: Member): MemberRow {
  const { id, name, address, url, role, tags, status, incarnation } = member;
  const since = new Date(member.since).toISOString();
  return { id, name, address, url, role, tags, status, incarnation, since, rttMs: member.rttMs ?? null };
}

/** A suspect is live: it is given the time to refute. */
export function isLive({ status }: Pick<Member, "status">): boolean {
  return status === "alive" || status === "suspect";
}

/** The HTTP urls of the live members, own one included, and of the guests; sorted. The bootstrap is no peer. */
export function peerUrls(gossip: GossipNode, guests: GuestList): string[] {
  const urls = new Set(guests.urls());
  for (const member of gossip.members()) {
    if (isLive(member) && member.role !== "bootstrap" && /^https?:\/\//.test(member.url)) urls.add(member.url);
  }
  return [...urls].sort();
}

export function countByStatus(members: readonly Member[]): Record<Status, number> {
  const counts = { alive: 0, suspect: 0, dead: 0, left: 0 };
  for (const member of members) counts[member.status]++;
  return counts;
}

/**
 * Headers of every answer to `POST /register`. They tell who answered and where the network can be joined over UDP,
 * and leave the body as the contract has it.
 */
export function introductionHeaders(gossip: GossipNode): { "Hearsay-Node": string; "Hearsay-Seeds": string } {
  const others = gossip.members().filter((member) => isLive(member) && !member.self);
  const seeds = [gossip.self.address];
  // Drawn at random, so that newcomers do not all lean on the same few.
  while (seeds.length < SEEDS_MAX && others.length > 0) {
    const [drawn] = others.splice(Math.floor(Math.random() * others.length), 1);
    if (drawn) seeds.push(drawn.address);
  }
  return { "Hearsay-Node": gossip.self.id, "Hearsay-Seeds": seeds.join(", ") };
}
