// What happened, as Server-Sent Events: a ring of the last ones, and whoever listens. Text in, text out; sockets live in
// events.ts.
//
// An id is `<life>-<n>`: `life` is drawn anew by every process, `n` counts from 1. Who comes back with an id that this ring
// cannot continue from (too old, or of an earlier life) is told so by a first event `reset`: what it knew may be stale, it
// should ask `/members` and `/messages` for the present, and the stream goes on from there without a gap.

import { randomBytes } from "node:crypto";
import type { GossipEvent } from "../gossip/api.ts";

export interface FeedClient {
  write(text: string): void;
  /** The feed is closing: no more is coming. */
  end(): void;
}

export interface FeedOptions {
  /** @default 1024 */
  readonly eventsMax?: number;
  /** Small enough to be sent at one go to somebody who resumes. @default 512 KiB */
  readonly bytesMax?: number;
  /** @default 64 */
  readonly clientsMax?: number;
  /** Between two comments that keep proxies and dead connections honest. @default 15000 */
  readonly heartbeatMs?: number;
}

interface Kept {
  readonly n: number;
  readonly text: string;
  readonly bytes: number;
}

export class Feed {
  readonly #life = randomBytes(4).toString("hex");
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  readonly #clientsMax: number;
  readonly #heartbeatMs: number;
  readonly #kept: Kept[] = [];
  readonly #clients = new Set<FeedClient>();
  #bytes = 0;
  #last = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: FeedOptions = {}) {
    this.#eventsMax = options.eventsMax ?? 1024;
    this.#bytesMax = options.bytesMax ?? 512 * 1024;
    this.#clientsMax = options.clientsMax ?? 64;
    this.#heartbeatMs = options.heartbeatMs ?? 15_000;
  }

  /** False when the feed is closed or has as many clients as it serves. */
  get hasRoom(): boolean {
    return !this.#closed && this.#clients.size < this.#clientsMax;
  }

  /** Tells everybody who listens, and keeps the event for those who come back. `data` must be JSON. */
  publish(type: GossipEvent["type"], data: object): void {
    if (this.#closed) return;
    const n = ++this.#last;
    const text = this.#event(type, data);
    const kept = { n, text, bytes: Buffer.byteLength(text) };
    this.#kept.push(kept);
    this.#bytes += kept.bytes;
    while (this.#kept.length > this.#eventsMax || this.#bytes > this.#bytesMax) {
      const oldest = this.#kept.shift();
      if (!oldest) break;
      this.#bytes -= oldest.bytes;
    }
    for (const client of this.#clients) client.write(text);
  }

  /**
   * Tells a client what it missed after `lastEventId` (nothing if it has none) and, from now on, what happens.
   * @returns false if there is no room: nothing was written
   */
  attach(client: FeedClient, lastEventId?: string): boolean {
    if (!this.hasRoom) return false;
    this.#clients.add(client);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#heartbeatMs).unref();
    client.write(this.#opening(lastEventId));
    return true;
  }

  detach(client: FeedClient): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  /** Ends every stream, and takes no further client. */
  close(): void {
    this.#closed = true;
    for (const client of this.#clients) {
      this.detach(client);
      client.end();
    }
  }

  #opening(lastEventId: string | undefined): string {
    // An event without data only sets the id: a client that has heard nothing yet can resume from here.
    const here = `retry: 1000\nid: ${this.#life}-${this.#last}\n\n`;
    if (lastEventId === undefined || lastEventId === "") return here;
    const n = this.#placeOf(lastEventId);
    if (n === undefined) return here + this.#event("reset", { at: new Date().toISOString() });
    const missed = this.#kept.filter((kept) => kept.n > n);
    return missed.length === 0 ? here : missed.map((kept) => kept.text).join("");
  }

  /** The number in an id from which this ring can go on without a gap. */
  #placeOf(id: string): number | undefined {
    const [, life, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? [];
    if (life !== this.#life) return undefined;
    const n = Number(digits);
    const oldest = this.#kept[0]?.n ?? this.#last + 1;
    return n >= oldest - 1 && n <= this.#last ? n : undefined;
  }

  #event(type: GossipEvent["type"] | "reset", data: object): string {
    return `id: ${this.#life}-${this.#last}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #beat(): void {
    for (const client of this.#clients) client.write(": heartbeat\n\n");
  }
}
