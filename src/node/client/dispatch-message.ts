/**
 * Fires a `message` event at `target` ("fire an event" of the DOM standard).
 *
 * @param known the result of the previous call
 * @returns a token that stands for the listeners of this event. It is `known` if the listeners before and
 *   after the event were the same as in the previous call.
 */
export type DispatchMessage = (
  target: EventTarget,
  data: unknown,
  origin: string,
  known?: unknown,
) => unknown;

/** Dispatches an event of the runtime's own class `MessageEvent`. */
export const dispatchPlainly: DispatchMessage = (target, data, origin) => {
  target.dispatchEvent(new MessageEvent("message", { data, origin }));
  // The listeners are not known. With a new token, they count as changed.
  return {};
};
