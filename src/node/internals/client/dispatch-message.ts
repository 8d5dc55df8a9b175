import { type DispatchMessage, dispatchPlainly } from "../../client/dispatch-message.ts";
import { logUnusedFastPath } from "../../environment/debug-log.ts";
import {
  type EventInternals,
  findEventInternals,
  type Listener,
  type ListenerList,
  type ListenerLists,
} from "./event-internals.ts";
import { defineMessageEvent } from "./message-event.ts";

let dispatchLight: DispatchMessage | undefined;

/**
 * Dispatches a `LightMessageEvent` if this Node.js version supports it. Creating a `MessageEvent` is most of
 * the cost of receiving a short message.
 */
export const dispatchLightly: DispatchMessage = (target, data, origin, known) => {
  // Chosen at the first message, not before: in Node.js versions where MessageEvent is a part of undici,
  // accessing the global loads undici.
  dispatchLight ??= lightDispatch(findEventInternals()) ?? withoutFastPath();
  return dispatchLight(target, data, origin, known);
};

/**
 * Creates a function that dispatches light events. In the usual case, one listener without options, the
 * function calls the listener itself. Otherwise, it uses `dispatchEvent`.
 */
export function lightDispatch(internals: EventInternals | undefined): DispatchMessage | undefined {
  if (internals === undefined) return undefined;
  const LightMessageEvent = defineMessageEvent(internals);
  const { lists, isBeingDispatched } = internals;
  return (target, data, origin, known) => {
    const list = (target as unknown as ListenerLists)[lists]?.get("message");
    const listener = list?.next;
    // The target has no listener, or is not an EventTarget of Node.js but, for example, of an emulated DOM.
    if (listener === undefined) {
      dispatchPlainly(target, data, origin);
      return undefined;
    }
    const event = new LightMessageEvent(target, data, origin);
    const state = event as unknown as Record<symbol, boolean>;
    if (listener.next === undefined && listener.flags === 0) {
      call(listener, target, event);
      state[isBeingDispatched] = false;
      return list!.next === listener && listener.next === undefined ? listener : {};
    }
    state[isBeingDispatched] = false;
    const before = all(list!);
    target.dispatchEvent(event);
    return isSame(before, all(list!)) && isSame(before, known) ? known : before;
  };
}

function withoutFastPath(): DispatchMessage {
  logUnusedFastPath("light message events of clients");
  return dispatchPlainly;
}

function all(list: ListenerList): Listener[] {
  const listeners: Listener[] = [];
  for (let item = list.next; item !== undefined; item = item.next) listeners.push(item);
  return listeners;
}

function isSame(listeners: readonly Listener[], known: unknown): boolean {
  if (!Array.isArray(known) || known.length !== listeners.length) return false;
  return listeners.every((listener, at) => listener === known[at]);
}

/**
 * Calls a listener. If it throws, the error is thrown again in the next tick, as `dispatchEvent` of Node.js
 * does.
 */
function call({ callback }: Listener, target: EventTarget, event: Event): void {
  try {
    const result = callback.call(target, event) as { readonly then?: unknown } | null | undefined;
    if (result === undefined || result === null) return;
    const { then } = result;
    if (typeof then === "function") then.call(result, undefined, report);
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
