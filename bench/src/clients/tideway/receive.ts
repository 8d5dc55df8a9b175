/** Answers each batch of messages. */
import { WebSocket } from "tideway";
import { ANSWER } from "../../load/batches.ts";
import { readyToConnect } from "../../subject.ts";

readyToConnect(({ url, connections, messagesPerBatch }) => {
  for (let made = 0; made < connections; made++) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    let received = 0;
    socket.addEventListener("message", () => {
      if (++received % messagesPerBatch === 0) socket.send(ANSWER);
    });
  }
});
