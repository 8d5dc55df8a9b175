import type { ChannelError } from "./channel-error.ts";
import type { ClientSession, Request } from "./client-session.ts";
import type { ServerFrame } from "./frames.ts";

/** A lasting state of a topic, such as a subscription, which a client restores on every connection. */
export interface SessionState<Handler extends StateHandler = StateHandler> {
  readonly handler: Handler;
  /** The request on the current connection, from when it is sent until an error or the connection's end. */
  request?: Request | undefined;
  /** Asks the server, if there is a connection and it has not been asked on it. */
  readonly open: () => void;
  /** Fails if the session has ended or the server has revoked it. Returns what its handler returns. */
  end(error?: ChannelError): number | void;
  /** Forgets the state. Returns whether to send a frame to the server. */
  release(): boolean;
  /** Forgets the state, and tells the server. */
  close(): void;
}

/** The behaviour of one kind of state. */
export interface StateHandler {
  /** The fields of the request besides `id` and `topic`. Default: none. */
  fields?(): object;
  /** Handles the answer of the server, or a later notice. */
  receive(frame: ServerFrame): void;
  /** It has failed, or the session has ended. */
  readonly end: (error?: ChannelError) => number | void;
}

/** Runs `again` later, if the error is temporary: it has `retryAfterMs`. Returns whether it is. */
export function retry(
  session: ClientSession,
  error: ChannelError | undefined,
  again: () => void,
): boolean {
  const delayMs = error?.retryAfterMs;
  if (delayMs === undefined) return false;
  session.onError(error);
  session.timers.setTimeout(again, delayMs);
  return true;
}

/** Returns what a client already wants of a topic, or makes it. */
export function want<Handler extends StateHandler>(
  session: ClientSession,
  kind: "subscribe" | "watch" | "enter" | "leave",
  topic: string,
  create: (state: () => SessionState) => Handler,
): Handler {
  const { states } = session;
  const key = `${kind} ${topic}`;
  const known = states.get(key);
  if (known) return known.handler as Handler;

  const isWanted = (): boolean => states.get(key) === state;
  const state: SessionState<Handler> = {
    handler: create(() => state),
    open() {
      if (session.ended) state.end(session.ended);
      if (!session.isOpen || !isWanted() || state.request) return;
      state.request = session.add(
        kind,
        () => ({ topic, ...state.handler.fields?.() }),
        (error, answer) => {
          if (answer) state.handler.receive(answer);
          else if (isWanted() && retry(session, error, state.open)) state.request = undefined;
          else if (error || !isWanted()) state.end(error);
        },
      );
    },
    end(error) {
      state.release();
      return state.handler.end(error);
    },
    release: () => isWanted() && states.delete(key) && !!state.request,
    close() {
      if (state.release()) session.send({ type: `un${kind}`, topic });
      if (state.request) session.cancel(state.request);
    },
  };
  states.set(key, state);
  state.open();
  return state.handler;
}
