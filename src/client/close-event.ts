/** The event that is dispatched when a WebSocket has closed (WHATWG WebSockets, section 6). */
export interface WebSocketCloseEvent extends Event {
  /** Whether the closing handshake was completed. */
  readonly wasClean: boolean;
  /** The peer's close code; 1005 if its Close frame had none, 1006 if no Close frame arrived. */
  readonly code: number;
  /** The peer's close reason, or the empty string. */
  readonly reason: string;
  /** The error if the close was not clean, as in the `error` event before it. Undefined in a browser. */
  readonly error?: unknown;
}

/** The properties of a new `CloseEvent`. You can also pass another `CloseEvent`. */
export interface CloseEventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
  /** Default: `false`. */
  readonly wasClean?: boolean;
  /** Default: 0. */
  readonly code?: number;
  /** Default: the empty string. */
  readonly reason?: string;
}

/** The class of close events. */
export interface CloseEventConstructor {
  new (type: string, init?: CloseEventInit): WebSocketCloseEvent;
  readonly prototype: WebSocketCloseEvent;
}

/** Creates the class for a runtime without one, such as Node.js before version 23. */
export function defineCloseEvent(): CloseEventConstructor {
  class CloseEvent extends Event {
    readonly #wasClean: boolean;
    readonly #code: number;
    readonly #reason: string;

    constructor(type: string, init: CloseEventInit = {}) {
      if (arguments.length === 0) throw new TypeError("an event needs a type");
      super(type, init);
      const { wasClean, code = 0, reason = "" } = init ?? {};
      this.#wasClean = Boolean(wasClean);
      // Web IDL converts to unsigned short modulo 2^16.
      this.#code = new Uint16Array([Number(code)])[0];
      this.#reason = toUSVString(reason);
    }

    get wasClean(): boolean {
      return this.#wasClean;
    }

    get code(): number {
      return this.#code;
    }

    get reason(): string {
      return this.#reason;
    }

    static {
      const enumerable = { enumerable: true };
      Object.defineProperties(this.prototype, {
        wasClean: enumerable,
        code: enumerable,
        reason: enumerable,
        [Symbol.toStringTag]: { value: "CloseEvent", configurable: true },
      });
    }
  }
  return CloseEvent;
}

/** Web IDL's conversion to USVString: lone surrogates become U+FFFD; symbols throw a TypeError. */
export function toUSVString(value: unknown): string {
  return `${value as string}`.replace(/\p{Surrogate}/gu, "\u{FFFD}");
}
