import type { WebSocketCloseInfo } from "../client/web-socket-error.ts";
import type {
  WebSocketStreamConstructor,
  WebSocketStreamInstance,
} from "../client/web-socket-stream-interface.ts";
import { UsageError } from "../errors/index.ts";

/**
 * The error with which a `WebSocketStream` failed. To choose the code and reason of the Close frame, pass one
 * to `writable.abort` or `readable.cancel`.
 */
export interface WebSocketError extends DOMException {
  /** The close code; 1006 if the connection was lost; `null` if the constructor got none. */
  readonly closeCode: number | null;
  /** The close reason, or the empty string. */
  readonly reason: string;
}

/** The class of a browser's `WebSocketError`. */
export interface WebSocketErrorConstructor {
  new (message?: string, init?: WebSocketCloseInfo): WebSocketError;
  readonly prototype: WebSocketError;
}

interface Natives {
  readonly WebSocketStream?: WebSocketStreamConstructor;
  readonly WebSocketError?: WebSocketErrorConstructor;
}

function Unsupported(): never {
  throw new UsageError("UNSUPPORTED", "this browser has no WebSocketStream");
}

const natives = globalThis as Natives;

/** A WebSocket connection as two streams, with backpressure in both directions. */
export type WebSocketStream = WebSocketStreamInstance;
/**
 * The browser's native class. This package cannot emulate it with a `WebSocket`, which cannot stop reading.
 * In a browser without the class, `new` throws UsageError `UNSUPPORTED`.
 */
export const WebSocketStream: WebSocketStreamConstructor =
  natives.WebSocketStream ?? (Unsupported as unknown as WebSocketStreamConstructor);

/** The browser's native class. In a browser without it, `new` throws UsageError `UNSUPPORTED`. */
export const WebSocketError: WebSocketErrorConstructor =
  natives.WebSocketError ?? (Unsupported as unknown as WebSocketErrorConstructor);
