// The registry of guests: who owns, who believes whom, and when a guest is forgotten.

import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeAnnouncement, encodeAnnouncement } from "../../src/bootstrap/announcement.ts";
import { type Company, companyOf, EXPIRY_MS, GUESTS_MAX, Guests, isGuestUrl } from "../../src/bootstrap/guests.ts";
import type { Member } from "../../src/gossip/api.ts";
import { someMember } from "./fake-gossip.ts";

const A = someMember({ address: "10.0.0.1:7979" });
const B = someMember({ address: "10.0.0.2:7979" });
const C = someMember({ address: "10.0.0.3:7979" });
const FLASK = "http://10.0.0.77:5000";

function company(members: Member[], ...heirs: Member[]): Company {
  return companyOf(members, (_address, count) => heirs.slice(0, count));
}
const says = (live: string[], gone: string[] = []) => ({ live, gone });
const by = (owner: Member, live: string[], gone?: string[]) => ({ by: owner.id, ...says(live, gone) });
const urls = (count: number) => Array.from({ length: count }, (_, i) => `http://10.1.${i >> 8}.${i & 255}:5000`);

test("a guest is listed at once where it registers, and is news for the others once", () => {
  const guests = new Guests(A.address);
  expect(guests.register(FLASK)).toBe("new");
  expect(guests.register(FLASK)).toBe("known");
  expect(guests.urls()).toEqual([FLASK]);
  expect(guests.owns(FLASK)).toBe(true);
  expect(guests.takeNews()).toEqual(says([FLASK]));
  expect(guests.takeNews()).toEqual(says([]));
});

test("what is no plain origin is a caller's mistake", () => {
  const guests = new Guests(A.address);
  for (const url of [
    "",
    "flask",
    "ftp://a:1",
    `${FLASK}/`,
    "http://u:p@a:1",
    "HTTP://A:1",
    `http://${"a".repeat(300)}`,
  ]) {
    expect(isGuestUrl(url)).toBe(false);
    expect(() => guests.register(url)).toThrow(TypeError);
  }
  expect(guests.size).toBe(0);
});

test("there is room for 256 guests, registered or heard of, and no more", () => {
  const guests = new Guests(A.address);
  for (const url of urls(GUESTS_MAX - 1)) expect(guests.register(url)).toBe("new");
  guests.heard(B, by(B, [FLASK, "http://10.0.0.78:5000"]), 0);
  expect(guests.size).toBe(GUESTS_MAX);
  expect(guests.has(FLASK)).toBe(true);
  expect(guests.register("http://10.0.0.79:5000")).toBe("full");
  expect(guests.register(FLASK)).toBe("known");
});

test("an announced guest is listed until its owner says that it is gone", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  expect(guests.urls()).toEqual([FLASK]);
  expect(guests.owned()).toEqual([]);
  guests.heard(C, by(C, [], [FLASK]), 1);
  expect(guests.has(FLASK), "only the owner is believed").toBe(true);
  guests.heard(A, by(A, [], [FLASK]), 2);
  expect(guests.has(FLASK)).toBe(false);
});

test("a guest of which its owner says nothing for 20 s is forgotten, and not a moment earlier", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  guests.heard(A, by(A, [FLASK]), 5_000);
  guests.settle(company([A, B, C]), 5_000 + EXPIRY_MS - 1);
  expect(guests.has(FLASK)).toBe(true);
  guests.settle(company([A, B, C]), 5_000 + EXPIRY_MS);
  expect(guests.has(FLASK)).toBe(false);
});

test("the first in line adopts the guest of a suspected owner at once, and both owners settle when it was well after all", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  guests.settle(company([{ ...A, status: "suspect" }, B, C], B), 1_000);
  expect(guests.owned()).toEqual([FLASK]);
  guests.heard(A, by(A, [FLASK]), 5_000);
  expect(guests.owned(), "the lower address goes on").toEqual([]);
  expect(guests.urls()).toEqual([FLASK]);
});

