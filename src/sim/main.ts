// `hearsay sim`: one scenario, one seed, one line. The only file of this room that prints.
// No wall-clock time in the output: the same settings give the same bytes.

import { Command, Option } from "commander";
import { readVariables } from "../cli/config.ts";
import { CommandFault } from "../cli/fault.ts";
import { type Config, configure, type Preset, presets } from "../gossip/config.ts";
import { type Figures, plainSwim, play, type ScenarioName, type Settings, scenarios } from "./scenarios.ts";

const NODES_MAX = 20_000;
const MS_MAX = 86_400_000;

interface Given {
  readonly nodes: string;
  readonly scenario: ScenarioName;
  readonly loss: string;
  readonly seed: string;
  readonly preset: Preset;
  readonly stalled?: string;
  readonly stallMs?: string;
  readonly runMs?: string;
  readonly faulty?: string;
  readonly forMs?: string;
  readonly cutMs?: string;
  readonly plain?: boolean;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** An option's key → the variable that says the same. */
const VARIABLES = {
  nodes: "NODES",
  scenario: "SCENARIO",
  loss: "LOSS",
  seed: "SEED",
  preset: "PRESET",
  stalled: "STALLED",
  stallMs: "STALL_MS",
  runMs: "RUN_MS",
  faulty: "FAULTY",
  forMs: "FOR_MS",
  cutMs: "CUT_MS",
  plain: "PLAIN",
  set: "SET",
  json: "JSON",
} as const satisfies Readonly<Record<keyof Given, string>>;

export function simCommand(): Command {
  const command = new Command("sim").description(
    "run one scenario of the protocol in virtual time, on a simulated network, and print its figures",
  );
  for (const option of options()) {
    const variable = VARIABLES[option.attributeName() as keyof Given];
    option.description = `${option.description} (env ${variable})`;
    command.addOption(option);
  }
  return command.addHelpText("after", HELP).action(() => {
    readVariables(command, VARIABLES, process.env);
    const given = command.opts<Given>();
    const settings = settingsOf(given);
    const figures = play(given.scenario, settings);
    process.stdout.write(
      given.json ? jsonLine(given.scenario, settings, figures) : table(given.scenario, settings, figures),
    );
  });
}

const options = () => [
  new Option("--nodes <n>", `members, 3 to ${NODES_MAX}`).default("100"),
  new Option("--scenario <name>", "what happens").choices(Object.keys(scenarios)).default("converge"),
  new Option("--loss <share>", "share of datagrams lost, from 0 to below 1").default("0"),
  new Option("--seed <n>", "the same seed gives the same run, an integer from 0 to 4294967295").default("1"),
  new Option("--preset <name>", "protocol constants").choices(Object.keys(presets)).default("lan"),
  new Option("--stalled <n>", "stall, blocked, lifeguard: how many members stand still in cycles (16)"),
  new Option("--stall-ms <ms>", "stall, blocked, lifeguard: … for how long (6000)"),
  new Option("--run-ms <ms>", "stall, blocked, lifeguard: … and run in between (64)"),
  new Option("--faulty <n>", "deaf, mute: how many members are (one in a hundred)"),
  new Option("--for-ms <ms>", "stall, blocked, lifeguard, deaf, mute, idle: how long it lasts"),
  new Option("--cut-ms <ms>", "partition: how long it lasts (60000)"),
  new Option("--plain", "plain SWIM instead: no Lifeguard, and nothing that we add to failure detection"),
  new Option("--set <name=value...>", "overrides of protocol constants"),
  new Option("--json", "one line of JSON"),
];

const HELP = `
Scenarios (times are virtual ms; a hop takes 0.125 to 0.375 ms):
  converge   all but one join that one at the same moment; until all know all
  bridge     members start within half a minute on one Ethernet whose neighbour table holds 1,024 entries, and join the
             first; until all know all, and a minute more; and the table's entries two minutes later, at rest
  join       one joins a settled network; until all others know it
  rumor      one says something in a settled network; until all others heard it
  storm      all say something at the same moment in a settled network; until all others heard it
  crash      one dies without a word in a settled network; until all others say so
  partition  a settled network is cut in two for a while, then healed; until there is one view again (a time of -1:
             it did not come to that)
  idle       a settled network is left alone for ten seconds; what it costs
  stall      some members of a settled network stand still in cycles for a minute; who is taken for dead
  blocked    the same, but only what they send and receive waits, while their timers run, as in Lifeguard
  lifeguard  the same for two minutes, with this protocol and with plain SWIM
  deaf       one in a hundred hears nothing for 20 s, hears for 20 s, and so on for two minutes; who is taken for dead
  mute       four in five of the datagrams of one in a hundred are lost for two minutes; who is taken for dead`;

function settingsOf(given: Given): Settings {
  const nodes = integerOf("--nodes", given.nodes, 3, NODES_MAX);
  const loss = numberOf("--loss", given.loss, "a number from 0 to below 1", (n) => n >= 0 && n < 1);
  const seed = integerOf("--seed", given.seed, 0, 2 ** 32 - 1);
  const overrides = { ...(given.plain ? plainSwim(nodes) : {}), ...overridesOf(given.preset, given.set ?? []) };
  return {
    nodes,
    loss,
    seed,
    preset: given.preset,
    ...(Object.keys(overrides).length > 0 ? { config: overrides } : {}),
    ...optional("stalled", "--stalled", given.stalled, nodes - 1),
    ...optional("stallMs", "--stall-ms", given.stallMs, MS_MAX),
    ...optional("runMs", "--run-ms", given.runMs, MS_MAX),
    ...optional("faulty", "--faulty", given.faulty, nodes - 1),
    ...optional("forMs", "--for-ms", given.forMs, MS_MAX),
    ...optional("cutMs", "--cut-ms", given.cutMs, MS_MAX),
  };
}

function optional(name: keyof Settings, option: string, text: string | undefined, most: number): Partial<Settings> {
  return text === undefined ? {} : { [name]: integerOf(option, text, 1, most) };
}

/** `name=value`, as a number or true or false; what may be set is the schema's to say. */
function overridesOf(preset: Preset, pairs: readonly string[]): Partial<Config> {
  const standard: Readonly<Record<string, number | boolean>> = configure(preset);
  const overrides: Record<string, number | boolean> = {};
  for (const pair of pairs.flatMap((words) => words.split(/[\s,]+/))) {
    const [name = "", text = ""] = pair.split("=");
    overrides[name] = constantOf(standard, name, text);
  }
  try {
    configure(preset, overrides);
  } catch (error) {
    throw new CommandFault(2, `--set: ${(error as Error).message}`);
  }
  return overrides;
}

/** A number, or true or false, as the constant is; what is too much of it is the schema's to say. */
function constantOf(standard: Readonly<Record<string, number | boolean>>, name: string, text: string) {
  if (!Object.hasOwn(standard, name)) {
    const known = Object.keys(standard).join(", ");
    throw new CommandFault(2, `--set: there is no ${JSON.stringify(name)}; there are ${known}`);
  }
  const got = `for ${name}, got ${JSON.stringify(text)}`;
  if (typeof standard[name] === "boolean") {
    if (text !== "true" && text !== "false") throw new CommandFault(2, `--set: expected true or false ${got}`);
    return text === "true";
  }
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new CommandFault(2, `--set: expected a number ${got}`);
  return value;
}

function integerOf(option: string, text: string, least: number, most: number): number {
  const isRight = (n: number) => Number.isInteger(n) && n >= least && n <= most;
  return numberOf(option, text, `an integer from ${least} to ${most}`, isRight);
}

function numberOf(option: string, text: string, expected: string, isRight: (value: number) => boolean): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!isRight(value)) throw new CommandFault(2, `${option}: expected ${expected}, got ${JSON.stringify(text)}`);
  return value;
}

function jsonLine(scenario: ScenarioName, settings: Settings, figures: Figures): string {
  return `${JSON.stringify({ scenario, ...settings, ...figures })}\n`;
}

function table(scenario: ScenarioName, settings: Settings, figures: Figures): string {
  const { nodes, loss, seed, preset } = settings;
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  const lines = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `${scenario}: ${nodes} members, ${loss * 100} % loss, seed ${seed}, preset ${preset}\n${lines.join("\n")}\n`;
}
