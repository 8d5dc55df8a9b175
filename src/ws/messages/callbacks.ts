import type { FrameConnection } from "../../connection/connection.ts";

/** Called when the kernel has accepted the data, or with the error that prevented it. */
export type SendCallback = (error?: Error) => void;

/** A {@link SendCallback}. Its parameter has the type of `@types/ws`, but is undefined if there is no error. */
export type PingCallback = (error: Error) => void;

/**
 * Checks the callback of `send`, `ping` or `pong`. Like the package `ws`, treats every falsy value as no callback.
 *
 * @throws TypeError if it is not a function
 */
export function readCallback(callback: unknown): SendCallback | undefined {
  if (callback === undefined || typeof callback === "function") return callback as SendCallback;
  if (!callback) return undefined;
  throw new TypeError(`the callback has the type ${typeof callback}; it must be a function`);
}

/**
 * Calls `callback` when everything that was sent so far has been written. The call is in a later tick, so that
 * an exception of the callback does not disturb the connection.
 */
export function callWhenWritten(connection: FrameConnection, callback: SendCallback): void {
  connection.whenWritten((error) => {
    if (error === undefined) process.nextTick(callback);
    else process.nextTick(callback, error);
  });
}
