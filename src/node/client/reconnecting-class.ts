import type { CloseEventConstructor, CloseEventInit } from "../../client/close-event.ts";
import type {
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketOptions,
} from "../../client/reconnecting-interface.ts";
import { defineReconnectingWebSocket } from "../../client/reconnecting-web-socket.ts";
import type { WebSocketConstructor } from "../../client/web-socket-interface.ts";
import { UsageError } from "../../errors/index.ts";
import { decideReconnect } from "./decide-reconnect.ts";
import { allowManyListeners, CloseEvent } from "./web-socket-class.ts";

/**
 * Makes a `ReconnectingWebSocket` class for Node: what a page need not load for, it says more
 * clearly, namely what is wrong with options, and why it was closed for good.
 */
export function createReconnectingClass(
  base: WebSocketConstructor,
): ReconnectingWebSocketConstructor {
  const Unchecked = defineReconnectingWebSocket(
    base,
    CloseEventWithReason as CloseEventConstructor,
    decideReconnect,
    allowManyListeners,
  );
  class ReconnectingWebSocket extends Unchecked {
    // The constructor below sets them here too.
    override get options(): ReconnectingWebSocketOptions {
      return super.options;
    }

    override set options(options: ReconnectingWebSocketOptions) {
      checkOptions(options);
      super.options = options;
    }
  }
  return ReconnectingWebSocket;
}

/** Keeps the reason of the connection's own event, which the standard's classes do not know. */
class CloseEventWithReason extends CloseEvent {
  static override readonly name = "CloseEvent";

  constructor(type: string, init: CloseEventInit & { readonly error?: unknown }) {
    super(type, init);
    const { error: value } = init;
    if (value !== undefined) Object.defineProperty(this, "error", { value, enumerable: true });
  }
}

const FUNCTION = "a function";
const DELAY = `a number from 0 to ${2 ** 31 - 1}`;

/** What each option is, but for those that the class of the connections checks. */
const EXPECTED: Readonly<Record<keyof ReconnectingWebSocketOptions, string | undefined>> = {
  protocols: undefined,
  webSocketOptions: undefined,
  heartbeat: "a function, such as heartbeat({ message }) makes",
  initialDelayMs: DELAY,
  maxDelayMs: DELAY,
  stableAfterMs: DELAY,
  maxQueuedBytes: DELAY,
  decide: FUNCTION,
  random: FUNCTION,
  timers: "an object with setTimeout and clearTimeout",
};

function checkOptions(options: ReconnectingWebSocketOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(EXPECTED, name)) {
      throw refused(`there is no option ${name}`);
    }
    const expected = EXPECTED[name as keyof ReconnectingWebSocketOptions];
    if (expected === undefined || value === undefined || isAs(expected, value)) continue;
    throw refused(`${name} is ${show(value)}, not ${expected}`);
  }
}

function isAs(expected: string, value: unknown): boolean {
  if (expected === DELAY) return typeof value === "number" && value >= 0 && value < 2 ** 31;
  if (expected.startsWith(FUNCTION)) return typeof value === "function";
  return typeof (value as { setTimeout?: unknown } | null)?.setTimeout === "function";
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
}

function refused(what: string): UsageError {
  return new UsageError("INVALID_OPTION", `ReconnectingWebSocket: ${what}`);
}
