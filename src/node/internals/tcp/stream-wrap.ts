import { logUnusedFastPath } from "../../environment/debug-log.ts";
import { readVariable } from "../../environment/variables.ts";

/**
 * The internals of TCP sockets of Node.js that this package uses. They are the same in Node.js 20, 22 and 24.
 * A `net.Socket` wraps a libuv handle, and takes more time and memory than the rest of a WebSocket
 * connection.
 */

/** A request to a handle. Node.js calls `oncomplete` with 0, or with a negative error code. */
export interface HandleRequest {
  oncomplete?: (this: HandleRequest, status: number) => void;
  listener?: unknown;
  /** The data to write. The request refers to it, because the handle does not keep it alive. */
  data?: Uint8Array | string | undefined;
}

/** A TCP connection in libuv. Methods that return a number return 0, or a negative error code. */
export interface TcpHandle {
  /**
   * `bytes` is a new buffer. It is undefined at the end of the stream, and if the handle reads into a user
   * buffer. A returned buffer is used from the next read on. Any other result except undefined crashes the
   * process.
   */
  onread?: (this: TcpHandle, bytes: ArrayBuffer | undefined) => Uint8Array | undefined;
  readonly writeQueueSize?: number;
  readStart(): number;
  readStop(): number;
  /** Makes all later reads use `buffer`. */
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: HandleRequest, bytes: Uint8Array): number;
  writeLatin1String(request: HandleRequest, text: string): number;
  /** Returns 1 if it completed at once. */
  shutdown(request: HandleRequest): number;
  setNoDelay(isOn: boolean): number;
  getpeername(address: { address?: string }): number;
  close(callback: (this: TcpHandle) => void): void;
}

/** The classes and the state with which Node.js reads from and writes to handles. */
export interface StreamWrap {
  readonly WriteWrap: new () => HandleRequest;
  readonly ShutdownWrap: new () => HandleRequest;
  /** The results of the latest call or callback. */
  readonly streamBaseState: Int32Array;
  /** The index in `streamBaseState` of the number of bytes read, or of a negative error code. */
  readonly kReadBytesOrError: number;
  /** The index in `streamBaseState` of a flag: whether the write did not complete at once. */
  readonly kLastWriteWasAsync: number;
}

/** The status of a read at the end of the peer's data; the same on all systems. */
export const END_OF_STREAM = -4095;

/**
 * Undefined before the first use; null if this Node.js version does not have it, or does not allow access to
 * it.
 */
let found: StreamWrap | null | undefined;

/** Whether {@link streamWrap} may be called. */
export function hasStreamWrap(): boolean {
  found ??= findStreamWrap() ?? null;
  return found !== null;
}

/** Call it only after {@link hasStreamWrap} has returned true. */
export function streamWrap(): StreamWrap {
  return found as StreamWrap;
}

/** Whether `handle` has all methods of a {@link TcpHandle}. */
export function isTcpHandle(handle: object): handle is TcpHandle {
  return HANDLE_METHODS.every((name) => typeof (handle as Partial<TcpHandle>)[name] === "function");
}

const HANDLE_METHODS = [
  "readStart",
  "readStop",
  "useUserBuffer",
  "writeBuffer",
  "writeLatin1String",
  "shutdown",
  "setNoDelay",
  "getpeername",
  "close",
] as const satisfies ReadonlyArray<keyof TcpHandle>;

const NAME = "writes and handshakes on TCP handles";

type ProcessInternals = NodeJS.Process & { binding?(name: string): Partial<StreamWrap> };

function findStreamWrap(): StreamWrap | undefined {
  // With --pending-deprecation, `process.binding` prints a warning.
  if (warnsOfBinding()) {
    logUnusedFastPath(NAME, "process.binding prints a warning with --pending-deprecation");
    return undefined;
  }
  try {
    const binding = (process as ProcessInternals).binding?.("stream_wrap");
    if (isStreamWrap(binding)) return binding;
    logUnusedFastPath(NAME);
  } catch {
    logUnusedFastPath(NAME, "the permission model of Node.js forbids process.binding");
  }
  return undefined;
}

function warnsOfBinding(): boolean {
  const nodeOptions = readVariable("NODE_OPTIONS") ?? "";
  return (
    readVariable("NODE_PENDING_DEPRECATION") === "1" ||
    [...process.execArgv, ...nodeOptions.split(" ")].includes("--pending-deprecation")
  );
}

function isStreamWrap(binding: Partial<StreamWrap> | undefined): binding is StreamWrap {
  return (
    typeof binding?.WriteWrap === "function" &&
    typeof binding.ShutdownWrap === "function" &&
    binding.streamBaseState instanceof Int32Array &&
    typeof binding.kReadBytesOrError === "number" &&
    typeof binding.kLastWriteWasAsync === "number"
  );
}
