/** Answers each batch of messages, with the `WebSocket` of Bun. */
import { ANSWER } from "../../load/batches.ts";
import { readyToConnect } from "../../subject.ts";

/** Uses the data of each message, so that no library can avoid creating it. */
let receivedUnits = 0;

readyToConnect(({ url, connections, messagesPerBatch, isText }) => {
  for (let made = 0; made < connections; made++) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    let received = 0;
    socket.addEventListener("message", ({ data }) => {
      receivedUnits += isText ? (data as string).length : (data as ArrayBuffer).byteLength;
      if (++received % messagesPerBatch === 0) socket.send(ANSWER);
    });
  }
});
