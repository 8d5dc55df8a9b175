import { constants, type Http2Session, type Http2Stream } from "node:http2";
import { inNextTurn, wheel } from "../environment/timers.ts";

/*
 * No stream is ever destroyed here, and none is closed twice. Node's `destroy` takes a stream away
 * from under nghttp2 without a reset where `close` has been called before; and it writes at once what
 * is pending, also where it runs within nghttp2, as everything does that follows from an event of a
 * stream or from a promise. nghttp2 then asks for the data of a stream that is gone, for ever: the
 * process hangs. `close` with CANCEL is safe anywhere, and with other codes in a turn of its own.
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

/** Ends a stream at once. RST exceptions of TCP are CANCEL (RFC 8441 5). */
export function cancelStream(stream: Http2Stream): void {
  closeStream(stream, constants.NGHTTP2_CANCEL);
}

/** Ends a stream at once whose answer has failed half-way. */
export function failStream(stream: Http2Stream): void {
  inNextTurn(() => closeStream(stream, constants.NGHTTP2_INTERNAL_ERROR));
}

/**
 * Ends a stream behind the answer that is being sent, whatever the client still has to send (RFC 9113
 * 8.1). With `isShort`, a client that does not let it through in time is not waited for.
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
