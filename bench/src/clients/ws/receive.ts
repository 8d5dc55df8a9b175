/**
 * Answers each batch of messages. Bytes arrive as separate ArrayBuffers, as in the other clients. With the
 * argument `buffers`, they arrive as Buffers, the default of `ws`, which are views of the read bytes.
 */
import { WebSocket } from "ws";
import { ANSWER } from "../../load/batches.ts";
import { readyToConnect } from "../../subject.ts";

const binaryType = process.argv[2] === "buffers" ? "nodebuffer" : "arraybuffer";

/** Uses the data of each message, so that no library can avoid creating it. */
let receivedUnits = 0;

readyToConnect(({ url, connections, messagesPerBatch }) => {
  for (let made = 0; made < connections; made++) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.binaryType = binaryType;
    socket.on("error", () => {});
    let received = 0;
    socket.on("message", (message, isBinary) => {
      // `ws` delivers text as bytes.
      receivedUnits += isBinary
        ? (message as ArrayBuffer | Buffer).byteLength
        : (message as Buffer).toString().length;
      if (++received % messagesPerBatch === 0) socket.send(ANSWER);
    });
  }
});
