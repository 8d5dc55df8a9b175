import type { TestProject } from "vitest/node";
import { ensureChromium } from "./chromium.ts";
import type { Availability } from "./debian.ts";

declare module "vitest" {
  interface ProvidedContext {
    browser: Availability;
  }
}

/** Vitest runs this once before the first of the `*.browser.test.ts` files, if there is any. */
export default function setup(project: TestProject): void {
  const browser = ensureChromium();
  if (browser.reason !== undefined) process.stderr.write(`No browser tests: ${browser.reason}.\n`);
  project.provide("browser", browser);
}
