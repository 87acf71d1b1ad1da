// `POST /message` and `GET /messages`: what is asked, checked and answered. Who carries it: courier.ts.

import type { Request, Response } from "express";
import * as z from "zod";
import { readBody } from "./body.ts";
import { untilGone } from "./caller.ts";
import { Courier } from "./courier.ts";
import type { NodeAppDeps } from "./deps.ts";
import { SENDER_CHARS_MAX } from "./envelope.ts";
import { Refusal } from "./refusal.ts";
import type { Routes } from "./routes.ts";

/** So much of the inbox in an answer, and the way to the rest: who does not read it costs us no more. */
const PAGE_BYTES_MAX = 256 * 1024;
const MISSING = "Missing sender or msg";
const WRONG_TO = "to must be a node's uuid, name or URL, or all";

export const messageBody = z.object(
  {
    sender: z
      .string({ error: MISSING })
      .min(1, { error: MISSING })
      .max(SENDER_CHARS_MAX, { error: `sender is over ${SENDER_CHARS_MAX} characters` }),
    msg: z.string({ error: MISSING }).min(1, { error: MISSING }),
    to: z.string({ error: WRONG_TO }).min(1, { error: WRONG_TO }).max(512, { error: WRONG_TO }).optional(),
  },
  { error: MISSING },
);

export function messageRoutes(deps: NodeAppDeps): Routes {
  const courier = new Courier(deps);

  const send = async (req: Request, res: Response) => {
    const { to, ...letter } = await readBody(req, messageBody);
    if (to === undefined) {
      courier.accept(letter);
      res.json({ status: "received" });
    } else if (to === "all") {
      res.status(202).json({ status: "broadcast", members: courier.broadcast(letter) });
    } else {
      await courier.deliver(to, letter, untilGone(res));
      res.json({ status: "delivered", to });
    }
  };

  const list = (req: Request, res: Response) => {
    const { since = "0" } = req.query;
    if (typeof since !== "string" || !/^\d{1,15}$/.test(since)) {
      throw new Refusal(400, "since must be a whole number from 0 up");
    }
    const messages = deps.inbox.since(Number(since), PAGE_BYTES_MAX);
    const end = messages.at(-1)?.n ?? deps.inbox.last;
    if (end < deps.inbox.last) res.set("Link", `</messages?since=${end}>; rel="next"`);
    res.json({ messages });
  };

  return { "/message": { POST: send }, "/messages": { GET: list } };
}
