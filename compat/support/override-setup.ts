import type { TestProject } from "vitest/node";
import type { Availability } from "../../test/support/debian.ts";
import { ensureOverrideProject } from "./override-project.ts";

declare module "vitest" {
  interface ProvidedContext {
    overrideProject: Availability;
  }
}

/** Vitest runs this once before the tests that load packages from the project with an override. */
export default function setup(project: TestProject): void {
  if (process.env["COMPAT_ON"] === "ws") return;
  const availability = ensureOverrideProject();
  const { reason } = availability;
  if (reason !== undefined) process.stderr.write(`No tests of npm overrides: ${reason}.\n`);
  project.provide("overrideProject", availability);
}
