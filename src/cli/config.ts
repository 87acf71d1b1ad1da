// Options and environment → a checked, frozen configuration, or one sentence about the first thing that is wrong.
// One schema for each command, flat; defaults stand in settings.ts. Reads nothing by itself: both come as arguments.

import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Command, Option } from "commander";
import * as z from "zod";
import { parseSeed } from "../bootstrap/ways.ts";
import { addressOf, parseAddress } from "../gossip/address.ts";
import { type Preset, presets } from "../gossip/config.ts";
import { baseUrlOf } from "../http/url.ts";
import { CommandFault } from "./fault.ts";
import { clusterSettings, nodeSettings, optionOf, type Setting } from "./settings.ts";

/** As commander gives them: by the settings' keys, absent if the user did not say. */
export type Given = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

const NAME_BYTES_MAX = 128;
const LABEL_BYTES_MAX = 32;
const SEEDS_MAX = 64;
const TAGS_MAX = 32;
const SHOWN_CHARS_MAX = 80;
export const NODES_MAX = 200;
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** A text that means something, or not: `parse` gives undefined then. */
function text<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string().transform((given, context): T => {
    const value = parse(given);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

function wholeNumber(from: number, to: number): (text: string) => number | undefined {
  return (given) => {
    const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
    return value >= from && value <= to ? value : undefined;
  };
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T | undefined {
  return (given) => values.find((value) => value === given);
}

/** What a switch's variable says; undefined if that is neither. */
function switchOf(given: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(given)) return true;
  return /^(0|false|no|off)$/i.test(given) ? false : undefined;
}

/** Names are shown on terminals and in logs, and travel with the member. */
function printable(bytesMax: number): (text: string) => string | undefined {
  return (given) => {
    const bytes = Buffer.byteLength(given);
    return bytes >= 1 && bytes <= bytesMax && !/\p{Cc}/u.test(given) ? given : undefined;
  };
}

const port = text("a port from 0 to 65535", wholeNumber(0, 65_535));
const webUrl = text("an http:// or https:// URL without query or password", baseUrlOf);
const preset = text("lan, wan or local", oneOf(Object.keys(presets) as Preset[]));
const logLevel = text(LOG_LEVELS.join(", "), oneOf(LOG_LEVELS));
const ip = text("an IP address", (given) => (isIP(given) === 0 ? undefined : given));
const gossipAddress = text("ip or ip:port", (given) => {
  const address = parseAddress(given) ?? addressOf(given.replace(/^\[(.*)\]$/, "$1"), 1);
  return address === undefined ? undefined : given;
});
// A name "all" could not be written to: that is what a message to everybody is addressed to.
const nodeName = text(`1 to ${NAME_BYTES_MAX} printable bytes, and not "all"`, (given) =>
  given === "all" ? undefined : printable(NAME_BYTES_MAX)(given),
);
const seed = text("host or host:port", (given) => (parseSeed(given, 1) ? given.trim() : undefined));
const tag = text("key=value", (given): [string, string] | undefined => {
  const at = given.indexOf("=");
  return at > 0 && !/\p{Cc}/u.test(given) ? [given.slice(0, at).trim(), given.slice(at + 1).trim()] : undefined;
});
const onOrOff = text("1 or 0", switchOf);
const token = text("a token without spaces", (given) => (/^\S{1,1024}$/.test(given) ? given : undefined));

const nodeSchema = z.strictObject({
  host: ip,
  advertise: gossipAddress.optional(),
  httpPort: port,
  gossipPort: port,
  advertiseHttp: webUrl.optional(),
  bootstrapUrl: webUrl.optional(),
  seeds: z
    .array(seed)
    .max(SEEDS_MAX, { error: `at most ${SEEDS_MAX} seeds` })
    .default([]),
  name: nodeName,
  cluster: text(`1 to ${LABEL_BYTES_MAX} printable bytes`, printable(LABEL_BYTES_MAX)),
  preset,
  logLevel,
  tags: z
    .array(tag)
    .max(TAGS_MAX, { error: `at most ${TAGS_MAX} tags` })
    .default([])
    .transform((pairs): Readonly<Record<string, string>> => Object.freeze(Object.fromEntries(pairs))),
  hello: onOrOff,
  adminToken: token.optional(),
});

const clusterSchema = z.strictObject({
  nodes: text(`a number from 1 to ${NODES_MAX}`, wholeNumber(1, NODES_MAX)),
  httpPort: port,
  preset,
  logLevel,
});

export type NodeConfig = Readonly<z.infer<typeof nodeSchema>>;
export type ClusterConfig = Readonly<z.infer<typeof clusterSchema>>;

/** @throws CommandFault (exit code 2) naming the option or variable, what was expected, what was got */
export function readNodeConfig(given: Given, environment: Environment): NodeConfig {
  return read(nodeSchema, { ...nodeSettings, name: { ...nodeSettings.name, default: hostname() } }, given, environment);
}

/** @throws CommandFault (exit code 2), as above */
export function readClusterConfig(given: Given, environment: Environment): ClusterConfig {
  const config = read(clusterSchema, clusterSettings, given, environment);
  if (config.httpPort + config.nodes <= 65_535) return config;
  const last = 65_535 - config.nodes;
  throw new CommandFault(2, `--http-port: expected at most ${last} with ${config.nodes} nodes, got ${config.httpPort}`);
}

function read<T extends object>(
  schema: z.ZodType<T>,
  settings: Readonly<Record<string, Setting>>,
  given: Given,
  environment: Environment,
): Readonly<T> {
  const raw: Record<string, string | string[]> = {};
  const origins: Record<string, string> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const option = given[key];
    const variable = environment[setting.env];
    // An option beats a variable, and an empty variable is none: compose files set those.
    const isVariable = option === undefined && variable !== undefined && variable !== "";
    const value = option ?? (isVariable ? variable : setting.default);
    if (value === undefined) continue;
    origins[key] = isVariable ? setting.env : optionOf(setting);
    raw[key] = asText(value, setting);
  }
  const result = schema.safeParse(raw);
  if (result.success) return Object.freeze(result.data);
  throw faultOf(result.error, settings, raw, origins);
}

/**
 * For a command that has no schema here: takes its options' variables in, so that they mean what they mean everywhere.
 * Commander's own `env()` would turn a switch on by `0`, and take an empty variable at its word.
 * @param variables an option's key → its variable
 * @throws CommandFault (exit code 2) naming the variable, what was expected, what was got
 */
export function readVariables(
  command: Command,
  variables: Readonly<Record<string, string>>,
  environment: Environment,
): void {
  for (const option of command.options) {
    const key = option.attributeName();
    const name = variables[key] ?? "";
    const given = environment[name] ?? "";
    if (given === "" || command.getOptionValueSource(key) === "cli") continue;
    command.setOptionValueWithSource(key, variableOf(option, name, given), "env");
  }
}

function variableOf(option: Option, name: string, given: string): string | boolean | string[] {
  const refuse = (expected: string) => new CommandFault(2, `${name}: expected ${expected}, got ${shown(given)}`);
  if (option.isBoolean()) {
    const isOn = switchOf(given);
    if (isOn === undefined) throw refuse("1 or 0");
    return isOn;
  }
  if (option.argChoices && !option.argChoices.includes(given)) throw refuse(option.argChoices.join(", "));
  return option.variadic ? [given] : given;
}

function asText(value: string | boolean | readonly string[], setting: Setting): string | string[] {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (setting.kind !== "list" && setting.kind !== "each") return String(value);
  // A variable, or a default, comes as one text.
  if (typeof value === "string") return pieces([value]);
  return setting.kind === "list" ? pieces(value) : [...value];
}

function pieces(texts: readonly string[]): string[] {
  return texts.flatMap((given) => given.split(",")).filter((piece) => piece.trim() !== "");
}

function faultOf(
  error: z.ZodError,
  settings: Readonly<Record<string, Setting>>,
  raw: Readonly<Record<string, string | string[]>>,
  origins: Readonly<Record<string, string>>,
): CommandFault {
  const [issue] = error.issues;
  const [key, place] = (issue?.path ?? []).map(String);
  const value = raw[key ?? ""];
  const piece = Array.isArray(value) && place !== undefined ? value[Number(place)] : value;
  const origin = origins[key ?? ""] ?? key;
  // A secret is not repeated, even a wrong one: stderr is kept.
  const got = settings[key ?? ""]?.env === "ADMIN_TOKEN" ? "something else" : shown(piece);
  return new CommandFault(2, `${origin}: expected ${issue?.message}, got ${got}`, { cause: error });
}

function shown(value: string | string[] | undefined): string {
  if (Array.isArray(value)) return String(value.length);
  const whole = JSON.stringify(value ?? "");
  return whole.length <= SHOWN_CHARS_MAX ? whole : `${whole.slice(0, SHOWN_CHARS_MAX)}…"`;
}
