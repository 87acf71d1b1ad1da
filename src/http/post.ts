// Asks another HTTP face something in JSON. One total deadline, a bounded answer, no redirects followed, no connection kept.
// Over node:http rather than `fetch`, which loads a second HTTP stack into each of a hundred processes.

import * as http from "node:http";
import { asLookupFunction, type Lookup, lookupHost } from "./lookup.ts";

export interface RequestOptions {
  /** From the call to the last byte of the answer. @default 5000 */
  readonly timeoutMs?: number;
  /** Ends the request; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The answer may have so many bytes. @default 256 KiB */
  readonly bytesMax?: number;
  /** Who a name in the URL is. @default lookupHost */
  readonly lookup?: Lookup;
}

/** An answer with a 2xx status. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: unknown;
  /** Who answered. */
  readonly ip?: string | undefined;
}

/** Posts `body` as JSON. The answer's body is `undefined` where it is not JSON: to have delivered is what counts. */
export type PostJson = (url: string, body: unknown, options?: RequestOptions) => Promise<JsonAnswer>;
export type GetJson = (url: string, options?: RequestOptions) => Promise<JsonAnswer>;

/** The world's fault. A signal's abort is not one of these. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: "ERR_URL" | "ERR_UNREACHABLE" | "ERR_TIMEOUT" | "ERR_STATUS" | "ERR_TOO_LARGE" | "ERR_NOT_JSON";
  /** What the other side answered, with `ERR_STATUS`. */
  readonly status: number | undefined;
  constructor(code: HttpError["code"], message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }
}

/** @throws HttpError, or the signal's reason */
export const postJson: PostJson = async (url, body, options = {}) => {
  const answer = await exchange("POST", url, JSON.stringify(body), options);
  return { ...answer, body: parsed(answer.text) };
};

/** @throws HttpError (`ERR_NOT_JSON` too), or the signal's reason */
export const getJson: GetJson = async (url, options = {}) => {
  const answer = await exchange("GET", url, undefined, options);
  const body = parsed(answer.text);
  if (body === undefined) throw new HttpError("ERR_NOT_JSON", `${url} did not answer in JSON`);
  return { ...answer, body };
};

interface TextAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly ip: string | undefined;
}

async function exchange(
  method: "GET" | "POST",
  address: string,
  payload: string | undefined,
  options: RequestOptions,
): Promise<TextAnswer> {
  const { timeoutMs = 5000, signal, bytesMax = 256 * 1024, lookup = lookupHost } = options;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.password !== "") {
    throw new HttpError("ERR_URL", `Expected an http(s) URL without a password, got ${JSON.stringify(address)}`);
  }
  // TLS is loaded by those who have a peer that speaks it.
  const { request } = url.protocol === "https:" ? await import("node:https") : http;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const headers: http.OutgoingHttpHeaders = { Accept: "application/json" };
    if (payload !== undefined) {
      headers["Content-Type"] = "application/json";
      headers["Content-Length"] = Buffer.byteLength(payload);
    }
    // `agent: false`: a connection of its own that closes with the answer.
    const sent = request(url, { method, headers, agent: false, lookup: asLookupFunction(lookup) });
    const settle = (outcome: () => void) => {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", onAbort);
      outcome();
    };
    const fail = (error: unknown) =>
      settle(() => {
        reject(error);
        sent.destroy();
      });
    const onAbort = () => fail(signal?.reason);
    const deadline = setTimeout(
      () => fail(new HttpError("ERR_TIMEOUT", `${address} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener("abort", onAbort);
    const onBreak = (cause: Error) => fail(unreachable(address, cause));
    sent.on("error", onBreak);
    let ip: string | undefined;
    // Asked now: a socket that the other side has closed meanwhile no longer knows.
    sent.on("socket", (socket) => {
      socket.once("connect", () => {
        ip = socket.remoteAddress;
      });
    });
    sent.on("response", (answer) => {
      const status = answer.statusCode ?? 0;
      answer.on("error", onBreak);
      if (status < 200 || status > 299) {
        fail(new HttpError("ERR_STATUS", `${address} answered ${status}`, { status }));
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= bytesMax) chunks.push(chunk);
        else fail(new HttpError("ERR_TOO_LARGE", `${address} answered more than ${bytesMax} bytes`));
      });
      answer.on("end", () =>
        settle(() => resolve({ status, headers: answer.headers, text: Buffer.concat(chunks).toString("utf8"), ip })),
      );
    });
    sent.end(payload);
  });
}

function unreachable(address: string, cause: Error): HttpError {
  const reason = "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
  return new HttpError("ERR_UNREACHABLE", `${address} cannot be reached: ${reason}`, { cause });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller learns it from `undefined`, which no JSON text parses to.
    return undefined;
  }
}
