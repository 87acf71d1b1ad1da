// What the core's shell does with sockets beside its own: asks a host whether anybody listens at a port.
//
// A member that does not answer may be slow, or its process may be gone while its host is well. Then the host refuses
// datagrams to its port by ICMP (RFC 1122 4.1.3.1), which the kernel reports only to a connected socket. So a second
// socket is connected for a moment and an empty datagram sent, which members ignore. A refusal is a hint: it ends the waiting
// of one probe, and the neighbours' probes and the time of the suspicion follow as ever, so a process that is started
// again at once is not missed.

import { createSocket } from "node:dgram";
import { isIP } from "node:net";

/** A refusal comes within a round-trip. */
const LISTEN_MS = 200;
/** More at once are not asked: who has lost so many has lost its network. */
const KNOCKS_MAX = 8;

export class Knocks {
  #open = 0;

  /** Calls `refused` if the host at `ip` says that nobody listens at `port`; else nothing happens. Never throws. */
  knock(ip: string, port: number, refused: () => void): void {
    if (this.#open >= KNOCKS_MAX) return;
    this.#open++;
    const socket = createSocket(isIP(ip) === 6 ? "udp6" : "udp4");
    let isOpen = true;
    const end = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#open--;
      clearTimeout(timer);
      socket.close();
    };
    const timer = setTimeout(end, LISTEN_MS).unref();
    socket.unref();
    // Whatever else goes wrong says nothing of the other.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const isRefusal = isOpen && error.code === "ECONNREFUSED";
      end();
      if (isRefusal) refused();
    });
    // Node's types say that it is told nothing; it is told what went wrong (a broadcast address, no route), and nobody else is.
    const connected = (error?: Error) => {
      if (error) end();
      else if (isOpen) socket.send("", (cause) => cause && socket.emit("error", cause));
    };
    socket.connect(port, ip, connected);
  }
}
