import { nodeProtocolEnvironment } from "../../../dist/node/environment/protocol-environment.js";
import type { MicroBench } from "./benches.ts";

export const allocateBenches: readonly MicroBench[] = [
  allocateBench(125),
  allocateBench(16_384),
  allocateBench(1_048_576),
];

/** Allocates the memory of a message and copies into it, because the first write to new memory is slow. */
function allocateBench(byteLength: number): MicroBench {
  const message = Buffer.alloc(byteLength, 1);
  const copiedTo = (memory: Uint8Array): void => memory.set(message);
  return {
    name: `allocate-${byteLength}`,
    description: `allocate memory for ${byteLength} bytes and copy them`,
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
