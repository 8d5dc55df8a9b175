import type { ChannelError } from "./channel-error.ts";
import type { ClientSession, Request } from "./client-session.ts";
import { createFlow, type CreditFlow, type FlowReader } from "./credit-flow.ts";
import type { ServerFrame } from "./frames.ts";

/** The behaviour of one kind of state. */
export interface StateHandler {
  /** The fields of the request besides `id` and `topic`. Default: none. */
  fields?(): object;
  /** Handles the answer of the server, or a later notice. */
  receive(frame: ServerFrame): void;
  /** It has failed, or the session has ended. */
  end(this: void, error?: ChannelError): number | void;
}

/** A lasting state of a topic, such as a subscription, which a client restores on every connection. */
export interface SessionState extends StateHandler {
  /** The request on the current connection, from when it is sent until the connection's end. */
  request?: Request | undefined;
  /** Asks the server, if there is a connection and it has not been asked on it. */
  open(): void;
  /** Forgets the state. Returns whether it was known. */
  release(): boolean;
  /** Forgets the state, and tells the server. */
  close(): void;
}

/** A state with values, such as publications, and readers of them. */
interface FollowedState<T, Start> extends StateHandler {
  read(start: Start): FlowReader<T>;
}

/** Reads the values of a state. All readers of a topic share one state, which ends with its last reader. */
export function follow<T, Start>(
  session: ClientSession,
  kind: "subscribe" | "watch",
  topic: string,
  start: Start,
  create: (flow: CreditFlow<T>) => Omit<FollowedState<T, Start>, "end">,
): FlowReader<T> {
  return want(session, kind, topic, (state) => {
    const flow: CreditFlow<T> = createFlow(
      session.creditBytes,
      (bytes) => session.send({ type: "credit", topic, bytes }),
      // One task of grace: an application may end one loop and begin another.
      () => session.timers.setTimeout(() => flow.readers.size || state().close(), 0),
    );
    return Object.assign(create(flow), { end: flow.end });
  }).read(start);
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
  if (known) return known as never;

  const isWanted = (): boolean => states.get(key) === state;
  const handler = create(() => state);
  const { end } = handler;
  const state: Handler & SessionState = Object.assign(handler, {
    open() {
      // After the session has ended, the request fails, which ends the state.
      if (!(session.isOpen || session.ended) || !isWanted() || state.request) return;
      state.request = session.add(
        kind,
        undefined,
        () => ({ topic, ...state.fields?.() }),
        (error, answer) => {
          if (answer) state.receive(answer);
          else if (error) state.end(error);
        },
        isWanted,
      );
    },
    end(error?: ChannelError) {
      state.release();
      return end(error);
    },
    release() {
      if (isWanted()) session.receivers.delete(state.request?.number as never);
      return isWanted() && states.delete(key);
    },
    close() {
      if (state.release() && state.request) {
        session.send({ type: `un${kind}`, topic });
        session.cancel(state.request);
      }
    },
  });
  states.set(key, state);
  state.open();
  return state;
}
