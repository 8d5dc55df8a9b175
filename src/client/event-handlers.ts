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
  for (const type of types) {
    const handlers = new WeakMap<object, ActiveHandler>();
    const name = `on${type}`;
    // Accessors of an object literal get the names that Web IDL asks for: "get onopen".
    const attribute = {
      get [name](): unknown {
        assertInstance(this);
        return handlers.get(this)?.callback ?? null;
      },
      set [name](value: unknown) {
        assertInstance(this);
        const active = handlers.get(this);
        // Web IDL, [LegacyTreatNonObjectAsNull]: any object is kept, only a function is called.
        const callback = isObject(value) ? value : null;
        if (callback === null) {
          if (active !== undefined) this.removeEventListener(type, active.listener);
          handlers.delete(this);
        } else if (active !== undefined) active.callback = callback;
        else {
          const handler = { callback, listener: (event: Event) => invoke(handler.callback, event) };
          handlers.set(this, handler);
          this.addEventListener(type, handler.listener);
        }
      },
    };
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(attribute));
  }
}

/** Reading a getter that is backed by a private field throws a TypeError for any other object. */
function assertInstance(target: unknown): asserts target is EventTarget {
  Reflect.get(target as { readyState: number }, "readyState");
}

function invoke(callback: object, event: Event): void {
  if (typeof callback !== "function") return;
  if (callback.call(event.currentTarget, event) === false) event.preventDefault();
}

function isObject(value: unknown): value is object {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}
