#!/usr/bin/env node
// Where the process begins: with open ears. As process 1 of a container, whoever does not listen for a signal does not get
// it, and loading everything else takes a good part of a second, on a busy machine several. So nothing else is loaded
// before we listen.

import { listenForStop } from "./stop.ts";

const [, , command = ""] = process.argv;
const stop = listenForStop({
  // The others end by themselves, and a signal may cut them short as it does any program.
  hearsSignals: command === "node" || command === "bootstrap" || command === "cluster",
  isBehindShell: command === "cluster" && process.env.npm_lifecycle_event !== undefined,
});
const { runProgram } = await import("./program.ts");
process.exitCode = await runProgram(process.argv, stop);
// What listens for the parent's end would keep a process that has failed.
process.channel?.unref();
