import { debuglog } from "node:util";
import {
  createDebugLog,
  type DebugLog,
  enablesDebugLog,
  NO_DEBUG_LOG,
} from "../../errors/debug-log.ts";
import { readVariable } from "./variables.ts";

const print = debuglog("tideway");

const isEnabled =
  (print.enabled as boolean | undefined) ?? enablesDebugLog(readVariable("NODE_DEBUG"));

// Without a listener, an error of stderr ends the process, for example if the reader of a pipe has exited.
if (isEnabled) process.stderr.on("error", () => {});

/** Writes to stderr if the environment variable `NODE_DEBUG` contains `tideway`. */
export const debugLog: DebugLog = isEnabled
  ? createDebugLog((line) => print("%s", line))
  : NO_DEBUG_LOG;

const reported = new Set<string>();

/** Writes to the debug log that a fast path is not used, once for each name and reason. */
export function logUnusedFastPath(
  name: string,
  reason = "this Node.js does not have the undocumented APIs that it needs",
): void {
  if (!debugLog.isEnabled || reported.has(`${name} ${reason}`)) return;
  reported.add(`${name} ${reason}`);
  debugLog.write(() => `fast path not used: ${name}, because ${reason}`);
}
