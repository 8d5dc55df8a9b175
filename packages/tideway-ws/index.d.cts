import type { AddressInfo as NetAddressInfo } from "node:net";
import type { ClientRequest, IncomingMessage } from "node:http";
import type * as tideway from "./tideway.mjs" with { "resolution-mode": "import" };

/** The other exports, which the class has as properties. */
interface Exports {
  readonly WebSocket: typeof tideway.WebSocket & Exports;
  readonly WebSocketServer: typeof tideway.WebSocketServer;
  readonly Server: typeof tideway.WebSocketServer;
  readonly createWebSocketStream: typeof tideway.createWebSocketStream;
  readonly Receiver: typeof tideway.Receiver;
  readonly Sender: typeof tideway.Sender;
  readonly PerMessageDeflate: typeof tideway.PerMessageDeflate;
  readonly extension: typeof tideway.extension;
  readonly subprotocol: typeof tideway.subprotocol;
}

declare const WebSocket: typeof tideway.WebSocket & Exports;

interface WebSocket extends tideway.WebSocket {}

/** The types, with the names that they have in `@types/ws`. */
declare namespace WebSocket {
  type WebSocket = tideway.WebSocket;
  type Server<
    T extends typeof tideway.WebSocket = typeof tideway.WebSocket,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > = tideway.WebSocketServer<T, U>;
  type WebSocketServer<
    T extends typeof tideway.WebSocket = typeof tideway.WebSocket,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > = tideway.WebSocketServer<T, U>;
  type ServerOptions<
    T extends typeof tideway.WebSocket = typeof tideway.WebSocket,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > = tideway.ServerOptions<T, U>;
  type ClientOptions = tideway.ClientOptions;
  type PerMessageDeflateOptions = tideway.PerMessageDeflateOptions;
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
    tideway.VerifyClientCallbackSync<Request>;
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
    tideway.VerifyClientCallbackAsync<Request>;
  type FinishRequestCallback = (request: ClientRequest, webSocket: tideway.WebSocket) => void;
  type RawData = tideway.RawData;
  type Data = tideway.Data;
  type CertMeta = string | string[] | Buffer | Buffer[];
  type AddressInfo = NetAddressInfo;
  type Event = tideway.Event;
  type CloseEvent = tideway.CloseEvent;
  type ErrorEvent = tideway.ErrorEvent;
  type MessageEvent = tideway.MessageEvent;
  type WebSocketEventMap = tideway.WebSocketEventMap;
  type EventListenerOptions = tideway.EventListenerOptions;
}

export = WebSocket;
