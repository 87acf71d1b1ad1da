// A refusal of the target's host (ICMP, by way of a connected socket): a hint that ends waiting, and never proof.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { type GossipNode, type MembershipEvent, start } from "../../src/gossip/index.ts";
import { GOSSIP, PING } from "../../src/gossip/wire.ts";
import { Knocks } from "../../src/udp/knock.ts";
import { Lab, names } from "../gossip/lab.ts";
import { at } from "../gossip/letters.ts";

const PATIENCE_MS = 5_000;

/** A node's next event of a type, within a bound. */
function next(node: GossipNode, type: MembershipEvent["type"]): Promise<MembershipEvent> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${type} within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    const listener = (event: MembershipEvent) => {
      clearTimeout(timer);
      node.off(type, listener);
      resolve(event);
    };
    node.on(type, listener);
  });
}

/** A UDP port of the loopback on which nobody listens: it was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

describe("a knock", () => {
  it("is refused where nobody listens", async () => {
    const port = await freePort();
    await new Promise<void>((resolve) => new Knocks().knock("127.0.0.1", port, resolve));
  });

  it("says nothing where somebody listens, though he never answers, and comes as an empty datagram", async () => {
    const listener = createSocket("udp4").bind(0, "127.0.0.1");
    await once(listener, "listening");
    let isRefused = false;
    new Knocks().knock("127.0.0.1", listener.address().port, () => {
      isRefused = true;
    });
    const [bytes] = await once(listener, "message");
    expect(bytes.length).toBe(0);
    // A refusal would have come before the answer to a later knock elsewhere.
    const port = await freePort();
    await new Promise<void>((resolve) => new Knocks().knock("127.0.0.1", port, resolve));
    expect(isRefused).toBe(false);
    listener.close();
  });

  it("of an address that cannot be connected to is nothing, and costs no place", async () => {
    const knocks = new Knocks();
    for (let i = 0; i < 10; i++) {
      // A broadcast address, which only a socket that says so may reach: EACCES.
      knocks.knock("255.255.255.255", 7979, () => expect.fail("refused"));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const port = await freePort();
    await new Promise<void>((resolve) => knocks.knock("127.0.0.1", port, resolve));
  });

  it("is ignored by a member, and not counted as a broken datagram", async () => {
    await using node = await start({ host: "127.0.0.1", port: 0 });
    await using friend = await start({ host: "127.0.0.1", port: 0 });
    const [ip = "", port = ""] = node.self.address.split(":");
    const knocker = createSocket("udp4");
    await new Promise<void>((resolve) => knocker.send("", Number(port), ip, () => resolve()));
    knocker.close();
    await friend.join([node.self.address]); // whatever came before was read by now
    expect(node.stats.malformed).toBe(0);
  });
});

describe("a refusal", () => {
  const settled = () => {
    const lab = new Lab();
    lab.know(...names(8));
    lab.answering = () => true;
    lab.runUntil(10_000);
    lab.answering = () => false;
    lab.take();
    return lab;
  };
  const pinged = (lab: Lab): string => {
    while (!lab.sent.some(({ kind }) => kind === PING)) lab.runFor(10);
    return lab.take(PING)[0]?.to ?? "";
  };

  it("says nothing before a ping was missed: the process may have been started again at that moment", () => {
    const lab = settled();
    const target = pinged(lab);
    lab.swim.refused(lab.now, at(target));
    expect(lab.status(target)).toBe("alive");
  });

  it("of a member that missed a ping accuses it at once, and no sooner is it dead than its suspicion is over", () => {
    const lab = settled();
    const target = pinged(lab);
    lab.runFor(lab.config.probeTimeoutMs + 1);
    const health = lab.swim.health;
    lab.swim.refused(lab.now, at(target));
    expect(lab.status(target)).toBe("suspect");
    expect(lab.swim.health).toBe(health);
    expect(lab.take(GOSSIP).some(({ to }) => to === target)).toBe(true);
    lab.runFor(lab.config.suspicionMult * lab.config.probeIntervalMs - 1);
    expect(lab.status(target)).toBe("suspect");
  });

  it("of a stranger, or of one that nobody probes, is nothing", () => {
    const lab = settled();
    lab.swim.refused(lab.now, at("10.9.9.9:7979"));
    const idle = names(8).filter((name) => name !== pinged(lab))[0] ?? "";
    lab.swim.refused(lab.now, at(idle));
    expect(lab.status(idle)).toBe("alive");
  });
});

describe("members whose host refuses for one of them", () => {
  it("suspect it, and then call it down", { timeout: 30_000 }, async () => {
    const nodes: GossipNode[] = [];
    try {
      for (let i = 0; i < 5; i++) {
        const node = await start({ host: "127.0.0.1", port: 0 });
        nodes.push(node);
        if (i > 0) await node.join([nodes[0]?.self.address ?? ""]);
      }
      const [watcher, , , , victim] = nodes as [GossipNode, GossipNode, GossipNode, GossipNode, GossipNode];
      const isKnown = () => watcher.members().length === nodes.length;
      while (!isKnown()) await next(watcher, "up");
      const suspected = next(watcher, "suspect");
      const down = next(watcher, "down");
      await victim.close(); // without a goodbye
      const suspicion = await suspected;
      const death = await down;
      expect(suspicion.member.address).toBe(victim.self.address);
      expect(death.member.address).toBe(victim.self.address);
      expect(victim.self.address).not.toBe(watcher.self.address);
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
    }
  });
});
