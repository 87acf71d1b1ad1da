// Refuses a lockfile that `npm ci` would refuse on another platform: every optional
// dependency that a locked package names must itself be locked (npm leaves out the builds
// that the registry at hand lacked), and no entry may name a registry host.
import { readFileSync } from "node:fs";

const { packages } = JSON.parse(readFileSync(process.argv[2] ?? "package-lock.json", "utf8"));
const faults = [];
for (const [path, entry] of Object.entries(packages)) {
  if (entry.resolved?.includes("://")) faults.push(`${path} is pinned to a host: ${entry.resolved}`);
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    const found = [`${path}/node_modules/${name}`, `node_modules/${name}`].some(
      (key) => packages[key.replace(/^\//, "")],
    );
    if (!found) faults.push(`${path || "the root"} needs ${name}, which the lockfile lacks`);
  }
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log(`lockfile: ${Object.keys(packages).length} entries, every platform's builds present`);
