import {
  createDebugLog,
  type DebugLog,
  enablesDebugLog,
  NO_DEBUG_LOG,
} from "../../errors/debug-log.ts";

/** The globals through which `util.debuglog` can be reached, in Node.js and in compatible runtimes. */
interface Runtime {
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly stderr?: { on?(type: "error", listener: () => void): unknown };
    getBuiltinModule?(name: "node:util"): { debuglog?(section: string): Print } | undefined;
  };
}

interface Print {
  readonly enabled?: boolean;
  (format: string, line: string): void;
}

/**
 * Writes to stderr if the environment variable `NODE_DEBUG` contains `tideway`. Topics work in every runtime
 * and do not import modules of Node.js, so this module looks for `util.debuglog` when it is loaded.
 */
export const debugLog: DebugLog = findDebugLog();

function findDebugLog(): DebugLog {
  const { process }: Runtime = globalThis as object;
  const print = process?.getBuiltinModule?.("node:util")?.debuglog?.("tideway");
  if (print === undefined) return NO_DEBUG_LOG;
  const isEnabled = print.enabled ?? enablesDebugLog(process?.env?.["NODE_DEBUG"]);
  if (!isEnabled) return NO_DEBUG_LOG;
  // Without a listener, an error of stderr ends the process, for example if the reader of a pipe has exited.
  process?.stderr?.on?.("error", () => {});
  return createDebugLog((line) => print("%s", line));
}
