// Compiles src/ into dist/, where others may be running from: every file is replaced at once, by a rename, and what an earlier
// build left is removed only then. So nothing is ever missing, and two builds at a time do not get into each other's way.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** @returns the paths of all files in a folder, from there */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));

// Beside dist/, or the source maps would lead elsewhere.
const fresh = mkdtempSync(join(root, "dist-"));
// Ctrl-C ends the compiler, and then us, tidily.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
try {
  const { status, error } = spawnSync("tsc", ["-p", "tsconfig.build.json", "--outDir", fresh], {
    cwd: root,
    stdio: "inherit",
  });
  if (error) throw error;
  process.exitCode = status ?? 1;
  if (status === 0) install();
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

function install() {
  const built = filesIn(fresh);
  // The compiler writes plain files; the command must be executable, for npm's link to it goes on pointing there.
  chmodSync(join(fresh, "cli", "main.js"), 0o755);
  for (const file of built) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    renameSync(join(fresh, file), join(dist, file));
  }
  const stays = new Set(built);
  for (const file of filesIn(dist)) if (!stays.has(file)) rmSync(join(dist, file), { force: true });
}
