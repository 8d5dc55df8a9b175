import { CloseEvent, ErrorEvent, Event, MessageEvent } from "./event-target.ts";
import { wasClosedCleanly } from "./socket/clean-closes.ts";
import type { RawData } from "./messages/message-data.ts";
import type { WebSocket } from "./web-socket.ts";

/** The events of the WHATWG interface. */
export interface WebSocketEventMap {
  open: Event;
  error: ErrorEvent;
  close: CloseEvent;
  message: MessageEvent;
}

/** A listener of `addEventListener`. */
export type EventListener<E extends Event> =
  | ((this: WebSocket, event: E) => void)
  | { handleEvent(event: E): void };

/**
 * The type of a property such as `onmessage` when it is read. It leaves out the target, so that a WebSocket is
 * assignable to the type of `@types/ws`, in which the target is of another class.
 */
export type PropertyListener<E extends Event> = (event: Omit<E, "target">) => void;

/** Options of `addEventListener`. */
export interface EventListenerOptions {
  /** Whether to remove the listener before it is called. Default: false. */
  readonly once?: boolean | undefined;
}

/** The listener that a wrapper calls. */
const kListener: unique symbol = Symbol("listener");
/** Whether a wrapper was set by a property such as `onmessage`. */
const kIsProperty: unique symbol = Symbol("is property");

/** A listener of the event emitter that calls a listener of the WHATWG interface with an event. */
interface Wrapper {
  (this: WebSocket, ...args: unknown[]): void;
  [kListener]: unknown;
  [kIsProperty]: boolean;
}

/** Adds a listener that gets events of the WHATWG interface. Does nothing for other events. */
export function addWrapped(
  webSocket: WebSocket,
  type: string,
  listener: unknown,
  options: EventListenerOptions = {},
  isProperty = false,
): void {
  if (!isProperty && findWrapper(webSocket, type, listener, false) !== undefined) return;
  const wrapper = wrap(type, listener as EventListener<Event>);
  if (wrapper === undefined) return;
  wrapper[kListener] = listener;
  wrapper[kIsProperty] = isProperty;
  if (options.once === true) webSocket.once(type, wrapper);
  else webSocket.on(type, wrapper);
}

/** Removes a listener that `addEventListener` added. */
export function removeWrapped(webSocket: WebSocket, type: string, listener: unknown): void {
  const wrapper = findWrapper(webSocket, type, listener, false);
  if (wrapper !== undefined) webSocket.removeListener(type, wrapper);
}

/** Returns the value of a property such as `onmessage`. */
export function propertyListener<E>(webSocket: WebSocket, type: string): E | null {
  return (findWrapper(webSocket, type, undefined, true)?.[kListener] ?? null) as E | null;
}

/** Sets a property such as `onmessage`. A value that is not a function removes the listener. */
export function setPropertyListener(webSocket: WebSocket, type: string, listener: unknown): void {
  const before = findWrapper(webSocket, type, undefined, true);
  if (before !== undefined) webSocket.removeListener(type, before);
  if (typeof listener === "function") addWrapped(webSocket, type, listener, {}, true);
}

function findWrapper(
  webSocket: WebSocket,
  type: string,
  listener: unknown,
  isProperty: boolean,
): Wrapper | undefined {
  return (webSocket.listeners(type) as Wrapper[]).find(
    (wrapper) =>
      wrapper[kIsProperty] === isProperty && (isProperty || wrapper[kListener] === listener),
  );
}

function wrap(type: string, listener: EventListener<Event>): Wrapper | undefined {
  const wrapper = wrapperFor(type, listener);
  return wrapper as Wrapper | undefined;
}

function wrapperFor(type: string, listener: EventListener<Event>): unknown {
  switch (type) {
    case "open":
      return function onOpen(this: WebSocket): void {
        dispatch(this, listener, new Event("open"));
      };
    case "message":
      return function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
        const value = isBinary ? data : (data as Buffer).toString();
        dispatch(this, listener, new MessageEvent("message", { data: value }));
      };
    case "close":
      return function onClose(this: WebSocket, code: number, reason: Buffer): void {
        const wasClean = wasClosedCleanly(this);
        dispatch(
          this,
          listener,
          new CloseEvent("close", { code, reason: String(reason), wasClean }),
        );
      };
    case "error":
      return function onError(this: WebSocket, error: Error): void {
        dispatch(this, listener, new ErrorEvent("error", { error, message: error.message }));
      };
    default:
      return undefined;
  }
}

function dispatch(webSocket: WebSocket, listener: EventListener<Event>, event: Event): void {
  const targeted = Event.dispatchedBy(webSocket, event);
  if (typeof listener === "function") listener.call(webSocket, targeted);
  else listener.handleEvent(targeted);
}
