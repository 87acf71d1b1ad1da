// A peer that speaks only HTTP, as the original Flask node does: real sockets, port 0. It answers `/ping` and `/message`,
// registers with a bootstrap, fetches `/peers` there.

import { createServer, type Server } from "node:http";
import { listen } from "../http/house.ts";

export class FlaskNode {
  readonly messages: string[] = [];
  pings = 0;
  /** What the next pings are answered with; undefined: nothing, ever. */
  status: number | undefined = 200;
  url = "";
  readonly #server: Server;
  #close: () => Promise<void> = async () => {};
  #pinged: (() => void)[] = [];

  constructor() {
    this.#server = createServer((req, res) => {
      let body = "";
      req.on("data", (chunk) => (body += chunk));
      req.on("end", () => {
        const answer = (status: number, value: unknown) => {
          res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
        };
        if (req.url === "/message") {
          this.messages.push(body);
          answer(200, { status: "received" });
        } else if (req.url === "/ping") {
          this.pings++;
          for (const wake of this.#pinged.splice(0)) wake();
          if (this.status !== undefined) answer(this.status, { response: "pong", node_id: "flask" });
        } else answer(404, { error: "Not found" });
      });
    });
  }

  async start(): Promise<this> {
    const { port, close } = await listen(this.#server);
    this.url = `http://127.0.0.1:${port}`;
    this.#close = close;
    return this;
  }

  stop(): Promise<void> {
    return this.#close();
  }

  /** Resolves when the next ping has arrived here. */
  nextPing(): Promise<void> {
    return new Promise((resolve) => this.#pinged.push(resolve));
  }

  /** What the original does on start: registers, and gets the peers. */
  async register(bootstrapUrl: string): Promise<{ status: number; body: unknown }> {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ address: this.url });
    const answer = await fetch(`${bootstrapUrl}/register`, { method: "POST", headers, body });
    return { status: answer.status, body: await answer.json() };
  }
}

export async function peersOf(baseUrl: string): Promise<unknown> {
  return (await fetch(`${baseUrl}/peers`)).json();
}
