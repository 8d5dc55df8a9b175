import { setMaxListeners } from "node:events";
import { type CloseEventConstructor, defineCloseEvent } from "../../client/close-event.ts";
import type { Connector } from "../../client/connector.ts";
import { withEventStreams } from "../../client/event-streams.ts";
import { defineWebSocket } from "../../client/web-socket.ts";
import type { WebSocketConstructor } from "../../client/web-socket-interface.ts";
import { nodeProtocolEnvironment } from "../environment/protocol-environment.ts";
import { inNextTurn } from "../environment/timers.ts";
import type { DispatchMessage } from "./dispatch-message.ts";

/** The global class of the runtime, if there is one: Node.js has it since version 23. */
export const CloseEvent: CloseEventConstructor =
  (globalThis as { CloseEvent?: CloseEventConstructor }).CloseEvent ?? defineCloseEvent();

/** Disables the warning of Node.js about more than ten listeners, because an event stream may have more. */
export function allowManyListeners(target: EventTarget): void {
  // Event targets of an emulated DOM, such as jsdom, throw here. They do not warn about listeners.
  if (isNodeTarget) setMaxListeners(0, target);
}

const isNodeTarget = isTakenBySetMaxListeners();

function isTakenBySetMaxListeners(): boolean {
  try {
    setMaxListeners(0, new EventTarget());
    return true;
  } catch {
    return false;
  }
}

/** Creates a `WebSocket` class for Node.js that opens connections with `connect`. */
export function createWebSocketClass(
  connect: Connector,
  dispatchMessage: DispatchMessage,
): WebSocketConstructor {
  return withEventStreams(
    defineWebSocket(connect, {
      CloseEvent,
      queueTask: inNextTurn,
      utf8Length: (text) => nodeProtocolEnvironment.utf8Length(text),
      allowManyListeners,
      dispatchMessage,
    }),
  );
}
