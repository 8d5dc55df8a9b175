import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { describeInOverrideProject } from "./support/with-override.ts";

const root = join(import.meta.dirname, "..");

const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

/** TypeScript lets CommonJS modules require an ES module only with `NodeNext` or `Node20`. */
const PROGRAMS = {
  Node16: ["es-module.mts"],
  NodeNext: ["common-js.cts", "named-imports.cts", "es-module.mts"],
};

/** Compiles the programs in `types` in a project. Returns the exit code and the errors. */
async function compileIn(
  project: string,
  module: keyof typeof PROGRAMS,
): Promise<[number | null, string]> {
  const folder = join(project, "types", module);
  mkdirSync(folder, { recursive: true });
  for (const file of PROGRAMS[module]) {
    copyFileSync(join(import.meta.dirname, "types", file), join(folder, file));
  }
  const compilerOptions = {
    module,
    strict: true,
    noEmit: true,
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    types: ["node"],
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: PROGRAMS[module] }),
  );
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const compiler = join(dirname(typescript), "bin/tsc");
  const child = spawn(process.execPath, [compiler, "-p", folder], { stdio: "pipe" });
  const [[code], output] = await Promise.all([once(child, "close"), text(child.stdout)]);
  return [code as number | null, output];
}

describeInOverrideProject((project) => {
  it.each(["Node16", "NodeNext"] as const)(
    "has types that fit programs for @types/ws, with module %s",
    async (module) => {
      expect(await compileIn(project, module)).toEqual([0, ""]);
    },
    120_000,
  );

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
