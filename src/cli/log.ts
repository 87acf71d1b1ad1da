// The log of a node: one JSON line an event on stdout. When it is written: lines.ts. Other rooms see it as the `Log` of
// src/http/deps.ts.

import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import type { ConflictEvent, GossipSource, MembershipEvent } from "../gossip/api.ts";
import { CHANGES } from "../http/roster.ts";
import { Lines } from "./lines.ts";

/**
 * @param name of the node, on every line: many nodes may write to one place
 * @param out for the lines. @default stdout
 */
export function openLog(level: string, name: string, out?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: { node: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const log: Logger = pino(options, out ?? stdout((lines) => log.warn({ lost: lines }, lossOf(lines))));
  return log;
}

function stdout(lost: (lines: number) => void): DestinationStream {
  const lines = new Lines(process.stdout.fd, { lost });
  process.once("exit", () => lines.flushSync());
  return lines;
}

function lossOf(lines: number): string {
  return `Lost ${lines} lines of this log: they were not read as fast as they were written`;
}

/** A line for every change of membership, and one that asks for help when another process has taken our address. */
export function logMembership(gossip: GossipSource, log: Logger): void {
  for (const type of CHANGES) {
    gossip.on(type, (event) => log.info(fieldsOf(event), sentenceOf(event)));
  }
  gossip.on("conflict", (event) => log.warn({ event: "conflict", ...idsOf(event) }, warningOf(event)));
}

function idsOf({ address, incarnation, rival: { id, name, url } }: ConflictEvent): object {
  return { address, rival: { id, name, url, incarnation } };
}

function warningOf({ address, rival }: ConflictEvent): string {
  return `Another process advertises our address ${address}: ${rival.name || rival.id}. One of the two needs an address of its own`;
}

function fieldsOf({ type, member, was, replaced }: MembershipEvent): object {
  const { id, name, address, url, incarnation } = member;
  return { event: type, member: { id, name, address, url, incarnation }, was, replaced: replaced?.id };
}

function sentenceOf({ type, member, was, replaced }: MembershipEvent): string {
  const who = `Member ${member.name || member.address}`;
  if (replaced) return `${who} is up: another process at the address of ${replaced.name || replaced.id}`;
  switch (type) {
    case "up":
      return was === "suspect" ? `${who} is well: it refuted the suspicion` : `${who} is up`;
    case "suspect":
      return `${who} is suspected: it does not answer`;
    case "down":
      return `${who} is down`;
    case "left":
      return `${who} has left`;
    case "updated":
      return `${who} says something new of itself`;
  }
}
