// An HTTP server with our limits around an app, not yet listening. What does not even parse as HTTP gets its JSON here.

import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface Patience {
  /**
   * A connection on which nothing moves for so long is closed: who does not read its answer holds our memory. Longer than
   * any answer lets wait for itself (`POST /join`: 30 s), and than the heartbeat of an event stream. @default 40000
   */
  readonly idleMs?: number;
  /** An answer that is complete on our side is taken within so long, counted from its request. @default 120000 */
  readonly answerMs?: number;
}

/** The caller listens, and closes: `close()` and then `closeAllConnections()` when its patience is over. */
export function createHttpServer(app: RequestListener, { idleMs = 40_000, answerMs = 120_000 }: Patience = {}): Server {
  const server = createServer(
    {
      requireHostHeader: false,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: 5000,
    },
    (req, res) => {
      // An event stream is never complete; how much it may leave unread is its own matter (events.ts).
      const deadline = setTimeout(() => res.writableEnded && req.socket.destroy(), answerMs).unref();
      res.once("close", () => clearTimeout(deadline));
      if (req.headers.host === undefined && req.httpVersion === "1.1") refuse(res, 400, "There is no Host header");
      else if (!isTarget(req.url)) refuse(res, 400, "The request target is neither a path nor an http(s) URL");
      else app(req, res);
    },
  );
  server.timeout = idleMs;
  server.maxConnections = 1024;
  server.on("clientError", refuseConnection);
  server.on("checkExpectation", (_req, res: ServerResponse) => refuse(res, 417, "Nothing can be expected here"));
  return server;
}

/** Express answers what is not (RFC 9112, 3.2) past its own routes and error handlers, in HTML. */
function isTarget(target = ""): boolean {
  return target.startsWith("/") || target === "*" || (/^https?:\/\//i.test(target) && URL.canParse(target));
}

/** Node itself would answer these without a word. */
function refuse(res: ServerResponse, status: number, error: string): void {
  const body = JSON.stringify({ error });
  const headers = { "Content-Type": "application/json; charset=utf-8", "Content-Length": Buffer.byteLength(body) };
  res.writeHead(status, headers).end(body);
}

function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "The headers are too large"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "The request took too long"]
        : ["400 Bad Request", "This is not HTTP"];
  const body = JSON.stringify({ error: text });
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
