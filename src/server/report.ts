import type { Socket } from "./socket.ts";
import { isThenable } from "./values.ts";

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

/**
 * Wraps a listener so that it never throws and never causes an unhandled rejection. The default
 * listener prints to the console.
 */
export function safeListener(listener: ErrorListener = printError): ErrorListener {
  return (error, context) => {
    const onFailure = (failure: unknown): void => {
      printError(error);
      printError(failure);
    };
    try {
      const result: unknown = listener(error, context);
      if (isThenable(result)) Promise.resolve(result).catch(onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  };
}

/** Prints a thrown value of any type to the console. Never throws. */
export function printError(error: unknown): void {
  try {
    console.error(error);
  } catch {
    // Getters and proxies can throw while they are printed.
    try {
      console.error("tideway: a value was thrown that cannot be printed");
    } catch {
      // The console itself failed.
    }
  }
}
