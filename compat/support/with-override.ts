import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";

/** Loads a package by its name. */
export type Load = <Package>(name: string) => Package;

/**
 * A `describe` for a package that imports `ws` itself. `load` returns it, and its dependencies, from a
 * project in which an npm override replaces `ws`. With `COMPAT_ON=ws` it returns them as they are.
 */
export function describeWithOverride(packageName: string, body: (load: Load) => void): void {
  if (process.env["COMPAT_ON"] === "ws") {
    const load = createRequire(import.meta.url) as Load;
    describe(`${packageName} on ws`, () => body(load));
    return;
  }
  describe(packageName, () => {
    describeInOverrideProject((project) => {
      const require = createRequire(join(project, "package.json"));
      it("gets tideway-ws for its import of ws", () => {
        const requireAsPackage = createRequire(require.resolve(packageName));
        expect(requireAsPackage("ws")).toBe(require("tideway/ws"));
      });
      body(require as Load);
    });
  });
}

/**
 * Passes the folder of the project with the override. If npm could not install it, the tests are skipped
 * with the reason in their name. With `CI=true` they fail instead, so that no pipeline passes without them.
 */
export function describeInOverrideProject(body: (project: string) => void): void {
  const { path, reason } = inject("overrideProject");
  if (path !== undefined) body(path);
  else if (process.env["CI"] === "true") {
    it("is installed", () => {
      throw new Error(reason);
    });
  } else {
    it.skip(`needs npm [skipped: ${reason}]`, () => {});
  }
}
