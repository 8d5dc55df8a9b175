import type {
  CloseEventConstructor,
  CloseEventInit,
  WebSocketCloseEvent,
} from "../../client/close-event.ts";
import { recordDetails } from "../../client/event-streams.ts";
import type {
  Protocols,
  ReconnectEvent,
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketOptions,
  ValueOrProvider,
} from "../../client/reconnecting-interface.ts";
import {
  type ReconnectingEnvironment,
  ReconnectingSocket,
} from "../../client/reconnecting-web-socket.ts";
import { toMessage } from "../../client/message-data.ts";
import { isOptions } from "../../client/options-argument.ts";
import type { WebSocketOptions } from "../../client/options.ts";
import type { WebSocketConstructor, WebSocketData } from "../../client/web-socket-interface.ts";
import { MAX_DELAY_MS } from "../../errors/check-options.ts";
import { type ConnectionEnd, describeEnd } from "../../errors/describe-end.ts";
import { describeClose, describeError } from "../../errors/debug-log.ts";
import { debugLog } from "../environment/debug-log.ts";
import {
  checkOptions,
  DELAY,
  type ExpectedOptions,
  FUNCTION,
  TIMEOUT,
  TIMERS,
} from "./check-options.ts";
import { decideReconnect } from "./decide-reconnect.ts";
import { describeUrl } from "./describe-url.ts";
import { allowManyListeners, CloseEvent } from "./web-socket-class.ts";
import { withoutUndefined } from "../../errors/record.ts";

/**
 * Creates the `ReconnectingWebSocket` class for Node.js. Unlike the class for browsers, it checks all
 * options, and its `close` event has the error that made it stop.
 */
export function createReconnectingClass(
  base: WebSocketConstructor,
): ReconnectingWebSocketConstructor {
  const environment: ReconnectingEnvironment = {
    WebSocket: withoutOwnTimeout(base),
    CloseEvent: CloseEventWithReason as CloseEventConstructor,
  };
  class ReconnectingWebSocket extends ReconnectingSocket {
    constructor(
      url: ValueOrProvider<string | URL>,
      protocols?: ValueOrProvider<Protocols> | ReconnectingWebSocketOptions,
    ) {
      super(environment, url, protocols);
      prepare(this);
      if (debugLog.isEnabled) logReconnects(this);
    }

    // The constructor of the base class calls this setter too.
    override get options(): ReconnectingWebSocketOptions {
      return super.options;
    }

    override set options(options: ReconnectingWebSocketOptions) {
      checkOptions("ReconnectingWebSocket", options, EXPECTED);
      super.options = { ...options, decide: options.decide ?? decideReconnect };
    }

    override close(...codeAndReason: [code?: number, reason?: string]): void {
      super.close(...codeAndReason);
      if (debugLog.isEnabled) closedByCaller.add(this);
    }

    // Checks the data first: unsent data waits in a Blob, and the Blob class of Node.js accepts data that the
    // standard does not.
    override send(data: WebSocketData): void {
      super.send(toMessage(data));
    }
  }
  return ReconnectingWebSocket as unknown as ReconnectingWebSocketConstructor;
}

/**
 * Returns a class like `base`, but without a default handshake timeout. Unless the options set a timeout,
 * that of the `ReconnectingWebSocket` applies, which may be longer.
 */
function withoutOwnTimeout(base: WebSocketConstructor): WebSocketConstructor {
  return class WebSocket extends base {
    constructor(url: string | URL, protocols?: string | readonly string[] | WebSocketOptions) {
      const options = isOptions<WebSocketOptions>(protocols) ? protocols : { protocols };
      super(url, {
        handshakeTimeoutMs: MAX_DELAY_MS,
        ...(withoutUndefined(options) as WebSocketOptions),
      });
      this.addEventListener("message", this.#renew);
    }

    /**
     * Adds its listener again at each message, so that `base` delivers each message in a separate task. A
     * promise may wait for the next message of the `ReconnectingWebSocket`, and `base` does not know the
     * listeners of that socket.
     */
    readonly #renew = (): void => {
      this.removeEventListener("message", this.#renew);
      this.addEventListener("message", this.#renew);
    };
  };
}

function prepare(target: EventTarget): void {
  allowManyListeners(target);
  // Added as the first listener, so that the application's event streams find the details.
  target.addEventListener("close", (event) => {
    recordDetails(target, describeEnd(event as WebSocketCloseEvent & ConnectionEnd, false));
  });
}

/** The sockets on which `close` was called. Filled only with the debug log on. */
const closedByCaller = new WeakSet<object>();

/** Writes attempts, connections and the end of `socket` to the debug log. */
function logReconnects(socket: ReconnectingSocket): void {
  const log = (type: string, describe: (event: never) => string): void =>
    socket.addEventListener(type, (event) =>
      debugLog.write(() => `client ${debugLog.idOf("client", socket)} ${describe(event as never)}`),
    );
  log("open", () => `connected to ${describeUrl(socket.url)}`);
  log("error", ({ error }: { readonly error?: unknown }) =>
    error === undefined ? "failed" : `failed: ${describeError(error)}`,
  );
  log(
    "reconnecting",
    ({ attempt, delayMs, code, reason }: ReconnectEvent) =>
      `reconnects: attempt ${attempt} in ${Math.round(delayMs)} ms, after ${describeClose(code, reason)}`,
  );
  log("close", ({ code, reason }: WebSocketCloseEvent) => {
    return `stopped with ${describeClose(code, reason)}: ${whyStopped(socket)}`;
  });
}

function whyStopped(socket: ReconnectingSocket): string {
  if (closedByCaller.has(socket)) return "close was called";
  const { signal } = (socket.options.webSocketOptions ?? {}) as WebSocketOptions;
  return signal?.aborted === true ? "its signal has aborted" : "the option decide stopped it";
}

/** A `CloseEvent` with the property `error`, which the standard's class does not have. */
class CloseEventWithReason extends CloseEvent {
  static override readonly name = "CloseEvent";

  constructor(type: string, init: CloseEventInit & { readonly error?: unknown }) {
    super(type, init);
    const { error: value } = init;
    if (value !== undefined) Object.defineProperty(this, "error", { value, enumerable: true });
  }
}

/** The options of a `ReconnectingWebSocket`. */
const EXPECTED: ExpectedOptions<ReconnectingWebSocketOptions> = {
  protocols: undefined,
  webSocketOptions: undefined,
  heartbeat: "a function, such as the result of heartbeat({ message })",
  initialDelayMs: DELAY,
  maxDelayMs: DELAY,
  stableAfterMs: DELAY,
  handshakeTimeoutMs: TIMEOUT,
  maxQueuedBytes: DELAY,
  decide: FUNCTION,
  random: FUNCTION,
  timers: TIMERS,
};
