/** Sends two batches, and another one for each answer. */
import { WebSocket } from "tideway";
import { readyToConnect } from "../../subject.ts";
import { sendBatches } from "../send-batches.ts";

readyToConnect((order) => {
  for (let made = 0; made < order.connections; made++) {
    const socket = new WebSocket(order.url);
    sendBatches(order, {
      onOpen: (listener) => socket.addEventListener("open", listener),
      onMessage: (listener) => socket.addEventListener("message", listener),
      send: (message) => {
        socket.send(message);
      },
    });
  }
});
