// What an engineer who embeds membership sees: types and the one error class, no behaviour.
// `node.ts` implements `GossipNode`; the HTTP face and the tests depend on this file alone.

/** SWIM's states (paper section 4.2) and `left` for a member that said goodbye. */
export type Status = "alive" | "suspect" | "dead" | "left";

/** What a member says of itself. At most 512 bytes in all when encoded. */
export interface Profile {
  /** UUID of the process; a restart has a new one. */
  readonly id: string;
  readonly name: string;
  /** Base URL of the HTTP face, without a trailing slash; empty if it has none. */
  readonly url: string;
  readonly role: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Member extends Profile {
  /** Advertised gossip address, `ip:port` or `[ipv6]:port`: the member's identity. */
  readonly address: string;
  readonly status: Status;
  readonly incarnation: number;
  /** Unix time in ms, on this node's clock, of the last change of status seen here. */
  readonly since: number;
  /** Smoothed round-trip in ms; undefined for members that this node does not probe, or has not yet. */
  readonly rttMs: number | undefined;
  readonly self: boolean;
}

export interface MembershipEvent {
  /** `up`: new, back, or a suspicion refuted. `updated`: new profile, or another process at the same address. */
  readonly type: "up" | "suspect" | "down" | "left" | "updated";
  /** Unix time in ms. */
  readonly at: number;
  readonly member: Member;
  /** The status before; undefined if the member was unknown. */
  readonly was: Status | undefined;
  /** The member that held this address before, when another process (another `id`) took it over. */
  readonly replaced: Member | undefined;
}

export interface MessageEvent {
  readonly type: "message";
  readonly at: number;
  /** Gossip address of the member that called `broadcast`. */
  readonly origin: string;
  /** The origin as this node knows it; undefined if its membership has not arrived yet. */
  readonly from: Member | undefined;
  readonly payload: Uint8Array;
}

/**
 * Another process advertises this node's address, and the network believes that one just now. The two take turns, at
 * growing pauses of up to about a minute, until one of them stops or is given an address of its own. The others see each
 * turn as `updated` with `replaced`.
 */
export interface ConflictEvent {
  readonly type: "conflict";
  readonly at: number;
  /** The address in question. */
  readonly address: string;
  /** The rival's. */
  readonly incarnation: number;
  /** What the rival says of itself. */
  readonly rival: Profile;
}

export type GossipEvent = MembershipEvent | MessageEvent | ConflictEvent;

/** What a node emits: `event` for every one, and each under its own name. */
export interface GossipEvents {
  event: [GossipEvent];
  up: [MembershipEvent];
  suspect: [MembershipEvent];
  down: [MembershipEvent];
  left: [MembershipEvent];
  updated: [MembershipEvent];
  message: [MessageEvent];
  conflict: [ConflictEvent];
}

export interface Waiting {
  /** Ends the wait with the signal's own reason, as in Node.js: of `AbortSignal.timeout()` a DOMException `TimeoutError`. */
  readonly signal?: AbortSignal;
}

/** A running member. Emits `event` (every `GossipEvent`) and each event's own type. */
export interface GossipNode extends AsyncDisposable {
  /** This node as its peers see it, with its own profile even while another process has its address. */
  readonly self: Member;
  /** Lifeguard's local health score: 0 is well, 8 is as sick as it gets. */
  readonly health: number;
  /** Eight hexadecimal digits over all live claims: two nodes with equal digests have equal views. */
  readonly digest: string;
  /** True when the last member heard from had this digest and no rumor is waiting. */
  readonly converged: boolean;
  readonly stats: Readonly<Record<string, number>>;
  /** Every member remembered, this node and the dead and left included. */
  members(): Member[];
  /** The live members that stand next to `address` on the ring, nearest first; at most `count`, `address` itself excluded. */
  neighbours(address: string, count: number): Member[];
  /**
   * Asks the seeds (`ip:port`; names are resolved by the caller) in turn until one admits this node.
   * @throws GossipError `ERR_JOIN_TIMEOUT` if none answered in `joinTimeoutMs`; the signal's reason if that was sooner
   */
  join(seeds: readonly string[], waiting?: Waiting): Promise<void>;
  /** Sends one `hello` to a broadcast address; who hears it may admit this node. */
  hello(broadcastIp: string, port: number): void;
  /**
   * Gossips to every live member, each hears it once (this node is not told of its own).
   * @returns the number of live members, this one included
   * @throws RangeError if the payload is over 1,024 bytes
   * @throws GossipError `ERR_BUSY` while nobody has acknowledged 128 of its own, or 256 of all: say it again soon
   */
  broadcast(payload: Uint8Array | string): number;
  /** Changes what this node says of itself; peers emit `updated`. */
  update(change: Partial<Pick<Profile, "name" | "url" | "tags">>): void;
  /** Says goodbye and waits, bounded, until it was told; then closes. */
  leave(waiting?: Waiting): Promise<void>;
  /** Closes the socket without a goodbye. */
  close(): Promise<void>;
  /** Resolves when the node is closed, however that went. Errors of its socket do not close it; they are counted in `stats`. */
  readonly closed: Promise<void>;
  on<K extends keyof GossipEvents>(type: K, listener: (...args: GossipEvents[K]) => void): this;
  off<K extends keyof GossipEvents>(type: K, listener: (...args: GossipEvents[K]) => void): this;
}

/** Of a node, what those need who only listen to it. */
export interface GossipSource {
  on<K extends keyof GossipEvents>(type: K, listener: (...args: GossipEvents[K]) => void): unknown;
  off<K extends keyof GossipEvents>(type: K, listener: (...args: GossipEvents[K]) => void): unknown;
}

/**
 * The world's faults (the caller's are TypeError and RangeError, a peer's are counted). A wait that a signal ended is none:
 * it rejects with the signal's reason.
 */
export class GossipError extends Error {
  override readonly name = "GossipError";
  readonly code: "ERR_ADDRESS_IN_USE" | "ERR_BIND" | "ERR_JOIN_TIMEOUT" | "ERR_CLOSED" | "ERR_BUSY";
  constructor(code: GossipError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
