// The public names. Reading order of this room, shortest way to the whole protocol:
//   claim, members (with ring), contacts, rumors, messages, broadcast, gossip, probe, prober, suspicion, accusations,
//   comeback, conflict, standing, sync, doubts, repair, join, admission, wire, outbox, swim, witness, node
//   (support: address, peers, random, timers, cookie, gone, health, config, profile, api)

export type {
  ConflictEvent,
  GossipEvent,
  GossipNode,
  Member,
  MembershipEvent,
  MessageEvent,
  Profile,
  Status,
  Waiting,
} from "./api.ts";
export { GossipError } from "./api.ts";
export { type Config, configure, type Preset, presets } from "./config.ts";
export { type Options, start } from "./node.ts";
