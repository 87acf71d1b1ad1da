// A worker of crew.mjs: plays one run a message and says what was measured.

import { scenarios } from "../dist/sim/scenarios.js";

process.on("message", ({ scenario, settings }) => {
  const startedAt = performance.now();
  const measures = scenarios[scenario](settings);
  process.send({ measures, tookMs: performance.now() - startedAt });
});
