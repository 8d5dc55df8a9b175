import { TidewayError, UsageError } from "../errors/index.ts";
import type { Heartbeat } from "./reconnecting-interface.ts";
import type { WebSocketData } from "./web-socket-interface.ts";

/** The messages and times of a {@link heartbeat}. */
export interface ClientHeartbeatOptions {
  /**
   * Makes the message that is sent after `intervalMs` without a message from the server. If it throws, an
   * `error` event has the error, and nothing is sent, but the reply is awaited all the same.
   */
  readonly message: () => WebSocketData;
  /**
   * Returns whether a message is a reply. Then only replies count as activity, and they are not delivered.
   * Default: every message counts, and every message is delivered.
   */
  readonly isReply?: (data: string | Blob | ArrayBuffer) => boolean;
  /** Milliseconds without activity after which the message is sent. Default: 30,000. */
  readonly intervalMs?: number;
  /** Milliseconds without a reply after which the connection is closed. Default: 20,000. */
  readonly timeoutMs?: number;
}

/**
 * Makes the heartbeat of a `ReconnectingWebSocket` from messages that the server answers, because a
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
    throw new UsageError("INVALID_OPTION", "heartbeat: message is not a function");
  for (const [name, value] of Object.entries({ intervalMs, timeoutMs })) {
    // A timer's longest delay; beyond it timers fire at once.
    if (!(value > 0 && value < 2 ** 31))
      throw new UsageError(
        "INVALID_OPTION",
        `heartbeat: ${name} ${value} is not above 0 and below 2147483648`,
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
    const wait = (): void => restart(check, intervalMs);
    const check = (): void => {
      restart(() => {
        const error = new TidewayError(
          "HEARTBEAT_TIMEOUT",
          `no reply within timeoutMs ${timeoutMs}`,
        );
        // The browser's own close event would come only after its closing handshake has timed out.
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
