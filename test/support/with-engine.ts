import { describe, inject, it } from "vitest";

/**
 * A `describe` for tests that need an engine, in an `*.engine.test.ts` file, given the path of its
 * server. Where there is none they are skipped, with the reason in their name; with `CI=true` they
 * fail instead, so that no pipeline passes by not looking.
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
      it(`has ${engine} to run with`, () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${name} [skipped: ${reason}]`, () => body(""));
  }
}
