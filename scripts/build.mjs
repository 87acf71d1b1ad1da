// Compiles src/ into dist/, where others may be running from: every file is replaced by a rename, new ones come first, and what
// an earlier build left is removed last. So a file that both builds have is there all the time; which of the two it is of is
// another matter for as long as the renames take.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

/** @returns the paths of all files in a folder, from there */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));

// Beside dist/, or the source maps would lead elsewhere.
const fresh = mkdtempSync(join(root, "dist-"));
try {
  const project = ["-p", join(root, "tsconfig.build.json"), "--outDir", fresh];
  const tsc = spawn(process.execPath, [compiler, ...project], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => tsc.kill(signal));
  const [code] = await once(tsc, "exit");
  process.exitCode = code ?? 1;
  if (code === 0) install();
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

function install() {
  const built = filesIn(fresh);
  // The compiler writes plain files; the command must be executable, for npm's link to it goes on pointing there.
  chmodSync(join(fresh, "cli", "main.js"), 0o755);
  const before = new Set(built.filter((file) => existsSync(join(dist, file))));
  for (const file of built.toSorted((a, b) => before.has(a) - before.has(b))) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    renameSync(join(fresh, file), join(dist, file));
  }
  const stays = new Set(built);
  for (const file of filesIn(dist)) if (!stays.has(file)) rmSync(join(dist, file), { force: true });
}
