/**
 * What this package knows of the inside of Node's TCP sockets, in Node 20, 22 and 24 alike: a
 * `net.Socket` stands on a handle of libuv's, and takes more time to make, and more memory to keep,
 * than all the rest of a WebSocket connection.
 */

/** A request to a handle that is under way. Node calls `oncomplete` with 0, or a negative error. */
export interface HandleRequest {
  oncomplete?: (this: HandleRequest, status: number) => void;
  /** Whose request it is. */
  owner?: unknown;
  /** What is being written: a handle does not keep it alive. */
  data?: Uint8Array | string | undefined;
}

/** A TCP connection as libuv has it. What returns a number returns 0, or a negative error. */
export interface TcpHandle {
  /**
   * `bytes` is a chunk of its own, or undefined at the end and where a buffer is used; then, what is
   * returned is used from the next read on. Anything else but undefined brings the process down.
   */
  onread?: (this: TcpHandle, bytes: ArrayBuffer | undefined) => Uint8Array | undefined;
  readonly writeQueueSize?: number;
  readStart(): number;
  readStop(): number;
  /** From now on everything is read into `buffer`. */
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: HandleRequest, bytes: Uint8Array): number;
  writeLatin1String(request: HandleRequest, text: string): number;
  /** 1: it is done already. */
  shutdown(request: HandleRequest): number;
  setNoDelay(isOn: boolean): number;
  getpeername(address: { address?: string }): number;
  close(callback: (this: TcpHandle) => void): void;
}

/** What handles read and write with. */
export interface StreamWrap {
  readonly WriteWrap: new () => HandleRequest;
  readonly ShutdownWrap: new () => HandleRequest;
  /** What the latest call, or callback, has come to. */
  readonly streamBaseState: Int32Array;
  /** Where in it: how many bytes a callback has read, or a negative error. */
  readonly kReadBytesOrError: number;
  /** Where in it: whether a write has not been done at once. */
  readonly kLastWriteWasAsync: number;
}

/** The end of what the peer sends, where a number of bytes is expected: the same on all systems. */
export const END_OF_STREAM = -4095;

/** Undefined where this Node does not have it, or does not let it be used. */
export const streamWrap: StreamWrap | undefined = findStreamWrap();

/** Whether `handle` can do what a {@link TcpHandle} can. */
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

type InsideProcess = NodeJS.Process & { binding?(name: string): Partial<StreamWrap> };

function findStreamWrap(): StreamWrap | undefined {
  // Whoever asks Node to warn of what may go some day would be warned of this.
  if (isAskedToWarn()) return undefined;
  try {
    const found = (process as InsideProcess).binding?.("stream_wrap");
    return isStreamWrap(found) ? found : undefined;
  } catch {
    // Under Node's permission model there is none.
    return undefined;
  }
}

function isAskedToWarn(): boolean {
  const { NODE_OPTIONS = "", NODE_PENDING_DEPRECATION } = process.env;
  return (
    NODE_PENDING_DEPRECATION === "1" ||
    [...process.execArgv, ...NODE_OPTIONS.split(" ")].includes("--pending-deprecation")
  );
}

function isStreamWrap(found: Partial<StreamWrap> | undefined): found is StreamWrap {
  return (
    typeof found?.WriteWrap === "function" &&
    typeof found.ShutdownWrap === "function" &&
    found.streamBaseState instanceof Int32Array &&
    typeof found.kReadBytesOrError === "number" &&
    typeof found.kLastWriteWasAsync === "number"
  );
}
