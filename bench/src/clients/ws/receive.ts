/**
 * Answers each batch of messages. Bytes come as what the standard's interface gives, an ArrayBuffer
 * of their own, as they do from the other clients; with the argument `buffers`, as `ws` prefers it:
 * views of what was read.
 */
import { WebSocket } from "ws";
import { ANSWER } from "../../load/batches.ts";
import { readyToConnect } from "../../subject.ts";

const binaryType = process.argv[2] === "buffers" ? "nodebuffer" : "arraybuffer";

/** What was received is looked at, so that none of it is left unmade. */
let receivedUnits = 0;

readyToConnect(({ url, connections, messagesPerBatch }) => {
  for (let made = 0; made < connections; made++) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.binaryType = binaryType;
    socket.on("error", () => {});
    let received = 0;
    socket.on("message", (message, isBinary) => {
      // `ws` leaves it to its user to make a string of text.
      receivedUnits += isBinary
        ? (message as ArrayBuffer | Buffer).byteLength
        : (message as Buffer).toString().length;
      if (++received % messagesPerBatch === 0) socket.send(ANSWER);
    });
  }
});
