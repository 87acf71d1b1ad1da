// Names into addresses, anew every time. How long a lookup may take is tested with the lookup.

import { isIP } from "node:net";
import { expect, test, vi } from "vitest";
import { joinByNames, resolveSeeds } from "../../src/bootstrap/seeds.ts";
import { type Lookup, LookupError } from "../../src/http/lookup.ts";
import { Townsman } from "./fake-gossip.ts";

const SELF = "172.18.0.9:7979";

/** A resolver that knows these names and counts the questions. */
function knowing(book: Record<string, string[]>) {
  const asked: string[] = [];
  const lookup: Lookup = async (host) => {
    if (isIP(host) !== 0) return [host];
    asked.push(host);
    const ips = book[host];
    if (!ips) throw new LookupError("ENOTFOUND", `${host} does not resolve: ENOTFOUND`);
    return ips;
  };
  return { lookup, asked, book };
}
const at = (host: string, port = 7979) => ({ host, port });

test("a name stands for all its addresses, an IP for itself, and this node is left out", async () => {
  const { lookup, asked } = knowing({ "tasks.node": ["172.18.0.3", "172.18.0.9", "172.18.0.4"] });
  const seeds = [at("tasks.node"), at("172.18.0.3"), at("172.18.0.5", 8000)];
  expect(await resolveSeeds(seeds, SELF, lookup)).toEqual(["172.18.0.3:7979", "172.18.0.4:7979", "172.18.0.5:8000"]);
  expect(asked).toEqual(["tasks.node"]);
});

test("names are resolved anew every time", async () => {
  const { lookup, book } = knowing({ node1: ["172.18.0.3"] });
  expect(await resolveSeeds([at("node1")], SELF, lookup)).toEqual(["172.18.0.3:7979"]);
  book.node1 = ["172.18.0.7"];
  expect(await resolveSeeds([at("node1")], SELF, lookup)).toEqual(["172.18.0.7:7979"]);
});

test("of two IP families the own one is joined, the other only where there is nothing else", async () => {
  const { lookup } = knowing({ both: ["fd00::3", "172.18.0.3"], six: ["fd00::3"] });
  expect(await resolveSeeds([at("both")], SELF, lookup)).toEqual(["172.18.0.3:7979"]);
  expect(await resolveSeeds([at("both")], "[fd00::9]:7979", lookup)).toEqual(["[fd00::3]:7979"]);
  expect(await resolveSeeds([at("six")], SELF, lookup)).toEqual(["[fd00::3]:7979"]);
});

test("a name that does not resolve is passed over while another does, and named when none does", async () => {
  const { lookup } = knowing({ node1: ["172.18.0.3"] });
  expect(await resolveSeeds([at("gone"), at("node1")], SELF, lookup)).toEqual(["172.18.0.3:7979"]);
  await expect(resolveSeeds([at("gone"), at("lost")], SELF, lookup)).rejects.toThrow(
    "gone does not resolve: ENOTFOUND; lost does not resolve: ENOTFOUND",
  );
});

test("a name with a thousand addresses gives 64", async () => {
  const { lookup } = knowing({ big: Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`) });
  expect(await resolveSeeds([at("big")], SELF, lookup)).toHaveLength(64);
});

test("64 names are looked up at once, and all end with the signal", async () => {
  let asked = 0;
  const lookup: Lookup = (_host, signal) => {
    asked++;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
  const abort = new AbortController();
  const seeds = Array.from({ length: 65 }, (_, i) => at(`host${i}`));
  const warned = vi.spyOn(process, "emitWarning");
  const wait = resolveSeeds(seeds, SELF, lookup, abort.signal);
  expect(asked).toBe(64);
  abort.abort(new Error("enough"));
  await expect(wait).rejects.toThrow("enough");
  expect(warned).not.toHaveBeenCalled();
});

test("an operator's seeds are joined by address; senseless ones, and ourselves alone, are the caller's mistake", async () => {
  const gossip = new Townsman({ address: SELF });
  const { lookup } = knowing({ node1: ["172.18.0.3"], me: ["172.18.0.9"] });
  await joinByNames(gossip, ["node1", "172.18.0.4:8000"], { defaultPort: 7979, lookup });
  expect(gossip.joins).toEqual([["172.18.0.3:7979", "172.18.0.4:8000"]]);
  await expect(joinByNames(gossip, ["http://node1"], { defaultPort: 7979, lookup })).rejects.toThrow(TypeError);
  await expect(joinByNames(gossip, ["me"], { defaultPort: 7979, lookup })).rejects.toThrow(TypeError);
  expect(gossip.joins).toHaveLength(1);
});
