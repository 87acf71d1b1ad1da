import { describe, expect, it, vi } from "vitest";
import { type Job, Lane } from "../../src/http/lane.ts";
import { deferred } from "./house.ts";

function build(width = 2, waitingMax = 3) {
  const ending = new AbortController();
  const errors: unknown[] = [];
  const lane = new Lane({ width, waitingMax, signal: ending.signal, failed: (error) => errors.push(error) });
  return { lane, ending, errors };
}

describe("a lane", () => {
  it("runs a few jobs at a time, in order, and goes on after one that failed", async () => {
    const { lane, errors } = build(2, 100);
    const started: number[] = [];
    const gates = Array.from({ length: 5 }, () => deferred());
    const jobs = gates.map((gate, n) => () => {
      started.push(n);
      return gate.promise;
    });
    expect(lane.offer(jobs)).toBe(true);
    expect(started).toEqual([0, 1]);
    gates[1]?.reject("broken");
    await vi.waitFor(() => expect(started).toEqual([0, 1, 2]));
    for (const gate of gates) gate.resolve();
    await vi.waitFor(() => expect(started).toEqual([0, 1, 2, 3, 4]));
    expect(errors).toEqual(["broken"]);
  });

  it("takes a batch whole or not at all, and any batch when it is idle", async () => {
    const { lane } = build(2, 3);
    const gate = deferred();
    const batch = (size: number): Job[] => Array.from({ length: size }, () => () => gate.promise);
    expect(lane.offer(batch(10))).toBe(true);
    expect(lane.offer(batch(1))).toBe(false);
    gate.resolve();
    await vi.waitFor(() => expect(lane.offer(batch(20))).toBe(true));
  });

  it("ends with its signal: jobs under way are told, waiting ones forgotten, new ones refused", async () => {
    const { lane, ending, errors } = build(1, 9);
    const told: unknown[] = [];
    const job: Job = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          told.push(signal.reason);
          reject(signal.reason);
        });
      });
    const never = vi.fn(async () => {});
    lane.offer([job, never]);
    ending.abort("we are leaving");
    expect(told).toEqual(["we are leaving"]);
    expect(lane.offer([never])).toBe(false);
    await Promise.resolve();
    expect(never).not.toHaveBeenCalled();
    expect(errors).toEqual([]);
    expect(new Lane({ width: 1, waitingMax: 1, signal: ending.signal, failed: () => {} }).offer([never])).toBe(false);
  });

  it("does not look like a leak to Node when it is wide", async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => void warnings.push(warning.name);
    process.on("warning", note);
    const { lane } = build(16, 100);
    const listening: Job = async (signal) => signal.addEventListener("abort", () => {});
    lane.offer(Array.from({ length: 16 }, () => listening));
    // Warnings are told on a later turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});
