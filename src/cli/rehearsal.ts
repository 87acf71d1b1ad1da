// What a process does for the first time it does slowly: V8 interprets code that has hardly run, and knows nothing of the
// objects it meets. A hundred nodes on two processors that all join in the same moment did little else for seconds
// (docs/docker.md). So a node rehearses before it opens its ports, when nobody waits for it yet: a handful of members in
// virtual time, the simulator's, find each other, say something and leave, and what they notice is written down as it is on
// the day; and what an operator may ask is read (a schema compiles itself when it is first used). Nothing of it leaves the
// process, and nothing is kept.

import { EventEmitter } from "node:events";
import type { DestinationStream } from "pino";
import { formatAddress } from "../gossip/address.ts";
import type { GossipEvents, Profile } from "../gossip/api.ts";
import { configure } from "../gossip/config.ts";
import type { Message } from "../gossip/messages.ts";
import type { Peer } from "../gossip/peers.ts";
import { encodeProfile } from "../gossip/profile.ts";
import { Witness } from "../gossip/witness.ts";
import { joinBody } from "../http/admin.ts";
import { sealLetter } from "../http/envelope.ts";
import { Feed } from "../http/feed.ts";
import { Inbox } from "../http/inbox.ts";
import { messageBody } from "../http/messages.ts";
import { relayGossip } from "../http/reception.ts";
import { CALM, Network, type SimMember } from "../sim/network.ts";
import { logMembership, openLog } from "./log.ts";

/** With twice as many a start takes twice as much longer, and a node holds a MiB more. */
const MEMBERS = 8;
/** Virtual ms: in which they find each other; in which a message goes round and each probes another; and say goodbye. */
const JOIN_MS = 5_000;
const LIFE_MS = 1_200;
const FAREWELL_MS = 1_000;
/**
 * Messages that go round, one after another: what has run some dozens of times V8 compiles (docs/docker.md has what that is
 * worth). Three times as many gain no more, and take a node a MiB more for good.
 */
const MESSAGES = 30;
/** In which one goes round and is acknowledged. */
const MESSAGE_MS = 100;

/** What came of it: who rehearses something else than what will be played has rehearsed nothing. */
export interface Rehearsal {
  /** Whether they all knew each other. */
  readonly agreed: boolean;
  /** Messages that were heard, by all together. */
  readonly heard: number;
  /** Whether what an operator asks was understood. */
  readonly understood: boolean;
}

const NOWHERE: DestinationStream = { write: () => {} };

/**
 * Takes some 90 ms of a processor, once.
 * @param out for the log lines of all members. @default nowhere
 */
export function rehearse(out = NOWHERE): Rehearsal {
  let heard = 0;
  const stage = new EventEmitter<GossipEvents>();
  const log = openLog("info", "rehearsal", out);
  logMembership(stage, log);
  const endRelay = relayGossip(stage, { inbox: new Inbox(), feed: new Feed(), log });
  const witnesses: Witness[] = [];
  const net = new Network(1, configure("lan"), CALM, {
    changed: (at, observer, subject, claim, was) => {
      const event = witnesses[observer]?.changed(subject, claim, was, at, true);
      if (event && event.type !== "conflict") stage.emit(event.type, event);
    },
    delivered: (at, observer, { origin, payload }: Message) => {
      heard++;
      const from = witnesses[observer]?.member(net.peers.find(origin) as Peer);
      stage.emit("message", { type: "message", at, origin: formatAddress(origin), from, payload });
    },
  });
  for (let i = 0; i < MEMBERS; i++) {
    const profile = profileOf(i);
    const member = net.add();
    witnesses[i] = new Witness(profile, member.swim.members, net.peers, net.profiles);
    net.start(member);
    net.tell(member, (swim, now) => swim.update(now, encodeProfile(profile)));
  }
  const [host, ...guests] = net.members;
  for (const guest of guests) net.tell(guest, (swim, now) => swim.join(now, [host?.address ?? 0]));
  net.run(JOIN_MS, () => net.agreed);
  const { agreed } = net;
  const hello = sealLetter({ sender: "rehearsal", msg: "hello" });
  for (const member of net.members) net.tell(member, (swim, now) => swim.broadcast(now, hello));
  net.run(net.now + LIFE_MS);
  for (let i = 0; i < MESSAGES; i++) {
    net.tell(net.members[i % MEMBERS] as SimMember, (swim, now) => swim.broadcast(now, hello));
    net.run(net.now + MESSAGE_MS);
  }
  for (const guest of guests) net.leave(guest);
  net.run(net.now + FAREWELL_MS);
  endRelay();
  const join = joinBody.safeParse({ seeds: ["10.0.0.1:7979"] });
  const message = messageBody.safeParse({ sender: "rehearsal", msg: "hello", to: "all" });
  return { agreed, heard, understood: join.success && message.success };
}

/** The same each time: what was played once without a fault is played so always. */
function profileOf(number: number): Profile {
  return {
    id: `01900000-0000-7000-8000-00000000000${number}`,
    name: `actor-${number}`,
    url: `http://10.0.0.${number}:5000`,
    role: "node",
    tags: {},
  };
}
