import type { Socket } from "./socket.ts";

/** Where an error that is reported to `onError` came up. */
export interface ErrorContext {
  /** The key of the route whose code threw; undefined where it was no route's. */
  readonly route?: string;
  /** The request being served, or asking for a WebSocket; undefined where there was none. */
  readonly request?: Request;
  /** The socket whose handler threw. */
  readonly socket?: Socket;
}

/** Is told every error that a program did not handle itself. */
export type ErrorListener = (error: unknown, context: ErrorContext) => void;

/** Wraps a listener, by default one that writes to the console, so that it never throws. */
export function safeListener(
  listener: ErrorListener = (error) => console.error(error),
): ErrorListener {
  return (error, context) => {
    try {
      const result: unknown = listener(error, context);
      // An async listener is not meant, but may not crash the process either.
      if (result instanceof Promise) result.catch((failure: unknown) => console.error(failure));
    } catch (failure) {
      console.error(error);
      console.error(failure);
    }
  };
}
