/** Sends two batches, and another one for each answer. */
import { WebSocket } from "ws";
import { readyToConnect } from "../../subject.ts";
import { sendBatches } from "../send-batches.ts";

readyToConnect((order) => {
  for (let made = 0; made < order.connections; made++) {
    const socket = new WebSocket(order.url, { perMessageDeflate: false });
    socket.on("error", () => {});
    sendBatches(order, {
      onOpen: (listener) => socket.on("open", listener),
      onMessage: (listener) => socket.on("message", listener),
      send: (message) => {
        socket.send(message);
      },
    });
  }
});
