// `npm run test:fast` and `npm run test:watch`: what finds most mistakes in under a minute.
import { defineConfig } from "vitest/config";
import all from "./vitest.config.ts";

/** Each of these tests takes seconds. `npm test` runs them. */
const LEFT_OUT = [
  // Other programs and other runtimes, which take long to start or are not on every machine.
  "test/**/*.{browser,engine,runtime}.test.ts",
  "test/{chaos,crash,network}/**",
  // They start the examples and the applications of frameworks as processes.
  "test/{examples,frameworks}/**",
  // It starts processes with NODE_DEBUG.
  "test/node/environment/debug-log.test.ts",
  // They run the compiler, npm or the bench.
  "test/{bench,docs,readme,types}/**",
  "test/browser/browser-size.test.ts",
  // Megabytes of messages to and from other implementations.
  "test/interop/**",
  "test/node/tcp/gibibyte.test.ts",
  // Peers that flood, stall or vanish at every byte, some of them until a timeout.
  "test/{hostile,anomalies}/**",
  "test/node/http2/{backpressure,floods,hostile,stalled-*}.test.ts",
  "test/node/{http,environment}/stalled-*.test.ts",
  // Minutes of fake time, in turns of the real event loop.
  "test/testing/fake-timers.test.ts",
  // They replace the classes of events in a process that other tests share here.
  "test/node/client/dom/**",
  // Many random inputs: `npm run fuzz` runs more of them.
  "test/fuzz/**",
];

const { projects: _, ...test } = all.test ?? {};

export default defineConfig({
  ...all,
  test: {
    ...test,
    include: ["test/**/*.test.ts"],
    exclude: LEFT_OUT,
    // A worker imports the sources once instead of once a file, which halves the time.
    isolate: false,
  },
});
