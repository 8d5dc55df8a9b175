/** Opens a `WebSocketStream` and never reads from it. A `WebSocket` would accept all messages. */
import { WebSocketStream } from "tideway";
import { readyToConnect } from "../../subject.ts";

readyToConnect(({ url }) => {
  new WebSocketStream(url).opened.catch(() => {});
});
