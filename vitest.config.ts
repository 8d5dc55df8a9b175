import { availableParallelism } from "node:os";
import { versions } from "node:process";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BUN_SERVE, HTTP2, LINKS, TCP_DOCUMENTED } from "./test/suite/links.ts";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

const BROWSER_TESTS = "test/**/*.browser.test.ts";

const ENGINE_TESTS = "test/**/*.engine.test.ts";

const RUNTIME_TESTS = "{compat,test}/**/*.runtime.test.ts";

/** Other programs and other runtimes, which take long to start or are not on every machine. */
export const OTHER_PROGRAMS: string[] = [BROWSER_TESTS, ENGINE_TESTS, RUNTIME_TESTS];

/**
 * These tests take seconds, or need a separate process. `npm run test:fast` leaves them out, and `npm test`
 * starts a process for each file.
 */
export const SLOW_TESTS: string[] = [
  "test/{chaos,crash,network}/**/*.test.ts",
  // They start the examples and the applications of frameworks as processes.
  "test/{examples,frameworks}/**/*.test.ts",
  // They start processes with NODE_DEBUG, and processes that exit.
  "test/node/environment/{debug-log,flush-on-exit}.test.ts",
  // It starts a process that a defect would block.
  "test/channels/server/connection.test.ts",
  // They run the compiler, npm, vitest or the bench.
  "test/{bench,docs,readme,runtimes,types}/**/*.test.ts",
  "test/browser/browser-size.test.ts",
  // Megabytes of messages to and from other implementations.
  "test/interop/**/*.test.ts",
  "test/node/tcp/gibibyte.test.ts",
  // Peers that flood, stall or vanish at every byte, some of them until a timeout.
  "test/{hostile,anomalies}/**/*.test.ts",
  "test/node/http2/{backpressure,floods,hostile,stalled-*}.test.ts",
  "test/node/{http,environment}/stalled-*.test.ts",
  // Minutes of fake time, in turns of the real event loop.
  "test/testing/fake-timers.test.ts",
  // They watch the calls of a module that other tests of the process have loaded.
  "test/node/internals/{handshake/accept-interceptor,tcp/fast-tcp}.test.ts",
  "test/node/connect-channels.test.ts",
  // They replace the classes of events in a process that other tests share here.
  "test/node/client/dom/**/*.test.ts",
  // Many random inputs: `npm run fuzz` runs more of them.
  "test/fuzz/**/*.test.ts",
];

/** These run over every transport, and over HTTP/2 too. */
const CONVERSATIONS = "test/suite/*.test.ts";

/** These run over TCP, as all tests do, and once over each other transport. */
const OVER_EVERY_TRANSPORT = [
  CONVERSATIONS,
  "test/node/client/{connect,web-socket-stream}.test.ts",
  "test/node/serve/serve.test.ts",
  "test/server/{backpressure,upgrade,by-option/schema}.test.ts",
];

/** These also run over the transport that splits heads and frames at every byte. */
const SPLIT = ["test/hostile/server.test.ts", "test/server/by-option/{authorize,hosts}.test.ts"];

/** These run over TCP and in memory: they depend on routes or bytes, and not on their transport. */
const IN_MEMORY = [
  "test/server/{requests/{response-headers,trust-proxy},routes/authorize-result}.test.ts",
  "test/server/by-option/!(max-lifetime|schema).test.ts",
  "test/node/serve/running-server.test.ts",
  "test/node/serve/stop-options.test.ts",
  "test/node/client/return-after-drain.test.ts",
  "test/hostile/{client,server,hostile-throws,slow-peers}.test.ts",
  "test/anomalies/faults.test.ts",
];

/** The bytes of other implementations do not depend on a link. */
const INTEROP = "test/interop/{compression,our-client,our-server}.test.ts";

/** These also run with the public reads, writes and zlib of Node.js alone. */
const BY_WHAT_NODE_DOCUMENTS = ["test/fuzz/fuzz.test.ts", "test/protocol/deflate/!(codec).test.ts"];

