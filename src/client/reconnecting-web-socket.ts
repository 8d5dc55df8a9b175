import { defineEventHandlers, type EventHandlers } from "./event-handlers.ts";
import { withEventStreams } from "./event-streams.ts";
import { ReconnectingCore } from "./reconnecting-core.ts";

/**
 * The base class of `ReconnectingWebSocket` in every runtime. A subclass has a constructor with the
 * parameters `url` and `protocols`, and records how it ended in a listener of `close`.
 */
export abstract class ReconnectingSocket extends ReconnectingCore {
  readonly #handlers: EventHandlers = {};

  static {
    withEventStreams(this as never, ["reconnecting", "reconnected"]);
    defineEventHandlers(
      this.prototype,
      ["open", "message", "error", "close", "reconnecting", "reconnected"],
      (socket) => socket.#handlers,
    );
    const constants = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
    Object.assign(this.prototype, Object.assign(this, constants));
  }
}
