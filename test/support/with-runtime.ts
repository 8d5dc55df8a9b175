import { describe, inject, it } from "vitest";
import type { Runtime } from "./runtimes.ts";

/**
 * A `describe` for tests that start another release of Node.js, in a `*.runtime.test.ts` file, given
 * the path of its program. Where it is missing they are skipped, with the reason in their name; with
 * `CI=true` they fail instead, so that no pipeline passes without them.
 */
export function describeWithRuntime(runtime: Runtime, body: (path: string) => void): void {
  const { path, reason } = inject("runtimes")[runtime];
  if (path !== undefined) {
    describe(runtime, () => body(path));
  } else if (process.env["CI"] === "true") {
    describe(runtime, () => {
      it("is there to run with", () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${runtime} [skipped: ${reason}]`, () => body(""));
  }
}
