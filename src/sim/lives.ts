// What each member said of itself, which is all that others can know of it: SWIM lets nobody but the member make an
// incarnation, and the profile goes with the incarnation.
//
// Two processes at one address, one after the other, may both have said "incarnation 1" with different profiles, until
// the later one hears of the former and outbids it. So what holds at all times is not "one profile per member and
// incarnation" but: one profile per PROCESS and incarnation, and nobody believes a pair that no process said. That the
// two do not last is judged after the calm, when everybody must hold the profile of the process that runs.

import { type Claim, incarnationOf, isLive, LEFT, statusOf } from "../gossip/claim.ts";

interface Life {
  readonly number: number;
  /** The hash of the profile that went with each incarnation. */
  readonly profiles: Map<number, number>;
  saidGoodbyeAs: number;
}

export class Lives {
  readonly #lives = new Map<number, Life[]>();

  /** A process says something of itself. Returns what is wrong with it, or undefined. */
  say(member: number, life: number, claim: Claim, profile: number): string | undefined {
    const current = this.#current(member, life);
    const incarnation = incarnationOf(claim);
    if (statusOf(claim) === LEFT) current.saidGoodbyeAs = incarnation;
    const before = current.profiles.get(incarnation);
    if (before !== undefined && before !== profile)
      return `${member} changed its profile within incarnation ${incarnation}`;
    current.profiles.set(incarnation, profile);
    return undefined;
  }

  #current(member: number, life: number): Life {
    const lives = this.#lives.get(member) ?? [];
    this.#lives.set(member, lives);
    const last = lives.at(-1);
    if (last?.number === life) return last;
    const current = { number: life, profiles: new Map<number, number>(), saidGoodbyeAs: 0 };
    lives.push(current);
    return current;
  }

  /** What is wrong with a belief about a member, or undefined: what it never said of itself, nobody may believe. */
  objection(member: number, claim: Claim, profile: number): string | undefined {
    const lives = this.#lives.get(member) ?? [];
    const incarnation = incarnationOf(claim);
    const named = lives.filter(({ profiles }) => profiles.has(incarnation));
    if (named.length === 0) return `${member} never had incarnation ${incarnation}`;
    if (isLive(claim) && !named.some(({ profiles }) => profiles.get(incarnation) === profile))
      return `${member} never had this profile in incarnation ${incarnation}`;
    if (statusOf(claim) === LEFT && !named.some(({ saidGoodbyeAs }) => saidGoodbyeAs === incarnation))
      return `${member} never said goodbye as ${incarnation}`;
    return undefined;
  }
}
