// Golden traces: every datagram and every belief of a few small scenarios, in words, to be read as a diff when the
// protocol changes. `UPDATE_TRACES=1 npx vitest run test/gossip/traces` writes them anew; otherwise they are compared.
//
// One line each: time in ms, who, what. Every datagram takes 1 ms. A line with `x` was lost on its way; a `!` is a
// belief that changed, a `*` a message handed over. Claims are `member status@incarnation`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { incarnationOf, statusName } from "../../src/gossip/claim.ts";
import { inWords, kindName, type Letter } from "./letters.ts";
import { type Sight, Village, type Villager } from "./village.ts";

const FOLDER = new URL("./testdata/", import.meta.url);

/** A … H live at 10.0.0.1 … 10.0.0.8. */
const NAMES = "ABCDEFGH";
const addressOf = (name: string) => `10.0.0.${NAMES.indexOf(name) + 1}:7979`;
const nameOf = (address: string) => NAMES[Number(/^10\.0\.0\.(\d+):7979$/.exec(address)?.[1] ?? 0) - 1] ?? address;

function letterInWords({ kind, claims, messages, ranges }: Letter): string {
  const parts = [kindName(kind)];
  if (claims.length > 0) parts.push(claims.map((claim) => inWords(claim, nameOf)).join(", "));
  for (const { origin, seq, payload } of messages)
    parts.push(`"${new TextDecoder().decode(payload)}" (${nameOf(origin)} ${seq})`);
  for (const { first, last, count } of ranges) parts.push(`[${hex(first)}..${hex(last)}: ${count}]`);
  return parts.join("  ");
}

const hex = (key: number) => key.toString(16).padStart(8, "0");

function inLines(sights: readonly Sight[], from: number): string[] {
  return sights.map((sight) => {
    const time = (sight.at - from).toFixed(0).padStart(6);
    if (sight.what === "letter") {
      return `${time}  ${nameOf(sight.from)} -> ${nameOf(sight.to)}  ${letterInWords(sight.letter)}${sight.lost ? "  x" : ""}`;
    }
    if (sight.what === "message") return `${time}  ${nameOf(sight.by)} * "${sight.text}"`;
    const is = sight.claim === 0 ? "forgotten" : `${statusName(sight.claim)}@${incarnationOf(sight.claim)}`;
    const was = sight.was === 0 ? "unknown" : `${statusName(sight.was)}@${incarnationOf(sight.was)}`;
    return `${time}  ${nameOf(sight.by)} ! ${nameOf(sight.of)} ${was} -> ${is}`;
  });
}

/** Compares with the trace on file, or writes it. */
function expectTrace(name: string, said: string, lines: readonly string[]): void {
  const file = fileURLToPath(new URL(`${name}.txt`, FOLDER));
  const text = `# ${said}\n${lines.join("\n")}\n`;
  if (process.env.UPDATE_TRACES) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text, `UPDATE_TRACES=1 rewrites ${name}.txt`).toBe(readFileSync(file, "utf8"));
}

/** A village of these, who know each other and have no more to say. */
function settled(who: string): { village: Village; by: Record<string, Villager> } {
  const village = new Village({}, 7);
  const by: Record<string, Villager> = {};
  for (const name of who) by[name] = village.settle(addressOf(name));
  const first = by[who[0] as string] as Villager;
  for (const name of who.slice(1)) village.join(by[name] as Villager, first);
  village.runFor(9_000);
  for (const name of who) for (const other of who) expect(by[name]?.status(addressOf(other))).toBe("alive");
  village.sights.length = 0;
  return { village, by };
}

describe("the trace of", () => {
  test("a join of two", () => {
    const village = new Village({}, 7);
    const a = village.settle(addressOf("A"));
    const b = village.settle(addressOf("B"));
    village.join(b, a);
    village.runFor(1_500);
    expect(a.status(b.address)).toBe("alive");
    expectTrace("join", "B asks A to let it in", inLines(village.sights, 0));
  });

  test("a join with a former life", () => {
    const { village, by } = settled("AB");
    const from = village.now;
    const again = village.settle(addressOf("B"), 2);
    village.join(again, by.A as Villager);
    village.runFor(1_500);
    expect(by.A?.claim(again.address)).toBe(again.claim(again.address));
    expectTrace(
      "former-life",
      "B starts again, remembers nothing, and finds itself alive with another profile",
      inLines(village.sights, from),
    );
  });

  test("a probe that fails, up to the death", () => {
    const { village, by } = settled("ABCD");
    const from = village.now;
    village.crash(by.C as Villager);
    const took = village.runUntil(
      () => "ABD".split("").every((name) => by[name]?.status(addressOf("C")) === "dead"),
      40_000,
    );
    expect(took).toBeDefined();
    village.runFor(500);
    expectTrace("death", "C stops without a word", inLines(village.sights, from));
  });

  test("a refutation", () => {
    const { village, by } = settled("ABC");
    const from = village.now;
    // C hears nobody for as long as it takes to be suspected.
    village.isLost = (_, to) => to === addressOf("C");
    expect(village.runUntil(() => by.B?.status(addressOf("C")) === "suspect", 10_000)).toBeDefined();
    village.isLost = () => false;
    expect(village.runUntil(() => by.B?.status(addressOf("C")) === "alive", 10_000)).toBeDefined();
    village.runFor(500);
    expectTrace(
      "refutation",
      "C hears nobody for a while; accused, it says again that it lives",
      inLines(village.sights, from),
    );
  });

  test("a leave", () => {
    const { village, by } = settled("ABC");
    const from = village.now;
    village.tell(by.B as Villager, (swim, now) => swim.leave(now));
    village.runFor(600);
    expect(by.B?.swim.gone).toBe(true);
    village.crash(by.B as Villager);
    expect(by.A?.status(addressOf("B"))).toBe("left");
    village.runFor(400);
    expectTrace("leave", "B says goodbye, and goes", inLines(village.sights, from));
  });

  test("a message to all", () => {
    const { village, by } = settled("ABCDE");
    const from = village.now;
    village.tell(by.A as Villager, (swim, now) => {
      swim.broadcast(now, new TextEncoder().encode("hello"));
    });
    village.runFor(900);
    const heard = village.sights.filter(({ what }) => what === "message");
    expect(heard.length).toBe(4);
    expectTrace("message", "A says hello to everybody; each hears it once", inLines(village.sights, from));
  });

  test("a reconciliation of two halves", () => {
    const village = new Village({}, 7);
    const by = Object.fromEntries([..."ABCDEF"].map((name) => [name, village.settle(addressOf(name))]));
    for (const [name, seed] of ["BA", "CA", "ED", "FD"])
      village.join(by[name as string] as Villager, by[seed as string] as Villager);
    village.runFor(9_000);
    expect(by.A?.swim.members.live).toBe(3);
    village.sights.length = 0;
    const from = village.now;
    village.join(by.D as Villager, by.A as Villager);
    village.runFor(700);
    for (const one of Object.values(by)) expect(one.swim.members.live).toBe(6);
    expectTrace(
      "two-halves",
      "A, B, C and D, E, F know only their own; D asks A to let it in",
      inLines(village.sights, from),
    );
  });
});