test("a suspicion that is refuted before anybody adopted changes nothing", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  guests.settle(company([{ ...A, status: "suspect" }, B, C], C, B), 1_000);
  guests.settle(company([A, B, C], C, B), 2_000);
  guests.settle(company([{ ...A, status: "suspect" }, B, C], C, B), 4_500);
  expect(guests.owned(), "the next in line counts from the new suspicion").toEqual([]);
  expect(guests.urls()).toEqual([FLASK]);
});

test("if the first in line is not heard of, the next adopts after 3 s, and the sixth before the guest would be forgotten", () => {
  const nearest = Array.from({ length: 8 }, (_, i) => someMember({ address: `10.0.1.${i}:7979` }));
  nearest.forEach((member, rank) => {
    const guests = new Guests(member.address);
    guests.heard(A, by(A, [FLASK]), 0);
    let adoptedAt = -1;
    for (let ms = 0; ms < EXPIRY_MS; ms += 500) {
      guests.settle(company([...nearest], ...nearest), ms);
      if (adoptedAt < 0 && guests.owns(FLASK)) adoptedAt = ms;
    }
    expect(adoptedAt).toBe(rank < 6 ? rank * 3_000 : -1);
  });
});

test("the suspected are no heirs", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  const c = { ...C, status: "suspect" } as const;
  guests.settle(company([B, c], c, B), 1_000);
  expect(guests.owned()).toEqual([FLASK]);
});

test.each(["dead", "left"] as const)(
  "the heir adopts the guest of an owner that is %s, and tells the others",
  (status) => {
    const guests = new Guests(B.address);
    guests.heard(A, by(A, [FLASK]), 0);
    guests.settle(company([{ ...A, status }, B, C], B), 1_000);
    expect(guests.owned()).toEqual([FLASK]);
    expect(guests.takeNews()).toEqual(says([FLASK]));
  },
);

test("another process at the owner's address is not the owner: it knows nothing of the guest", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  guests.settle(company([someMember({ address: A.address }), B, C], B), 1_000);
  expect(guests.owned()).toEqual([FLASK]);
});

test("what the owner's former life at the same address said late is not taken for the owner's word", () => {
  const guests = new Guests(B.address);
  guests.register(FLASK);
  guests.heard(someMember({ address: A.address }), by(A, [FLASK]), 0);
  expect(guests.owned()).toEqual([FLASK]);
});

test("who is not the heir waits 20 s for the heir's announcement", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  guests.settle(company([B, C], C), 19_000);
  guests.settle(company([B, C], C), 19_000 + EXPIRY_MS - 1);
  expect(guests.has(FLASK)).toBe(true);
  guests.heard(C, by(C, [FLASK]), 38_000);
  guests.settle(company([B, C], C), 19_000 + EXPIRY_MS);
  expect(guests.has(FLASK), "C adopted it, though its address is the higher one").toBe(true);

  const others = new Guests(B.address);
  others.heard(A, by(A, [FLASK]), 0);
  others.settle(company([B, C], C), 19_000);
  others.settle(company([B, C], C), 19_000 + EXPIRY_MS);
  expect(others.has(FLASK), "nobody adopted it").toBe(false);
});

test("of two owners the lower address stays, whoever is heard first, and at the owners themselves too", () => {
  for (const order of [
    [A, B],
    [B, A],
  ]) {
    const third = new Guests(C.address);
    for (const owner of order) third.heard(owner, by(owner, [FLASK]), 0);
    third.heard(B, by(B, [], [FLASK]), 1);
    expect(third.has(FLASK)).toBe(true);
    third.heard(A, by(A, [], [FLASK]), 2);
    expect(third.has(FLASK)).toBe(false);
  }
  const lower = new Guests(A.address);
  lower.register(FLASK);
  lower.heard(B, by(B, [FLASK]), 0);
  expect(lower.owned()).toEqual([FLASK]);
  const higher = new Guests(B.address);
  higher.register(FLASK);
  higher.heard(A, by(A, [FLASK]), 0);
  expect(higher.owned()).toEqual([]);
  expect(higher.urls()).toEqual([FLASK]);
  expect(higher.takeNews(), "a guest given up is no news").toEqual(says([]));
});

