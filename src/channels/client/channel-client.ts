import type { DecideReconnect, ValueOrProvider } from "../../client/reconnecting-interface.ts";
import type { StandardSchema } from "../../schema/standard-schema.ts";
import { formatTopicName } from "../../topic-names/topic-pattern.ts";
import type { Contract } from "../contract/contract.ts";
import { ChannelError } from "../wire/channel-error.ts";
import { createSession } from "../wire/client-session.ts";
import { createFlow } from "../wire/credit-flow.ts";
import type { CallOptions } from "./call-interface.ts";
import { type ClientSocketClass, keepConnected } from "./connection.ts";
import { createTopic, type Convert } from "./channel-topic.ts";
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

  const refresh = async (): Promise<void> => {
    reason = "expires";
    try {
      session.send({ type: "auth", auth: await authorize() });
    } catch (error) {
      report(error);
    }
  };
  const session = createSession({
    secret: randomSecret(),
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
          () => void refresh(),
          Math.min(expiresInMs! * REFRESH_AFTER, 2 ** 31 - 1),
        );
    },
  });
  const validator = (schema: StandardSchema | undefined): Convert =>
    validate && schema
      ? async (data) => {
          const result = await schema["~standard"].validate(data);
          if (result.issues) throw new ChannelError("INVALID_DATA", { issues: result.issues });
          return result.value;
        }
      : undefined;

  // The mistake of a caller throws at once.
  if (typeof url !== "function") void new URL(url, globalThis.location?.href);
  const connection = keepConnected(
    environment.WebSocket,
    session,
    {
      prepare() {
        setState("connecting");
        return Promise.all([valueOf(url), authorize()]);
      },
      lose(cause) {
        report(new ChannelError("CONNECTION_LOST", { cause }));
        setState("waiting");
      },
      end(cause) {
        const { code } = cause;
        timers.clearTimeout(refreshTimer as never);
        if (!session.ended) {
          session.end(
            session.refusal ??
              (code === 3000 ? "UNAUTHORIZED" : code === 3003 ? "FORBIDDEN" : "CONNECTION_LOST"),
            { cause },
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
        const { code } = end;
        if (code === 3000 && reason !== "unauthorized") {
          reason = "unauthorized";
          return "retry";
        }
        try {
          // With 1008, the page was frozen before it sent its first frame.
          return code === 1008 && !session.isOpen ? "retry" : decide(end);
        } catch (error) {
          report(error);
          return "stop";
        }
      },
    },
  );

  const close: ChannelClient["close"] = async ({ flushMs = 0 } = {}) => {
    if (!session.isIdle)
      await new Promise<void>((resolve) => {
        const timer = timers.setTimeout(resolve, flushMs);
        session.onIdle = () => {
          timers.clearTimeout(timer as never);
          resolve();
        };
      });
    session.end("CLIENT_CLOSED");
    connection.close();
  };
  const client: Omit<ChannelClient, "topic" | "call" | "stream"> & Record<string, unknown> = {
    get state() {
      return state;
    },
    onStateChange: eventsOf(states.read),
    onError: eventsOf(errors.read),
    topic: (pattern: string, params?: Record<string, string>) =>
      createTopic(
        session,
        formatTopicName(pattern, params),
        validator(contract?.topics?.[pattern]?.message),
      ),
    call(name: string, input: unknown, options?: CallOptions) {
      const convert = validator(contract?.calls?.[name]?.output);
      const output = session
        .request("call", (id) => ({ input, number: id }), options, undefined, name)
        .then(([, value]) => (convert ? convert(value) : value));
      return Object.assign(output, {
        result: () =>
          output.then(
            (value) => ({ output: value }),
            (error) => {
              if (error instanceof ChannelError) return { error };
              throw error;
            },
          ),
      });
    },
    stream: (
      name: string,
      input: unknown,
      { signal, lastId } = {} as { signal?: AbortSignal; lastId?: string },
    ) =>
      iterate(() => startStream(session, name, input, lastId), {
        signal,
        convert: validator(contract?.calls?.[name]?.item),
      }),
    reconnect: () => connection.reconnect(),
    close,
    [Symbol.asyncDispose]: close,
  };
  return client as unknown as ChannelClient;
}

/** At least 128 random bits as 22 characters of base64url. Two of its characters become one. */
function randomSecret(): string {
  const bytes = crypto.getRandomValues(new globalThis.Uint8Array(18));
  return btoa(String.fromCharCode(...bytes))
    .replace(/\W/g, "_")
    .slice(0, 22);
}
