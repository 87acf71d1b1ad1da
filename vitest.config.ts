import { defineConfig } from "vitest/config";

// Everything that needs no Docker. The container tests have a configuration of their own.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/containers/**"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ["default", "./test/tally.ts"],
  },
});
