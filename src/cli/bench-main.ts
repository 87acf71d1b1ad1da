// `hearsay bench`: hands its arguments on to the bench of the repository, which is no part of the package.

import { existsSync } from "node:fs";
import { CommandFault } from "./fault.ts";

const SUITE = new URL("../../bench/suite/main.mjs", import.meta.url);

interface Suite {
  bench(args: readonly string[], options: { readonly name: string }): Promise<number>;
}

/** @returns the exit code */
export async function runBench(args: readonly string[]): Promise<number> {
  if (!existsSync(SUITE)) {
    throw new CommandFault(
      1,
      "The bench is in hearsay's repository, not in its package: clone it, and run `npm run bench`",
    );
  }
  const suite: Suite = await import(SUITE.href);
  return suite.bench(args, { name: "hearsay bench" });
}
