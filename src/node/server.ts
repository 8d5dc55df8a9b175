/**
 * `tideway/server`: a WebSocket server for Node.js that also answers HTTP requests. It maps URL patterns to
 * handlers.
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

export {
  type ClosedBy,
  type ConnectionClosedDetails,
  ConnectionClosedError,
  ProtocolError,
  TidewayError,
  type TidewayErrorOptions,
  TransportError,
  UsageError,
} from "../errors/index.ts";
export type { HeartbeatOptions } from "../connection/heartbeat.ts";
export type { CloseInfo, ReadyState } from "../connection/connection.ts";
export { CloseCode } from "../protocol/close-code.ts";
export type { CompressionOptions } from "../protocol/deflate/settings.ts";
export type {
  ApplicationOptions,
  OriginPolicy,
  ProxyHeader,
} from "../server/options/application-options.ts";
export type { AcceptedState, Authorization } from "../server/routes/authorize-result.ts";
export type { ClientCertificate } from "../server/requests/client-certificate.ts";
export type { ConnectionLimits } from "../server/options/connection-limits.ts";
export { InvalidMessageError } from "../server/socket/invalid-message-error.ts";
export type { RefusalListener, RefusalReport } from "../server/reports/refusal-reporter.ts";
export type { ErrorContext, ErrorListener } from "../server/socket/error-context.ts";
export type { HttpContext, HttpHandler } from "../server/routes/http-route.ts";
export type {
  PathOf,
  PatternParams,
  RouteParams,
} from "../server/routes/patterns/route-param-types.ts";
export type { ProtocolChoice } from "../server/routes/protocol-choice.ts";
export {
  type Route,
  route,
  type RouteFor,
  type Routes,
  type RoutesOption,
} from "../server/routes/routes.ts";
export type { AuthorizeContext, WebSocketContext } from "../server/routes/upgrade-contexts.ts";
export type {
  SocketHandler,
  SocketOf,
  SocketRoute,
  WebSocketHandler,
  WebSocketRoute,
} from "../server/routes/web-socket-route.ts";
export type { PreparedMessage } from "../protocol/prepared-message.ts";
export { prepare, type SendData, type SendOptions } from "../server/socket/message-data.ts";
export type { MessageListenOptions, Socket } from "../server/socket/socket-interface.ts";
export type { SendSource } from "../server/socket/socket-streams.ts";
export type { SlowConsumerPolicy, SocketOptions } from "../server/socket/socket-options.ts";
export type {
  MessageSchema,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from "../schema/standard-schema.ts";
export type { TypedSocket } from "../server/socket/typed/typed-socket.ts";
export type { Message } from "../streams/message-consumer.ts";
export type { MessageSubscription } from "../streams/message-subscription.ts";
export { files } from "./files/files.ts";
export type { FilesOptions } from "./files/serve-file.ts";
export type { Attachment, OpenSockets, Server } from "./serve/running-server.ts";
export type { DrainOptions, StopOptions } from "./serve/stop-options.ts";
export { type Middleware, withMiddleware } from "./middleware/with-middleware.ts";
export { attach, type AttachOptions, serve, type ServeOptions } from "./serve/serve.ts";
