// Bundles test/fuzz/main.ts into one file and runs it: npm run fuzz -- --minutes 10
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";

const directory = await mkdtemp(join(tmpdir(), "tideway-fuzz-"));
const file = join(directory, "fuzz.mjs");
const bundle = await rolldown({ input: "test/fuzz/main.ts", platform: "node" });
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
