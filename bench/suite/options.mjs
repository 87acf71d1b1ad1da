// What the bench's command line may say: names, ranges, defaults. A wrong value says what was expected.

import { Command, InvalidArgumentError, Option } from "commander";
import { DRIVERS, PEERS } from "./drivers/index.mjs";
import { SWEEP } from "./plan.mjs";
import { scenarios } from "./scenarios.mjs";
import { PACE, PACE_UNITS } from "./stage.mjs";

const NODES_MAX = 1_000;
const REPETITIONS_MAX = 100;
const PRESETS = ["lan", "wan", "local"];
const DEFAULT_DRIVERS = ["process"];
const DEFAULT_NODES = [12];
const VARIANTS = Object.entries(scenarios).flatMap(([name, { variants }]) =>
  Object.keys(variants).flatMap((variant) => (variant === "" ? [] : [`${name}:${variant}`])),
);
const SCENARIO_HELP = `of ${Object.keys(scenarios).join(", ")}; in part: ${VARIANTS.join(", ")}`;

const PACE_HELP = Object.entries(PACE)
  .map(([name, value]) => `${name} (${value} ${PACE_UNITS[name] ?? "ms"})`)
  .join(", ");

/**
 * @param name what it was called by
 * @param action called with what was given; `scenario` is a list of { scenario, variant }
 */
export function commandLine(name, action) {
  return new Command(name)
    .description("measure networks of members, beside those of a peer, scenario by scenario")
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`bench: ${text.replace(/^error: /, "")}`) })
    .addOption(
      new Option("--driver <names>", `of ${DRIVERS.join(", ")}`).argParser(listOf(DRIVERS)).default(DEFAULT_DRIVERS),
    )
    .addOption(new Option("--peer <names>", `of ${PEERS.join(", ")}`).argParser(listOf(PEERS)).default(PEERS))
    .addOption(
      new Option("--scenario <names>", SCENARIO_HELP)
        .argParser(wantedOf)
        .default(wantedOf(Object.keys(scenarios).join()), "all"),
    )
    .addOption(
      new Option("--nodes <counts>", `how many members, 3 to ${NODES_MAX}`).argParser(countsOf).default(DEFAULT_NODES),
    )
    .addOption(new Option("--sweep", `all of ${SWEEP.join(", ")} nodes`).conflicts("nodes"))
    .addOption(
      new Option("--repetitions <n>", "of each (5, or 3 of what lasts over a minute)").argParser(
        integerOf(1, REPETITIONS_MAX),
      ),
    )
    .addOption(
      new Option("--first <n>", "number of the first repetition, for lines that are added to others")
        .argParser(integerOf(1, REPETITIONS_MAX))
        .default(1),
    )
    .addOption(
      new Option("--seed <n>", "draws who it happens to; repetitions count up from it")
        .argParser(integerOf(0, 2 ** 32 - 1))
        .default(1),
    )
    .addOption(new Option("--preset <name>", "protocol constants, of the peer as well").choices(PRESETS).default("lan"))
    .addOption(
      new Option(
        "--pace <name=number...>",
        `how long what is not measured takes, and how often it is done: ${PACE_HELP}`,
      ).argParser(paceOf),
    )
    .addOption(
      new Option("--apart", "a network of its own for every run, instead of one for all scenarios of a repetition"),
    )
    .addOption(new Option("--out <file>", "JSON lines (bench-<time>.jsonl)"))
    .addOption(new Option("--list", "say which runs there would be, and stop"))
    .action(action);
}

const words = (text) => text.split(",").map((word) => word.trim());

const listOf = (choices) => (text) => {
  for (const word of words(text)) {
    if (!choices.includes(word)) throw new InvalidArgumentError(`Expected some of ${choices.join(", ")}.`);
  }
  return [...new Set(words(text))];
};

const integerOf = (least, most) => (text) => {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`Expected an integer from ${least} to ${most}.`);
};

const countsOf = (text) => [...new Set(words(text).map(integerOf(3, NODES_MAX)))];

/** `pause` is all its variants, `pause:3s` one. */
function wantedOf(text) {
  const wanted = words(text).flatMap((word) => {
    const [scenario, variant] = word.split(":");
    const variants = Object.hasOwn(scenarios, scenario) ? Object.keys(scenarios[scenario].variants) : [];
    const meant = variants.filter((each) => variant === undefined || each === variant);
    if (meant.length === 0) {
      const known =
        variants.length > 0 ? variants.map((each) => scenario + (each && `:${each}`)) : Object.keys(scenarios);
      throw new InvalidArgumentError(`There is no ${JSON.stringify(word)}; there are ${known.join(", ")}.`);
    }
    return meant.map((each) => ({ scenario, variant: each }));
  });
  const keys = wanted.map((each) => JSON.stringify(each));
  return wanted.filter((_, i) => keys.indexOf(keys[i]) === i);
}

function paceOf(text, before = {}) {
  const [name, value] = text.split("=");
  if (!Object.hasOwn(PACE, name)) throw new InvalidArgumentError(`Expected some of ${Object.keys(PACE).join(", ")}.`);
  const number = value?.trim() ? Number(value) : Number.NaN;
  if (!(number >= 0 && Number.isFinite(number))) throw new InvalidArgumentError("Expected name=number.");
  if (PACE_UNITS[name] === "times" && !Number.isInteger(number)) {
    throw new InvalidArgumentError(`Expected ${name} to be a whole number.`);
  }
  return { ...before, [name]: number };
}
