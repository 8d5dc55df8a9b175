import type { TestProject } from "vitest/node";
import { ensureRuntimes, type Runtimes } from "./runtimes.ts";

declare module "vitest" {
  interface ProvidedContext {
    runtimes: Runtimes;
  }
}

/** Vitest runs this once before the first of the `*.runtime.test.ts` files. */
export default function setup(project: TestProject): void {
  const runtimes = ensureRuntimes();
  for (const { reason } of Object.values(runtimes)) {
    if (reason !== undefined) process.stderr.write(`No tests with another runtime: ${reason}.\n`);
  }
  project.provide("runtimes", runtimes);
}
