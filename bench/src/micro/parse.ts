import { buildForServer } from "../load/built-messages.ts";
import type { MessageShape } from "../load/loads.ts";
import type { MicroBench } from "./benches.ts";
import { serverEndpoint } from "./endpoint.ts";
import { Receiver } from "./ws-internals.ts";

/** The approximate size of one read from a busy connection. */
const CHUNK_BYTES = 64 * 1024;

export const parseBenches: readonly MicroBench[] = [
  parseBench({ payload: "binary", payloadBytes: 125 }),
  parseBench({ payload: "ascii", payloadBytes: 125 }),
  parseBench({ payload: "utf8", payloadBytes: 1024 }),
  parseBench({ payload: "binary", payloadBytes: 16_384 }),
];

function parseBench(shape: MessageShape): MicroBench {
  const operations = Math.floor(CHUNK_BYTES / shape.payloadBytes);
  const frames = buildForServer(shape, operations, true).slice(0, operations);
  // Both programs unmask in place, so each run needs a copy of the frames.
  const chunk = Buffer.alloc(frames.length);
  const { endpoint } = serverEndpoint();
  const receiver = new Receiver({ isServer: true, maxPayload: 1024 * 1024 });
  receiver.on("message", (message, isBinary) => {
    // The endpoint creates a string too.
    if (!isBinary) message.toString();
  });
  return {
    name: `parse-${shape.payload}-${shape.payloadBytes}`,
    description: `parse masked frames of ${shape.payloadBytes} bytes`,
    variants: [
      {
        name: "ws",
        operations,
        run() {
          frames.copy(chunk);
          receiver._write(chunk, "", () => {});
        },
      },
      {
        name: "Endpoint.receive",
        operations,
        run() {
          frames.copy(chunk);
          endpoint.receive(chunk);
        },
      },
    ],
  };
}
