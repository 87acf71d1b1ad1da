// `GET /events`: one socket on the feed. Who reads too slowly is dropped, and may come back with its last id.

import type { Request, Response } from "express";
import type { NodeAppDeps } from "./deps.ts";
import type { FeedClient } from "./feed.ts";
import { Refusal } from "./refusal.ts";
import type { Routes } from "./routes.ts";

/** A client may leave so much unread. */
const UNREAD_BYTES_MAX = 1024 * 1024;

export function eventRoutes({ feed }: Pick<NodeAppDeps, "feed">): Routes {
  const stream = (req: Request, res: Response) => {
    if (!feed.hasRoom) throw new Refusal(503, "No room for another event stream");
    // `X-Accel-Buffering` is nginx's: events are told when they happen.
    res.writeHead(200, { "Content-Type": "text/event-stream", Connection: "close", "X-Accel-Buffering": "no" });
    if (req.method === "HEAD") {
      res.end();
      return;
    }
    const client: FeedClient = {
      write: (text) => {
        res.write(text);
        if (res.writableLength <= UNREAD_BYTES_MAX) return;
        feed.detach(client);
        res.destroy();
      },
      end: () => res.end(),
    };
    const gone = () => feed.detach(client);
    // A write may meet a connection that broke a moment ago; that ends this stream and nothing else.
    res.on("close", gone).on("error", gone);
    feed.attach(client, lastEventId(req));
  };
  return { "/events": { GET: stream } };
}

/** The header is what a browser sends when it reconnects, so it is newer than the query, which only a first call can set. */
function lastEventId(req: Request): string | undefined {
  const { lastEventId: fromQuery } = req.query;
  return req.get("Last-Event-ID") ?? (typeof fromQuery === "string" ? fromQuery : undefined);
}
