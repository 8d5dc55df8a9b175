import { undocumented } from "../undocumented.ts";
import {
  type EventInternals,
  findEventInternals,
  type Listener,
  type ListenerList,
  type ListenerLists,
} from "./event-internals.ts";
import { defineMessageEvent } from "./message-event.ts";

/**
 * Fires a `message` event at `target` ("fire an event" of the DOM standard). Returns a token for the
 * listeners of this event. It is `known`, the result of the previous call, if the listeners are the same
 * as then, before and after the event.
 */
type Dispatch = (target: EventTarget, data: unknown, origin: string, known?: unknown) => unknown;

let dispatchLight: Dispatch | undefined;

/** Fires a `message` event: what it costs is most of what receiving a short message costs. */
export function dispatchMessage(
  target: EventTarget,
  data: unknown,
  origin: string,
  known?: unknown,
): unknown {
  // Not before the first message: where MessageEvent is a part of undici, asking for it loads that.
  dispatchLight ??= lightDispatch(findEventInternals()) ?? dispatchPlainly;
  return (undocumented.isUsed ? dispatchLight : dispatchPlainly)(target, data, origin, known);
}

const dispatchPlainly: Dispatch = (target, data, origin) => {
  target.dispatchEvent(new MessageEvent("message", { data, origin }));
  // The listeners are unknown, so a new token treats them as changed.
  return {};
};

/**
 * A dispatch of light events: of what Node's own does, what is left to do in the usual case, one
 * listener without options. All else is left to Node.
 */
export function lightDispatch(internals: EventInternals | undefined): Dispatch | undefined {
  if (internals === undefined) return undefined;
  const LightMessageEvent = defineMessageEvent(internals);
  const { lists, isBeingDispatched } = internals;
  return (target, data, origin, known) => {
    const list = (target as unknown as ListenerLists)[lists]?.get("message");
    const listener = list?.next;
    // Nobody listens, or this is a target of another make, as tests may have put into its place.
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

function all(list: ListenerList): Listener[] {
  const listeners: Listener[] = [];
  for (let item = list.next; item !== undefined; item = item.next) listeners.push(item);
  return listeners;
}

function isSame(listeners: readonly Listener[], known: unknown): boolean {
  if (!Array.isArray(known) || known.length !== listeners.length) return false;
  return listeners.every((listener, at) => listener === known[at]);
}

/** What a listener throws, or rejects with, is thrown once nothing else runs: as Node does it. */
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
