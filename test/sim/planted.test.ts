// Who judges the judge: bugs planted into the core's own classes from outside, each of them one that somebody could make,
// must be found by the chaos runs of a few seeds, which are clean without it.

import { afterEach, describe, expect, it } from "vitest";
import { Accusations } from "../../src/gossip/accusations.ts";
import type { Address } from "../../src/gossip/address.ts";
import { Broadcast } from "../../src/gossip/broadcast.ts";
import {
  ALIVE,
  type Claim,
  claimOf,
  DEAD,
  incarnationOf,
  isLive,
  LEFT,
  SUSPECT,
  statusOf,
} from "../../src/gossip/claim.ts";
import { Contacts } from "../../src/gossip/contacts.ts";
import { Gossip } from "../../src/gossip/gossip.ts";
import { Members } from "../../src/gossip/members.ts";
import { type Message, Messages } from "../../src/gossip/messages.ts";
import { Outbox } from "../../src/gossip/outbox.ts";
import { Repair } from "../../src/gossip/repair.ts";
import { Ring } from "../../src/gossip/ring.ts";
import { Rumors } from "../../src/gossip/rumors.ts";
import { Swim } from "../../src/gossip/swim.ts";
import { SUSPICION, Timers } from "../../src/gossip/timers.ts";
import { ACK, PING, Wire } from "../../src/gossip/wire.ts";
import { chaos } from "../../src/sim/chaos.ts";

/** A planted bug must show itself within so many seeds. */
const SEEDS_MAX = 60;

const removals: (() => void)[] = [];

/** Replaces a method for the time of a test; `bug` gets the right one to call. */
function plant<T extends object, K extends keyof T>(target: T, name: K, bug: (right: T[K]) => T[K]): void {
  const right = target[name];
  target[name] = bug(right);
  removals.push(() => {
    target[name] = right;
  });
}

afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

/** Every claim that is read becomes what `change` says. */
function plantInReading(change: (claim: Claim) => Claim): void {
  plant(Wire.prototype, "read", (right) => {
    return function (this: Wire, bytes) {
      const reading = right.call(this, bytes);
      const { frame } = this;
      for (let i = 0; reading === "ok" && i < frame.claimCount; i++) frame.claims[i] = change(frame.claims[i] ?? 0);
      return reading;
    };
  });
}

/** While a datagram is taken in, what is believed passes for what `change` makes of it. */
function plantInMerging(change: (claim: Claim) => Claim): void {
  let isReceiving = false;
  plant(Swim.prototype, "receive", (right) => {
    return function (this: Swim, now, bytes) {
      isReceiving = true;
      const verdict = right.call(this, now, bytes);
      isReceiving = false;
      return verdict;
    };
  });
  plant(Members.prototype, "claim", (right) => {
    return function (this: Members, peer) {
      const claim = right.call(this, peer);
      return isReceiving && peer !== this.self ? change(claim) : claim;
    };
  });
}

/** What a member comes to believe is what `change` makes of it; `was` is what it believed. */
function plantInBelieving(change: (members: Members, peer: number, claim: Claim) => Claim): void {
  plant(Members.prototype, "believe", (right) => {
    return function (this: Members, peer, claim, profile) {
      right.call(this, peer, change(this, peer, claim), profile);
    };
  });
}

const nothing = () => () => {};

const told: Message[] = [];

/** So many needless questions a run: enough to be found, and an end to a run that would never find it. */
const QUESTIONS_MAX = 20_000;

