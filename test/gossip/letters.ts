// Frames as plain values with addresses in text, for tests that write to a core by hand, read what it answers, or put
// it into words. Everything goes through `Wire`, as on the network; nothing here knows how bytes are laid out.

import { type Address, formatAddress, parseAddress } from "../../src/gossip/address.ts";
import { ALIVE, type Claim, claimOf, incarnationOf, statusName, statusOf } from "../../src/gossip/claim.ts";
import {
  ACK,
  CHALLENGE,
  CLAIMS,
  GOSSIP,
  HAVE,
  HEARD,
  HELLO,
  JOIN,
  NACK,
  PING,
  PING_REQ,
  RANGES,
  type Reading,
  Wire,
} from "../../src/gossip/wire.ts";

export const LABEL = "p2p";

export interface Said {
  readonly member: string;
  readonly claim: Claim;
  readonly profile?: Uint8Array | undefined;
  readonly accuser?: string | undefined;
  /** In a HAVE: what its profile is called there. */
  readonly hash?: number | undefined;
}

export interface Spoken {
  readonly origin: string;
  readonly epoch: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

export interface Range {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly fingerprint: number;
}

export interface Letter {
  readonly kind: number;
  readonly from: string;
  readonly fromClaim: Claim;
  readonly digest: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly claims: readonly Said[];
  readonly messages: readonly Spoken[];
  readonly ranges: readonly Range[];
}

const KINDS = { PING, ACK, PING_REQ, NACK, GOSSIP, JOIN, CHALLENGE, RANGES, HAVE, CLAIMS, HELLO, HEARD };

export function kindName(kind: number): string {
  return Object.entries(KINDS).find(([, number]) => number === kind)?.[0] ?? `kind ${kind}`;
}

/** An address that a test wrote down; a wrong one is the test's bug. */
export function at(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`BUG in a test: ${text} is no address`);
  return address;
}

/** The profile that tests give a member in one of its incarnations. */
export function profileOf(member: string, incarnation = 1): Uint8Array {
  return new TextEncoder().encode(`profile of ${member} in ${incarnation}`);
}

export function alive(member: string, incarnation = 1): Said {
  return { member, claim: claimOf(incarnation, ALIVE), profile: profileOf(member, incarnation) };
}

export function said(member: string, status: number, incarnation = 1, accuser?: string): Said {
  if (status === ALIVE) return alive(member, incarnation);
  return { member, claim: claimOf(incarnation, status), accuser };
}

/** Writes a letter; throws if it does not fit a datagram, which is the test's bug. */
export function write(letter: Partial<Letter> & Pick<Letter, "kind" | "from">, label = LABEL): Uint8Array {
  const pen = new Wire(label);
  const { kind, from, fromClaim = claimOf(1, ALIVE), digest = 0, a = 0, b = 0, c = 0 } = letter;
  pen.begin(kind, at(from), fromClaim, digest, a, b, c);
  let fits = true;
  for (const one of letter.claims ?? []) fits &&= put(pen, kind, one);
  for (const { origin, epoch, seq, payload } of letter.messages ?? [])
    fits &&= pen.message(at(origin), epoch, seq, payload);
  for (const { first, last, count, fingerprint } of letter.ranges ?? [])
    fits &&= pen.range(first, last, count, fingerprint);
  if (!fits) throw new Error("BUG in a test: the letter does not fit a datagram");
  return Uint8Array.from(pen.end());
}

/** Writes one claim as a frame of this kind has it; false if it does not fit. */
export function put(pen: Wire, kind: number, { member, claim, profile, accuser, hash = 0 }: Said): boolean {
  if (kind === HAVE) return pen.namedClaim(at(member), claim, hash);
  return pen.claim(at(member), claim, profile ?? (accuser === undefined ? 0 : at(accuser)));
}

/** Reads a datagram, or says why it cannot be read. */
export function read(bytes: Uint8Array, label = LABEL): Letter | Exclude<Reading, "ok"> {
  const reader = new Wire(label);
  const reading = reader.read(bytes);
  if (reading !== "ok") return reading;
  const { frame } = reader;
  const claims = Array.from({ length: frame.claimCount }, (_, i) => {
    const member = formatAddress(frame.members[i] as Address);
    const claim = frame.claims[i] as Claim;
    if (frame.kind === HAVE) return { member, claim, hash: frame.hashes[i] };
    const accuser = frame.accusers[i];
    return {
      member,
      claim,
      profile: frame.profiles[i] && Uint8Array.from(frame.profiles[i]),
      accuser: accuser === undefined ? undefined : formatAddress(accuser),
    };
  });
  const messages = Array.from({ length: frame.messageCount }, (_, i) => ({
    origin: formatAddress(frame.origins[i] as Address),
    epoch: frame.epochs[i] as number,
    seq: frame.seqs[i] as number,
    payload: Uint8Array.from(frame.payloads[i] as Uint8Array),
  }));
  const ranges = Array.from({ length: frame.rangeCount }, (_, i) => {
    const [first = 0, last = 0, count = 0, fingerprint = 0] = frame.ranges.slice(i * 4, i * 4 + 4);
    return { first, last, count, fingerprint };
  });
  const { kind, fromClaim, digest, a, b, c } = frame;
  return { kind, from: formatAddress(frame.from), fromClaim, digest, a, b, c, claims, messages, ranges };
}

/** Reads a datagram that must be readable. */
export function readable(bytes: Uint8Array, label = LABEL): Letter {
  const letter = read(bytes, label);
  if (typeof letter === "string") throw new Error(`The core sent a datagram that reads as "${letter}"`);
  return letter;
}

/** `10.0.0.2 suspect@3 by 10.0.0.4`, with members called by `name`. */
export function inWords(claim: Said, name: (address: string) => string = (address) => address): string {
  const accuser = claim.accuser === undefined ? "" : ` by ${name(claim.accuser)}`;
  const bare =
    statusOf(claim.claim) === ALIVE && claim.profile === undefined && claim.hash === undefined ? " (bare)" : "";
  return `${name(claim.member)} ${statusName(claim.claim)}@${incarnationOf(claim.claim)}${accuser}${bare}`;
}
