// Are the ports of a local cluster free? Asked before anything is started, so that nothing is half started.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { bindFault, codeOf } from "./fault.ts";

const HOST = "127.0.0.1";
const CONNECT_MS = 250;

/**
 * @param first of `count` ports in a row; 0: the system will pick, nothing to ask
 * @throws CommandFault naming the first port that is taken
 */
export async function requireFreePorts(first: number, count: number): Promise<void> {
  if (first === 0) return;
  for (let port = first; port < first + count; port++) {
    await requireBindable(port);
    // On macOS one may bind 127.0.0.1 beside a program that holds the port on all addresses, such as AirPlay; and what
    // people type is `localhost`, which may mean ::1.
    if ((await isAnswered(HOST, port)) || (await isAnswered("::1", port))) {
      throw bindFault("EADDRINUSE", { host: HOST, port, kind: "HTTP" }, undefined);
    }
  }
}

async function requireBindable(port: number): Promise<void> {
  const server = createServer();
  server.listen({ host: HOST, port });
  try {
    await once(server, "listening");
  } catch (error) {
    throw bindFault(codeOf(error), { host: HOST, port, kind: "HTTP" }, error);
  }
  server.close();
  await once(server, "close");
}

function isAnswered(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => settle(true));
    // Refused, no IPv6 here, or silence: nobody whom a user would meet instead of us.
    socket.on("error", () => settle(false));
    socket.on("timeout", () => settle(false));
  });
}
