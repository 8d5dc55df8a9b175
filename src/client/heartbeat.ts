import { TidewayError, UsageError } from "../errors/index.ts";
import type { Heartbeat } from "./reconnecting-interface.ts";
import type { WebSocketData } from "./web-socket-interface.ts";

/** The options of {@link heartbeat}. */
export interface ClientHeartbeatOptions {
  /**
   * Returns the message to send after `intervalMs` without a message from the server. If it throws, the
   * socket dispatches an `error` event with that error and sends nothing, but still waits for a reply.
   */
  readonly message: () => WebSocketData;
  /**
   * Returns whether a message is a reply to the heartbeat. With this option, only replies count as activity,
   * and replies are not delivered to other listeners. Default: every message counts as activity, and is
   * delivered.
   */
  readonly isReply?: (data: string | Blob | ArrayBuffer) => boolean;
  /** The time without activity, in milliseconds, after which the message is sent. Default: 30,000. */
  readonly intervalMs?: number;
  /**
   * The time without a reply, in milliseconds, after which the connection is closed. Default: 20,000. If the
   * page or process was stalled or suspended at that moment, the message is sent once more, and the server
   * has this time again.
   */
  readonly timeoutMs?: number;
}

/** If a timer fires this late, the page or process was stalled, not the server. */
const STALL_MS = 1000;

/**
 * Creates a heartbeat for a `ReconnectingWebSocket`. It sends messages that the server must answer, because a
 * browser's WebSocket cannot send pings.
 *
 * ```ts
 * const socket = new ReconnectingWebSocket(url, {
 *   heartbeat: heartbeat({ message: () => "ping", isReply: (data) => data === "pong" }),
 * });
 * ```
 *
 * @throws UsageError `INVALID_OPTION` unless `message` is a function, and the times are above 0 and
 *   less than 2,147,483,648
 */
export function heartbeat(options: ClientHeartbeatOptions): Heartbeat {
  const { message, isReply, intervalMs = 30_000, timeoutMs = 20_000 } = options;
  if (typeof message !== "function")
    throw new UsageError(
      "INVALID_OPTION",
      `heartbeat: message is ${typeof message}; pass a function that returns the message to send`,
    );
  for (const [name, value] of Object.entries({ intervalMs, timeoutMs })) {
    // The longest delay of a timer. A timer with a longer delay fires at once.
    if (!(value > 0 && value < 2 ** 31))
      throw new UsageError(
        "INVALID_OPTION",
        `heartbeat: ${name} is ${value}; pass a number above 0 and below 2147483648`,
      );
  }
  return (socket, timers) => {
    let timer: unknown;
    const stop = (): void => timers.clearTimeout(timer as never);
    const restart = (callback: () => void, delayMs: number): void => {
      stop();
      timer = timers.setTimeout(callback, delayMs);
    };
    const fail = (error: unknown): void => {
      socket.dispatchEvent(Object.assign(new Event("error"), { error }));
    };
    const wait = (): void => restart(() => check(), intervalMs);
    const check = (isRepeated = false): void => {
      const dueMs = Date.now() + timeoutMs;
      restart(() => {
        // After a stall, timers fire before messages that have arrived are delivered.
        if (!isRepeated && Date.now() - dueMs >= STALL_MS) {
          check(true);
          return;
        }
        const error = new TidewayError(
          "HEARTBEAT_TIMEOUT",
          `no reply within timeoutMs ${timeoutMs}`,
        );
        // The browser dispatches its own close event only after its closing handshake has timed out.
        const close = { code: 1006, reason: "", wasClean: false };
        fail(error);
        socket.dispatchEvent(Object.assign(new Event("close"), close));
        socket.close();
      }, timeoutMs);
      try {
        socket.send(message());
      } catch (error) {
        fail(error);
      }
    };
    socket.addEventListener("open", wait);
    socket.addEventListener("close", stop);
    socket.addEventListener("message", (event) => {
      const isAnswer = isReply?.((event as MessageEvent<string | Blob | ArrayBuffer>).data);
      if (isAnswer !== false) wait();
      if (isAnswer === true) event.stopImmediatePropagation();
    });
    return check;
  };
}
