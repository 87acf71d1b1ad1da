// The HTTP face of a bootstrap: a node's face whose `POST /register` answers in the original bootstrap's words. A body
// with a `gossip` address is a member that will join over UDP by the seeds in our headers; one without is a guest.
// `GET /peers` never lists a bootstrap, so the node's own route serves.

import type { Express, Request, Response } from "express";
import { createNodeApp, type NodeAppDeps } from "../http/app.ts";
import { registerPeer } from "../http/peers.ts";
import { peerUrls } from "../http/roster.ts";

export function createBootstrapApp(deps: NodeAppDeps): Express {
  const { gossip, guests } = deps;
  const register = async (req: Request, res: Response) => {
    await registerPeer(req, res, deps);
    res.json({ status: "registered", peers: peerUrls(gossip, guests) });
  };
  return createNodeApp(deps, { "/register": { POST: register } });
}
