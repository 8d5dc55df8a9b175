import type { Socket } from "./socket.ts";
import { isThenable } from "./values.ts";

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

/**
 * Wraps an error listener so that it never throws and never causes an unhandled rejection. The default
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
      console.error("tideway: the application threw a value that the console cannot print");
    } catch {
      // The console itself failed.
    }
  }
}
