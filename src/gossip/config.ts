// The protocol's constants: one schema, flat, units in the names, frozen. LAN is the base; WAN and local change
// a few lines of it. Where a default is another's, it is said whose.

import * as z from "zod";

const ms = (most: number) => z.number().int().min(1).max(most);

const schema = z
  .strictObject({
    /** One probe per member and period. SWIM's T'; memberlist LAN: 1 s. */
    probeIntervalMs: ms(600_000).default(1_000),
    /** How long to wait for an ack at most, before helpers are asked; memberlist LAN: 500 ms. */
    probeTimeoutMs: ms(600_000).default(500),
    /** … and at least, however fast the measured round-trip: a busy machine answers late. */
    probeTimeoutFloorMs: ms(600_000).default(200),
    /** Helpers asked when a direct probe fails. SWIM's k; memberlist: 3. */
    indirectProbes: z.number().int().min(0).max(16).default(3),
    /** How often a probe that was not answered is repeated while helpers are asked, by us and by each of them; 0: not at all. */
    probeRepeats: z.number().int().min(0).max(16).default(5),
    /** Helpers that hear nothing, either, say so. Lifeguard: yes; SWIM: no. */
    nacks: z.boolean().default(true),
    /** Ceiling of the local health score; 0: no local health. Lifeguard's S: 8. */
    healthMax: z.number().int().min(0).max(64).default(8),
    /** Least suspicion, once enough neighbours share it: suspicionMult * probeIntervalMs, whatever the number of members. */
    suspicionMult: z.number().min(0.1).max(64).default(1.5),
    /**
     * Longest suspicion, when nobody shares it: suspicionMaxMult * log10(max(10, members)) times the least. Lifeguard's
     * beta: 6.
     */
    suspicionMaxMult: z.number().min(1).max(64).default(6),
    /**
     * Further accusers that bring the suspicion down to its least. Lifeguard's K: 3; here any 2, mostly of the four neighbours
     * who look at an accused at once.
     */
    suspicionConfirmations: z.number().int().min(0).max(16).default(2),
    /** Neighbours on either side of an accused who look at it at once and are told of each accusation; 0: nobody. */
    confirmersEachSide: z.number().int().min(0).max(8).default(2),
    /** Whoever is suspected or dead hears so first in every datagram to it. Lifeguard: yes; SWIM: no. */
    buddySystem: z.boolean().default(true),
    /** What the dead say against the living is heard: they may be deaf, and so accuse everybody. SWIM: yes. */
    heedDead: z.boolean().default(false),
    /** A member declared dead says that it lives when it has been steady (comeback.ts); if false, at once. */
    damping: z.boolean().default(true),
    /** A member whose own process stood still takes its silence upon itself (`Swim.#stalled`). */
    stallDetection: z.boolean().default(true),
    /** Pause between rounds of gossip about the same news; memberlist LAN: 200 ms. */
    gossipIntervalMs: ms(60_000).default(200),
    /** Datagrams of news in a row; when they are used up, news waits for more and goes in batches. */
    gossipBurst: z.number().int().min(1).max(10_000).default(32),
    /** Datagrams of news that are earned in a second. */
    gossipPerSecond: z.number().min(1).max(100_000).default(100),
    /**
     * An acknowledgement of a message, and the word that we agree, wait so long at most, until what was told has gone past:
     * where many members share few processors, they would be in its way.
     */
    heardDelayMs: z.number().int().min(0).max(1_000).default(60),
    /**
     * Least pause before a message that was not acknowledged is told again; grows by half each time. The round-trips may
     * make it longer: by as much as for a probe, and heardDelayMs more.
     */
    resendMinMs: ms(60_000).default(100),
    /** How long the far contact is kept; 0: there is none. Each change makes a new pair of hosts, see contacts.ts. */
    farRotateMs: z.number().int().min(0).max(86_400_000).default(60_000),
    /**
     * Least pause between a telling and one that is begun by news. After a longer silence news and messages are told in the
     * moment they come; what comes sooner waits, and goes together. Rounds and repetitions have their own times.
     */
    coalesceMs: z.number().int().min(0).max(1_000).default(2),
    /** News of a member is sent gossipMult * ceil(log10(members + 1)) times at most; memberlist: 4. */
    gossipMult: z.number().int().min(1).max(64).default(4),
    /** Least pause between two reconciliations that this member starts. */
    syncIntervalMs: ms(600_000).default(100),
    /** First pause before asking the next seeds; grows by half up to four times this. */
    joinRetryMs: ms(60_000).default(100),
    /** After this long, `join` reports that nobody answered. */
    joinTimeoutMs: ms(600_000).default(10_000),
    /** A leaver waits at most this long for its goodbye to be told. */
    leaveTimeoutMs: ms(60_000).default(1_000),
    /** How long the dead are remembered, and greeted now and then in case a partition healed. Serf: 24 h. */
    deadMs: ms(30 * 86_400_000).default(86_400_000),
    /** How long a goodbye is remembered, so that late news does not bring the member back. */
    leftMs: ms(86_400_000).default(60_000),
    /** Members remembered at most, the dead and left included. */
    membersMax: z.number().int().min(2).max(65_000).default(16_384),
  })
  .refine((config) => config.probeTimeoutMs < config.probeIntervalMs, {
    message: "probeTimeoutMs must be less than probeIntervalMs: helpers need the rest of the period",
  })
  .refine((config) => config.probeTimeoutFloorMs <= config.probeTimeoutMs, {
    message: "probeTimeoutFloorMs must not be over probeTimeoutMs",
  });

export type Config = Readonly<z.infer<typeof schema>>;

/** Base settings for a kind of network. */
export const presets = {
  lan: {},
  /** Round-trips of a tenth of a second, links that lose (memberlist WAN). */
  wan: {
    probeIntervalMs: 5_000,
    probeTimeoutMs: 3_000,
    suspicionMult: 2,
    gossipIntervalMs: 500,
    syncIntervalMs: 1_000,
  },
  /** Everything on one machine (memberlist local). */
  local: { gossipIntervalMs: 100, suspicionMult: 1, leaveTimeoutMs: 500 },
} as const satisfies Record<string, Partial<Config>>;

export type Preset = keyof typeof presets;

/**
 * A complete, frozen configuration: preset, then overrides.
 * @throws RangeError naming the setting that is wrong
 */
export function configure(preset: Preset = "lan", overrides: Partial<Config> = {}): Config {
  const base = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (!base) throw new RangeError(`Expected \`preset\` to be lan, wan or local, got \`${String(preset)}\``);
  const result = schema.safeParse({ ...base, ...overrides });
  if (result.success) return Object.freeze(result.data);
  const issue = result.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const known = Object.keys(schema.shape).join(", ");
    throw new RangeError(`Expected \`config\` to have some of ${known}, got \`${issue.keys.join("`, `")}\``);
  }
  const name = issue?.path.join(".");
  throw new RangeError(name ? `Wrong \`${name}\`: ${issue?.message}` : (issue?.message ?? "wrong configuration"));
}
