import { createDebugLog, type DebugLog, NO_DEBUG_LOG } from "../errors/debug-log.ts";

/** The globals that lead to `util.debuglog`, in Node.js and in runtimes that are compatible with it. */
interface Runtime {
  readonly process?: {
    readonly stderr?: { on?(type: "error", listener: () => void): unknown };
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
  if (print?.enabled !== true) return NO_DEBUG_LOG;
  // Without a listener, an error of stderr ends the process, for example when the reader of a pipe has ended.
  process?.stderr?.on?.("error", () => {});
  return createDebugLog((line) => print("%s", line));
}
