// The implementation that these tests run the packages on.
import * as reference from "ws";

/** The package `ws`, which can be compared with by `COMPAT_ON=ws npx vitest run --project compat`. */
export const implementation: typeof reference = reference;

export type { WebSocket, WebSocketServer } from "ws";
