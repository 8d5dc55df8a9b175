import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that no build stands between a change and its test.
    alias: [
      { find: /^tideway$/, replacement: source("node/index.ts") },
      { find: /^tideway\/server$/, replacement: source("node/server.ts") },
      { find: /^tideway\/protocol$/, replacement: source("protocol/index.ts") },
    ],
  },
  test: { include: ["test/**/*.test.ts"] },
});
