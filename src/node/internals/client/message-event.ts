import { inspect, type InspectOptions } from "node:util";
import { exposeInterface } from "../../../client/web-idl.ts";
import type { EventInternals } from "./event-internals.ts";

/** The class of light events. A new event has the state of an event that is being dispatched to `target`. */
export type LightMessageEventConstructor = new (
  target: EventTarget,
  data: unknown,
  origin: string,
) => MessageEvent;

/** The parts of an event's state that its methods change. */
const Flag = {
  Bubbles: 1,
  Cancelable: 2,
  DefaultPrevented: 4,
  PropagationStopped: 8,
} as const;

const NO_PORTS: readonly MessagePort[] = Object.freeze([]);

/**
 * Creates a class of `message` events that behave like `MessageEvent` of Node.js: they are instances of
 * `MessageEvent`, and any event target can dispatch them again. They are created without the constructors of
 * `Event` and `MessageEvent`, which take longer than receiving 125 bytes of text (bench:
 * client-receive-text-125). Therefore, this class has its own fields instead of the private fields of those
 * classes. It sets the state that those classes keep under symbols, and inherits the getters of that state.
 */
export function defineMessageEvent(keys: EventInternals): LightMessageEventConstructor {
  class LightMessageEvent {
    readonly #data: unknown;
    readonly #origin: string;
    readonly #time = currentTime();
    #flags = 0;

    constructor(target: EventTarget, data: unknown, origin: string) {
      this.#data = data;
      this.#origin = origin;
      const kept = this as Record<symbol, unknown>;
      kept[keys.type] = "message";
      kept[keys.target] = target;
      kept[keys.isBeingDispatched] = true;
    }

    get data(): unknown {
      return this.#data;
    }

    get origin(): string {
      return this.#origin;
    }

    get lastEventId(): string {
      return checked(#flags in this, "");
    }

    get source(): null {
      return checked(#flags in this, null);
    }

    get ports(): readonly MessagePort[] {
      return checked(#flags in this, NO_PORTS);
    }

    get bubbles(): boolean {
      return (this.#flags & Flag.Bubbles) !== 0;
    }

    get cancelable(): boolean {
      return (this.#flags & Flag.Cancelable) !== 0;
    }

    get composed(): boolean {
      return checked(#flags in this, false);
    }

    get defaultPrevented(): boolean {
      return (this.#flags & Flag.DefaultPrevented) !== 0;
    }

    get returnValue(): boolean {
      return (this.#flags & Flag.DefaultPrevented) === 0;
    }

    set returnValue(value: boolean) {
      if (!value) this.#preventDefault();
    }

    get cancelBubble(): boolean {
      return (this.#flags & Flag.PropagationStopped) !== 0;
    }

    set cancelBubble(value: boolean) {
      if (value) this.#flags |= Flag.PropagationStopped;
    }

    get timeStamp(): number {
      return this.#time.ms;
    }

    preventDefault(): void {
      this.#preventDefault();
    }

    stopPropagation(): void {
      this.#flags |= Flag.PropagationStopped;
    }

    // Default values instead of optional parameters, so that `length` counts only required parameters, as in
    // Web IDL.
    initEvent(type: string, bubbles = false, cancelable = false): void {
      const kept = this as Record<symbol, unknown>;
      if (checked(#flags in this, kept[keys.isBeingDispatched]) === true) return;
      kept[keys.type] = `${type}`;
      this.#flags = (bubbles ? Flag.Bubbles : 0) | (cancelable ? Flag.Cancelable : 0);
    }

    [inspect.custom](depth: number, options: InspectOptions): string {
      const { type } = this as unknown as Event;
      const shown = { type, data: this.#data, origin: this.#origin, timeStamp: this.#time.ms };
      return depth < 0 ? "MessageEvent" : `MessageEvent ${inspect(shown, options)}`;
    }

    #preventDefault(): void {
      if ((this.#flags & Flag.Cancelable) !== 0) this.#flags |= Flag.DefaultPrevented;
    }

    static {
      exposeInterface(this, {}, "MessageEvent");
      // `event.constructor` must be `MessageEvent`.
      Reflect.deleteProperty(this.prototype, "constructor");
      Object.setPrototypeOf(this.prototype, MessageEvent.prototype);
    }
  }
  return LightMessageEvent as unknown as LightMessageEventConstructor;
}

/** Web IDL: on an object of another class, a getter throws a TypeError. */
function checked<T>(isOwn: boolean, value: T): T {
  if (!isOwn) throw new TypeError("Illegal invocation");
  return value;
}

/** A point in time, by `performance.now`. */
interface EventTime {
  readonly ms: number;
}

/** The time of the current promise jobs. Reading the clock takes as long as creating the rest of an event. */
let current: EventTime | undefined;
const DONE = Promise.resolve();

/** All messages of one chunk, or of one `resume`, have the same time. */
function currentTime(): EventTime {
  if (current === undefined) {
    current = { ms: performance.now() };
    void DONE.then(() => (current = undefined));
  }
  return current;
}
