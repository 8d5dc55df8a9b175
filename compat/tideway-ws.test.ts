import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeInOverrideProject } from "./support/with-override.ts";

const root = join(import.meta.dirname, "..");

const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

describeInOverrideProject((project) => {
  it("lists the tested versions in its README", () => {
    const readme = readFileSync(join(root, "packages/tideway-ws/README.md"), "utf8");
    const rows = Array.from(readme.matchAll(/^\| `([^`]+)` +\| (\d\S+) /gm), ([, ...row]) => row);
    const { dependencies } = readJson(join(project, "package.json"));
    expect(rows.length).toBeGreaterThan(4);
    expect(dependencies).toMatchObject(Object.fromEntries(rows) as object);
    const { packages } = readJson(join(root, "test/runtimes/package-lock.json"));
    for (const release of ["node20", "node22", "node24", "node26"]) {
      const installed = (packages as Record<string, { version: string }>)[
        `node_modules/${release}-linux-x64`
      ];
      expect(readme).toContain(installed.version);
    }
  });
});
