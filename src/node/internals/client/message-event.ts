import { inspect, type InspectOptions } from "node:util";
import { exposeInterface } from "../../../client/web-idl.ts";
import type { EventInternals } from "./event-internals.ts";

/** The class of such events. One is made as being dispatched to `target`; the dispatch ends it. */
export type LightMessageEventConstructor = new (
  target: EventTarget,
  data: unknown,
  origin: string,
) => MessageEvent;

/** What the methods of an event have changed. */
const Flag = {
  Bubbles: 1,
  Cancelable: 2,
  DefaultPrevented: 4,
  PropagationStopped: 8,
} as const;

const NO_PORTS: readonly MessagePort[] = Object.freeze([]);

/**
 * Makes a class of `message` events that are like those of Node's own `MessageEvent`: `instanceof`
 * says so, and any event target takes them to dispatch them again. They are made without the
 * constructors of `Event` and `MessageEvent`, which take longer than receiving 125 bytes of text
 * (bench: client-receive-text-125). So what those keep in private fields is kept and answered here;
 * what they keep under symbols is set here, and answered by them.
 */
export function defineMessageEvent(keys: EventInternals): LightMessageEventConstructor {
  class LightMessageEvent {
    readonly #data: unknown;
    readonly #origin: string;
    readonly #moment = presentMoment();
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
      return this.#moment.ms;
    }

    preventDefault(): void {
      this.#preventDefault();
    }

    stopPropagation(): void {
      this.#flags |= Flag.PropagationStopped;
    }

    // Defaults instead of optional parameters: Web IDL counts the required ones in `length`.
    initEvent(type: string, bubbles = false, cancelable = false): void {
      const kept = this as Record<symbol, unknown>;
      if (checked(#flags in this, kept[keys.isBeingDispatched]) === true) return;
      kept[keys.type] = `${type}`;
      this.#flags = (bubbles ? Flag.Bubbles : 0) | (cancelable ? Flag.Cancelable : 0);
    }

    [inspect.custom](depth: number, options: InspectOptions): string {
      const { type } = this as unknown as Event;
      const shown = { type, data: this.#data, origin: this.#origin, timeStamp: this.#moment.ms };
      return depth < 0 ? "MessageEvent" : `MessageEvent ${inspect(shown, options)}`;
    }

    #preventDefault(): void {
      if ((this.#flags & Flag.Cancelable) !== 0) this.#flags |= Flag.DefaultPrevented;
    }

    static {
      exposeInterface(this, {}, "MessageEvent");
      // The class of an event, by whatever way it is asked for, is the one that programs know.
      Reflect.deleteProperty(this.prototype, "constructor");
      Object.setPrototypeOf(this.prototype, MessageEvent.prototype);
    }
  }
  return LightMessageEvent as unknown as LightMessageEventConstructor;
}

/** Web IDL: a getter throws a TypeError for an object of another class. */
function checked<T>(isOwn: boolean, value: T): T {
  if (!isOwn) throw new TypeError("Illegal invocation");
  return value;
}

/** When something happened, as `performance.now` tells it. */
interface Moment {
  readonly ms: number;
}

/** Until the running jobs are done; reading the clock takes as long as making the rest of an event. */
let present: Moment | undefined;
const DONE = Promise.resolve();

/** What came in one chunk, or waited for one `resume`, came at the same time. */
function presentMoment(): Moment {
  if (present === undefined) {
    present = { ms: performance.now() };
    void DONE.then(() => (present = undefined));
  }
  return present;
}
