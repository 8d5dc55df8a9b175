import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");
const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc",
);

/** The compiler's output for a program that uses the published package. */
function compile(code: string, options: object): string {
  const parent = join(root, "test-artefacts");
  mkdirSync(parent, { recursive: true });
  // Within the package, so that `tideway` resolves to the package, as after an installation.
  const folder = mkdtempSync(join(parent, "declarations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "program.ts"), code);
  const compilerOptions = {
    skipLibCheck: false,
    types: [],
    lib: ["es2022", "dom"],
    module: "nodenext",
    target: "es2022",
    strict: true,
    noEmit: true,
    ...options,
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["program.ts"] }),
  );
  return String(spawnSync(process.execPath, [compiler, "-p", folder]).stdout);
}

it("the declarations of every entry point compile without skipLibCheck, types and esnext", () => {
  const names = [
    "",
    "/server",
    "/protocol",
    "/topics",
    "/topics/redis",
    "/topics/nats",
    "/channels",
    "/channels/server",
    "/react",
    "/testing",
  ];
  const code = names.map(
    (name, at) => `import * as entry${at} from "tideway${name}";\nexport { entry${at} };\n`,
  );
  expect(compile(code.join(""), {})).toBe("");
});

it("the declarations of the browser client use no Node types", () => {
  const code = `
import { WebSocket } from "tideway";
export const socket: WebSocket = new WebSocket("ws://localhost/");
// @ts-expect-error There is no process in a browser.
export const { env } = process;
`;
  expect(compile(code, { customConditions: ["browser"] })).toBe("");
});
