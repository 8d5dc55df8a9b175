import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { inNextTurn } from "../../environment/timers.ts";
import { undocumented } from "../undocumented.ts";

/** The most that one read takes of what flows: a quarter of the calls of the kernel at 16 KiB a message. */
const MAX_READ_BYTES = 262_144;

/** The most that it takes otherwise. What a reader that pauses has not got to stays in memory. */
const USUAL_READ_BYTES = 65_536;

/**
 * How often a reader may take that much in a turn of the event loop, in which libuv reads up to 32
 * times from the one before it comes to the next: who floods is not to hold up the others for longer.
 */
const MAX_READS_PER_TURN = 2;

/**
 * Where all plain sockets of the process read into. A socket that reads by itself allocates 64 KiB
 * a read, which are there until its chunk is collected.
 */
const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(MAX_READ_BYTES);

/** What a reader begins with. */
export const USUAL_BUFFER: Buffer = READ_BUFFER.subarray(0, USUAL_READ_BYTES);

/**
 * The `onread` option by which the socket that `getSocket` returns reads into the shared buffer. It
 * emits 'data' as ever, but the bytes are the listener's only during the call, and it has to be
 * paused while there is none.
 */
export function sharedReads(getSocket: () => Socket): OnReadOpts {
  const pace = new ReadPace();
  let next = USUAL_BUFFER;
  return {
    buffer: () => next,
    callback: (byteLength) => {
      next = emitRead(getSocket(), byteLength, pace);
      return true;
    },
  };
}

/**
 * Makes a socket that is open already, as accepted ones are, read as by {@link sharedReads}. Node
 * takes the option only for sockets to be made, so what it would have done is done here. Where that
 * does not look as expected, the socket goes on reading by itself, which its listeners do not notice.
 */
export function shareReads(socket: Duplex): void {
  // What TLS has deciphered can come in the middle of another socket's bytes.
  if (!undocumented.isUsed || !(socket instanceof Socket) || socket instanceof TLSSocket) return;
  const opened = socket as OpenedSocket;
  const keys = ONREAD_KEYS;
  if (keys === undefined || opened[keys.buffer] !== null || opened[keys.callback] !== null) return;
  if (typeof opened._handle?.useUserBuffer !== "function") return;
  opened[keys.buffer] = USUAL_BUFFER;
  opened[keys.generator] = nextBuffer;
  opened[keys.callback] = onRead;
  opened._handle.useUserBuffer(USUAL_BUFFER);
}

/** What accepted sockets have for `onread`, the same functions for all: a socket costs no closure. */
let nextOfAccepted: Buffer | undefined;

/** Asked by a socket right after `onRead`; undefined for the buffer that it has. */
function nextBuffer(): Buffer | undefined {
  return nextOfAccepted;
}

/** Always true: it is by `pause` that a socket is told to read no more. */
function onRead(this: OpenedSocket, byteLength: number, buffer: Buffer): true {
  if (isFullRead(byteLength)) this[kPace] ??= new ReadPace();
  const next = emitRead(this, byteLength, this[kPace]);
  nextOfAccepted = next === buffer ? undefined : next;
  return true;
}

/** Reads of the same length, of which there are many in a row, share a view too. */
let latestView = READ_BUFFER;

/** Returns what to read into next. */
function emitRead(socket: Socket, byteLength: number, pace: ReadPace | undefined): Buffer {
  socket.emit("data", sharedBytes(byteLength));
  return bufferAfter(byteLength, socket.isPaused(), pace);
}

/** The first bytes of what is read into; the reader's only during the call in which they have come. */
export function sharedBytes(byteLength: number): Uint8Array {
  if (latestView.length !== byteLength) latestView = READ_BUFFER.subarray(0, byteLength);
  return latestView;
}

/** What to read into after a read of so many bytes; `pace` is the reader's, if it has had a full one. */
export function bufferAfter(
  byteLength: number,
  isPaused: boolean,
  pace: ReadPace | undefined,
): Buffer {
  if (pace === undefined || !isFullRead(byteLength) || isPaused) return USUAL_BUFFER;
  return pace.take() ? READ_BUFFER : USUAL_BUFFER;
}

/** Whether there is likely to be more than has come: from then on a reader needs a pace. */
export function isFullRead(byteLength: number): boolean {
  return byteLength >= USUAL_READ_BYTES;
}

/** How often one reader has taken as much as it may, in the turn in which it last did so. */
export class ReadPace {
  #turn = -1;
  #count = 0;

  /** Whether it may once more. */
  take(): boolean {
    const turn = runningTurn();
    if (turn !== this.#turn) this.#count = 0;
    this.#turn = turn;
    return this.#count++ < MAX_READS_PER_TURN;
  }
}

let turn = 0;
let isTurnEnding = false;

/** A number for this turn of the event loop, and not for the next. */
function runningTurn(): number {
  if (!isTurnEnding) {
    isTurnEnding = true;
    inNextTurn(() => {
      turn++;
      isTurnEnding = false;
    });
  }
  return turn;
}

const kPace = Symbol("pace");

/** What this file knows of the inside of sockets, in Node 20, 22 and 24 alike. */
type OpenedSocket = Socket &
  Record<symbol, unknown> & {
    readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
    [kPace]?: ReadPace;
  };

/** Under which symbols sockets keep the parts of their `onread` option, null where there is none. */
interface OnreadKeys {
  readonly buffer: symbol;
  /** What the option's `buffer` is where it is a function. */
  readonly generator: symbol;
  readonly callback: symbol;
}

const ONREAD_KEYS = findOnreadKeys();

/** Looks where sockets that are made with the option keep it. */
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
