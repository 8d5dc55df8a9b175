import type { Socket, WebSocketRoute } from "tideway/server";

/** Sends every message back as the same type, at any path and to pages of any origin. */
export function echoRoute(
  options: Pick<WebSocketRoute, "compression" | "maxMessageBytes"> = {},
): WebSocketRoute<"/*", ""> {
  return { ...options, origins: "*", handle: echo };
}

/**
 * Uses `listen` instead of a loop. The listener runs as each message arrives, so an echo is sent before the
 * bytes after the message are read, even if they end the connection.
 */
function echo(socket: Socket): void {
  const messages = socket.listen((message) => {
    if (socket.send(message)) return;
    messages.pause();
    // It rejects when the connection ends, which `onError` reports too.
    socket.drained.then(() => messages.resume()).catch(() => {});
  });
}
