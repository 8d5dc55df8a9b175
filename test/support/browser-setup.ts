import type { TestProject } from "vitest/node";
import { ensureChromium } from "./chromium.ts";
import type { Availability } from "./debian.ts";
import { ensureFirefox } from "./firefox.ts";

declare module "vitest" {
  interface ProvidedContext {
    browser: Availability;
    firefox: Availability;
  }
}

/** Vitest runs this once before the first of the `*.browser.test.ts` files, if there is any. */
export default function setup(project: TestProject): void {
  const browser = ensureChromium();
  if (browser.reason !== undefined) process.stderr.write(`No browser tests: ${browser.reason}.\n`);
  project.provide("browser", browser);
  const firefox = ensureFirefox();
  if (firefox.reason !== undefined)
    process.stderr.write(`No tests in Firefox: ${firefox.reason}.\n`);
  project.provide("firefox", firefox);
}
