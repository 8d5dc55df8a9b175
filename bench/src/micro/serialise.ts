import type { MessageShape } from "../load/loads.ts";
import { randomPayload } from "../load/payloads.ts";
import type { MicroBench } from "./benches.ts";
import { serverEndpoint } from "./endpoint.ts";
import { Sender } from "./ws-internals.ts";

/** The approximate size of one write to a busy connection. */
const WRITE_BYTES = 64 * 1024;

export const serialiseBenches: readonly MicroBench[] = [
  serialiseBench({ payload: "binary", payloadBytes: 125 }),
  serialiseBench({ payload: "ascii", payloadBytes: 125 }),
  serialiseBench({ payload: "utf8", payloadBytes: 1024 }),
  serialiseBench({ payload: "binary", payloadBytes: 16_384 }),
];

/** Serialises messages to the bytes of one write. `ws` returns a list of buffers, which the bench joins. */
function serialiseBench(shape: MessageShape): MicroBench {
  const operations = Math.floor(WRITE_BYTES / shape.payloadBytes);
  const bytes = randomPayload(shape);
  const text = bytes.toString();
  const isText = shape.payload !== "binary";
  const { endpoint, output } = serverEndpoint();
  const send = isText ? () => endpoint.sendText(text) : () => endpoint.sendBinary(bytes);
  const options = { fin: true, rsv1: false, opcode: isText ? 1 : 2, mask: false, readOnly: true };
  return {
    name: `serialise-${shape.payload}-${shape.payloadBytes}`,
    description: `serialise messages of ${shape.payloadBytes} bytes to frames in one buffer`,
    variants: [
      {
        name: "ws and Buffer.concat",
        operations,
        run() {
          const buffers: Uint8Array[] = [];
          for (let sent = 0; sent < operations; sent++) {
            buffers.push(...Sender.frame(isText ? Buffer.from(text) : bytes, options));
          }
          Buffer.concat(buffers);
        },
      },
      {
        name: "Endpoint.send",
        operations,
        run() {
          for (let sent = 0; sent < operations; sent++) send();
          output.length = 0;
        },
      },
    ],
  };
}
