import { ChannelError } from "../../../src/channels/wire/channel-error.ts";
import {
  type AnswerFrame,
  type ClientSession,
  type ClientSessionEnvironment,
  createSession,
  type RequestOptions,
} from "../../../src/channels/wire/client-session.ts";

/** A clock and timers that only the test advances. */
export class FakeTime {
  wallMs = 1_000_000;
  steadyMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  readonly setTimeout = (callback: () => void, delayMs: number): object => {
    // A real timer fires at once for a longer delay.
    const timer = { atMs: this.steadyMs + (delayMs < 2 ** 31 ? delayMs : 1), callback };
    this.#timers.push(timer);
    return timer;
  };

  readonly clearTimeout = (timer: unknown): void => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };

  get pending(): number {
    return this.#timers.length;
  }

  /** Advances the clocks, and runs the timers that are due, in order. */
  async advance(ms: number): Promise<void> {
    const endMs = this.steadyMs + ms;
    for (;;) {
      const [next] = this.#timers
        .filter(({ atMs }) => atMs <= endMs)
        .toSorted((one, other) => one.atMs - other.atMs);
      if (next === undefined) break;
      this.clearTimeout(next);
      this.wallMs += next.atMs - this.steadyMs;
      this.steadyMs = next.atMs;
      next.callback();
      await turn();
    }
    this.wallMs += endMs - this.steadyMs;
    this.steadyMs = endMs;
    await turn();
  }
}

/** Runs all pending promise jobs. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A frame as it arrived: JSON, with the bytes of a binary frame as `bytes`. */
export type SentFrame = Record<string, unknown> & { readonly type: string; readonly id: number };

/** Decodes a message of the client. */
function decode(message: string | Uint8Array): SentFrame {
  if (typeof message === "string") return JSON.parse(message) as SentFrame;
  const end = message.indexOf(0x0a);
  const header = JSON.parse(new TextDecoder().decode(message.subarray(0, end))) as SentFrame;
  return { ...header, bytes: message.slice(end + 1) };
}

/** Encodes a message of the server. */
function encode(frame: object, bytes?: Uint8Array): string | Uint8Array {
  const text = JSON.stringify(frame);
  if (bytes === undefined) return text;
  return new Uint8Array([...new TextEncoder().encode(`${text}\n`), ...bytes]);
}

const WELCOME = {
  type: "welcome",
  idWindowMs: 300_000,
  repeatable: ["orders/place", "answer"],
  maxPending: { publish: 1_024, call: 64 },
};

/** A session without I/O, and the server's side of it as a script. */
export class SessionPeer {
  readonly time: FakeTime = new FakeTime();
  readonly session: ClientSession;
  /** The frames that `take` has not returned. */
  sent: SentFrame[] = [];
  /** The errors that `receive` of the session has thrown. */
  readonly failures: unknown[] = [];
  readonly errors: unknown[] = [];

  constructor(options: Partial<ClientSessionEnvironment> = {}) {
    this.session = createSession({
      secret: "AAAAAAAAAAAAAAAAAAAAAA",
      creditBytes: 1_000,
      maxQueuedBytes: 10_000,
      now: () => [this.time.wallMs, this.time.steadyMs],
      timers: this.time,
      send: (message) => this.sent.push(decode(message)),
      onWelcome: () => {},
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  /** Opens a connection, up to the server's welcome. Returns the frames after the hello. */
  connect(welcome: object = {}): SentFrame[] {
    this.session.hello(undefined);
    this.take();
    this.receive({ ...WELCOME, ...welcome });
    return this.take();
  }

  /** Returns the frames that were sent since the last call. */
  take(): SentFrame[] {
    return this.sent.splice(0);
  }

  /** Loses the connection. */
  lose(): void {
    this.session.lose(new ChannelError("CONNECTION_LOST", "the connection is lost"));
  }

  receive(frame: object, bytes?: Uint8Array): void {
    try {
      this.session.receive(encode(frame, bytes));
    } catch (error) {
      this.failures.push(error);
    }
  }
}

/** Publishes as a topic of the client does. */
export function publish(
  { session }: SessionPeer,
  topic: string,
  data: unknown,
  key?: string,
  options: RequestOptions = {},
): Promise<AnswerFrame> {
  const fields = (id: number): object => ({ topic, data, key, number: key ? undefined : id });
  return session.request("publish", topic, fields, options);
}

/** Calls as a client does. */
export function call(
  { session }: SessionPeer,
  name: string,
  input: unknown,
  options: RequestOptions = {},
): Promise<AnswerFrame> {
  return session.request("call", name, (id) => ({ name, input, number: id }), options);
}
