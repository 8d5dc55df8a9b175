/** Opens a `WebSocketStream` and never reads from it: a plain `WebSocket` takes all that comes. */
import { WebSocketStream } from "tideway";
import { readyToConnect } from "../../subject.ts";

readyToConnect(({ url }) => {
  new WebSocketStream(url).opened.catch(() => {});
});
