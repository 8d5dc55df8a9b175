import type { Socket, WebSocketRoute } from "tideway/server";

/** Sends every message back as what it came. At any path, and to the pages of any origin. */
export function echoRoute(
  options: Pick<WebSocketRoute, "compression" | "maxMessageBytes"> = {},
): WebSocketRoute<"/*", ""> {
  return { ...options, origins: "*", handle: echo };
}

/**
 * By `listen` and not by a loop: it is called as each message comes, so that an echo leaves before
 * what stood behind the message is read, also where that ends the connection.
 */
function echo(socket: Socket): void {
  const messages = socket.listen((message) => {
    if (socket.send(message)) return;
    messages.pause();
    // It rejects when the connection ends, which `onError` is told as well.
    socket.drained.then(() => messages.resume()).catch(() => {});
  });
}
