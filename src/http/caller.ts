// Whoever waits for an answer may hang up.

import type { Response } from "express";

/** Aborts when the caller hangs up, so that nothing is done for nobody. */
export function untilGone(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  return gone.signal;
}
