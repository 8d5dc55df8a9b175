import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { logUnusedFastPath } from "../../environment/debug-log.ts";
import { emitRead, isFullRead, ReadPace, USUAL_BUFFER } from "../../tcp/shared-reads.ts";

/**
 * Makes an open socket read into the shared buffer, as the `onread` option does. `node:net` accepts that
 * option only for new sockets, so this function sets the properties that the option would set. If the socket
 * does not have them, it continues to read into its own buffers. Returns whether it reads into a given buffer.
 */
export function shareReads(socket: Duplex): boolean {
  if (!(socket instanceof Socket)) return false;
  const opened = socket as OpenedSocket;
  if (socket instanceof TLSSocket && !readsFromSystem(opened)) return false;
  onreadKeys ??= findOnreadKeys() ?? null;
  if (onreadKeys === null) {
    logUnusedFastPath("reads into a shared buffer");
    return false;
  }
  const { buffer, generator, callback } = onreadKeys;
  if (opened[buffer] !== null || opened[callback] !== null) return true;
  if (typeof opened._handle?.useUserBuffer !== "function") return false;
  opened[buffer] = USUAL_BUFFER;
  opened[generator] = nextBuffer;
  opened[callback] = onRead;
  opened._handle.useUserBuffer(USUAL_BUFFER);
  return true;
}

/**
 * Whether the encrypted bytes of a TLS socket come from the system. If they come from a stream in JavaScript, they
 * may be decrypted while the buffer contains bytes of another socket. Also returns false on Windows.
 */
function readsFromSystem({ _handle: handle }: OpenedSocket): boolean {
  return typeof handle?.fd === "number" && handle.fd >= 0;
}

// All sockets share the next two functions, so that a socket needs no closures.

/** The buffer for the next read of the socket that has just read; undefined if it keeps its buffer. */
let bufferOfNextRead: Buffer | undefined;

/** `node:net` calls this right after `onRead`. */
function nextBuffer(): Buffer | undefined {
  return bufferOfNextRead;
}

/** Always returns true: `false` would pause the socket. */
function onRead(this: OpenedSocket, byteLength: number, buffer: Buffer): true {
  if (isFullRead(byteLength)) this[kPace] ??= new ReadPace();
  const next = emitRead(this, byteLength, this[kPace]);
  bufferOfNextRead = next === buffer ? undefined : next;
  return true;
}

const kPace = Symbol("pace");

/** The internals of a socket that this file uses. They are the same in Node.js 20 to 26. */
type OpenedSocket = Socket &
  Record<symbol, unknown> & {
    readonly _handle?: {
      /** The descriptor, or a negative number. */
      readonly fd?: number;
      useUserBuffer?(buffer: Uint8Array): void;
    } | null;
    [kPace]?: ReadPace;
  };

/**
 * The symbols under which sockets keep the parts of the `onread` option. Without the option, their values are
 * null.
 */
interface OnreadKeys {
  readonly buffer: symbol;
  /** The symbol for the option's `buffer` if that is a function. */
  readonly generator: symbol;
  readonly callback: symbol;
}

/** Undefined before the first use; null if this Node.js version does not have these symbols. */
let onreadKeys: OnreadKeys | null | undefined;

/** Finds the symbols in sockets that are created with the option. */
function findOnreadKeys(): OnreadKeys | undefined {
  const callback = (): true => true;
  const generate = (): Buffer => USUAL_BUFFER;
  const buffer = findKey({ buffer: USUAL_BUFFER, callback }, USUAL_BUFFER);
  const generator = findKey({ buffer: generate, callback }, generate);
  const callbackKey = findKey({ buffer: USUAL_BUFFER, callback }, callback);
  return buffer && generator && callbackKey && { buffer, generator, callback: callbackKey };
}

function findKey(onread: OnReadOpts, part: unknown): symbol | undefined {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread };
  const probe = new Socket(options) as OpenedSocket;
  return Object.getOwnPropertySymbols(probe).find((symbol) => probe[symbol] === part);
}
