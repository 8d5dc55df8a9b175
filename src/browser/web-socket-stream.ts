import type { WebSocketCloseInfo } from "../client/web-socket-error.ts";
import type {
  WebSocketStream as WebSocketStreamInterface,
  WebSocketStreamConstructor,
} from "../client/web-socket-stream-interface.ts";
import { TidewayError } from "../errors/index.ts";

/** Why a `WebSocketStream` failed, and what a Close frame of it is to hold. */
export interface WebSocketError extends DOMException {
  /** The close code; 1006 where the connection was lost; `null` if none was given. */
  readonly closeCode: number | null;
  /** The close reason, or the empty string. */
  readonly reason: string;
}

export interface WebSocketErrorConstructor {
  new (message?: string, init?: WebSocketCloseInfo): WebSocketError;
  readonly prototype: WebSocketError;
}

interface Natives {
  readonly WebSocketStream?: WebSocketStreamConstructor;
  readonly WebSocketError?: WebSocketErrorConstructor;
}

function Unsupported(): never {
  throw new TidewayError("UNSUPPORTED", "this browser has no WebSocketStream");
}

const natives = globalThis as Natives;

/** A WebSocket connection as two streams. */
export interface WebSocketStream extends WebSocketStreamInterface {}
/**
 * The browser's own class. Over a plain WebSocket it could not be had: that one cannot stop reading.
 * Where there is none, `new` throws a TidewayError with the code UNSUPPORTED.
 */
export const WebSocketStream: WebSocketStreamConstructor =
  natives.WebSocketStream ?? (Unsupported as unknown as WebSocketStreamConstructor);

/** The browser's own class; where there is none, `new` throws as for `WebSocketStream`. */
export const WebSocketError: WebSocketErrorConstructor =
  natives.WebSocketError ?? (Unsupported as unknown as WebSocketErrorConstructor);
