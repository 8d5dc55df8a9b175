import type { WebSocketCloseInfo } from "../client/web-socket-error.ts";
import type {
  WebSocketStreamConstructor,
  WebSocketStreamInstance,
} from "../client/web-socket-stream-interface.ts";
import { UsageError } from "../errors/index.ts";

/** Why a `WebSocketStream` failed. Also gives the close code and reason to send. */
export interface WebSocketError extends DOMException {
  /** The close code; 1006 if the connection was lost; `null` if none was given. */
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
 * The browser's native class. A plain WebSocket cannot replace it, because it cannot stop reading.
 * In a browser without it, `new` throws a UsageError with the code UNSUPPORTED.
 */
export const WebSocketStream: WebSocketStreamConstructor =
  natives.WebSocketStream ?? (Unsupported as unknown as WebSocketStreamConstructor);

/** The browser's native class. In a browser without it, `new` throws as for `WebSocketStream`. */
export const WebSocketError: WebSocketErrorConstructor =
  natives.WebSocketError ?? (Unsupported as unknown as WebSocketErrorConstructor);
