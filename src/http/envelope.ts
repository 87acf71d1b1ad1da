// What is inside a gossiped payload: a JSON array `[kind, …fields]`. Several rooms of the house send envelopes; each
// opens its own kind and ignores the others. The bytes come from strangers: opening never throws.

export const SENDER_CHARS_MAX = 256;

export interface Envelope {
  readonly kind: string;
  readonly fields: readonly unknown[];
}

/** What a user says. */
export interface Letter {
  readonly sender: string;
  readonly msg: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export function sealEnvelope(kind: string, ...fields: readonly unknown[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([kind, ...fields]));
}

let lastPayload: Uint8Array | undefined;
let lastEnvelope: Envelope | undefined;

/** Undefined if the payload is no envelope. Several rooms ask in turn, so the last answer is kept. */
export function openEnvelope(payload: Uint8Array): Envelope | undefined {
  if (payload !== lastPayload) {
    lastEnvelope = readEnvelope(payload);
    lastPayload = payload;
  }
  return lastEnvelope;
}

function readEnvelope(payload: Uint8Array): Envelope | undefined {
  let content: unknown;
  try {
    content = JSON.parse(utf8.decode(payload));
  } catch {
    // Not UTF-8 or not JSON: somebody else's payload, which is allowed.
    return undefined;
  }
  if (!Array.isArray(content)) return undefined;
  const [kind, ...fields]: unknown[] = content;
  return typeof kind === "string" ? { kind, fields } : undefined;
}

export function sealLetter(letter: Letter): Uint8Array {
  return sealEnvelope("message", letter.sender, letter.msg);
}

/** Undefined if the payload is not a well-formed `["message", sender, msg]`. */
export function openLetter(payload: Uint8Array): Letter | undefined {
  const envelope = openEnvelope(payload);
  if (envelope?.kind !== "message" || envelope.fields.length !== 2) return undefined;
  const [sender, msg] = envelope.fields;
  if (typeof sender !== "string" || sender === "" || sender.length > SENDER_CHARS_MAX) return undefined;
  if (typeof msg !== "string" || msg === "") return undefined;
  return { sender, msg };
}
