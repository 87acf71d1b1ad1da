// `POST /join` and `POST /leave`: for the operator. Who that is: admission.ts.

import type { Request, Response } from "express";
import * as z from "zod";
import { GossipError } from "../gossip/api.ts";
import { mayAdminister } from "./admission.ts";
import { readBody, readJson } from "./body.ts";
import { untilGone } from "./caller.ts";
import type { NodeAppDeps } from "./deps.ts";
import { LookupError } from "./lookup.ts";
import { Refusal } from "./refusal.ts";
import { isLive } from "./roster.ts";
import type { Routes } from "./routes.ts";

const JOIN_WAIT_MS = 30_000;
const JOINS_MAX = 4;
const WRONG_SEEDS = "seeds must be a list of 1 to 32 host:port";

export const joinBody = z.object(
  {
    seeds: z
      .array(z.string({ error: WRONG_SEEDS }).min(1, { error: WRONG_SEEDS }).max(262, { error: WRONG_SEEDS }), {
        error: WRONG_SEEDS,
      })
      .min(1, { error: WRONG_SEEDS })
      .max(32, { error: WRONG_SEEDS }),
  },
  { error: WRONG_SEEDS },
);

export function adminRoutes(deps: NodeAppDeps): Routes {
  let joins = 0;

  const admit = (req: Request) => {
    if (mayAdminister(req, deps.adminToken)) return;
    throw new Refusal(403, "Only with Authorization: Bearer $ADMIN_TOKEN, or from this machine where that is not set");
  };

  const join = async (req: Request, res: Response) => {
    admit(req);
    const { seeds } = await readBody(req, joinBody);
    if (joins >= JOINS_MAX) throw new Refusal(503, "Too many joins are under way; try again");
    joins++;
    try {
      await joinOrGiveUp(deps, seeds, AbortSignal.any([untilGone(res), AbortSignal.timeout(JOIN_WAIT_MS)]));
    } finally {
      joins--;
    }
    res.json({ status: "joined", members: deps.gossip.members().filter(isLive).length });
  };

  const leave = async (req: Request, res: Response) => {
    admit(req);
    // There is nothing to say in a body, but one that is there must be JSON, as everywhere.
    await readJson(req);
    // `close` also comes if the caller does not wait for the answer: it asked, so we go.
    res.once("close", () => deps.leave());
    res.status(202).json({ status: "leaving" });
  };

  return { "/join": { POST: join }, "/leave": { POST: leave } };
}

/** Waits for `signal` as well as for the join, so that a join which does not heed it holds nobody up. */
async function joinOrGiveUp(deps: NodeAppDeps, seeds: string[], signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    await Promise.race([deps.join(seeds, signal), aborted]);
  } catch (error) {
    if (signal.aborted) throw new Refusal(504, `No seed admitted this node within ${JOIN_WAIT_MS / 1000} s`);
    if (error instanceof LookupError) throw new Refusal(502, error.message, { cause: error });
    if (error instanceof TypeError || error instanceof RangeError) throw new Refusal(400, error.message);
    if (!(error instanceof GossipError)) throw error;
    const status = error.code === "ERR_JOIN_TIMEOUT" ? 504 : 503;
    throw new Refusal(status, error.message, { cause: error });
  }
}
