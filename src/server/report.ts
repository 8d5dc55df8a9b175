import type { Socket } from "./socket.ts";
import { isThenable } from "./values.ts";

/** The origin of an error that is reported to `onError`. */
export interface ErrorContext {
  /** The key of the route whose code threw, if any. */
  readonly route?: string;
  /** The request during which the error occurred, if any. */
  readonly request?: Request;
  /** The socket whose handler threw. */
  readonly socket?: Socket;
}

/** Gets every error that the application did not handle. */
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
