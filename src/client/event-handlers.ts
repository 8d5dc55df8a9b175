/** The type of a property such as `onmessage`. */
export type EventHandler<E extends Event> = ((event: E) => unknown) | null;

/** The values of the event handler attributes of one object, by type of event. */
export type EventHandlers = Record<string, unknown>;

/**
 * Defines the event handler IDL attributes `on<type>` on a prototype (HTML, section 8.1.8.1). An attribute is
 * one listener. It keeps its place among the listeners when its function is replaced, and loses its place
 * when null is assigned.
 *
 * @param handlersOf returns the handlers of an instance, and throws a TypeError for any other object
 */
export function defineEventHandlers<Target extends EventTarget>(
  prototype: Target,
  types: readonly string[],
  handlersOf: (instance: Target) => EventHandlers,
): void {
  for (const type of types) {
    // Node.js 20 sets `currentTarget` to null before it calls the last listener, so this uses `this`.
    function listener(this: Target, event: Event): void {
      const handler = handlersOf(this)[type];
      // Web IDL, [LegacyTreatNonObjectAsNull]: any object is stored, but only a function is called.
      if (typeof handler === "function" && handler.call(this, event) === false) {
        event.preventDefault();
      }
    }
    const name = `on${type}`;
    // The accessors of an object literal get the names that Web IDL requires: "get onopen".
    const attribute = {
      get [name](): unknown {
        return handlersOf(this as unknown as Target)[type] ?? null;
      },
      set [name](value: unknown) {
        const isObject = Object(value) === value;
        handlersOf(this as unknown as Target)[type] = isObject ? value : null;
        // Adding a listener again has no effect, so it keeps its place.
        (this as unknown as Target)[isObject ? "addEventListener" : "removeEventListener"](
          type,
          listener,
        );
      },
    };
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(attribute));
  }
}
