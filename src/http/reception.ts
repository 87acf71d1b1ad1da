// Where everything that reaches this node is written down: messages in the log, the inbox and the feed, changes of
// membership in the feed. `relayGossip` is the wire from the gossip node to here.

import type { ConflictEvent, GossipSource, Member, MembershipEvent, MessageEvent } from "../gossip/api.ts";
import type { Reception } from "./deps.ts";
import { openLetter } from "./envelope.ts";
import type { Message } from "./inbox.ts";
import { CHANGES, memberRow } from "./roster.ts";

/** @param member who delivered it, where that is known */
export function receive({ inbox, feed, log }: Reception, message: Message, member?: Member): void {
  const kept = inbox.add(message);
  const { from, via, sender, msg } = message;
  log.info({ from, via }, `Received message from ${sender}: ${msg}`);
  feed.publish("message", { at: kept.at, member: member ? memberRow(member) : null, message: kept });
}

/**
 * Tells the reception what a gossip node hears. Messages of other kinds than users' are not ours: others listen for them.
 * @returns ends the relay
 */
export function relayGossip(gossip: GossipSource, reception: Reception): () => void {
  const onMessage = (event: MessageEvent) => {
    const letter = openLetter(event.payload);
    if (!letter) return;
    const from = event.from?.id ?? event.origin;
    receive(reception, { ...letter, from, via: "gossip" }, event.from);
  };
  const onChange = ({ type, at, member, was, replaced }: MembershipEvent) => {
    reception.feed.publish(type, {
      at: new Date(at).toISOString(),
      member: memberRow(member),
      was: was ?? null,
      replaced: replaced ? memberRow(replaced) : null,
    });
  };
  const onConflict = ({ at, address, incarnation, rival }: ConflictEvent) => {
    reception.feed.publish("conflict", { at: new Date(at).toISOString(), address, incarnation, rival });
  };
  gossip.on("message", onMessage);
  gossip.on("conflict", onConflict);
  for (const type of CHANGES) gossip.on(type, onChange);
  return () => {
    gossip.off("message", onMessage);
    gossip.off("conflict", onConflict);
    for (const type of CHANGES) gossip.off(type, onChange);
  };
}
