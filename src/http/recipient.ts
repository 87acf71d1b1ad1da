// Whom does `"to": …` mean? Pure: a name and a view in, a verdict out.

import type { Member } from "../gossip/api.ts";
import type { GuestList } from "./guest-list.ts";
import { isLive } from "./roster.ts";
import { baseUrlOf, mailboxOf, originOf } from "./url.ts";

/** Who can be posted to. A guest only once it answers (`GuestList.answersAt`). */
export type Reachable =
  | { readonly kind: "peer"; readonly mailbox: string }
  | { readonly kind: "guest"; readonly url: string; readonly mailbox: string };

export type Recipient =
  | { readonly kind: "self" }
  | Reachable
  | { readonly kind: "down"; readonly reason: string }
  | { readonly kind: "ambiguous"; readonly count: number }
  | { readonly kind: "unknown" };

/** @param to a node's uuid, its HTTP url (or a guest's), or its name */
export function findRecipient(to: string, members: readonly Member[], guests: GuestList): Recipient {
  const id = to.toLowerCase();
  const byId = members.filter((member) => member.id === id);
  if (byId.length > 0) return verdict(byId);

  const url = baseUrlOf(to);
  if (url !== undefined) {
    const byUrl = verdict(members.filter((member) => member.url === url || member.url === to));
    if (byUrl.kind === "self" || byUrl.kind === "peer") return byUrl;
    const guest = originOf(url);
    return guest !== undefined && guests.has(guest)
      ? { kind: "guest", url: guest, mailbox: `${guest}/message` }
      : byUrl;
  }

  const byName = members.filter((member) => member.name === to);
  const count = byName.filter(isLive).length;
  return count > 1 ? { kind: "ambiguous", count } : verdict(byName);
}

/** A uuid or url may also be carried by members of the past: a live one is meant. */
function verdict(candidates: readonly Member[]): Recipient {
  const member = candidates.find(isLive) ?? candidates[0];
  if (!member) return { kind: "unknown" };
  if (member.self) return { kind: "self" };
  if (!isLive(member))
    return { kind: "down", reason: member.status === "left" ? "it has left" : `it is ${member.status}` };
  const mailbox = mailboxOf(member.url);
  return mailbox === undefined ? { kind: "down", reason: "it has no HTTP face" } : { kind: "peer", mailbox };
}

/** The live member or guest whose url is `sender`, this node itself excluded. Others get no post from us. */
export function findSender(sender: string, members: readonly Member[], guests: GuestList): Reachable | undefined {
  if (baseUrlOf(sender) === undefined) return undefined;
  const recipient = findRecipient(sender, members, guests);
  return recipient.kind === "peer" || recipient.kind === "guest" ? recipient : undefined;
}
