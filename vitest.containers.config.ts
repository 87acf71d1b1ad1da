import { defineConfig } from "vitest/config";

// What needs a Docker engine, one file after another: they share the ports 5000 to 5012 and the machine.
export default defineConfig({
  test: {
    include: ["test/containers/**/*.test.ts"],
    globalSetup: ["test/containers/setup.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    reporters: ["default", "./test/tally.ts"],
  },
});