/** In Bun, these run with `serve` of `tideway/bun`. */
const BUN_SERVE_PROJECT = {
  extends: true as const,
  test: {
    name: BUN_SERVE,
    isolate: false,
    include: [CONVERSATIONS, "test/bun/*.test.ts"],
    exclude: OTHER_PROGRAMS,
    provide: { transport: BUN_SERVE },
  },
};

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that a change needs no build before its test.
    alias: [
      { find: /^tideway$/, replacement: source("node/index.ts") },
      { find: /^tideway\/server$/, replacement: source("node/server.ts") },
      { find: /^tideway\/bun$/, replacement: source("bun/index.ts") },
      { find: /^tideway\/protocol$/, replacement: source("protocol/index.ts") },
      { find: /^tideway\/topics$/, replacement: source("topics/index.ts") },
      { find: /^tideway\/topics\/redis$/, replacement: source("topics/redis/index.ts") },
      { find: /^tideway\/topics\/nats$/, replacement: source("topics/nats/index.ts") },
      { find: /^tideway\/channels$/, replacement: source("node/channels.ts") },
      { find: /^tideway\/channels\/server$/, replacement: source("channels/server/index.ts") },
      { find: /^tideway\/react$/, replacement: source("react/index.ts") },
      { find: /^tideway\/ws$/, replacement: source("ws/index.ts") },
      { find: /^tideway\/testing$/, replacement: source("testing/index.ts") },
    ],
  },
  test: {
    setupFiles: ["test/support/assert-nothing-uncaught.ts", "test/support/waiting.ts"],
    // Many tests wait for other processes, so two workers are faster even on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // No test waits for time to pass. These timeouts only end a run that hangs.
    testTimeout: 30_000,
    // In many tests a server prints that it has refused a request.
    silent: "passed-only",
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          // Loading the sources once a worker instead of once a file halves the time.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: [...OTHER_PROGRAMS, ...SLOW_TESTS],
        },
      },
      {
        extends: true,
        test: { name: "slow", include: SLOW_TESTS, exclude: OTHER_PROGRAMS },
      },
      {
        extends: true,
        test: {
          name: "compat",
          include: ["compat/*.test.ts"],
          exclude: [RUNTIME_TESTS],
          globalSetup: "compat/support/override-setup.ts",
        },
      },
      {
        extends: true,
        test: {
          name: "engine",
          include: [ENGINE_TESTS],
          globalSetup: "test/support/engines-setup.ts",
        },
      },
      {
        extends: true,
        test: {
          name: "runtime",
          include: [RUNTIME_TESTS],
          globalSetup: [
            "test/support/runtimes-setup.ts",
            "test/support/engines-setup.ts",
            "compat/support/override-setup.ts",
          ],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: [BROWSER_TESTS],
          globalSetup: ["test/support/browser-setup.ts", "test/support/engines-setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: TCP_DOCUMENTED,
          isolate: false,
          include: [...OVER_EVERY_TRANSPORT, ...IN_MEMORY, INTEROP, ...BY_WHAT_NODE_DOCUMENTS],
          env: { TIDEWAY_FAST_PATHS: "0" },
        },
      },
      ...Object.keys(LINKS).map((name) => ({
        extends: true as const,
        test: {
          name,
          isolate: false,
          include: [
            ...OVER_EVERY_TRANSPORT,
            ...(name === "memory" ? IN_MEMORY : []),
            ...(name === "memory, split at every byte" ? SPLIT : []),
          ],
          provide: { transport: name },
        },
      })),
      ...("bun" in versions ? [BUN_SERVE_PROJECT] : []),
      {
        extends: true,
        test: {
          name: HTTP2,
          isolate: false,
          include: [CONVERSATIONS],
          provide: { transport: HTTP2 },
        },
      },
    ],
  },
});
