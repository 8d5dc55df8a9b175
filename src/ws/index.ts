/**
 * `tideway/ws`: the API of the package `ws`, implemented with the protocol and the connections of Tideway.
 *
 * ```ts
 * import { WebSocket } from "tideway/ws";
 *
 * const socket = new WebSocket("wss://example.com");
 * socket.on("message", (data, isBinary) => console.log(isBinary ? data : data.toString()));
 * ```
 *
 * `require("tideway/ws")` returns the class `WebSocket`.
 *
 * @module
 */
import * as extension from "./extensions/extension.ts";
import { PerMessageDeflate } from "./extensions/per-message-deflate.ts";
import { Receiver } from "./messages/receiver.ts";
import { Sender } from "./messages/sender.ts";
import { WebSocketServer } from "./web-socket-server.ts";
import { createWebSocketStream } from "./stream.ts";
import * as subprotocol from "./extensions/subprotocol.ts";
import { WebSocket } from "./web-socket.ts";

// `require("tideway/ws")` returns the class, so the class has the other exports as properties.
Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
  Receiver,
  Sender,
  PerMessageDeflate,
  extension: { ...extension },
  subprotocol: { ...subprotocol },
});

export { WebSocket, WebSocket as default, WebSocket as "module.exports" };
export { WebSocketServer, WebSocketServer as Server, createWebSocketStream, Receiver, Sender };
export { PerMessageDeflate, extension, subprotocol };
export type { AddressInfo } from "node:net";
export type { SendCallback } from "./messages/callbacks.ts";
export type { SendOptions } from "./messages/arguments.ts";
export type { CommonOptions, SocketOptions } from "./socket/socket-options.ts";
export type { BinaryType, Data, RawData, SendableData } from "./messages/message-data.ts";
export type {
  EventListener,
  EventListenerOptions,
  PropertyListener,
  WebSocketEventMap,
} from "./event-listeners.ts";
export type { CloseEvent, ErrorEvent, Event, MessageEvent } from "./event-target.ts";
export type { CertMeta, ClientOptions, FinishRequestCallback } from "./client-options.ts";
export type { DeflateZlibOptions, PerMessageDeflateOptions } from "./extensions/deflate-options.ts";
export type { DeflateParams } from "./extensions/deflate-params.ts";
export type { ExtensionInit, ExtensionParams, ExtensionValue } from "./extensions/extension.ts";
export type { DeflateCallback, PerMessageDeflateInit } from "./extensions/per-message-deflate.ts";
export type {
  ResolvedServerOptions,
  ServerOptions,
  VerifyClient,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  VerifyClientDecision,
  VerifyClientInfo,
} from "./server-options.ts";
export type {
  OtherListener,
  ServerEventMap,
  ServerListener,
  UpgradeCallback,
} from "./server-events.ts";
export type { NegotiatedExtensions } from "./server/extensions.ts";
export type { FrameOptions } from "./messages/frame.ts";
export type { ReceiverOptions } from "./messages/receiver.ts";
export type { SenderExtensions } from "./messages/sender.ts";
