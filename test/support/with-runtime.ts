import { describe, inject, it } from "vitest";
import type { Runtime } from "./runtimes.ts";

/**
 * A `describe` for tests in a `*.runtime.test.ts` file, which start another runtime. `body`
 * gets the path of its program. If the program is missing, the tests are skipped with the reason in
 * their name. With `CI=true` they fail instead, so that no pipeline passes without them.
 */
export function describeWithRuntime(runtime: Runtime, body: (path: string) => void): void {
  const { path, reason } = inject("runtimes")[runtime];
  if (path !== undefined) {
    describe(runtime, () => body(path));
  } else if (process.env["CI"] === "true") {
    describe(runtime, () => {
      it("is installed", () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${runtime} [skipped: ${reason}]`, () => body(""));
  }
}
