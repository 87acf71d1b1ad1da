// Reads a JSON body, with a bound on its size and on the wait for it, and checks its shape.
// Not `express.json()`: that reads an oversized body to its end before it answers, however long the end takes to come.

import type { IncomingMessage } from "node:http";
import type * as z from "zod";
import { Refusal } from "./refusal.ts";

export const BODY_BYTES_MAX = 64 * 1024;
const BODY_WAIT_MS = 10_000;
/** Of a body we refuse we still read this much: closing at once would reset the connection under our answer. */
const DRAIN_BYTES_MAX = 1024 * 1024;

/**
 * The body as `schema` sees it.
 * @throws Refusal 400 with the first complaint of the schema, and everything `readJson` throws
 */
export async function readBody<T>(req: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await readJson(req));
  if (parsed.success) return parsed.data;
  throw new Refusal(400, parsed.error.issues[0]?.message ?? "Bad request");
}

/**
 * The parsed body; `undefined` if there is none.
 * @throws Refusal 415 not JSON by its headers, 413 over 64 KiB, 408 not all here after 10 s, 400 not JSON by its bytes
 */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  const { "content-length": length, "transfer-encoding": chunked } = req.headers;
  if (chunked === undefined && (length === undefined || Number(length) === 0)) return undefined;
  const refusal = refuseByHeaders(req);
  if (refusal) {
    drain(req);
    throw refusal;
  }
  const bytes = await readBytes(req);
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Refusal(400, "Malformed JSON", { cause: error });
  }
}

function refuseByHeaders(req: IncomingMessage): Refusal | undefined {
  const [type = "", ...parameters] = (req.headers["content-type"] ?? "").toLowerCase().split(";");
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(type.trim())) {
    return new Refusal(415, "Content-Type must be application/json");
  }
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) return new Refusal(415, "JSON must be in UTF-8");
  const encoding = (req.headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding !== "identity") return new Refusal(415, "A compressed body is not accepted");
  if (Number(req.headers["content-length"]) > BODY_BYTES_MAX) return tooLarge();
  return undefined;
}

function readBytes(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (outcome: () => void) => {
      clearTimeout(deadline);
      req.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      outcome();
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
      else {
        settle(() => reject(tooLarge()));
        drain(req);
      }
    };
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks)));
    const onGone = () => settle(() => reject(new Refusal(400, "The request ended before its body")));
    const deadline = setTimeout(
      () => settle(() => reject(new Refusal(408, `The body was not all here after ${BODY_WAIT_MS / 1000} s`))),
      BODY_WAIT_MS,
    );
    req.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

function drain(req: IncomingMessage): void {
  let bytes = 0;
  // The connection may break while we throw bytes away; there is nobody left to tell.
  req.on("error", () => {});
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES_MAX) req.socket.destroy();
  });
}

function tooLarge(): Refusal {
  return new Refusal(413, `The body is over ${BODY_BYTES_MAX / 1024} KiB`);
}
