/**
 * The package under test: `tideway/ws` if that is the last argument, and `ws` otherwise. So the same program
 * measures both.
 */
import type * as Ws from "ws";

const name = process.argv.at(-1) === "tideway/ws" ? "tideway/ws" : "ws";
const implementation = (await import(name)) as typeof Ws;

export const WebSocketServer: typeof Ws.WebSocketServer = implementation.WebSocketServer;
