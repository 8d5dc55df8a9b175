import { type ConnectionClosedDetails, ConnectionClosedError } from "../errors/index.ts";
import { isExpectedEnd } from "../protocol/close-code.ts";
import { EventStream } from "../streams/event-stream.ts";
import type { WebSocketCloseEvent } from "./close-event.ts";
import type {
  WebSocketErrorEvent,
  WebSocketMessageEvent,
  WebSocketOpenEvent,
} from "./web-socket-events.ts";

/**
 * The part of a WebSocket that an event stream uses. A WebSocket of any library has it: every method that
 * takes a listener is assignable to these two methods.
 */
export interface WebSocketLike {
  readonly readyState: number;
  addEventListener(type: never, listener: never): void;
  removeEventListener(type: never, listener: never): void;
}

/** The listeners of one type of event, as in `socket.on.message.add(listener)`. */
export interface EventListenerList<E> {
  /** Adds a listener, unless it was added before. */
  add(listener: (event: E) => unknown): this;
  remove(listener: (event: E) => unknown): this;
}

/** Provides event streams for one type of event, such as `WebSocket.messageEvent`. */
export interface EventStreamProvider<E> {
  /**
   * Returns the event stream of `target`, which may be any WebSocket. The stream ends after the `close`
   * event.
   */
  forTarget(target: WebSocketLike): EventStream<E>;
}

/**
 * The event streams of a WebSocket, named as in `dart:html`. Each stream ends after the `close` event, and
 * `first` then rejects with a `ConnectionClosedError`. A loop over `onMessage` throws that error too, unless
 * the socket was closed with 1000, 1001 or 1005. Loops over the other streams end without an error.
 */
export interface WebSocketStreams {
  readonly onOpen: EventStream<WebSocketOpenEvent>;
  readonly onMessage: EventStream<WebSocketMessageEvent>;
  readonly onError: EventStream<WebSocketErrorEvent>;
  readonly onClose: EventStream<WebSocketCloseEvent>;

  /** The listeners by type of event. */
  readonly on: {
    readonly open: EventListenerList<WebSocketOpenEvent>;
    readonly message: EventListenerList<WebSocketMessageEvent>;
    readonly error: EventListenerList<WebSocketErrorEvent>;
    readonly close: EventListenerList<WebSocketCloseEvent>;
  };

  /** `send` for text only. */
  sendString(text: string): void;
  /** `send` for a Blob only. */
  sendBlob(blob: Blob): void;
  /** `send` for an ArrayBuffer only. */
  sendByteBuffer(buffer: ArrayBuffer): void;
  /** `send` for a view of an ArrayBuffer only. */
  sendTypedData(data: ArrayBufferView): void;
}

/** The static properties of the WebSocket classes of this package. */
export interface WebSocketStreamProviders {
  readonly openEvent: EventStreamProvider<Event>;
  readonly messageEvent: EventStreamProvider<WebSocketMessageEvent>;
  readonly errorEvent: EventStreamProvider<WebSocketErrorEvent>;
  readonly closeEvent: EventStreamProvider<WebSocketCloseEvent>;
  /** Whether this runtime supports the class. */
  readonly supported: boolean;
}

interface SendingClass {
  readonly prototype: { send(data: never): void };
}

/** A class with event streams on its instances and providers on itself. */
export type WithEventStreams<Class extends abstract new (...args: never) => object> = {
  new (...args: ConstructorParameters<Class>): InstanceType<Class> & WebSocketStreams;
  readonly prototype: InstanceType<Class> & WebSocketStreams;
} & WebSocketStreamProviders &
  Class;

/**
 * Adds event streams to a class with the interface of a WebSocket, and returns that class.
 *
 * @param moreTypes the event types of the class in addition to the standard's four
 */
export function withEventStreams<Class extends SendingClass & (new (...args: never) => object)>(
  base: Class,
  moreTypes: readonly string[] = [],
  supported = true,
): WithEventStreams<Class> {
  const types = ["open", "message", "error", "close", ...moreTypes];
  for (const type of types) {
    defineLazily(base.prototype, "on" + type[0].toUpperCase() + type.slice(1), (target) =>
      streamOf(target, type),
    );
    define(base, `${type}Event`, { forTarget: (target: Target) => streamOf(target, type) });
  }
  defineLazily(base.prototype, "on", (target: WebSocketLike) =>
    Object.fromEntries(types.map((type) => [type, listenersOf(target, type)])),
  );
  for (const kind of ["String", "Blob", "ByteBuffer", "TypedData"]) {
    define(
      base.prototype,
      `send${kind}`,
      function (this: { send(data: unknown): void }, data: unknown) {
        this.send(data);
      },
    );
  }
  define(base, "supported", supported);
  return base as unknown as WithEventStreams<Class>;
}

interface Target {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
}

/** The key of the property of a socket that stores how it ended, for streams that get their listeners afterwards. */
const END: unique symbol = Symbol();

interface Ending {
  [END]?: ConnectionClosedDetails | null;
}

/**
 * Records how `socket` ended, in more detail than its close event has; `null` while its state is CLOSED and
 * its close event is about to follow.
 */
export function recordDetails(socket: object, details: ConnectionClosedDetails | null): void {
  define(socket, END, details);
}

/** Records how `socket` ended, unless it was recorded before. */
export function recordEnd(
  socket: object,
  {
    code: closeCode,
    reason,
    wasClean,
    error: cause,
  }: Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean" | "error">,
): void {
  if (!(socket as Ending)[END])
    define(socket, END, {
      closeCode,
      reason,
      wasClean,
      cause,
      closedBy: wasClean ? "peer" : "transport",
    });
}

function streamOf(socket: Target & Ending, type: string): EventStream<Event> {
  return new EventStream((onEvent, onDone) => {
    const onClose = (event?: Event): void => {
      if (event) recordEnd(socket, event as WebSocketCloseEvent);
      const end = socket[END];
      // The close event of another library may lack these properties.
      const reason = end?.closeCode && new ConnectionClosedError(end);
      onDone(type === "message" && !isExpectedEnd(end?.closeCode) ? reason : undefined, reason);
    };
    socket.addEventListener(type, onEvent);
    socket.addEventListener("close", onClose);
    // No close event may follow. A socket of a browser is CLOSED during its error event, and dispatches its
    // close event in the same task.
    if (socket.readyState === 3 && socket[END] !== null) setTimeout(onClose);
    return () => {
      socket.removeEventListener(type, onEvent);
      socket.removeEventListener("close", onClose);
    };
  });
}

function listenersOf(socket: Target, type: string): EventListenerList<Event> {
  return {
    add(listener) {
      socket.addEventListener(type, listener);
      return this;
    },
    remove(listener) {
      socket.removeEventListener(type, listener);
      return this;
    },
  };
}

function define(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true });
}

/** Defines a getter that makes its value once for each object, and stores it there. */
function defineLazily(
  prototype: object,
  name: string,
  make: (target: WebSocketLike) => object,
): void {
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: WebSocketLike) {
      const value = make(this);
      define(this, name, value);
      return value;
    },
  });
}
