// What the HTTP face needs of the house, as types. Nothing here runs.

import type { GossipNode } from "../gossip/api.ts";
import type { Feed } from "./feed.ts";
import type { GuestList } from "./guest-list.ts";
import type { Inbox } from "./inbox.ts";
import type { PostJson } from "./post.ts";

/** The part of a pino logger that is used here. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  /** What was said so far is not held back any longer. */
  flush(): void;
}

/** Where a message that reaches this node goes. */
export interface Reception {
  readonly inbox: Inbox;
  readonly feed: Feed;
  readonly log: Log;
}

export interface NodeAppDeps extends Reception {
  readonly gossip: GossipNode;
  readonly guests: GuestList;
  /** Every request this face sends goes through here. */
  readonly post: PostJson;
  /** Opens `/join` and `/leave` to callers that are not on this machine. Absent or empty: to nobody else. */
  readonly adminToken?: string;
  /** Joins by seeds as an operator writes them (`host:port`); names are resolved in there. TypeError: a seed makes no sense; LookupError: none resolves. */
  join(seeds: string[], signal: AbortSignal): Promise<void>;
  /** Starts the process's farewell; called once the answer is out. */
  leave(): void;
  /** Unix time in ms at which the process began to serve. */
  readonly startedAt: number;
  /** Ends every request this face still has under way to others. */
  readonly signal?: AbortSignal;
}
