import { nodeProtocolEnvironment } from "../../../dist/node/environment/protocol-environment.js";
import type { MicroBench } from "./benches.ts";

export const allocateBenches: readonly MicroBench[] = [
  allocateBench(125),
  allocateBench(16_384),
  allocateBench(1_048_576),
];

/** The memory of a message, and the copy into it: what has not been written to costs at the first time. */
function allocateBench(byteLength: number): MicroBench {
  const message = Buffer.alloc(byteLength, 1);
  const copiedTo = (memory: Uint8Array): void => memory.set(message);
  return {
    name: `allocate-${byteLength}`,
    description: `memory of its own for ${byteLength} bytes, filled with them`,
    variants: [
      {
        name: "uninitialised",
        operations: 1,
        run: () => copiedTo(new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer)),
      },
      { name: "zeroes", operations: 1, run: () => copiedTo(new Uint8Array(byteLength)) },
      {
        name: "ProtocolEnvironment.allocate",
        operations: 1,
        run: () => copiedTo(nodeProtocolEnvironment.allocate(byteLength)),
      },
    ],
  };
}
