/**
 * `tideway/server`: maps URIs to handlers of WebSockets and of HTTP requests.
 *
 * ```ts
 * import { serve } from "tideway/server";
 *
 * const server = await serve({
 *   port: 8080,
 *   routes: {
 *     "/": () => new Response("hello"),
 *     "ws:/echo/:room": async (socket, { params }) => {
 *       for await (const message of socket) socket.send(`${params.room}: ${message}`);
 *     },
 *   },
 * });
 * ```
 */

export { ConnectionClosedError, TidewayError, UsageError } from "../errors/index.ts";
export type { CloseInfo } from "../connection/connection.ts";
export { InvalidMessageError } from "../server/invalid-message-error.ts";
export type { OriginPolicy } from "../server/origin.ts";
export type {
  HttpHandler,
  Routes,
  WebSocketHandler,
  WebSocketRoute,
} from "../server/route-types.ts";
export { route } from "../server/route.ts";
export type { SendData } from "../server/send-data.ts";
export type { Socket } from "../server/socket.ts";
export type { StandardSchema } from "../server/standard-schema.ts";
export type { TypedSocket } from "../server/typed-socket.ts";
export type { Message } from "../streams/message-queue.ts";
export type { MessageSubscription } from "../streams/message-subscription.ts";
export { files, type FilesOptions } from "./files/files.ts";
export type { Attachment, Server, StopOptions } from "./http/running-server.ts";
export { attach, serve, type ServeOptions } from "./http/serve.ts";
