import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** The most that one read takes. */
const READ_BYTES = 65_536;

/**
 * Where all plain sockets of the process read into. A socket that reads by itself allocates 64 KiB
 * a read, which are there until its chunk is collected.
 */
const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * The `onread` option by which the socket that `getSocket` returns reads into the shared buffer. It
 * emits 'data' as ever, but the bytes are the listener's only during the call, and it has to be
 * paused while there is none.
 */
export function sharedReads(getSocket: () => Socket): OnReadOpts {
  return { buffer: READ_BUFFER, callback: (byteLength) => emitRead(getSocket(), byteLength) };
}

/** Whether sockets that a server has accepted are made to share; tests say no, to see them not do it. */
export const sharing: { isOn: boolean } = { isOn: true };

/**
 * Makes a socket that is open already, as accepted ones are, read as by {@link sharedReads}. Node
 * takes the option only for sockets to be made, so what it would have done is done here. Where that
 * does not look as expected, the socket goes on reading by itself, which its listeners do not notice.
 */
export function shareReads(socket: Duplex): void {
  // What TLS has deciphered can come in the middle of another socket's bytes.
  if (!sharing.isOn || !(socket instanceof Socket) || socket instanceof TLSSocket) return;
  const opened = socket as OpenedSocket;
  const keys = ONREAD_KEYS;
  if (keys === undefined || opened[keys.buffer] !== null || opened[keys.callback] !== null) return;
  if (typeof opened._handle?.useUserBuffer !== "function") return;
  opened[keys.buffer] = READ_BUFFER;
  opened[keys.callback] = (byteLength: number) => emitRead(socket, byteLength);
  opened._handle.useUserBuffer(READ_BUFFER);
}

/** Reads of the same length, of which there are many in a row, share a view too. */
let latestView = READ_BUFFER;

/** Always true: it is by `pause` that a socket is told to read no more. */
function emitRead(socket: Socket, byteLength: number): true {
  if (latestView.length !== byteLength) latestView = READ_BUFFER.subarray(0, byteLength);
  socket.emit("data", latestView);
  return true;
}

/** What this file knows of the inside of sockets, in Node 20, 22 and 24 alike. */
type OpenedSocket = Socket &
  Record<symbol, unknown> & {
    readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
  };

/** Under which symbols sockets keep the parts of their `onread` option, null where there is none. */
interface OnreadKeys {
  readonly buffer: symbol;
  readonly callback: symbol;
}

const ONREAD_KEYS = findOnreadKeys();

/** Looks where a socket that is made with the option keeps it. */
function findOnreadKeys(): OnreadKeys | undefined {
  const onread = sharedReads(() => probe);
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread };
  const probe: Socket = new Socket(options);
  const keeps = probe as OpenedSocket;
  const keyOf = (part: keyof OnReadOpts): symbol | undefined =>
    Object.getOwnPropertySymbols(probe).find((symbol) => keeps[symbol] === onread[part]);
  const buffer = keyOf("buffer");
  const callback = keyOf("callback");
  return buffer && callback && { buffer, callback };
}
