// Shows that everything works without src/node/internals, which uses undocumented Node.js APIs. In a copy of
// the repository it deletes that folder, empties the two files that import it, compiles the sources, and
// runs the tests of conversations over TCP:
// node scripts/without-internals.mjs
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The only files that may import the folder, each with the constant to set to undefined. */
const WIRING = {
  "src/node/serve/fast-connections.ts": "fastConnections",
  "src/node/serve/fast-server.ts": "fastServer",
};

const TESTS = [
  "test/suite",
  "test/hostile",
  "test/anomalies",
  // Not serve-environment.test.ts and fast-paths.test.ts, which compare with and without.
  "test/node/serve/listen",
  "test/node/serve/running-server.test.ts",
  "test/node/serve/stop-options.test.ts",
  "test/node/serve/serve.test.ts",
  "test/node/client/connect.test.ts",
  "test/node/client/tcp.test.ts",
  "test/node/client/web-socket-stream.test.ts",
  "test/node/http/shared-http-server.test.ts",
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const copy = mkdtempSync(join(tmpdir(), "tideway-without-internals-"));
try {
  copyRepository();
  rmSync(join(copy, "src/node/internals"), { recursive: true });
  removeReference(join(copy, "src/node/serve/tsconfig.json"), "../internals");
  removeReference(join(copy, "test/tsconfig.json"), "../src/node/internals");
  for (const [file, name] of Object.entries(WIRING)) unwire(join(copy, file), name);
  const layers = ["browser", "node", "testing", "topics"].map((layer) => `src/${layer}`);
  const works =
    runs("tsc", "-b", ...layers) &&
    runs("vitest", "run", "--project", "node", "--project", "slow", ...TESTS);
  if (!works) {
    console.error("This does not work without src/node/internals.");
    process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true });
}

/** Copies the files that git knows or would add, and links the packages. */
function copyRepository() {
  const listing = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: root,
  });
  for (const file of listing.toString().split("\0").filter(Boolean)) {
    const isCompiledOrRun = /^(src|test)\/|^[^/]*\.(json|ts)$/.test(file);
    if (isCompiledOrRun) cpSync(join(root, file), join(copy, file));
  }
  const packages = join(copy, "node_modules");
  mkdirSync(packages);
  for (const name of readdirSync(join(root, "node_modules"))) {
    // Imports of this package by its own name must find the copy.
    const target = name === "tideway" ? copy : join(root, "node_modules", name);
    symlinkSync(target, join(packages, name), "junction");
  }
}

/** Removes a reference from a project of the compiler. */
function removeReference(file, path) {
  const project = JSON.parse(readFileSync(file, "utf8"));
  const references = project.references.filter((reference) => reference.path !== path);
  if (references.length === project.references.length) throw new Error(`${file} has no ${path}`);
  writeFileSync(file, JSON.stringify({ ...project, references }));
}

/** Removes the imports of the folder, and sets the constant `name` to undefined. */
function unwire(file, name) {
  const source = readFileSync(file, "utf8");
  const unwired = source
    .replaceAll(/^import .* from "\.\.\/internals\/.*";\n/gm, "")
    .replace(new RegExp(`^(export const ${name}: .*) = \\{[^}]*\\};$`, "m"), "$1 = undefined;");
  if (!unwired.includes(" = undefined;")) throw new Error(`${file} does not export ${name}`);
  writeFileSync(file, unwired);
}

/** Whether a program of the packages succeeds in the copy. */
function runs(command, ...args) {
  const program = join(copy, "node_modules/.bin", command);
  return spawnSync(program, args, { cwd: copy, stdio: "inherit" }).status === 0;
}
