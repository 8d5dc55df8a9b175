import { constants, type Http2Session, type Http2Stream } from "node:http2";
import { inNextTurn, wheel } from "../environment/timers.ts";

/*
 * This package never calls `destroy` on an HTTP/2 stream, and calls `close` only once. After `close`,
 * `destroy` sends no reset. `destroy` also writes pending data at once, even while nghttp2 is running, as it
 * is during stream events and in promise jobs. Then nghttp2 requests the data of the destroyed stream in an
 * endless loop, and the process hangs. `close` with CANCEL is always safe. With another code, `close` is safe
 * in a separate turn of the event loop.
 */

/** How long a client may take to receive the end of a response, or a reset. */
const LINGER_MS = 2000;

type StuckListener = (stream: Http2Stream) => void;

const stuckListeners = new WeakMap<Http2Session, StuckListener>();

/**
 * Calls `listener` for each stream of `session` that this side closed and that is still open after
 * {@link LINGER_MS}. Its reset waits in the session because the client reads nothing.
 */
export function watchStuckStreams(session: Http2Session, listener: StuckListener): void {
  stuckListeners.set(session, listener);
}

export function unwatchStuckStreams(session: Http2Session): void {
  stuckListeners.delete(session);
}

/** Resets a stream at once with CANCEL, the counterpart of a TCP reset (RFC 8441 5). */
export function cancelStream(stream: Http2Stream): void {
  closeStream(stream, constants.NGHTTP2_CANCEL);
}

/** Resets a stream if its response cannot be completed. */
export function failStream(stream: Http2Stream): void {
  inNextTurn(() => closeStream(stream, constants.NGHTTP2_INTERNAL_ERROR));
}

/**
 * Closes a stream after its response, even if the client is still sending its request (RFC 9113 8.1).
 *
 * @param isShort whether to cancel the stream if the client has not received the response in time
 */
export function endStream(stream: Http2Stream, isShort = false): void {
  const close = (): void => inNextTurn(() => closeStream(stream, constants.NGHTTP2_NO_ERROR));
  if (stream.writableFinished) close();
  else stream.once("finish", close);
  if (!isShort) return;
  const timer = wheel.start(LINGER_MS, () => cancelStream(stream));
  stream.once("close", () => timer.cancel());
}

function closeStream(stream: Http2Stream, code: number): void {
  const { session } = stream;
  if (stream.closed || session === undefined) return;
  stream.close(code);
  const onStuck = stuckListeners.get(session);
  if (onStuck === undefined) return;
  const timer = wheel.start(LINGER_MS, () => onStuck(stream));
  stream.once("close", () => timer.cancel());
}
