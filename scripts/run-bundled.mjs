// Bundles a TypeScript program into one file and runs it: node scripts/run-bundled.mjs test/crash/main.ts
// --minutes 10 --broker nats
import { spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

// Below node_modules, so that imports that are not bundled resolve.
const [input, ...args] = process.argv.slice(2);
const directory = join("node_modules/.cache", `tideway-run-${process.pid}`);
await mkdir(directory, { recursive: true });
const file = join(directory, "main.mjs");
const bundle = await rolldown({
  input,
  platform: "node",
  external: [/^(?!tideway)[^./]/],
  resolve: {
    alias: {
      "tideway/channels": resolve("src/node/channels.ts"),
      "tideway/topics": resolve("src/topics/index.ts"),
      tideway: resolve("src/node/index.ts"),
    },
  },
});
await bundle.write({ file, sourcemap: true, codeSplitting: false });
await bundle.close();

const child = spawn(process.execPath, ["--enable-source-maps", file, ...args], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.once("close", (code) => {
  process.exitCode = code ?? 1;
  void rm(directory, { recursive: true });
});
