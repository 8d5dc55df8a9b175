// `npm run test:fast` and `npm run test:watch`: what finds most mistakes in under a minute.
import { defineConfig } from "vitest/config";
import all, { OTHER_PROGRAMS, SLOW_TESTS } from "./vitest.config.ts";

const { projects: _, ...test } = all.test ?? {};

export default defineConfig({
  ...all,
  test: {
    ...test,
    include: ["test/**/*.test.ts"],
    exclude: [...OTHER_PROGRAMS, ...SLOW_TESTS],
    // A worker imports the sources once instead of once a file, which halves the time.
    isolate: false,
  },
});
