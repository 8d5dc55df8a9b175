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
/** And again after this time, in milliseconds, until the server has accepted some. */
const REFRESH_AGAIN_AFTER_MS = 30_000;

async function valueOf(value: unknown, parameter?: unknown): Promise<unknown> {
  return typeof value === "function" ? value(parameter) : value;
}

/** Creates a client of channels over the reconnecting WebSocket of a runtime. */
export function createClient(
  environment: ChannelClientEnvironment,
  url: ValueOrProvider<string | URL>,
  {
    contract,
    auth,
    validate,
    webSocketOptions: _webSocketOptions,
    timers = globalThis,
    maxQueuedBytes = 2 ** 20,
    decide = environment.decide,
    creditBytes = 2 ** 18,
    ...delays
  }: ConnectOptions<Contract> = {},
): ChannelClient {
  const states = createFlow<ChannelState>();
  const errors = createFlow<Error>();
  let refreshTimer: unknown;
  let reason: AuthRequest["reason"] = "connect";
  let state: ChannelState = "connecting";

  const setState = (next: ChannelState): void => {
    // Fresh credentials are for the connection that they are requested on.
    timers.clearTimeout(refreshTimer as never);
    if (next !== state) states.push((state = next));
  };
  const report = errors.push as (error: unknown) => void;

  const refreshAfter = (delayMs: number): void => {
    const current = session.connection;
    refreshTimer = timers.setTimeout(
      () => {
        refreshAfter(REFRESH_AGAIN_AFTER_MS);
        valueOf(auth, { reason: "expires" })
          .then(
            (fresh) =>
              current === session.connection && session.send({ type: "auth", auth: fresh }),
          )
          .catch(report);
      },
      Math.min(2 ** 31 - 1, delayMs),
    );
  };
  const session = createSession({
    secret: crypto.getRandomValues(new globalThis.Uint32Array(4)).join("-"),
    creditBytes,
    maxQueuedBytes,
    now: () => [Date.now(), performance.now()],
    timers,
    send: (message) => connection.send(message),
    onError: report,
    onWelcome(expiresInMs) {
      reason = "connect";
      setState("open");
      if (expiresInMs! >= 0) refreshAfter(expiresInMs! * REFRESH_AFTER);
    },
  });
  const close: ChannelClient["close"] = async ({ flushMs = 0 } = {}) => {
    let timer: unknown;
    await new Promise<void>((resolve) => {
      if (!(flushMs >= 2 ** 31)) timer = timers.setTimeout(resolve, flushMs);
      session.onIdle(resolve);
    });
    timers.clearTimeout(timer as never);
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
    call(name: string, input: unknown, options?: CallOptions) {
      return toCall(
        session
          .request("call", name, (id) => ({ name, input, number: id }), options)
          .then((answer) => (answer as { output?: unknown }).output),
      );
    },
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
        return Promise.all([valueOf(url), valueOf(auth, { reason })]);
      },
      lose(end) {
        const error = endError("CONNECTION_LOST", end);
        session.lose(error);
        report(error);
        setState("waiting");
      },
      end(end) {
        if (!session.ended) {
          session.end(
            endError(
              session.versions
                ? "UNSUPPORTED_VERSION"
                : end.code === 3000
                  ? "UNAUTHORIZED"
                  : end.code === 3003
                    ? "FORBIDDEN"
                    : "CONNECTION_LOST",
              end,
            ),
          );
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

/**
 * The error of everything that fails because a connection has ended. Its cause is the error of the transport,
 * or the close.
 */
function endError(code: string, end: ConnectionEnd): ChannelError {
  const why = (end.error as Error | undefined)?.message || end.reason || "lost";
  return new ChannelError(code, `the connection ended with ${end.code}: ${why}`, {
    cause: end.error ?? end,
  });
}
