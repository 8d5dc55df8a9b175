/** What may be assigned to a property such as `onmessage`. */
export type EventHandler<E extends Event> = ((event: E) => unknown) | null;

/**
 * Defines the event handler IDL attributes `on<type>` on a prototype whose class has `readyState`
 * (HTML, section 8.1.8.1): an attribute is one listener, which keeps its place among the others
 * while its function is exchanged, and loses it when null is assigned.
 */
export function defineEventHandlers(
  prototype: EventTarget & { readonly readyState: number },
  types: readonly string[],
): void {
  const instance = (target: unknown): EventTarget => {
    // A getter that is backed by a private field throws a TypeError for any other object.
    Reflect.get(prototype, "readyState", target);
    return target as EventTarget;
  };
  for (const type of types) {
    const handlers = new WeakMap<EventTarget, unknown>();
    // Node 20 sets `currentTarget` to null before the last listener; `this` is right everywhere.
    function listener(this: EventTarget, event: Event): void {
      const handler = handlers.get(this);
      // Web IDL, [LegacyTreatNonObjectAsNull]: any object is kept, only a function is called.
      if (typeof handler === "function" && handler.call(this, event) === false) {
        event.preventDefault();
      }
    }
    const name = `on${type}`;
    // Accessors of an object literal get the names that Web IDL asks for: "get onopen".
    const attribute = {
      get [name](): unknown {
        return handlers.get(instance(this)) ?? null;
      },
      set [name](value: unknown) {
        const target = instance(this);
        if (Object(value) === value) {
          handlers.set(target, value);
          // Adding a listener again changes nothing: it keeps its place.
          target.addEventListener(type, listener);
        } else {
          handlers.delete(target);
          target.removeEventListener(type, listener);
        }
      },
    };
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(attribute));
  }
}
