import { createDebugLog, type DebugLog, NO_DEBUG_LOG } from "../errors/debug-log.ts";

/** The globals that lead to `util.debuglog`, in Node.js and in runtimes that are compatible with it. */
interface Runtime {
  readonly process?: {
    getBuiltinModule?(name: "node:util"): { debuglog?(section: string): Print } | undefined;
  };
}

interface Print {
  readonly enabled?: boolean;
  (format: string, line: string): void;
}

/**
 * Writes to stderr if the environment variable `NODE_DEBUG` contains `tideway`. Topics run in every runtime and
 * import nothing of Node.js, so this looks for `util.debuglog` when the module is loaded.
 */
export const debugLog: DebugLog = findDebugLog();

function findDebugLog(): DebugLog {
  const { process }: Runtime = globalThis as object;
  const print = process?.getBuiltinModule?.("node:util")?.debuglog?.("tideway");
  return print?.enabled === true ? createDebugLog((line) => print("%s", line)) : NO_DEBUG_LOG;
}
