import request from "supertest";
import { describe, expect, it } from "vitest";
import { someMember } from "./fake-gossip.ts";
import { buildHouse } from "./house.ts";

describe("a node", () => {
  it("says that it is running", async () => {
    const { app, gossip } = buildHouse();
    const answer = await request(app).get("/");
    expect([answer.status, answer.body]).toEqual([200, { message: `Node ${gossip.self.id} is running!` }]);
  });

  it("answers a ping", async () => {
    const { app, gossip } = buildHouse();
    const answer = await request(app).get("/ping");
    expect([answer.status, answer.body]).toEqual([200, { response: "pong", node_id: gossip.self.id }]);
  });

  it("tells all it knows of its members, by address", async () => {
    const { app, gossip } = buildHouse({ self: { address: "10.0.0.2:7979" } });
    gossip.others = [
      someMember({ address: "10.0.0.3:7979", status: "dead", rttMs: 0.4, tags: { rack: "a" }, incarnation: 7 }),
      someMember({ address: "10.0.0.1:7979", since: Date.UTC(2026, 4, 5) }),
    ];
    gossip.health = 2;
    gossip.converged = false;
    const { status, body } = await request(app).get("/members");
    expect(status).toBe(200);
    expect(body).toMatchObject({ self: gossip.self.id, health: 2, digest: "0badcafe", converged: false });
    expect(body.members.map((member: { address: string }) => member.address)).toEqual([
      "10.0.0.1:7979",
      "10.0.0.2:7979",
      "10.0.0.3:7979",
    ]);
    const [first, , third] = body.members;
    expect(Object.keys(first).sort()).toEqual(
      ["address", "id", "incarnation", "name", "role", "rttMs", "since", "status", "tags", "url"].sort(),
    );
    expect(first).toMatchObject({ since: "2026-05-05T00:00:00.000Z", rttMs: null, status: "alive" });
    expect(third).toMatchObject({ rttMs: 0.4, tags: { rack: "a" }, incarnation: 7, status: "dead" });
  });

  it("is healthy as long as it serves", async () => {
    const { app, gossip } = buildHouse({ startedAt: Date.now() - 5000 });
    gossip.others = [someMember(), someMember({ status: "suspect" }), someMember({ status: "dead" })];
    const { status, body } = await request(app).get("/health");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "ok",
      members: { alive: 2, suspect: 1, dead: 1, left: 0 },
      converged: true,
    });
    expect(body.uptimeMs).toBeGreaterThanOrEqual(5000);
    expect(body.uptime).toBe(Math.floor(body.uptimeMs / 1000));
  });

  it("shows its counters", async () => {
    const { app, gossip } = buildHouse();
    gossip.stats = { sendErrors: 3 };
    expect((await request(app).get("/stats")).body).toEqual({ stats: { sendErrors: 3 } });
  });
});
