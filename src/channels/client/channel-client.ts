import type { DecideReconnect, ValueOrProvider } from "../../client/reconnecting-interface.ts";
import { formatTopicName } from "../../topic-names/topic-pattern.ts";
import type { Contract } from "../contract/contract.ts";
import { ChannelError } from "../wire/channel-error.ts";
import { createSession } from "../wire/client-session.ts";
import { createFlow } from "../wire/credit-flow.ts";
import type { CallOptions } from "./call-interface.ts";
import { type ClientSocketClass, type ConnectionEnd, keepConnected } from "./connection.ts";
import { toCall } from "./channel-call.ts";
import { createTopic } from "./channel-topic.ts";
import type { ChannelClient, ChannelState } from "./client-interface.ts";
import type { AuthRequest, ConnectOptions } from "./connect-interface.ts";
import { eventsOf } from "./events.ts";
import { iterate } from "./iterate.ts";
import { startStream } from "./start-stream.ts";

/** The parts of the runtime that a client uses. */
export interface ChannelClientEnvironment {
  readonly WebSocket: ClientSocketClass;
  /** The default of the option `decide`. */
  readonly decide: DecideReconnect;
}

/** A contract as `defineContract` returns it. */
interface DefinedContract extends Contract {
  /** Makes a client validate what the server sends. */
  validateReceived(client: object): void;
}

/** The client asks for fresh credentials after this part of their time. */
const REFRESH_AFTER = 0.8;

const valueOf = async (value: unknown, parameter?: unknown): Promise<unknown> =>
  typeof value === "function" ? value(parameter) : value;

/** Creates a client of channels over the reconnecting WebSocket of a runtime. */
export function createClient(
  environment: ChannelClientEnvironment,
  url: ValueOrProvider<string | URL>,
  {
    contract,
    auth,
    validate,
    maxQueuedBytes = 1_048_576,
    creditBytes = 262_144,
    timers = globalThis,
    decide = environment.decide,
    webSocketOptions: _webSocketOptions,
    ...delays
  }: ConnectOptions<Contract> = {},
): ChannelClient {
  const states = createFlow<ChannelState>();
  const errors = createFlow<Error>();
  let state: ChannelState = "connecting";
  let reason: AuthRequest["reason"] = "connect";
  let refreshTimer: unknown;

  const setState = (next: ChannelState): void => {
    if (next !== state) states.push((state = next));
  };
  const report = errors.push as (error: unknown) => void;
  const authorize = (): Promise<unknown> => valueOf(auth, { reason });

  const refresh = (): void => {
    reason = "expires";
    authorize()
      .then((value) => session.send({ type: "auth", auth: value }))
      .catch(report);
  };
  const session = createSession({
    secret: crypto.getRandomValues(new globalThis.Uint32Array(4)).join("-"),
    creditBytes,
    maxQueuedBytes,
    now: () => [Date.now(), performance.now()],
    timers,
    send: (message) => connection.send(message),
    fail: (error) => connection.fail(error),
    onError: report,
    onWelcome(expiresInMs) {
      reason = "connect";
      setState("open");
      timers.clearTimeout(refreshTimer as never);
      if (expiresInMs! >= 0)
        refreshTimer = timers.setTimeout(
          refresh,
          Math.min(2 ** 31 - 1, expiresInMs! * REFRESH_AFTER),
        );
    },
  });
  const close: ChannelClient["close"] = async ({ flushMs = 0 } = {}) => {
    await new Promise<void>((resolve) => {
      const timer = timers.setTimeout(resolve, flushMs);
      session.whenIdle(() => {
        timers.clearTimeout(timer as never);
        resolve();
      });
    });
    session.end(new ChannelError("CLIENT_CLOSED", "close was called"));
    await connection.close();
  };
  const client: Omit<ChannelClient, "topic" | "call" | "stream"> & Record<string, unknown> = {
    get state() {
      return state;
    },
    onStateChange: eventsOf(states.read),
    onError: eventsOf(errors.read),
    topic: (pattern: string, params?: Record<string, string>) =>
      createTopic(session, formatTopicName(pattern, params)),
    call: (name: string, input: unknown, options?: CallOptions) =>
      toCall(
        session
          .request("call", (id) => ({ input, number: id }), options, undefined, name)
          .then((answer) => (answer as { output?: unknown }).output),
      ),
    stream: (
      name: string,
      input: unknown,
      options = {} as { signal?: AbortSignal; lastId?: string },
    ) => iterate(() => startStream(session, name, input, options.lastId), options),
    reconnect: () => connection.reconnect(),
    close,
    [Symbol.asyncDispose]: close,
  };
  // The mistake of a caller throws at once.
  if (validate) (contract as DefinedContract).validateReceived(client);
  if (typeof url !== "function") void new URL(url, globalThis.location?.href);
  const connection = keepConnected(
    environment.WebSocket,
    session,
    {
      prepare() {
        setState("connecting");
        return Promise.all([valueOf(url), authorize()]);
      },
      lose(end) {
        const error = endError("CONNECTION_LOST", end);
        session.lose(error);
        report(error);
        setState("waiting");
      },
      end(end) {
        timers.clearTimeout(refreshTimer as never);
        if (!session.ended) {
          session.end(endError(END_CODES[end.code] ?? "CONNECTION_LOST", end));
          report(session.ended);
        }
        setState("closed");
        states.end();
        errors.end();
      },
    },
    {
      ...delays,
      timers,
      decide(end) {
        if (end.code === 3000 && reason !== "unauthorized") {
          reason = "unauthorized";
          return "retry";
        }
        try {
          return decide(end);
        } catch (error) {
          report(error);
          return "stop";
        }
      },
    },
  );

  return client as unknown as ChannelClient;
}

/** The codes of the errors after which the client ends, by close code. */
const END_CODES: Readonly<Record<number, string>> = {
  1002: "UNSUPPORTED_VERSION",
  3000: "UNAUTHORIZED",
  3003: "FORBIDDEN",
};

/**
 * The error of everything that fails because a connection has ended. Its cause is the error of the transport,
 * or the close.
 */
function endError(errorCode: string, end: ConnectionEnd): ChannelError {
  const { code, reason, error } = end;
  const why = (error as Error | undefined)?.message || reason || "lost";
  return new ChannelError(errorCode, `the connection ended with ${code}: ${why}`, {
    cause: error ?? end,
  });
}
