import { logUnusedFastPath } from "../environment/debug-log.ts";
import { readVariable } from "../environment/variables.ts";

/**
 * Whether the environment variable `TIDEWAY_FAST_PATHS` allows fast paths, which use undocumented Node.js
 * APIs. They are allowed if it is unset, empty or `1`. `0` disables them; any other value disables them too,
 * with a warning. The variable is read when this module is loaded.
 */
export const ALLOWS_FAST_PATHS: boolean = allowsFastPaths(readVariable("TIDEWAY_FAST_PATHS"));

function allowsFastPaths(value = ""): boolean {
  if (value === "" || value === "1") return true;
  logUnusedFastPath("all", `TIDEWAY_FAST_PATHS is ${JSON.stringify(value)}`);
  if (value !== "0") {
    process.emitWarning(
      `TIDEWAY_FAST_PATHS is ${JSON.stringify(value)}; set it to 0 or 1. Fast paths are switched off.`,
    );
  }
  return false;
}
