// Every setting of the command line as a literal table: option, environment variable, default, help. Nothing here checks
// a value (config.ts does) and nothing here runs. The table of options in README is this one.

export interface Setting {
  /** As commander reads it: `--http-port <port>`. */
  readonly flag: string;
  readonly env: string;
  readonly help: string;
  /** As text, the way a user would write it. */
  readonly default?: string;
  /** How an absent default is described. */
  readonly otherwise?: string;
  /**
   * `list`: pieces between commas, the option may be repeated. `each`: so in the variable, but one piece an option.
   * `switch`: takes no value and has a `--no-` form.
   * @default "text"
   */
  readonly kind?: "text" | "list" | "each" | "switch";
}

export const nodeSettings = {
  host: { flag: "--host <ip>", env: "HOST", help: "address to bind, UDP and HTTP", default: "0.0.0.0" },
  advertise: {
    flag: "--advertise <ip[:port]>",
    env: "ADVERTISE",
    help: "gossip address that others reach this node at",
    otherwise: "the interface's own",
  },
  httpPort: { flag: "--http-port <port>", env: "HTTP_PORT", help: "TCP port; 0 picks a free one", default: "5000" },
  gossipPort: { flag: "--gossip-port <port>", env: "GOSSIP_PORT", help: "UDP port; 0 picks one", default: "7979" },
  advertiseHttp: {
    flag: "--advertise-http <url>",
    env: "ADVERTISE_HTTP",
    help: "base URL that others reach the HTTP face at",
    otherwise: "http://<advertised ip>:<HTTP port>",
  },
  bootstrapUrl: {
    flag: "--bootstrap <url>",
    env: "BOOTSTRAP_URL",
    help: "a bootstrap, or any node, to find the network by",
  },
  seeds: {
    flag: "--seeds <host[:port],…>",
    env: "SEEDS",
    help: "members to join by; a name may stand for many addresses",
    kind: "list",
  },
  name: { flag: "--name <name>", env: "NODE_NAME", help: "what people call this node", otherwise: "the host's name" },
  cluster: {
    flag: "--cluster <label>",
    env: "CLUSTER",
    help: "label in every datagram; those of other labels are dropped",
    default: "p2p",
  },
  preset: { flag: "--preset <lan|wan|local>", env: "PRESET", help: "protocol timing", default: "lan" },
  logLevel: {
    flag: "--log-level <level>",
    env: "LOG_LEVEL",
    help: "trace, debug, info, warn, error, fatal or silent",
    default: "info",
  },
  tags: { flag: "--tag <key=value>", env: "TAGS", help: "said of this node to all; repeatable", kind: "each" },
  hello: {
    flag: "--hello",
    env: "HELLO",
    help: "also look for the network by a broadcast on the own subnet",
    default: "0",
    kind: "switch",
  },
  adminToken: {
    // Whoever lists the processes of a machine reads their options.
    flag: "",
    env: "ADMIN_TOKEN",
    help: "opens POST /join and POST /leave to whoever shows it, and to nobody else; unset: to callers on this machine",
  },
} as const satisfies Record<string, Setting>;

export const clusterSettings = {
  nodes: { flag: "--nodes <count>", env: "NODES", help: "nodes beside the bootstrap, 1 to 200", default: "12" },
  httpPort: {
    flag: "--http-port <port>",
    env: "HTTP_PORT",
    help: "the bootstrap's; the nodes take the ports that follow; 0 picks free ones",
    default: "5000",
  },
  preset: { flag: "--preset <lan|wan|local>", env: "PRESET", help: "protocol timing", default: "local" },
  logLevel: {
    flag: "--log-level <level>",
    env: "LOG_LEVEL",
    help: "of the nodes' log files: trace, debug, info, warn, error, fatal or silent",
    default: "info",
  },
} as const satisfies Record<string, Setting>;

/** `--http-port <port>` → `--http-port`; the environment's name for a setting that is no option. */
export function optionOf({ flag, env }: Setting): string {
  return flag.split(" ")[0] || env;
}
