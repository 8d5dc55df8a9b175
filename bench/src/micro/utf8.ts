import { isUtf8 } from "node:buffer";
import { Utf8Validator } from "../../../dist/protocol/utf8.js";
import { nodeProtocolEnvironment } from "../../../dist/node/environment/protocol-environment.js";
import { randomPayload } from "../load/payloads.ts";
import type { MicroBench } from "./benches.ts";

const CASES = [
  { payload: "ascii", payloadBytes: 125 },
  { payload: "ascii", payloadBytes: 16_384 },
  { payload: "utf8", payloadBytes: 1024 },
] as const;

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

export const utf8Benches: readonly MicroBench[] = CASES.flatMap((shape) => {
  const bytes = randomPayload(shape);
  const text = bytes.toString();
  const target = Buffer.alloc(text.length * 3);
  const name = `${shape.payload}-${shape.payloadBytes}`;
  return [
    {
      name: `utf8-validate-${name}`,
      description: `validate ${shape.payloadBytes} bytes of UTF-8`,
      variants: [
        { name: "TextDecoder, fatal", operations: 1, run: () => void decoder.decode(bytes) },
        { name: "isUtf8 of Node", operations: 1, run: () => void isUtf8(bytes) },
        {
          name: "Utf8Validator, for text in pieces",
          operations: 1,
          run: () => void new Utf8Validator().push(bytes, 0, bytes.length),
        },
      ],
    },
    {
      name: `utf8-encode-${name}`,
      description: `encode a string of ${shape.payloadBytes} bytes into an existing buffer`,
      variants: [
        {
          name: "Buffer.from and copy",
          operations: 1,
          run: () => void Buffer.from(text).copy(target),
        },
        { name: "TextEncoder", operations: 1, run: () => void encoder.encodeInto(text, target) },
        {
          name: "ProtocolEnvironment.encodeUtf8",
          operations: 1,
          run: () => void nodeProtocolEnvironment.encodeUtf8(text, target, 0),
        },
      ],
    },
  ];
});