const bugs: Record<string, { plant: () => void; verdict: RegExp }> = {
  "a refutation that is made and never told": {
    verdict: /views differ|holds another profile/,
    plant: () =>
      plant(Outbox.prototype, "claim", (right) => {
        return function (this: Outbox, peer, told) {
          const isRefutation = peer === this.members.self && incarnationOf(this.members.claim(peer)) > 1;
          return isRefutation || right.call(this, peer, told);
        };
      }),
  },
  "a merge that lets an old alive beat a suspicion": {
    verdict: /fell|says its belief/,
    plant: () => plantInMerging((claim) => (statusOf(claim) === SUSPECT ? claim - 4 : claim)),
  },
  "a merge that lets an old alive beat a death": {
    verdict: /rose without|fell/,
    plant: () => plantInMerging((claim) => (statusOf(claim) === DEAD && claim > 4 ? claim - 3 : claim)),
  },
  "a merge that lets a death beat the next life": {
    verdict: /never had incarnation/,
    plant: () => plantInReading((claim) => (statusOf(claim) === DEAD ? claim + 4 : claim)),
  },
  "a death that is read as a goodbye": {
    verdict: /never said goodbye/,
    plant: () => plantInReading((claim) => (statusOf(claim) === DEAD ? claimOf(incarnationOf(claim), LEFT) : claim)),
  },
  "an incarnation of one's own that falls": {
    verdict: /fell/,
    plant: () =>
      plantInBelieving((members, peer, claim) =>
        peer === members.self && statusOf(claim) === ALIVE && incarnationOf(claim) > 2 ? claim - 8 : claim,
      ),
  },
  "a member that believes what is said of it": {
    // What it holds of itself is not what it told, and it is dead to itself: whichever is seen first.
    verdict: /believes itself|says its belief/,
    plant: () =>
      plantInBelieving((members, peer, claim) =>
        peer === members.self && statusOf(claim) === ALIVE && incarnationOf(claim) > 1 ? claim + DEAD : claim,
      ),
  },
  "a profile that outlives its incarnation": {
    verdict: /never had this profile/,
    plant: () =>
      plant(Members.prototype, "believe", (right) => {
        return function (this: Members, peer, claim, profile) {
          const isKnown = peer !== this.self && isLive(this.claim(peer));
          right.call(this, peer, claim, isKnown ? 0 : profile);
        };
      }),
  },
  "a count that forgets the goodbyes": {
    verdict: /counts/,
    plant: () =>
      plant(Members.prototype, "believe", (right) => {
        return function (this: Members, peer, claim, profile) {
          right.call(this, peer, claim, profile);
          if (statusOf(claim) === LEFT) this.counts[LEFT] = (this.counts[LEFT] ?? 0) - 1;
        };
      }),
  },
  "a digest that stays behind a refutation": {
    verdict: /digest is not its claims'/,
    plant: () =>
      plant(Ring.prototype, "moved", (right) => {
        return function (this: Ring, peer, was, is, wasProfile, isProfile) {
          if (statusOf(was) !== SUSPECT || !isLive(is)) right.call(this, peer, was, is, wasProfile, isProfile);
        };
      }),
  },
  "news that is never told": {
    verdict: /holds another profile/,
    plant: () => plant(Gossip.prototype, "tell", nothing),
  },
  "a rumor that outlives everybody's knowing it": {
    verdict: /not at rest/,
    plant: () => {
      plant(Rumors.prototype, "clear", nothing);
      plant(Rumors.prototype, "tell", (right) => {
        return function (this: Rumors, _limit, tell) {
          right.call(this, 1_000_000, tell);
        };
      });
    },
  },
  "a message that is kept to oneself": {
    verdict: /did not hear/,
    plant: () => plant(Broadcast.prototype, "add", nothing),
  },
  "an acknowledgement that is never sent": {
    verdict: /still waits to know/,
    plant: () => plant(Gossip.prototype, "acknowledge", nothing),
  },
  "an acknowledgement that nobody takes in": {
    verdict: /still waits to know/,
    plant: () => plant(Broadcast.prototype, "knows", nothing),
  },
  "an acknowledgement that is believed before it came": {
    verdict: /did not hear .* in the rain/,
    plant: () =>
      plant(Broadcast.prototype, "tell", (right) => {
        return function (this: Broadcast, peer, now, pauseMs, tell) {
          right.call(this, peer, now, pauseMs, (message) => {
            const fits = tell(message);
            if (fits) told.push(message);
            return fits;
          });
          for (const { origin, epoch, seq } of told.splice(0)) this.knows(origin, epoch, seq, peer);
        };
      }),
  },
  "a message that is never told again": {
    verdict: /did not hear .* in the rain|not at rest: .*"messages":[1-9]/,
    plant: () =>
      plant(Broadcast.prototype, "settle", (right) => {
        return function (this: Broadcast, links) {
          return right.call(this, links) === Number.NEGATIVE_INFINITY
            ? Number.NEGATIVE_INFINITY
            : Number.POSITIVE_INFINITY;
        };
      }),
  },
  "a link that is skipped": {
    verdict: /did not hear/,
    plant: () =>
      plant(Contacts.prototype, "links", (right) => {
        return function (this: Contacts, now) {
          return right.call(this, now).filter((peer) => peer % 3 !== 0);
        };
      }),
  },
  "a message that is heard twice": {
    verdict: /heard twice/,
    plant: () => {
      let asked = 0;
      plant(Messages.prototype, "isNews", (right) => {
        return function (this: Messages, origin, epoch, seq) {
          return right.call(this, origin, epoch, seq) || ++asked % 8 === 0;
        };
      });
    },
  },
  "a suspicion whose clock never starts": {
    verdict: /views differ|not at rest/,
    plant: () =>
      plant(Timers.prototype, "set", (right) => {
        return function (this: Timers, kind, subject, at) {
          if (kind !== SUSPICION) right.call(this, kind, subject, at);
        };
      }),
  },
  "a suspicion that outlives its refutation": {
    verdict: /holds \{|fell/,
    plant: () => plant(Accusations.prototype, "end", nothing),
  },
  "a failed probe that accuses nobody": {
    verdict: /views differ/,
    plant: () => plant(Accusations.prototype, "accuse", nothing),
  },
  "the lost, never greeted": {
    verdict: /views differ/,
    plant: () => plant(Repair.prototype, "greetLost", nothing),
  },
  "views that are never reconciled": {
    verdict: /views differ|not at rest|holds another profile/,
    plant: () => plant(Repair.prototype, "reconcile", nothing),
  },
  "an answer to every answer": {
    verdict: /allowed/,
    plant: () => {
      let read: { kind: number; from: Address } | undefined;
      let asked = 0;
      plant(Wire.prototype, "read", (right) => {
        return function (this: Wire, bytes) {
          const reading = right.call(this, bytes);
          read = reading === "ok" ? { kind: this.frame.kind, from: this.frame.from } : undefined;
          return reading;
        };
      });
      plant(Swim.prototype, "receive", (right) => {
        return function (this: Swim, now, bytes) {
          const verdict = right.call(this, now, bytes);
          if (read?.kind === ACK && asked++ < QUESTIONS_MAX) {
            this.outbox.open(PING, read.from, 0, 0, now);
            this.outbox.post();
          }
          return verdict;
        };
      });
    },
  },
};

describe("the chaos runs find", () => {
  it.each(Object.keys(bugs))("%s", { timeout: 60_000 }, (name) => {
    const bug = bugs[name];
    bug?.plant();
    const verdict = bug?.verdict ?? /never/;
    let faults = "";
    let seed = 0;
    // Another checker may come upon its consequences first.
    while (!verdict.test(faults) && seed < SEEDS_MAX) faults = chaos({ seed: ++seed }).faults.join("\n");
    for (const remove of removals.splice(0)) remove();
    expect(faults, `within ${SEEDS_MAX} seeds`).toMatch(verdict);
    expect(chaos({ seed }).faults, `seed ${seed} without the bug`).toEqual([]);
  });
});
