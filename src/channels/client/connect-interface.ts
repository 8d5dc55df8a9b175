import type {
  ReconnectingWebSocketOptions,
  ValueOrProvider,
} from "../../client/reconnecting-interface.ts";
import type { AnyContract } from "../contract/contract-types.ts";
import type { Contract } from "../contract/contract.ts";
import type { ChannelClient } from "./client-interface.ts";

/** Why the client asks for `auth`. */
export interface AuthRequest {
  /**
   * - `connect`: for a connection.
   * - `expires`: the server's `expiresAtMs` is near.
   * - `unauthorized`: the server did not accept the previous result. The client asks once more.
   */
  readonly reason: "connect" | "expires" | "unauthorized";
}

/**
 * Options of `connect`. The client checks its connection itself: it sends a ping after 30 seconds without a
 * message, and connects again if no message arrives within 20 seconds. It waits longer while its own output gets
 * sent. A message of the server must arrive within 50 seconds.
 *
 * In a page, the client also checks its connection, or connects at once, when the page goes online or becomes
 * visible. It closes the connection when the user leaves the page, because the browser may keep the page for the
 * back button: the members leave their topics. It connects again when the browser shows the page.
 */
export interface ConnectOptions<C extends Contract = AnyContract> extends Pick<
  ReconnectingWebSocketOptions,
  | "webSocketOptions"
  | "initialDelayMs"
  | "maxDelayMs"
  | "stableAfterMs"
  | "handshakeTimeoutMs"
  | "decide"
  | "random"
  | "timers"
> {
  /**
   * The contract. At run time only `validate` uses it. To keep the schemas out of a page, pass only its type:
   * `connect<typeof contract>(url)`.
   */
  readonly contract?: C;
  /**
   * The credentials that `authorize` of the server gets, any JSON value; or a function that returns them
   * before each connection, and after 80 % of the time until they expire. A function that throws, or does not
   * settle within `handshakeTimeoutMs`, is a failed attempt to connect. If the server has not accepted fresh
   * credentials, the client asks for others after 30 seconds. Default: none.
   */
  readonly auth?: string | number | boolean | null | object | ((request: AuthRequest) => unknown);
  /**
   * Whether the client validates what the server sends, by the schemas of `contract`, which must come from
   * `defineContract`. Each schema must accept its own output. Default: `false`.
   */
  readonly validate?: boolean;
  /**
   * The maximum number of bytes of publishes and calls that wait for a connection or an answer.
   * Beyond it they reject with `QUEUE_FULL`. Default: 1,048,576 (1 MiB).
   */
  readonly maxQueuedBytes?: number;
  /**
   * How many bytes the server may send for each subscription and stream before the application takes them.
   * Default: 262,144 (256 KiB).
   */
  readonly creditBytes?: number;
}

/**
 * Connects to a route of `tideway/channels/server`. Returns at once; the client connects in the background.
 *
 * @param url a URL with the scheme `ws:` or `wss:`, or a function that returns one before each attempt
 * @throws UsageError for an option or a URL that is not valid
 */
export type Connect = <C extends Contract = AnyContract>(
  url: ValueOrProvider<string | URL>,
  options?: ConnectOptions<C>,
) => ChannelClient<C>;
