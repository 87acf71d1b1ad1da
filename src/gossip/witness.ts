// What a user sees of a core's beliefs: members with what they say of themselves, and an event for each change that
// means something to somebody. Pure: the wall clock's time is an argument, and only ever shown.
//
// The node itself is always shown with its own profile, also while another process has its address (conflict.ts).

import { formatAddress } from "./address.ts";
import type { ConflictEvent, Member, MembershipEvent, Profile } from "./api.ts";
import { ALIVE, type Claim, DEAD, incarnationOf, isLive, LEFT, SUSPECT, statusName, statusOf } from "./claim.ts";
import type { Members } from "./members.ts";
import type { Peer, Peers, Profiles } from "./peers.ts";
import { decodeProfile } from "./profile.ts";

/** What is kept of a member beside the core's beliefs. Its profile is read when somebody asks: most are looked at by nobody. */
class Known {
  readonly bytes: Uint8Array;
  readonly since: number;
  #profile: Profile | undefined;

  constructor(bytes: Uint8Array, since: number) {
    this.bytes = bytes;
    this.since = since;
  }

  get profile(): Profile {
    this.#profile ??= decodeProfile(this.bytes);
    return this.#profile;
  }
}

const UNKNOWN = new Known(new Uint8Array(0), 0);

export class Witness {
  /** What this node says of itself. */
  own: Profile;
  readonly #members: Members;
  readonly #peers: Peers;
  readonly #profiles: Profiles;
  readonly #known = new Map<Peer, Known>();
  /** The process that has our address just now. */
  #rivalId: string | undefined;

  constructor(own: Profile, members: Members, peers: Peers, profiles: Profiles) {
    this.own = own;
    this.#members = members;
    this.#peers = peers;
    this.#profiles = profiles;
  }

  get self(): Member {
    return this.member(this.#members.self);
  }

  /** Everybody remembered. */
  all(): Member[] {
    return [...this.#known.keys()].map((peer) => this.member(peer));
  }

  knows(peer: Peer): boolean {
    return this.#known.has(peer);
  }

  member(peer: Peer): Member {
    return this.#row(peer, this.#known.get(peer) ?? UNKNOWN);
  }

  #row(peer: Peer, known: Known): Member {
    const claim = this.#members.claim(peer);
    const rttMs = this.#members.rttMs(peer);
    const isSelf = peer === this.#members.self;
    return {
      ...(isSelf ? this.own : known.profile),
      address: formatAddress(this.#peers.address(peer)),
      status: statusName(claim),
      incarnation: incarnationOf(claim),
      since: known.since,
      rttMs: rttMs === 0 ? undefined : rttMs,
      self: isSelf,
    };
  }

  /** The core's belief has changed; the event is for the user, if there is one. Nobody `isListening`: there is none. */
  changed(
    peer: Peer,
    claim: Claim,
    was: Claim,
    at: number,
    isListening: boolean,
  ): MembershipEvent | ConflictEvent | undefined {
    if (claim === 0) {
      this.#known.delete(peer);
      return undefined;
    }
    const before = this.#known.get(peer);
    const bytes = this.#profiles.bytes(this.#members.profile(peer));
    const isSameProfile = before !== undefined && before.bytes === bytes;
    const isSameStatus = was !== 0 && statusOf(claim) === statusOf(was);
    const since = isSameStatus && before ? before.since : at;
    const known = isSameProfile && since === before.since ? before : new Known(bytes, since);
    this.#known.set(peer, known);
    if (peer === this.#members.self) return this.#changedSelf(known.profile, claim, at);
    if (!isListening) return undefined;
    const type = eventType(claim, was, isSameProfile, bytes.length > 0);
    if (type === undefined) return undefined;
    const isAnother = before !== undefined && before.bytes.length > 0 && before.profile.id !== known.profile.id;
    return {
      type,
      at,
      member: this.#row(peer, known),
      was: was === 0 ? undefined : statusName(was),
      replaced: isAnother
        ? { ...this.#row(peer, before), status: statusName(was), incarnation: incarnationOf(was) }
        : undefined,
    };
  }

  #changedSelf(profile: Profile, claim: Claim, at: number): ConflictEvent | undefined {
    const rivalId = profile.id === this.own.id ? undefined : profile.id;
    const isNews = rivalId !== undefined && rivalId !== this.#rivalId;
    this.#rivalId = rivalId;
    if (!isNews) return undefined;
    const { address } = this.self;
    return { type: "conflict", at, address, incarnation: incarnationOf(claim), rival: profile };
  }
}

/** What a listener calls this change, or undefined if it is none to it. */
function eventType(
  claim: Claim,
  was: Claim,
  isSameProfile: boolean,
  hasProfile: boolean,
): MembershipEvent["type"] | undefined {
  switch (statusOf(claim)) {
    case ALIVE:
      // A member that outbids an accusation nobody here heard says nothing new.
      if (isLive(was) && statusOf(was) === ALIVE) return isSameProfile ? undefined : "updated";
      return "up";
    case SUSPECT:
      return "suspect";
    // Who was never known here (no profile) cannot be missed, and who is gone already is not missed again.
    case DEAD:
      return hasProfile && statusOf(was) !== DEAD ? "down" : undefined;
    case LEFT:
      return hasProfile && statusOf(was) !== LEFT ? "left" : undefined;
    default:
      throw new Error(`BUG: a claim has no such status: ${claim}`);
  }
}
