import { ChannelError } from "./channel-error.ts";
import type { ClientSession } from "./client-session.ts";
import { type SessionState, type StateHandler, want } from "./client-state.ts";
import type { CreditFlow, FlowReader } from "./credit-flow.ts";
import type { FrameMember } from "./frames.ts";

type Members = readonly FrameMember[];

/** A change of the members of a topic. */
export interface FrameMembersChange {
  readonly members: Members;
  readonly joined: Members;
  readonly left: Members;
}

/** Follows the members of a topic. */
export interface Watch extends Omit<StateHandler, "end"> {
  readonly members: Members | undefined;
  read(): FlowReader<FrameMembersChange>;
}

/** Is a member of a topic, or leaves it. */
interface Presence extends StateHandler {
  /** Resolves when the server has let the client in for the first time, or out. */
  readonly done: Promise<FrameMember>;
  /** Returns the first connection that the server may still have as present. */
  readonly end: (error?: ChannelError) => number | undefined;
}

/** Creates a watch. Until the client knows the members, they are undefined. */
export function createWatch(flow: CreditFlow<FrameMembersChange>): Watch {
  let members: Members | undefined;
  /** The members in `some` that are not in `others`, by id. */
  const without = (some: Members = [], others: Members = []): Members =>
    some.filter((member) => !others.some(({ id }) => id === member.id));
  const change = (next: Members, joined = without(next, members)): void => {
    const left = without(members, next);
    members = next;
    flow.push({ members, joined, left });
  };
  return {
    get members() {
      return members;
    },
    read() {
      const reader = flow.read();
      if (members) reader.before = [{ members, joined: members, left: [] }];
      return reader;
    },
    receive(frame) {
      if (frame.type === "members") change(frame.members);
      else if (frame.type === "leave") change(without(members, [frame.member]));
      else if (frame.type === "join")
        change([...without(members, [frame.member]), frame.member], [frame.member]);
    },
  };
}

/** Enters a topic, on every connection. Returns the member, as the server decides. */
export function enter(session: ClientSession, topic: string): Promise<FrameMember> {
  // A request to leave that has no answer is not sent again, because `enter` replaces the member.
  const first = session.states.get(`leave ${topic}`)?.end();
  return want(session, "enter", topic, () => createPresence(session, first)).done;
}

/** Leaves a topic: on the current connection, or on the next one. */
export async function leave(session: ClientSession, topic: string): Promise<void> {
  const first = session.states.get(`enter ${topic}`)?.end();
  if (first)
    await want(session, "leave", topic, (state) => createPresence(session, first, state)).done;
}

/**
 * @param first the first connection that the server may still have as present. Undefined if there is none
 * @param leaving the state, if the client leaves
 */
function createPresence(
  session: ClientSession,
  first: number | undefined | void,
  leaving?: () => SessionState,
): Presence {
  let resolve: (member: FrameMember) => void;
  let reject: (error: ChannelError) => void;
  let hasEntered: boolean | undefined;
  return {
    done: new Promise<FrameMember>((onDone, onFailure) => {
      resolve = onDone;
      reject = onFailure;
    }),
    fields() {
      const replaces = first;
      first ??= session.connection;
      return { replaces };
    },
    receive(frame) {
      hasEntered = true;
      first = session.connection;
      resolve((frame as { member?: FrameMember }).member!);
      leaving?.().release();
    },
    // Without an error, the client leaves, or enters again.
    end(error) {
      if (error && hasEntered && !session.ended) session.onError(error);
      if (leaving && !error) resolve(error as never);
      reject(error ?? new ChannelError("LEFT", "leave was called"));
      return first!;
    },
  };
}
