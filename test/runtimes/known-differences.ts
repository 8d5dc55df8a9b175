import type { Runtime } from "../support/runtimes.ts";
import { BUN_DIFFERENCES } from "./bun-differences.ts";
import { DENO_DIFFERENCES } from "./deno-differences.ts";

/** A gap of a runtime, and the tests that fail for this reason. */
export interface KnownDifference {
  readonly runtimes: readonly Runtime[];
  /** For the docs: a sentence without a full stop. */
  readonly reason: string;
  /** The runtime's documentation or issue. */
  readonly reference?: string;
  readonly tests: ReadonlyArray<KnownTests>;
}

/** Tests of one file. */
interface KnownTests {
  /** A file, or a folder with a slash at its end, from the root of the repository. */
  readonly path: string;
  /**
   * The full names of the tests of a file that fail. A listed test that passes or is missing fails the run.
   * Without names, the path is left out of the run.
   */
  readonly names?: readonly string[];
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    runtimes: ["bun", "deno"],
    reason: "the accelerators use undocumented parts of Node.js, and are off elsewhere",
    tests: [{ path: "test/node/internals/" }],
  },
  {
    runtimes: ["bun", "deno"],
    reason: "without accelerators, each message has its own task",
    tests: [
      {
        path: "test/node/client/one-task-each.test.ts",
        names: ["messages from one read share a task if the same listener receives them"],
      },
    ],
  },
  {
    runtimes: ["bun", "deno"],
    reason:
      "without accelerators, a request with a malformed body gets 400 even if its handler has answered",
    tests: [
      {
        path: "test/node/http/request-queue.test.ts",
        names: [
          "a malformed or late body ends the connection after the response of a handler that has not read it",
        ],
      },
    ],
  },
  {
    runtimes: ["bun"],
    reason: "Bun has no HTTP/2 over `node:https`, and `serve` refuses the option `http2`",
    reference: "https://github.com/oven-sh/bun/pull/33545",
    tests: [{ path: "test/node/http2/" }],
  },
  {
    runtimes: ["bun", "deno"],
    reason:
      "more than 16 pipelined requests without an answer are answered with 503, as with `fastPaths: false`",
    tests: [
      {
        path: "test/node/http/request-queue.test.ts",
        names: [
          "at most 16 requests per connection are pending with serve; the others follow in order",
          "at most 16 requests per connection are pending with attach; the others follow in order",
          "at most 16 requests per connection are pending with two attachments; the others follow in order",
        ],
      },
    ],
  },
  {
    runtimes: ["bun", "deno"],
    reason: "all pipelined requests of one read are handled in one turn of the event loop",
    tests: [
      {
        path: "test/node/http/request-queue.test.ts",
        names: ["thousands of pipelined requests do not block the event loop"],
      },
    ],
  },
  ...BUN_DIFFERENCES,
  ...DENO_DIFFERENCES,
];

/** Whether a test file is left out in a runtime. */
export function isLeftOut(runtime: Runtime, file: string): boolean {
  return knownTests(runtime).some(
    ({ path, names }) =>
      names === undefined && (path.endsWith("/") ? file.startsWith(path) : file === path),
  );
}

/** Whether a test is known to fail in a runtime. */
export function isKnownToFail(runtime: Runtime, file: string, name: string): boolean {
  return knownFailures(runtime).some((known) => known.file === file && known.name === name);
}

/** The tests that are known to fail in a runtime. */
export function knownFailures(runtime: Runtime): Array<{ file: string; name: string }> {
  return knownTests(runtime).flatMap(({ path, names = [] }) =>
    names.map((name) => ({ file: path, name })),
  );
}

function knownTests(runtime: Runtime): KnownTests[] {
  return KNOWN_DIFFERENCES.filter(({ runtimes }) => runtimes.includes(runtime)).flatMap(
    ({ tests }) => tests,
  );
}
