// `hearsay sim`: one scenario, one seed, one line. The only file of this room that prints.
// No wall-clock time in the output: the same settings give the same bytes.

import { Command, Option } from "commander";
import { CommandFault } from "../cli/fault.ts";
import { type Preset, presets } from "../gossip/config.ts";
import { type Figures, type ScenarioName, type Settings, scenarios } from "./scenarios.ts";

const NODES_MAX = 20_000;

interface Given {
  readonly nodes: string;
  readonly scenario: ScenarioName;
  readonly loss: string;
  readonly seed: string;
  readonly preset: Preset;
  readonly json?: true;
}

export function simCommand(): Command {
  const names = Object.keys(scenarios);
  return new Command("sim")
    .description("run one scenario of the protocol in virtual time, on a simulated network, and print its figures")
    .addOption(new Option("--nodes <n>", `members, 3 to ${NODES_MAX}`).env("NODES").default("100"))
    .addOption(new Option("--scenario <name>", "what happens").env("SCENARIO").choices(names).default("converge"))
    .addOption(new Option("--loss <share>", "share of datagrams lost, from 0 to below 1").env("LOSS").default("0"))
    .addOption(new Option("--seed <n>", SEED_HELP).env("SEED").default("1"))
    .addOption(
      new Option("--preset <name>", "protocol constants").env("PRESET").choices(Object.keys(presets)).default("lan"),
    )
    .addOption(new Option("--json", "one line of JSON").env("JSON"))
    .addHelpText("after", HELP)
    .action((given: Given) => {
      const settings = settingsOf(given);
      const figures = scenarios[given.scenario](settings);
      process.stdout.write(
        given.json ? jsonLine(given.scenario, settings, figures) : table(given.scenario, settings, figures),
      );
    });
}

const SEED_HELP = "the same seed gives the same run, an integer from 0 to 4294967295";
const HELP = `
Scenarios (times are virtual ms; a hop takes 0.125 to 0.375 ms):
  converge   all but one join that one at the same moment; until all know all
  bridge     members start within half a minute on one Ethernet whose neighbour table holds 1,024 entries, and join the
             first; until all know all, and a minute more
  join       one joins a settled network; until all others know it
  rumor      one says something in a settled network; until all others heard it
  crash      one dies without a word in a settled network; until all others say so
  partition  a settled network is cut in two for a minute, then healed; until there is one view again (a time of -1:
             it did not come to that)
  idle       a settled network is left alone for ten seconds; what it costs`;

function settingsOf(given: Given): Settings {
  const nodes = numberOf(
    "--nodes",
    given.nodes,
    `an integer from 3 to ${NODES_MAX}`,
    (n) => Number.isInteger(n) && n >= 3 && n <= NODES_MAX,
  );
  const loss = numberOf("--loss", given.loss, "a number from 0 to below 1", (n) => n >= 0 && n < 1);
  const seed = numberOf(
    "--seed",
    given.seed,
    "an integer from 0 to 4294967295",
    (n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32,
  );
  return { nodes, loss, seed, preset: given.preset };
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
