import type { FrameConnection } from "../connection/connection.ts";
import type { SendCallback } from "./web-socket.ts";

/**
 * Checks the callback of `send`, `ping` or `pong`. Like the package `ws`, treats every falsy value as no callback.
 *
 * @throws TypeError if it is not a function
 */
export function readCallback(callback: unknown): SendCallback | undefined {
  if (typeof callback === "function") return callback as SendCallback;
  if (!callback) return undefined;
  throw new TypeError(`the callback has the type ${typeof callback}; it must be a function`);
}

/**
 * Calls `callback` when everything that was sent so far has been written. The call is in a later tick, so that
 * an exception of the callback does not disturb the connection.
 */
export function callWhenWritten(
  connection: FrameConnection,
  callback: SendCallback | undefined,
): void {
  if (callback === undefined) return;
  connection.whenWritten((error) => {
    if (error === undefined) process.nextTick(callback);
    else process.nextTick(callback, error);
  });
}
