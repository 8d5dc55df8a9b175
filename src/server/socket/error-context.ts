import type { Socket } from "./socket-interface.ts";

/** Where an error occurred: the second argument of `onError`. */
export interface ErrorContext {
  /** The key of the route. */
  readonly route?: string;
  /** The HTTP request or handshake during which the error occurred. */
  readonly request?: Request;
  /** The socket, if its handler or a callback that was passed to `listen` threw. */
  readonly socket?: Socket;
}

/** Receives every error that the application did not handle. */
export type ErrorListener = (error: unknown, context: ErrorContext) => void;
