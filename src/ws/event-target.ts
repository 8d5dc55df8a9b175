import type { Data } from "./messages/message-data.ts";
import type { WebSocket } from "./web-socket.ts";

/** An event of a {@link WebSocket}, as listeners of `addEventListener` receive it. */
export class Event {
  readonly #type: string;
  /** Set when the event is dispatched. */
  #target: WebSocket | null = null;

  constructor(type: string) {
    this.#type = type;
  }

  /** The WebSocket that dispatched the event. */
  get target(): WebSocket {
    return this.#target as WebSocket;
  }

  get type(): string {
    return this.#type;
  }

  /** Sets the target of `event`, and returns the event. */
  static dispatchedBy<T extends Event>(target: WebSocket, event: T): T {
    event.#target = target;
    return event;
  }
}

/** The event `close`: the connection is closed. */
export class CloseEvent extends Event {
  readonly #code: number;
  readonly #reason: string;
  readonly #wasClean: boolean;

  constructor(type: string, options: { code?: number; reason?: string; wasClean?: boolean } = {}) {
    super(type);
    this.#code = options.code ?? 0;
    this.#reason = options.reason ?? "";
    this.#wasClean = options.wasClean ?? false;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }

  /** Whether both sides sent a Close frame. */
  get wasClean(): boolean {
    return this.#wasClean;
  }
}

/** The event `error`: the connection or its opening handshake has failed. */
export class ErrorEvent extends Event {
  readonly #error: unknown;
  readonly #message: string;

  constructor(type: string, options: { error?: unknown; message?: string } = {}) {
    super(type);
    this.#error = options.error ?? null;
    this.#message = options.message ?? "";
  }

  get error(): unknown {
    return this.#error;
  }

  get message(): string {
    return this.#message;
  }
}

/** The event `message`: a message has arrived. */
export class MessageEvent extends Event {
  readonly #data: Data;

  constructor(type: string, options: { data?: Data } = {}) {
    super(type);
    this.#data = (options.data ?? null) as Data;
  }

  /**
   * A string for a text message, otherwise a value of the type that `binaryType` names. As in `@types/ws`, the
   * TypeScript type does not include Blobs.
   */
  get data(): Data {
    return this.#data;
  }
}

for (const [eventClass, names] of [
  [Event, ["target", "type"]],
  [CloseEvent, ["code", "reason", "wasClean"]],
  [ErrorEvent, ["error", "message"]],
  [MessageEvent, ["data"]],
] as const) {
  for (const name of names) {
    Object.defineProperty(eventClass.prototype, name, { enumerable: true });
  }
}
