// The simulated network does what it is told to, and nothing else: each trouble by itself, seen from outside.

import { describe, expect, it } from "vitest";
import { configure } from "../../src/gossip/config.ts";
import { Random } from "../../src/gossip/random.ts";
import { ReceiveBuffer } from "../../src/sim/buffer.ts";
import { Links } from "../../src/sim/links.ts";
import { CALM, Network, type SimMember, type Watcher, type Weather } from "../../src/sim/network.ts";
import { damaged } from "../../src/sim/weather.ts";

function settled(nodes: number, weather: Partial<Weather> = {}, watcher: Watcher = {}): Network {
  const net = new Network(7, configure("lan"), { ...CALM, ...weather }, watcher);
  net.settle(nodes);
  return net;
}

const member = (net: Network, index: number) => net.members[index] as SimMember;

/** How many each member took in within ten periods. */
function receivedIn(net: Network): number[] {
  net.run(net.now + 10_000);
  return net.members.map(({ received }) => received);
}

describe("the weather", () => {
  it("loses nothing, repeats nothing and damages nothing when it is calm", () => {
    const net = settled(5);
    const received = receivedIn(net).reduce((sum, each) => sum + each, 0);
    expect(net.datagrams - received).toBeLessThanOrEqual(2); // under way
    expect(net.fates).toEqual({ lost: 0, duplicated: 0, reordered: 0, damaged: 0, overflowed: 0 });
  });

  it.each([
    ["loss", "lost"],
    ["duplicates", "duplicated"],
    ["damage", "damaged"],
  ] as const)("%s befalls its share of the datagrams", (trouble, fate) => {
    const net = settled(10, { [trouble]: 0.33 });
    net.run(20_000);
    expect(net.datagrams).toBeGreaterThan(400);
    expect(net.fates[fate] / net.datagrams).toBeCloseTo(0.33, 1);
  });

  it("that reorders lets later datagrams overtake", () => {
    const overtakes = (weather: Partial<Weather>) => {
      const heard: number[] = [];
      const net = settled(2, weather, { delivered: (_at, _observer, { seq }) => void heard.push(seq) });
      for (let i = 0; i < 40; i++) {
        net.tell(member(net, 0), (swim, now) => swim.broadcast(now, new Uint8Array(1_000)));
        net.run(net.now + 30);
      }
      net.run(net.now + 5_000);
      expect(heard).toHaveLength(40);
      return heard.filter((seq, i) => i > 0 && seq < (heard[i - 1] as number)).length;
    };
    expect(overtakes({})).toBe(0);
    expect(overtakes({ reordering: 0.4, reorderingMs: 500 })).toBeGreaterThan(0);
  });

  it("that damages leaves no datagram as it was, and the core believes none of them", () => {
    const random = new Random(3);
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => i);
    for (let i = 0; i < 500; i++) expect(damaged(bytes, random)).not.toEqual(bytes);
    expect(bytes[59]).toBe(59);
    const net = settled(5, { damage: 1 });
    net.run(5_000);
    for (const { swim } of net.members) expect(swim.stats.received).toBe(0);
  });
});

describe("a link", () => {
  it("has its own delay for each pair, the same each time, and another for another seed", () => {
    const links = new Links(1, { minMs: 2, maxMs: 30, isSymmetric: false });
    const delays = Array.from({ length: 200 }, (_, i) => links.delayMs(i, i + 1));
    expect(delays).toEqual(Array.from({ length: 200 }, (_, i) => links.delayMs(i, i + 1)));
    expect(new Set(delays).size).toBe(200);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...delays)).toBeLessThan(30);
    expect(new Links(2, links.settings).delayMs(0, 1)).not.toBe(delays[0]);
  });

  it("takes another time on the way back, unless it is symmetric", () => {
    const settings = { minMs: 2, maxMs: 30 };
    const oneWay = new Links(1, { ...settings, isSymmetric: false });
    const bothWays = new Links(1, { ...settings, isSymmetric: true });
    expect(oneWay.delayMs(3, 8)).not.toBe(oneWay.delayMs(8, 3));
    expect(bothWays.delayMs(3, 8)).toBe(bothWays.delayMs(8, 3));
  });

  it("delays what is sent over it", () => {
    const net = settled(2);
    net.links = { settings: { minMs: 0, maxMs: 0, isSymmetric: true }, delayMs: () => 40 } as unknown as Links;
    net.run(5_000);
    const { swim } = member(net, 0);
    expect(swim.members.rttMs(member(net, 1).swim.members.self)).toBeGreaterThan(80);
  });
});

