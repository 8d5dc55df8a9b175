/**
 * Fires a `message` event at `target` ("fire an event" of the DOM standard).
 *
 * @param known the result of the previous call
 * @returns a token for the listeners of this event. It is `known` if the listeners were the same before
 *   and after the event as in the previous call.
 */
export type DispatchMessage = (
  target: EventTarget,
  data: unknown,
  origin: string,
  known?: unknown,
) => unknown;

/** Dispatches an event of the runtime's own class, `MessageEvent`. */
export const dispatchPlainly: DispatchMessage = (target, data, origin) => {
  target.dispatchEvent(new MessageEvent("message", { data, origin }));
  // The listeners are unknown, so a new token treats them as changed.
  return {};
};
