// `npm run coverage`: which lines and branches the tests run, with a floor for each of these folders.
import { defineConfig } from "vitest/config";
import fast from "./vitest.fast.config.ts";

/** The folders with the logic. Their own tests cover them, and take a few minutes. */
const FOLDERS = ["protocol", "connection", "streams", "server", "topics"];

export default defineConfig({
  ...fast,
  test: {
    ...fast.test,
    include: [...FOLDERS, "client", "suite", "ws"].map((folder) => `test/${folder}/**/*.test.ts`),
    // Counting makes code slower.
    testTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: FOLDERS.map((folder) => `src/${folder}/**/*.ts`),
      // Only the tests with engines, which not every machine has, run these.
      exclude: ["src/topics/{redis,nats}/*"],
      reporter: ["text", "html"],
      reportsDirectory: "test-artefacts/coverage",
      thresholds: {
        "src/protocol/**": { lines: 99, branches: 98 },
        "src/connection/**": { lines: 99, branches: 95 },
        "src/streams/**": { lines: 99, branches: 95 },
        "src/server/**": { lines: 97, branches: 94 },
        "src/topics/**": { lines: 96, branches: 93 },
      },
    },
  },
});