describe("a member", () => {
  it("that loses all ingress hears nothing and is heard", () => {
    const net = settled(5);
    member(net, 2).ingressLoss = 1;
    const received = receivedIn(net);
    expect(received[2]).toBe(0);
    expect(member(net, 2).sent).toBeGreaterThan(0);
    expect(received[1]).toBeGreaterThan(0);
  });

  it("that loses most of its egress hears all and is heard seldom", () => {
    const net = settled(5);
    member(net, 2).egressLoss = 0.8;
    net.run(10_000);
    const lost = net.fates.lost / member(net, 2).sent;
    expect(lost).toBeGreaterThan(0.65);
    expect(lost).toBeLessThan(0.95);
    expect(member(net, 2).received).toBeGreaterThan(10);
  });

  it("can be cut off in one direction only", () => {
    const net = settled(2);
    net.cut = (from, to) => from === 0 && to === 1;
    net.run(1_500);
    expect(member(net, 1).received).toBe(0);
    expect(member(net, 0).received).toBeGreaterThan(0);
  });

  it("that stands still does nothing, and its datagrams wait", () => {
    const net = settled(3);
    net.run(2_000);
    const still = member(net, 1);
    net.pause(still);
    const { sent, received } = still;
    net.run(4_000);
    expect([still.sent, still.received]).toEqual([sent, received]);
    const waiting = still.buffer.size;
    expect(waiting).toBeGreaterThan(0);
    net.resume(still);
    expect(still.received).toBe(received + waiting);
    expect(still.buffer.size).toBe(0);
  });

  it("that goes on sees its late timers first, and then what waited", () => {
    const net = settled(3);
    net.run(2_000);
    const still = member(net, 1);
    net.pause(still);
    net.run(7_000);
    const inputs: string[] = [];
    const { swim } = still;
    const [wake, receive] = [swim.wake.bind(swim), swim.receive.bind(swim)];
    swim.wake = (now) => {
      inputs.push(`wake at ${now}`);
      wake(now);
    };
    swim.receive = (now, bytes) => {
      inputs.push(`receive at ${now}`);
      return receive(now, bytes);
    };
    net.resume(still);
    expect(inputs[0]).toBe("wake at 7000");
    expect(new Set(inputs.slice(1))).toEqual(new Set(["receive at 7000"]));
    expect(swim.stats.stalls).toBe(1);
  });

  it("that stutters stands still and runs by turns, until told otherwise", () => {
    const net = settled(3);
    const slow = member(net, 1);
    net.slow(slow, 900, 100);
    let running = 0;
    for (let i = 0; i < 400; i++) {
      net.run(net.now + 25);
      if (!slow.paused) running++;
    }
    expect(running / 400).toBeCloseTo(0.1, 1);
    expect(slow.sent).toBeGreaterThan(0);
    net.resume(slow);
    for (let i = 0; i < 100; i++) {
      net.run(net.now + 25);
      expect(slow.paused).toBe(false);
    }
  });

  it("that crashed or started anew stutters no more, and gets nothing that was meant for its former life", () => {
    const net = settled(3);
    const slow = member(net, 1);
    net.slow(slow, 900, 100);
    net.run(500);
    expect(slow.buffer.size).toBeGreaterThan(0);
    net.restart(slow);
    expect([slow.paused, slow.buffer.size]).toEqual([false, 0]);
    net.run(5_000);
    expect(slow.paused).toBe(false);
  });

  it("that leaves stops once its goodbye is told", () => {
    const net = settled(4);
    net.run(1_000);
    net.leave(member(net, 3));
    net.run(net.now + 1_100);
    expect(member(net, 3).running).toBe(false);
    expect(net.agreed).toBe(true);
  });
});

describe("the buffer of a member that stands still", () => {
  it.each([
    [60, 512],
    [300, 332],
    [1_400, 184],
  ])("holds as many datagrams of %i bytes as a socket of Linux's default size: %i", (length, count) => {
    const buffer = new ReceiveBuffer();
    let held = 0;
    while (buffer.add(new Uint8Array(length))) held++;
    expect(held).toBe(count);
    expect(buffer.take()).toHaveLength(count);
    expect(buffer.add(new Uint8Array(length))).toBe(true);
  });

  it("loses what comes when it is full", () => {
    const net = new Network(7, configure("lan"));
    net.bufferBytes = 2_000;
    net.settle(3);
    net.pause(member(net, 1));
    net.run(5_000);
    expect(member(net, 1).buffer.size).toBe(2);
    expect(net.fates.overflowed).toBeGreaterThan(0);
  });
});