test("the url of a live member is no guest, own or not", () => {
  const guests = new Guests(A.address);
  guests.register(FLASK);
  guests.heard(B, by(B, ["http://10.0.0.78:5000"]), 0);
  const grown = someMember({ url: FLASK });
  const other = someMember({ url: "http://10.0.0.78:5000" });
  guests.settle(company([A, B, { ...grown, status: "dead" }, { ...other, status: "left" }]), 1);
  expect(guests.size).toBe(2);
  guests.settle(company([A, B, grown, other]), 2);
  expect(guests.size).toBe(0);
  expect(guests.takeNews()).toEqual(says([]));
});

test("a guest's fate hangs on its owner and on whoever has its url", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  expect(guests.concern(A)).toBe(true);
  expect(guests.concern(someMember({ url: FLASK }))).toBe(true);
  expect(guests.concern(C)).toBe(false);
});

test("only own guests can be removed, and what comes and goes before it was told is told as gone", () => {
  const guests = new Guests(B.address);
  guests.heard(A, by(A, [FLASK]), 0);
  guests.remove(FLASK);
  expect(guests.has(FLASK)).toBe(true);
  guests.register("http://10.0.0.78:5000");
  guests.remove("http://10.0.0.78:5000");
  expect(guests.takeNews()).toEqual(says([], ["http://10.0.0.78:5000"]));
});

test("an announcement of 256 guests arrives whole, in payloads that gossip takes", () => {
  const long = Array.from(
    { length: 30 },
    (_, i) => `http://${"h".repeat(60)}.${"g".repeat(60)}.${"f".repeat(60)}.${i}.example:65535`,
  );
  const live = [...urls(226), ...long];
  const gone = urls(256).reverse();
  const payloads = encodeAnnouncement({ by: A.id, live, gone });
  for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(1024);
  const heard = payloads.map((payload) => decodeAnnouncement(payload));
  expect(heard.flatMap((said) => said?.live ?? [])).toEqual(live);
  expect(heard.flatMap((said) => said?.gone ?? [])).toEqual(gone);
  expect(encodeAnnouncement(by(A, [])), "nothing to say, nothing sent").toEqual([]);
});

test("whatever else is in a payload is no announcement", () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  for (const value of [
    ["message", "a", "b"],
    ["guests"],
    ["guests", [], []],
    ["guests", "id", [], [], []],
    ["guests", 7, [], []],
    ["guests", "id", {}, []],
    ["guests", "id", ["http://a:1/x"], []],
    ["guests", "id", [], [5]],
    { guests: [] },
    null,
  ]) {
    expect(decodeAnnouncement(bytes(value)), JSON.stringify(value)).toBeUndefined();
  }
  expect(decodeAnnouncement(bytes(["guests", "id", urls(256), []])), "too long").toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1200 }), (noise) => decodeAnnouncement(noise) === undefined));
});

test("whatever three members hear from each other, in whatever order, they end with one owner each and one list", () => {
  const members = [A, B, C];
  const step = fc.record({ who: fc.nat(2), url: fc.nat(3), what: fc.constantFrom("register", "tell", "remove") });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const all = members.map((member) => ({ member, guests: new Guests(member.address) }));
      const tell = (from: (typeof all)[number]) => {
        const news = from.guests.takeNews();
        for (const to of all) to.guests.heard(from.member, by(from.member, from.guests.owned(), [...news.gone]), 0);
      };
      for (const { who, url, what } of steps) {
        const one = all[who];
        if (!one) continue;
        if (what === "register") one.guests.register(urls(4)[url] ?? FLASK);
        else if (what === "remove") one.guests.remove(urls(4)[url] ?? FLASK);
        else tell(one);
      }
      for (let round = 0; round < 2; round++) for (const one of all) tell(one);
      for (const { guests } of all) {
        guests.settle(company(members), EXPIRY_MS - 1);
      }
      const owned = all.flatMap(({ guests }) => guests.owned()).sort();
      expect(new Set(owned).size).toBe(owned.length);
      for (const { guests } of all)
        expect(
          guests
            .urls()
            .filter((url) => owned.includes(url))
            .sort(),
        ).toEqual(owned);
    }),
  );
});
