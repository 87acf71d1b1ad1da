// `GET /peers` and `POST /register`: the coursework's discovery over HTTP. A bootstrap answers `/register` in other words
// (src/bootstrap): it takes the parts from here.

import type { Request, Response } from "express";
import * as z from "zod";
import { parseAddress } from "../gossip/address.ts";
import type { GossipNode } from "../gossip/api.ts";
import { readBody } from "./body.ts";
import type { NodeAppDeps } from "./deps.ts";
import { GUEST_URL_CHARS_MAX, type GuestList } from "./guest-list.ts";
import { Refusal } from "./refusal.ts";
import { introductionHeaders, isLive, peerUrls } from "./roster.ts";
import type { Routes } from "./routes.ts";
import { originOf } from "./url.ts";

const MISSING = "Missing peer address";
const WRONG_GOSSIP = "gossip must be an ip:port";

const registerBody = z.object(
  {
    address: z.string({ error: MISSING }).min(1, { error: MISSING }),
    gossip: z
      .string({ error: WRONG_GOSSIP })
      .refine((text) => parseAddress(text) !== undefined, { error: WRONG_GOSSIP })
      .optional(),
  },
  { error: MISSING },
);

/**
 * Does what `POST /register` asks, except for the answer's body: sets the introduction headers, checks the body, takes a
 * guest on. A caller that names a gossip address will join over UDP and is listed as a member: it is not made a guest.
 * @returns whether the address is new here
 * @throws Refusal 400, 408, 413, 415 for the body; 503 no room for another guest
 */
export async function registerPeer(
  req: Request,
  res: Response,
  { gossip, guests }: { readonly gossip: GossipNode; readonly guests: GuestList },
): Promise<"new" | "known"> {
  res.set(introductionHeaders(gossip));
  const { address, gossip: gossipAddress } = await readBody(req, registerBody);
  const origin = originOf(address);
  if (origin === undefined) throw new Refusal(400, "address must be an http(s) URL");
  const isMember = gossip
    .members()
    .some((member) => isLive(member) && (member.url === origin || member.url.startsWith(`${origin}/`)));
  if (isMember || guests.has(origin)) return "known";
  if (gossipAddress !== undefined) return "new";
  if (origin.length > GUEST_URL_CHARS_MAX) {
    throw new Refusal(400, `address is over ${GUEST_URL_CHARS_MAX} characters`);
  }
  const outcome = guests.register(origin);
  if (outcome === "full") throw new Refusal(503, "No room for another peer that speaks only HTTP");
  return outcome;
}

export function peerRoutes({ gossip, guests }: NodeAppDeps): Routes {
  const register = async (req: Request, res: Response) => {
    const isNew = (await registerPeer(req, res, { gossip, guests })) === "new";
    res.status(isNew ? 201 : 200).json({
      message: isNew ? "Peer registered" : "Peer already registered",
      peers: peerUrls(gossip, guests),
    });
  };
  return {
    "/peers": { GET: (_req, res) => void res.json({ peers: peerUrls(gossip, guests) }) },
    "/register": { POST: register },
  };
}
