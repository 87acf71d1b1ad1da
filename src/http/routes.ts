// The face as a table: path, method, handler. What the table lacks is answered here: 405 with Allow, OPTIONS, 404.

import type { Express, Request, Response } from "express";
import { Refusal } from "./refusal.ts";

/** Answers, or throws a `Refusal`. */
export type Handler = (req: Request, res: Response) => void | Promise<void>;

export interface Methods {
  /** Also answers HEAD. */
  readonly GET?: Handler;
  readonly POST?: Handler;
}

export type Routes = Readonly<Record<string, Methods>>;

/** Puts a table on an app, and behind it the 404 for every path that is not in it. */
export function mountRoutes(app: Express, routes: Routes): void {
  for (const [path, methods] of Object.entries(routes)) {
    // Routing is strict, so that `//` is not `/`; but one slash at the end is a habit of many.
    const route = app.route(path === "/" ? path : [path, `${path}/`]);
    if (methods.GET) route.get(methods.GET);
    if (methods.POST) route.post(methods.POST);
    const allow = [...(methods.GET ? ["GET", "HEAD"] : []), ...(methods.POST ? ["POST"] : []), "OPTIONS"].join(", ");
    route.all((req, res) => {
      res.set("Allow", allow);
      // No CORS headers: a page of another site gets no leave to read or to send JSON here.
      if (req.method === "OPTIONS") res.status(204).end();
      else throw new Refusal(405, `${req.method} is not allowed here; allowed: ${allow}`);
    });
  }
  app.use(() => {
    throw new Refusal(404, "Not found");
  });
}
