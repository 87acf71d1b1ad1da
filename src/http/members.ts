// What this node is and believes: `/`, `/ping`, `/members`, `/health`, `/stats`.

import type { NodeAppDeps } from "./deps.ts";
import { countByStatus, memberRow } from "./roster.ts";
import type { Routes } from "./routes.ts";

export function memberRoutes({ gossip, startedAt }: NodeAppDeps): Routes {
  return {
    "/": { GET: (_req, res) => void res.json({ message: `Node ${gossip.self.id} is running!` }) },
    "/ping": { GET: (_req, res) => void res.json({ response: "pong", node_id: gossip.self.id }) },
    "/members": {
      GET: (_req, res) => {
        const members = gossip.members().map(memberRow);
        members.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
        const { self, health, digest, converged } = gossip;
        res.json({ self: self.id, health, digest, converged, members });
      },
    },
    "/health": {
      GET: (_req, res) => {
        // The wall clock may be set back while we run.
        const uptimeMs = Math.max(0, Date.now() - startedAt);
        const members = countByStatus(gossip.members());
        const { converged } = gossip;
        res.json({ status: "ok", uptime: Math.floor(uptimeMs / 1000), uptimeMs, members, converged });
      },
    },
    "/stats": { GET: (_req, res) => void res.json({ stats: gossip.stats }) },
  };
}
