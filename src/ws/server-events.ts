import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "./web-socket.ts";

/** The arguments of the listeners of a `WebSocketServer`, by event. */
export interface ServerEventMap<
  T extends typeof WebSocket = typeof WebSocket,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> {
  /** A handshake has succeeded. */
  connection: [webSocket: InstanceType<T>, request: InstanceType<U>];
  /** The HTTP server has failed. */
  error: [error: Error];
  /** The lines of the response that accepts a handshake, before they are sent. Listeners may add lines. */
  headers: [headers: string[], request: InstanceType<U>];
  /** The HTTP server has started to listen. */
  listening: [];
  /** The server is closed. */
  close: [];
  /** A handshake has failed. The listener must close the socket. */
  wsClientError: [error: Error, socket: Duplex, request: InstanceType<U>];
}

/** A listener of an event of a `WebSocketServer`, which is `this` in the listener. */
export type ServerListener<
  This,
  T extends typeof WebSocket,
  U extends typeof IncomingMessage,
  K extends keyof ServerEventMap,
> = (this: This, ...args: ServerEventMap<T, U>[K]) => void;

/** A listener of an event that only the application emits. */
export type OtherListener<This> = (
  this: This,
  ...args: Parameters<Parameters<EventEmitter["on"]>[1]>
) => void;

/** Receives the WebSocket of a handshake that has succeeded. */
export type UpgradeCallback<
  T extends typeof WebSocket = typeof WebSocket,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> = (client: InstanceType<T>, request: InstanceType<U>) => void;
