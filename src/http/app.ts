// The HTTP face of a node, as an Express app: the table of its routes and what goes before and behind it.
// No listen() and no environment: whoever owns a port hands the app to `createHttpServer` (server.ts) or to a test.
//
// Read on in messages.ts (courier.ts, recipient.ts), peers.ts, members.ts, events.ts (feed.ts), admin.ts (admission.ts).

import express from "express";
import helmet from "helmet";
import { adminRoutes } from "./admin.ts";
import type { NodeAppDeps } from "./deps.ts";
import { eventRoutes } from "./events.ts";
import { memberRoutes } from "./members.ts";
import { messageRoutes } from "./messages.ts";
import { peerRoutes } from "./peers.ts";
import { refusalHandler } from "./refusal.ts";
import { mountRoutes, type Routes } from "./routes.ts";

export type { Log, NodeAppDeps } from "./deps.ts";

/**
 * @param instead routes that take the place of those at the same path (a bootstrap's `/register`), or stand beside them
 */
export function createNodeApp(deps: NodeAppDeps, instead: Routes = {}): express.Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.enable("case sensitive routing");
  app.enable("strict routing");
  app.use(
    helmet({
      // What we serve is data. Nothing in it is to be run, framed or loaded from elsewhere.
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      // We speak plain HTTP; a proxy in front that speaks TLS says this for itself.
      strictTransportSecurity: false,
    }),
  );
  app.use((_req, res, next) => {
    res.set("Cache-Control", "no-store");
    next();
  });
  mountRoutes(app, {
    ...memberRoutes(deps),
    ...messageRoutes(deps),
    ...peerRoutes(deps),
    ...eventRoutes(deps),
    ...adminRoutes(deps),
    ...instead,
  });
  app.use(refusalHandler(deps.log));
  return app;
}
