// The messages this node was told, the last of them: bounded in number and in bytes. Knows nothing of HTTP or gossip.

export interface Message {
  /** The node uuid or gossip address of the party that delivered it; null for a plain HTTP caller, who may be anybody. */
  readonly from: string | null;
  /** What the party calls itself: a claim, not a proof. */
  readonly sender: string;
  readonly msg: string;
  readonly via: "http" | "gossip";
}

export interface InboxMessage extends Message {
  /** Counts from 1 in the life of a process and never goes down. */
  readonly n: number;
  /** ISO 8601. */
  readonly at: string;
}

export interface InboxOptions {
  /** @default 1000 */
  readonly messagesMax?: number;
  /** Over all messages kept, as JSON in UTF-8: what they cost whoever is told them. @default 4 MiB */
  readonly bytesMax?: number;
  /** Unix time in ms. @default Date.now */
  readonly now?: () => number;
}

interface Kept {
  readonly message: InboxMessage;
  /** As JSON, with a comma. */
  readonly bytes: number;
}

export class Inbox {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #now: () => number;
  readonly #kept: Kept[] = [];
  #bytes = 0;
  #last = 0;

  constructor(options: InboxOptions = {}) {
    this.#messagesMax = options.messagesMax ?? 1000;
    this.#bytesMax = options.bytesMax ?? 4 * 1024 * 1024;
    this.#now = options.now ?? Date.now;
  }

  /** Keeps the message, at the price of the oldest ones if there is no room. */
  add(message: Message): InboxMessage {
    const { from, sender, msg, via } = message;
    const kept: InboxMessage = { n: ++this.#last, at: new Date(this.#now()).toISOString(), from, sender, msg, via };
    const bytes = Buffer.byteLength(JSON.stringify(kept)) + 1;
    this.#kept.push({ message: kept, bytes });
    this.#bytes += bytes;
    while (this.#kept.length > this.#messagesMax || this.#bytes > this.#bytesMax) {
      const oldest = this.#kept.shift();
      if (!oldest) break;
      this.#bytes -= oldest.bytes;
    }
    return kept;
  }

  /** The number of the last message; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /**
   * The messages still kept whose number is over `n`, oldest first.
   * @param bytesMax as many as fit into so many bytes of JSON, but at least one
   */
  since(n: number, bytesMax = Number.POSITIVE_INFINITY): InboxMessage[] {
    const page: InboxMessage[] = [];
    // The brackets, of which a comma too many makes up for one.
    let bytes = 1;
    // Numbers have no gaps, so a number is a place.
    const first = this.#kept[0]?.message.n ?? 0;
    for (let i = Math.max(0, n - first + 1); i < this.#kept.length; i++) {
      const kept = this.#kept[i];
      if (!kept) break;
      bytes += kept.bytes;
      if (page.length > 0 && bytes > bytesMax) break;
      page.push(kept.message);
    }
    return page;
  }
}
