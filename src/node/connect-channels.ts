import type { ChannelClient, ChannelState } from "../channels/client/client-interface.ts";
import type { ConnectOptions } from "../channels/client/connect-interface.ts";
import { type Connect, createClient } from "../channels/client/index.ts";
import type { Contract } from "../channels/contract/contract.ts";
import { DEFAULT_MAX_MESSAGE_BYTES, type WebSocketOptions } from "../client/options.ts";
import { checkDecision } from "../client/reconnect-policy.ts";
import type { DecideReconnect, ValueOrProvider } from "../client/reconnecting-interface.ts";
import { parseUrl } from "../client/web-socket-arguments.ts";
import type { WebSocketConstructor } from "../client/web-socket-interface.ts";
import type { ChannelError } from "../channels/wire/channel-error.ts";
import { UsageError } from "../errors/index.ts";
import { describeClose, describeError } from "../errors/debug-log.ts";
import {
  BOOLEAN,
  BYTES,
  checkOptions,
  DELAY,
  type ExpectedOptions,
  FUNCTION,
  TIMEOUT,
  TIMERS,
} from "./client/check-options.ts";
import { decideReconnect } from "./client/decide-reconnect.ts";
import { debugLog } from "./environment/debug-log.ts";

/**
 * Creates the function `connect` for Node.js. Unlike the function for browsers, it checks all options, tells the
 * server the maximum size of a message, and writes to the debug log.
 *
 * @param base the class of WebSockets to connect with
 */
export function createConnect(base: WebSocketConstructor): Connect {
  return (url, options = {}) => {
    checkOptions("connect", options, EXPECTED);
    checkContract(options);
    if (typeof url !== "function") void parseUrl(url);
    const { webSocketOptions, decide, ...others } = options;
    let current: WebSocketOptions | undefined;
    class ClientWebSocket extends base {
      readonly maxMessageBytes: number = current?.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;

      constructor(target: string | URL, protocols: string) {
        super(target, { ...current, protocols });
      }
    }
    const prepare = async (): Promise<string | URL> => {
      current = await valueOf(webSocketOptions);
      return valueOf(url);
    };
    const environment = { WebSocket: ClientWebSocket, decide: decideReconnect };
    const client = createClient(environment, prepare, {
      ...others,
      ...(decide !== undefined && { decide: checked(decide) }),
    });
    if (debugLog.isEnabled) logClient(client);
    return client as never;
  };
}

/** The options of `connect`. */
const EXPECTED: ExpectedOptions<ConnectOptions> = {
  contract: undefined,
  auth: undefined,
  validate: BOOLEAN,
  maxQueuedBytes: BYTES,
  creditBytes: BYTES,
  webSocketOptions: undefined,
  initialDelayMs: DELAY,
  maxDelayMs: DELAY,
  stableAfterMs: DELAY,
  handshakeTimeoutMs: TIMEOUT,
  decide: FUNCTION,
  random: FUNCTION,
  timers: TIMERS,
};

/** @throws UsageError `INVALID_OPTION` for `validate` without a contract that can do it */
function checkContract({
  validate,
  contract,
}: Pick<ConnectOptions<Contract>, "contract" | "validate">): void {
  if (validate !== true || (contract !== undefined && "validateReceived" in contract)) return;
  throw new UsageError(
    "INVALID_OPTION",
    "connect: validate is true without a contract of defineContract; pass it as contract",
  );
}

/** Makes `decide` throw for a result that is not a decision. */
function checked(decide: DecideReconnect): DecideReconnect {
  return (close) => checkDecision(decide(close));
}

function valueOf<T>(value: ValueOrProvider<T>): T | PromiseLike<T> {
  return typeof value === "function" ? (value as () => T | PromiseLike<T>)() : value;
}

const STATES: Readonly<Record<ChannelState, string>> = {
  connecting: "connects",
  open: "is welcome at the server",
  waiting: "waits for the next attempt",
  closed: "has ended",
};

/** Writes the states and errors of a client of channels to the debug log. */
function logClient(client: ChannelClient): void {
  const write = (what: string): void =>
    debugLog.write(() => `channels client ${debugLog.idOf("client", client)} ${what}`);
  client.onStateChange.listen((state) => write(STATES[state]));
  client.onError.listen((error) => write(`failed: ${describeFailure(error)}`));
}

/** The cause of a failure is an error, or how the server has closed the connection. */
function describeFailure(error: Error): string {
  const { cause } = error;
  if (cause instanceof Error || !isClose(cause)) return describeError(error);
  const { code } = error as ChannelError;
  return `${code}: the connection closed with ${describeClose(cause.code, cause.reason)}`;
}

function isClose(cause: unknown): cause is { readonly code: number; readonly reason: string } {
  return typeof (cause as { code?: unknown } | undefined)?.code === "number";
}
