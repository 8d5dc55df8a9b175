/** What may be assigned to a property such as `onmessage`. */
export type EventHandler<E extends Event> = ((event: E) => unknown) | null;

interface ActiveHandler {
  callback: object;
  readonly listener: (event: Event) => void;
}

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
    const handlers = new WeakMap<object, ActiveHandler>();
    const name = `on${type}`;
    // Accessors of an object literal get the names that Web IDL asks for: "get onopen".
    const attribute = {
      get [name](): unknown {
        return handlers.get(instance(this))?.callback ?? null;
      },
      set [name](value: unknown) {
        const target = instance(this);
        const active = handlers.get(target);
        // Web IDL, [LegacyTreatNonObjectAsNull]: any object is kept, only a function is called.
        const callback = Object(value) === value ? (value as object) : null;
        if (callback === null) {
          if (active !== undefined) target.removeEventListener(type, active.listener);
          handlers.delete(target);
        } else if (active !== undefined) active.callback = callback;
        else {
          const handler = { callback, listener: (event: Event) => invoke(handler.callback, event) };
          handlers.set(target, handler);
          target.addEventListener(type, handler.listener);
        }
      },
    };
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(attribute));
  }
}

function invoke(callback: object, event: Event): void {
  if (typeof callback !== "function") return;
  if (callback.call(event.currentTarget, event) === false) event.preventDefault();
}
