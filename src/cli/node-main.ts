// A node, or a bootstrap, as a process: opens the two ports, puts the rooms of the house together, waits until it
// should stop, says goodbye. The composition is all that lives here.
//
//   rehearsal  →  gossip (UDP)  →  HTTP listens  →  the url is told  →  "Node … is running"  →  discovery  …
//   stop  →  farewell
//
// Gossip is opened first because nobody can know of it yet; whatever fails later closes it again, so nothing half
// started remains. The url is told last: nobody hears of a port that does not listen, and port 0 has become real.

import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { createBootstrapApp } from "../bootstrap/app.ts";
import { discover } from "../bootstrap/discover.ts";
import { GuestWatch } from "../bootstrap/guest-watch.ts";
import { joinByNames } from "../bootstrap/seeds.ts";
import { GossipError, type GossipNode, start } from "../gossip/index.ts";
import { createNodeApp, type NodeAppDeps } from "../http/app.ts";
import { Feed } from "../http/feed.ts";
import { Greeter } from "../http/greeter.ts";
import { Inbox } from "../http/inbox.ts";
import { postJson } from "../http/post.ts";
import { relayGossip } from "../http/reception.ts";
import { createHttpServer } from "../http/server.ts";
import { baseUrlOf } from "../http/url.ts";
import type { NodeConfig } from "./config.ts";
import { bindFault, CommandFault, codeOf } from "./fault.ts";
import { logMembership, openLog } from "./log.ts";
import { rehearse } from "./rehearsal.ts";
import { nodeSettings } from "./settings.ts";
import type { Stop } from "./stop.ts";

export type Role = "node" | "bootstrap";

/** What a node tells the process that started it, if there is a channel: it serves. */
export interface Ready {
  readonly ready: { readonly id: string; readonly url: string; readonly address: string };
}

/** Where a seed without a port listens, when this node's own port says nothing about that. */
const GOSSIP_PORT = Number(nodeSettings.gossipPort.default);
/** The promise is 2 s from the signal to the exit. */
const FAREWELL_MS = 1_700;

/**
 * Runs a node until `stop` is asked; then it has left and closed everything.
 * @throws CommandFault a port cannot be bound, or the profile is too big
 */
export async function runNode(config: NodeConfig, role: Role, stop: Stop): Promise<void> {
  const log = openLog(config.logLevel, config.name);
  crashLoudly(log);
  warmUp(log);
  const gossip = await openGossip(config, role);
  const house = furnish(gossip, config, role, log, stop);
  try {
    const httpPort = await listen(house.server, config, log);
    const own = `http://${hostOf(gossip.self.address)}:${httpPort}`;
    const url = config.advertiseHttp ?? baseUrlOf(own) ?? own;
    announce(gossip, url);
    const { id, address } = gossip.self;
    log.info({ id, role, url, address, httpPort, cluster: config.cluster, pid: process.pid }, `Node ${id} is running`);
    // Somebody waits for this one.
    log.flush();
    const ready: Ready = { ready: { id, url, address } };
    // The parent may have gone meanwhile; `stop` hears of that by itself.
    process.send?.(ready, undefined, undefined, () => {});
  } catch (error) {
    house.close();
    await gossip.close();
    throw error;
  }
  const searching = house.search();
  const why = await stop.asked;
  log.info({ why }, "Leaving");
  await sayFarewell(gossip, house, searching);
}

/** Without it a node is slower at first, and no worse. */
function warmUp(log: Logger): void {
  try {
    rehearse();
  } catch (error) {
    log.warn({ err: error }, "The rehearsal failed; this node starts without");
  }
}

/** A bug, or what no code of ours foresaw: one line, and an end that whoever supervises us can see. */
function crashLoudly(log: Logger): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, `Ended by an error that nobody handled (${event})`);
      process.exit(1);
    });
  }
}

async function openGossip(config: NodeConfig, role: Role): Promise<GossipNode> {
  const { host, gossipPort: port, advertise, cluster, preset, name, tags } = config;
  try {
    return await start({ host, port, ...(advertise && { advertise }), cluster, preset, profile: { name, role, tags } });
  } catch (error) {
    // What is wrong with single values config.ts has said; here they are too much together.
    if (error instanceof RangeError) throw new CommandFault(2, error.message, { cause: error });
    if (!(error instanceof GossipError)) throw error;
    throw bindFault(codeOf(error.cause), { host, port, kind: "UDP" }, error);
  }
}

interface House {
  readonly server: Server;
  /** Looks for the network until `close`. */
  search(): Promise<void>;
  /** Ends every loop, stream and request; the connections remain, for the last answers. */
  close(): void;
}

function furnish(gossip: GossipNode, config: NodeConfig, role: Role, log: Logger, stop: Stop): House {
  const ending = new AbortController();
  const { signal } = ending;
  const defaultPort = config.gossipPort || GOSSIP_PORT;
  const guests = new GuestWatch({ gossip, log });
  const deps: NodeAppDeps = {
    gossip,
    guests,
    log,
    signal,
    inbox: new Inbox(),
    feed: new Feed(),
    post: postJson,
    ...(config.adminToken && { adminToken: config.adminToken }),
    join: (seeds, joining) => joinByNames(gossip, seeds, { defaultPort, signal: joining }),
    leave: () => stop.ask("POST /leave"),
    startedAt: Date.now(),
  };
  logMembership(gossip, log);
  relayGossip(gossip, deps);
  const greeter = new Greeter({ gossip, post: postJson, log });
  return {
    server: createHttpServer(role === "bootstrap" ? createBootstrapApp(deps) : createNodeApp(deps)),
    search: () => discover({ gossip, log, signal, defaultSeedPort: defaultPort, ways: waysOf(config) }),
    close: () => {
      ending.abort(new Error("this node is leaving"));
      greeter.close();
      guests.close();
      deps.feed.close();
    },
  };
}

function waysOf({ host, bootstrapUrl, seeds, hello, gossipPort }: NodeConfig) {
  // Who listens on the loopback alone can be reached by nobody a name or a gateway leads to.
  const isLocal = /^127\.|^::1$/.test(host);
  return {
    seeds,
    ...(bootstrapUrl && { bootstrapUrl }),
    ...(isLocal && ({ conventionUrl: false, gatewayPort: false } as const)),
    broadcastPort: hello && !isLocal ? gossipPort || GOSSIP_PORT : (false as const),
  };
}

/** @returns the port that was bound */
async function listen(server: Server, { host, httpPort: port }: NodeConfig, log: Logger): Promise<number> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    throw bindFault(codeOf(error), { host, port, kind: "HTTP" }, error);
  }
  // A connection that the system could not hand over, for want of memory or of descriptors: no reason to end.
  server.on("error", (error) => log.error({ err: error }, "A connection could not be taken"));
  return (server.address() as AddressInfo).port;
}

function announce(gossip: GossipNode, url: string): void {
  try {
    gossip.update({ url });
  } catch (error) {
    if (error instanceof RangeError) throw new CommandFault(2, error.message, { cause: error });
    throw error;
  }
}

/** Bounded as a whole: what is not told or closed by then is left to the others' failure detection. */
async function sayFarewell(gossip: GossipNode, house: House, searching: Promise<void>): Promise<void> {
  house.close();
  const closed = once(house.server, "close");
  house.server.close();
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FAREWELL_MS);
  });
  await Promise.race([Promise.all([gossip.leave(), searching]), patience]);
  house.server.closeAllConnections();
  await Promise.race([closed, patience]);
  clearTimeout(timer);
}

/** The IP in a gossip address, as a URL wants it. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
