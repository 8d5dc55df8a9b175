import type { WebSocketCloseEvent } from "./close-event.ts";

/** The event of a received message. */
export interface WebSocketMessageEvent extends MessageEvent {
  /** A string for a text message; for a binary message a Blob or ArrayBuffer, by `binaryType`. */
  readonly data: string | Blob | ArrayBuffer;
}

/** The event that is dispatched when the connection is open. */
export interface WebSocketOpenEvent extends Event {
  /**
   * The header fields of the server's response, an extension of the standard. Undefined in a browser, which
   * hides them from pages.
   */
  readonly responseHeaders?: Headers;
}

/** The event that is dispatched when the connection has failed. */
export interface WebSocketErrorEvent extends Event {
  /**
   * The error with which the connection failed, an extension of the standard. Undefined in a browser, which
   * hides it from pages.
   */
  readonly error?: unknown;
}

/** The events of a WebSocket, by type. */
export interface WebSocketEventMap {
  open: WebSocketOpenEvent;
  message: WebSocketMessageEvent;
  error: WebSocketErrorEvent;
  close: WebSocketCloseEvent;
}

/** An `EventTarget` with typed listeners: the type of the event follows from its name. */
export interface TypedEventTarget<Events> extends EventTarget {
  addEventListener<K extends keyof Events & string>(
    type: K,
    listener: (event: Events[K]) => unknown,
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void;
  addEventListener(
    type: string,
    listener: Parameters<EventTarget["addEventListener"]>[1],
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void;
  removeEventListener<K extends keyof Events & string>(
    type: K,
    listener: (event: Events[K]) => unknown,
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void;
  removeEventListener(
    type: string,
    listener: Parameters<EventTarget["addEventListener"]>[1],
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void;
}
