// Runs test/crash/main.ts in one file that Node can run: npm run crash -- --minutes 10 --broker nats
import { spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

// Among the packages, so that what is not bundled is found.
const directory = join("node_modules/.cache", `tideway-crash-${process.pid}`);
await mkdir(directory, { recursive: true });
const file = join(directory, "crash.mjs");
const bundle = await rolldown({
  input: "test/crash/main.ts",
  platform: "node",
  external: [/^(?!tideway)[^./]/],
  resolve: {
    alias: {
      "tideway/topics": resolve("src/topics/index.ts"),
      tideway: resolve("src/node/index.ts"),
    },
  },
});
await bundle.write({ file, sourcemap: true, codeSplitting: false });
await bundle.close();

const child = spawn(process.execPath, ["--enable-source-maps", file, ...process.argv.slice(2)], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.once("close", (code) => {
  process.exitCode = code ?? 1;
  void rm(directory, { recursive: true });
});
