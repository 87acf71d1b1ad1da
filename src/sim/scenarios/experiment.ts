// What an experiment is given, and what it gives: one flat record of what was measured, in virtual ms. The same settings
// give the same record, byte for byte.

import { type Config, configure, type Preset } from "../../gossip/config.ts";
import { CALM, Network, type Watcher } from "../network.ts";

export interface Settings {
  readonly nodes: number;
  readonly loss: number;
  readonly seed: number;
  readonly preset: Preset;
  /** Overrides of the preset. */
  readonly config?: Partial<Config>;
  /** How many members stand still in cycles (stall, lifeguard), for how long, and how long they run in between. */
  readonly stalled?: number;
  readonly stallMs?: number;
  readonly runMs?: number;
  /** How many members do not hear, or are not heard (deaf, mute). */
  readonly faulty?: number;
  /** How long the trouble lasts, or a network is left alone. */
  readonly forMs?: number;
  /** How long a partition lasts. */
  readonly cutMs?: number;
}

/** What was measured. A list is of the times at which something happened to one member after another. */
export type Measures = Readonly<Record<string, number | string | boolean | readonly number[]>>;

/** Nothing is waited for longer than this, in virtual ms. */
export const PATIENCE_MS = 120_000;
/** A settled network runs for so long before anything happens to it: all have probed, and know round-trips. */
export const SETTLE_MS = 2_500;
const ROUNDED = 1_000;

export function network(settings: Settings, watcher: Watcher = {}): Network {
  const config = configure(settings.preset, settings.config);
  return new Network(settings.seed, config, { ...CALM, loss: settings.loss }, watcher);
}

export function rounded(value: number): number {
  return Math.round(value * ROUNDED) / ROUNDED;
}

/** Datagrams and bytes since a moment, for each member. */
export class Cost {
  readonly #network: Network;
  readonly #datagrams: number;
  readonly #bytes: number;
  readonly #from: number;

  constructor(network: Network) {
    this.#network = network;
    this.#datagrams = network.datagrams;
    this.#bytes = network.bytes;
    this.#from = network.now;
  }

  figures(): { readonly datagramsPerMember: number; readonly bytesPerMember: number } {
    const members = this.#network.members.length;
    return {
      datagramsPerMember: rounded((this.#network.datagrams - this.#datagrams) / members),
      bytesPerMember: Math.round((this.#network.bytes - this.#bytes) / members),
    };
  }

  /** The same for each second. */
  rates(): { readonly datagramsPerMemberAndSecond: number; readonly bytesPerMemberAndSecond: number } {
    const memberSeconds = (this.#network.members.length * (this.#network.now - this.#from)) / 1_000;
    return {
      datagramsPerMemberAndSecond: rounded((this.#network.datagrams - this.#datagrams) / memberSeconds),
      bytesPerMemberAndSecond: rounded((this.#network.bytes - this.#bytes) / memberSeconds),
    };
  }
}
