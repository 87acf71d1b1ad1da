// The compiler writes plain files; the command must be executable, for npm's link to it goes on pointing here.
import { chmodSync } from "node:fs";

chmodSync(new URL("../dist/cli/main.js", import.meta.url), 0o755);
