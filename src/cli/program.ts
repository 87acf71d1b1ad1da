// The command line: what can be said, and who does it. Every command loads its own rooms when it is called, so that a
// node loads nothing of the cluster, and of the simulator only what it rehearses on. What ends the process while it
// loads: main.ts and stop.ts.

import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { readClusterConfig, readNodeConfig } from "./config.ts";
import { CommandFault } from "./fault.ts";
import { clusterSettings, nodeSettings, type Setting } from "./settings.ts";
import type { Stop } from "./stop.ts";

function buildProgram(stop: Stop): Command {
  const program = new Command("hearsay")
    .description("Peer discovery and failure detection: nodes that find each other, and tell when one dies.")
    .version(version())
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`hearsay: ${oneLine(text.replace(/^error: /, ""))}\n`) });
  for (const role of ["node", "bootstrap"] as const) {
    const command = program
      .command(role)
      .description(
        role === "node"
          ? "run a node: UDP gossip and an HTTP face, until SIGTERM"
          : "run a bootstrap: a node that newcomers, also those without gossip, ask for the others",
      );
    addSettings(command, nodeSettings).action(async (given) => {
      const config = readNodeConfig(given, process.env);
      const { runNode } = await import("./node-main.ts");
      stop.handOver();
      await runNode(config, role, stop);
      process.exit(0);
    });
  }
  program
    .command("bench")
    .description("measure networks of members, beside those of a peer (in a checkout)")
    .argument("[arguments...]")
    .helpOption(false)
    .allowUnknownOption()
    .action(async (given: readonly string[]) => {
      const { runBench } = await import("./bench-main.ts");
      process.exit(await runBench(given));
    });
  const cluster = program.command("cluster").description("run a bootstrap and nodes on this machine, and watch them");
  addSettings(cluster, clusterSettings).action(async (given) => {
    const config = readClusterConfig(given, process.env);
    const { runCluster } = await import("./cluster-main.ts");
    stop.handOver();
    process.exit(await runCluster(config, stop));
  });
  return program;
}

function addSettings(command: Command, settings: Readonly<Record<string, Setting>>): Command {
  const variables: string[] = [];
  for (const [key, setting] of Object.entries(settings)) {
    const fallback = setting.kind === "switch" ? undefined : (setting.default ?? setting.otherwise);
    if (setting.flag === "") {
      variables.push(`  ${setting.env}: ${setting.help}`);
      continue;
    }
    const notes = [`env ${setting.env}`, ...(fallback === undefined ? [] : [`default ${fallback}`])];
    const option = new Option(setting.flag, `${setting.help} (${notes.join("; ")})`);
    option.attributeName = () => key;
    if (setting.kind === "list" || setting.kind === "each")
      option.argParser((value: string, earlier: string[] = []) => [...earlier, value]);
    command.addOption(option);
    if (setting.kind === "switch") {
      const off = new Option(setting.flag.replace("--", "--no-"), `not so, whatever ${setting.env} says`);
      off.attributeName = () => key;
      command.addOption(off);
    }
  }
  const heading = "\nAn option beats its environment variable; an empty variable counts as none.";
  const more = variables.length > 0 ? `\nOnly as variables:\n${variables.join("\n")}` : "";
  return command.addHelpText("after", heading + more);
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String(version);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ");
}

/** The simulator brings its own command. It is loaded when no other is named: to run, or to be listed in the help. */
async function addSimulator(program: Command): Promise<void> {
  const { simCommand } = await import("../sim/main.ts");
  program.addCommand(simCommand().copyInheritedSettings(program));
}

/**
 * @param stop already listened for, if the command is one that runs until then
 * @returns the exit code
 */
export async function runProgram(argv: readonly string[], stop: Stop): Promise<number> {
  const program = buildProgram(stop);
  try {
    const named = argv[2] ?? "";
    if (!program.commands.some((command) => command.name() === named)) await addSimulator(program);
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommandFault) {
      process.stderr.write(`hearsay: ${oneLine(error.message)}\n`);
      return error.exitCode;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
