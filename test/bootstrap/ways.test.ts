// The pure half of discovery.

import { expect, test } from "vitest";
import {
  backoffMs,
  broadcastAddress,
  broadcastAddresses,
  isPartMissing,
  missingMs,
  parseDefaultGateway,
  parseSeed,
  readSeeds,
  touchChance,
  touchMs,
} from "../../src/bootstrap/ways.ts";

const ROUTES = [
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
  "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
  "eth0\t00000000\t010011AC\t0003\t0\t0\t100\t00000000\t0\t0\t0",
  "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
  "",
].join("\n");

test("a seed is a host with or without a port, and an IPv6 address with a port wears brackets", () => {
  expect(parseSeed("node7:8000", 7979)).toEqual({ host: "node7", port: 8000 });
  expect(parseSeed(" tasks.node ", 7979)).toEqual({ host: "tasks.node", port: 7979 });
  expect(parseSeed("172.18.0.3", 7979)).toEqual({ host: "172.18.0.3", port: 7979 });
  expect(parseSeed("172.18.0.3:1", 7979)).toEqual({ host: "172.18.0.3", port: 1 });
  expect(parseSeed("[fd00::3]:65535", 7979)).toEqual({ host: "fd00::3", port: 65535 });
  expect(parseSeed("[fd00::3]", 7979)).toEqual({ host: "fd00::3", port: 7979 });
  expect(parseSeed("fd00::3", 7979)).toEqual({ host: "fd00::3", port: 7979 });
});

test.each([
  "",
  ":7979",
  "host:",
  "host:0",
  "host:65536",
  "host:port",
  "a b:1",
  "[node7]:1",
  "http://host:1",
  "u@host",
  "a".repeat(254),
])("%j is no seed, and reading it says so", (text) => {
  expect(parseSeed(text, 7979)).toBeUndefined();
  expect(() => readSeeds(["node1", text], 7979)).toThrow(TypeError);
});

test("the backoff starts at a quarter of a second, doubles up to five seconds and keeps within a quarter of that", () => {
  const at = (chance: number) => [0, 1, 2, 3, 4, 5, 1000].map((attempt) => backoffMs(attempt, () => chance));
  expect(at(0.5)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  expect(at(0)).toEqual([187.5, 375, 750, 1500, 3000, 3750, 3750]);
  expect(at(1)).toEqual([312.5, 625, 1250, 2500, 5000, 6250, 6250]);
});

test("about three members of the whole network ask in a period, however many they are", () => {
  expect(touchChance(1)).toBe(1);
  expect(touchChance(3)).toBe(1);
  for (const members of [10, 100, 10_000]) expect(touchChance(members) * members).toBeCloseTo(3);
  expect([touchMs(() => 0), touchMs(() => 0.5), touchMs(() => 1)]).toEqual([3000, 5000, 7000]);
});

test("the default gateway is the one of the lowest metric, read in the machine's byte order", () => {
  expect(parseDefaultGateway(ROUTES, true)).toBe("172.17.0.1");
  expect(parseDefaultGateway(ROUTES.replace("010011AC", "AC110001").replace("0101A8C0", "C0A80101"), false)).toBe(
    "172.17.0.1",
  );
});

test("without a default route that is up and has a gateway there is no default gateway", () => {
  const [head = "", , eth0 = "", subnet = ""] = ROUTES.split("\n");
  expect(parseDefaultGateway("", true)).toBeUndefined();
  expect(parseDefaultGateway([head, subnet].join("\n"), true)).toBeUndefined();
  expect(parseDefaultGateway([head, eth0.replace("0003", "0002")].join("\n"), true)).toBeUndefined();
  expect(parseDefaultGateway([head, eth0.replace("0003", "0001")].join("\n"), true)).toBeUndefined();
  expect(parseDefaultGateway([head, eth0.replace("010011AC", "zz")].join("\n"), true)).toBeUndefined();
});

test("a subnet's broadcast address has all its host bits set", () => {
  expect(broadcastAddress("172.18.0.3/16")).toBe("172.18.255.255");
  expect(broadcastAddress("192.168.1.77/24")).toBe("192.168.1.255");
  expect(broadcastAddress("192.168.1.77/28")).toBe("192.168.1.79");
  expect(broadcastAddress("10.1.2.3/30")).toBe("10.1.2.3");
  expect(broadcastAddress("10.1.2.3/0")).toBe("255.255.255.255");
});

test.each(["10.0.0.1/31", "10.0.0.1/32", "fd00::1/64", "10.0.0.1", "10.0.0.1/x", "host/24", ""])(
  "%j has no broadcast address",
  (cidr) => expect(broadcastAddress(cidr)).toBeUndefined(),
);

test("a hello goes to each own subnet once, to the loopback never, and to eight at most", () => {
  const lo = [{ cidr: "127.0.0.1/8", internal: true }];
  const eth0 = [
    { cidr: "172.18.0.3/16", internal: false },
    { cidr: "fe80::1/64", internal: false },
    { cidr: null, internal: false },
  ];
  expect(broadcastAddresses({ lo, eth0, eth1: [{ cidr: "172.18.0.4/16", internal: false }], gone: undefined })).toEqual(
    ["172.18.255.255"],
  );
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`veth${i}`, [{ cidr: `10.${i}.0.1/16`, internal: false }]]),
  );
  expect(broadcastAddresses(many)).toHaveLength(8);
});

test("the pauses of a search for a missing part double from five seconds to a minute, a quarter more or less", () => {
  expect([0, 1, 2, 3, 4, 5, 1_000].map((attempt) => missingMs(attempt, () => 0.5))).toEqual([
    5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000,
  ]);
  expect(missingMs(0, () => 0)).toBe(3_750);
  expect(missingMs(9, () => 1)).toBe(75_000);
});

test("a part is missing when more than a third of those who did not leave are dead", () => {
  const members = (alive: number, suspect: number, dead: number, left: number) => [
    ...Array.from({ length: alive }, () => ({ status: "alive" }) as const),
    ...Array.from({ length: suspect }, () => ({ status: "suspect" }) as const),
    ...Array.from({ length: dead }, () => ({ status: "dead" }) as const),
    ...Array.from({ length: left }, () => ({ status: "left" }) as const),
  ];
  expect(isPartMissing(members(2, 0, 1, 0))).toBe(false);
  expect(isPartMissing(members(3, 1, 2, 0))).toBe(false);
  expect(isPartMissing(members(3, 0, 2, 0))).toBe(true);
  expect(isPartMissing(members(1, 1, 2, 0))).toBe(true);
  expect(isPartMissing(members(1, 0, 0, 90))).toBe(false);
  // However many parts there are, somebody misses enough to search.
  for (const parts of [
    [50, 50],
    [90, 10],
    [34, 33, 33],
    [97, 1, 1, 1],
  ]) {
    const all = parts.reduce((sum, part) => sum + part, 0);
    expect(
      parts.some((part) => isPartMissing(members(part, 0, all - part, 0))),
      parts.join(),
    ).toBe(true);
  }
});
