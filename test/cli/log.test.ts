// What a node writes into its log about the membership: one JSON line an event, with a sentence for people.

import { pino } from "pino";
import { expect, test } from "vitest";
import { logMembership } from "../../src/cli/log.ts";
import { FakeGossip, someMember } from "../http/fake-gossip.ts";

function listening() {
  const gossip = new FakeGossip({ address: "172.18.0.9:7979" });
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  logMembership(gossip, pino({ formatters: { level: (label) => ({ level: label }) } }, stream));
  return { gossip, lines };
}

test("another process at our address is a warning that says what to do", () => {
  const { gossip, lines } = listening();
  const { id, name, url, role, tags } = someMember({ name: "twin" });
  const rival = { id, name, url, role, tags };
  gossip.emit({ type: "conflict", at: Date.now(), address: gossip.self.address, incarnation: 8, rival });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: "warn",
    event: "conflict",
    address: "172.18.0.9:7979",
    rival: { id, name: "twin", url, incarnation: 8 },
    msg: "Another process advertises our address 172.18.0.9:7979: twin. One of the two needs an address of its own",
  });
});

test("a member that was replaced is told as such, and others see no warning", () => {
  const { gossip, lines } = listening();
  const ben = someMember({ name: "ben" });
  gossip.happen("updated", { ...ben, id: someMember().id, name: "dora" }, { was: "alive", replaced: ben });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: "info",
    event: "updated",
    replaced: ben.id,
    msg: "Member dora is up: another process at the address of ben",
  });
});
