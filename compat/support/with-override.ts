import { createRequire } from "node:module";
import { describe } from "vitest";

/** Loads a package by its name. */
export type Load = <Package>(name: string) => Package;

/** A `describe` for a package that imports `ws` itself. `load` returns it, and what it needs. */
export function describeWithOverride(packageName: string, body: (load: Load) => void): void {
  const load = createRequire(import.meta.url) as Load;
  describe(packageName, () => body(load));
}
