import { describe, expect, it } from "vitest";
import { Inbox } from "../../src/http/inbox.ts";

const message = (msg: string) => ({ from: null, sender: "a", msg, via: "http" as const });

describe("an inbox", () => {
  it("keeps the last thousand and goes on counting", () => {
    const inbox = new Inbox();
    for (let n = 1; n <= 1500; n++) inbox.add(message(`m${n}`));
    const kept = inbox.since(0);
    expect(kept).toHaveLength(1000);
    expect([kept[0]?.n, kept.at(-1)?.n]).toEqual([501, 1500]);
    expect(inbox.since(1498).map(({ msg }) => msg)).toEqual(["m1499", "m1500"]);
    expect(inbox.since(3)).toHaveLength(1000);
  });

  it.each(["é".repeat(32 * 1024), "\u0001".repeat(10_900)])(
    "keeps at most four MiB, counted as JSON in UTF-8",
    (big) => {
      const inbox = new Inbox();
      for (let n = 0; n < 200; n++) inbox.add(message(big));
      const kept = inbox.since(0);
      const bytes = Buffer.byteLength(JSON.stringify(kept));
      expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
      expect(bytes).toBeGreaterThan(3.5 * 1024 * 1024);
      expect(kept.at(-1)?.n).toBe(200);
    },
  );

  it("gives as many as fit into so many bytes of JSON, the oldest first, and always one", () => {
    const inbox = new Inbox();
    for (let n = 1; n <= 100; n++) inbox.add(message("x".repeat(n === 50 ? 5_000 : 100)));
    const read: number[] = [];
    for (let page = inbox.since(0, 2_000); page.length > 0; page = inbox.since(read.at(-1) ?? 0, 2_000)) {
      const isOneBig = page.length === 1 && page[0]?.n === 50;
      if (!isOneBig) expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(2_000);
      read.push(...page.map(({ n }) => n));
    }
    expect(read).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it("forgets a message that alone is over the bound, and still counts it", () => {
    const inbox = new Inbox({ bytesMax: 1000 });
    inbox.add(message("x".repeat(2000)));
    expect(inbox.since(0)).toEqual([]);
    expect(inbox.add(message("y")).n).toBe(2);
  });

  it("says when, in ISO 8601", () => {
    const inbox = new Inbox({ now: () => Date.UTC(2026, 1, 3, 4, 5, 6, 7) });
    expect(inbox.add(message("m")).at).toBe("2026-02-03T04:05:06.007Z");
  });
});
