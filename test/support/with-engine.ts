import { describe, inject, it } from "vitest";

/**
 * A `describe` for tests that need an engine, in an `*.engine.test.ts` file. `body` gets the path
 * of its program. If the program is missing, the tests are skipped with the reason in their name.
 * With `CI=true` they fail instead, so that no pipeline passes without them.
 */
export function describeWithEngine(
  engine: "redis" | "nats" | "nginx" | "haproxy",
  name: string,
  body: (path: string) => void,
): void {
  const { path, reason } = inject("engines")[engine];
  if (path !== undefined) {
    describe(name, () => body(path));
  } else if (process.env["CI"] === "true") {
    describe(name, () => {
      it(`runs with ${engine}`, () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${name} [skipped: ${reason}]`, () => body(""));
  }
}
