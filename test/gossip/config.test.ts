// The protocol's constants: what they are by default, what they may be, and what is said when they may not.

import { describe, expect, test } from "vitest";
import { configure, presets } from "../../src/gossip/config.ts";

describe("a configuration", () => {
  test("has memberlist's LAN constants and Lifeguard's where it says so", () => {
    expect(configure()).toMatchObject({
      probeIntervalMs: 1_000,
      probeTimeoutMs: 500,
      indirectProbes: 3,
      healthMax: 8,
      suspicionMaxMult: 6,
      gossipIntervalMs: 200,
      gossipMult: 4,
      deadMs: 86_400_000,
    });
  });

  test("has constants of its own where a sweep found better ones", () => {
    expect(configure()).toMatchObject({
      suspicionMult: 1.5,
      suspicionConfirmations: 2,
      gossipBurst: 32,
      gossipPerSecond: 100,
      resendMinMs: 100,
      syncIntervalMs: 100,
      joinRetryMs: 100,
    });
  });

  test("leaves two milliseconds between two tellings, and lets acknowledgements wait", () => {
    expect(configure()).toMatchObject({ coalesceMs: 2, heardDelayMs: 60, resendMinMs: 100 });
  });

  test("is a preset, and overrides of it", () => {
    expect(configure("wan").probeIntervalMs).toBe(presets.wan.probeIntervalMs);
    expect(configure("wan", { probeIntervalMs: 7_000 }).probeIntervalMs).toBe(7_000);
    expect(configure("local").gossipIntervalMs).toBe(100);
    expect(configure("lan", {})).toEqual(configure());
  });

  test("cannot be changed afterwards, and changes nothing of what it was made from", () => {
    const overrides = { healthMax: 3 };
    const config = configure("lan", overrides);
    expect(Object.isFrozen(config)).toBe(true);
    expect(overrides).toEqual({ healthMax: 3 });
    expect(configure().healthMax).toBe(8);
  });

  test.each([
    ["probeIntervalMs", { probeIntervalMs: 0 }],
    ["probeIntervalMs", { probeIntervalMs: Number.NaN }],
    ["indirectProbes", { indirectProbes: 17 }],
    ["gossipBurst", { gossipBurst: 1.5 }],
    ["gossipPerSecond", { gossipPerSecond: 0 }],
    ["resendMinMs", { resendMinMs: 0 }],
    ["heardDelayMs", { heardDelayMs: -1 }],
    ["coalesceMs", { coalesceMs: -1 }],
    ["suspicionMult", { suspicionMult: 0 }],
    ["eagerBurst", { eagerBurst: 8 } as object],
    ["gossipFanout", { gossipFanout: 3 } as object],
    ["membersMax", { membersMax: 70_000 }],
    ["membersMax", { membersMax: 1 }],
    ["probeTimeoutMs", { probeTimeoutMs: 1_000 }],
    ["probeTimeoutFloorMs", { probeTimeoutFloorMs: 501 }],
    ["probeIntervalMs", { probeIntervalMs: "1000" as unknown as number }],
    ["unheardOf", { unheardOf: 1 } as object],
  ])("says that %s is wrong in %j", (name, overrides) => {
    expect(() => configure("lan", overrides)).toThrow(RangeError);
    expect(() => configure("lan", overrides)).toThrow(name);
  });

  test.each(["moon", "", "__proto__", "constructor", "toString"])("knows no preset `%s`", (preset) => {
    expect(() => configure(preset as "lan")).toThrow(/preset/);
  });
});
