// The implementation that these tests run the packages on.
import * as reference from "ws";
import * as tideway from "tideway/ws";

/** `tideway/ws`, or `ws` for comparison: `COMPAT_ON=ws npx vitest run --project compat`. */
export const implementation: typeof tideway =
  process.env["COMPAT_ON"] === "ws" ? (reference as unknown as typeof tideway) : tideway;

export type { WebSocket } from "tideway/ws";
