// The one way to say no: a handler throws a `Refusal`, and this file turns whatever was thrown into a JSON answer.
// A stack trace goes to the log, never to the caller.

import type { ErrorRequestHandler, NextFunction, Request, Response } from "express";
import type { Log } from "./deps.ts";

/** An answer that is an error: its message is what the caller reads as `{"error": …}`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** The last handler of the app. Express knows it by its four parameters. */
export function refusalHandler(log: Log): ErrorRequestHandler {
  return (error: unknown, req: Request, res: Response, _next: NextFunction) => {
    const refusal = asRefusal(error);
    if (refusal.status === 500)
      log.error({ err: error, method: req.method, path: req.path }, "A request handler failed");
    // Half an answer cannot be taken back; a broken connection at least tells the caller that it is half.
    if (res.headersSent) {
      res.destroy();
      return;
    }
    // The caller was too slow to finish its body: the rest of it must not be read as the next request.
    if (refusal.status === 408) res.set("Connection", "close");
    res.status(refusal.status).json({ error: refusal.message });
  };
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  // Express marks what it finds wrong in a request itself (a path that does not decode) with a status.
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  if (typeof status === "number" && status >= 400 && status < 500) return new Refusal(status, "Bad request");
  return new Refusal(500, "Internal error");
}
