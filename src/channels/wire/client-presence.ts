import { ChannelError } from "./channel-error.ts";
import type { ClientSession } from "./client-session.ts";
import { type SessionState, type StateHandler, want } from "./client-state.ts";
import { createFlow, type FlowReader } from "./credit-flow.ts";
import type { FrameMember } from "./frames.ts";

type Members = readonly FrameMember[];

const NONE: Members = [];

/** A change of the members of a topic. */
export interface FrameMembersChange {
  readonly members: Members;
  readonly joined: Members;
  readonly left: Members;
}

/** Follows the members of a topic. */
interface Watch extends StateHandler {
  readonly members: Members | undefined;
  read(): FlowReader<FrameMembersChange>;
}

/** Is a member of a topic. */
interface Presence extends StateHandler {
  /** Resolves when the server has let the client in for the first time. */
  readonly entered: Promise<FrameMember>;
  leave(): Promise<void>;
}

/** Returns the members of a topic. Undefined if the client does not know them. */
export function membersOf(session: ClientSession, topic: string): Members | undefined {
  return (session.states.get(`watch ${topic}`)?.handler as Watch | undefined)?.members;
}

/** Follows the members of a topic. All readers of a topic share one watch. */
export function watchMembers(
  session: ClientSession,
  topic: string,
): FlowReader<FrameMembersChange> {
  return want(session, "watch", topic, (state) => createWatch(session, state)).read();
}

function createWatch({ timers }: ClientSession, state: () => SessionState): Watch {
  const flow = createFlow<FrameMembersChange>(0, undefined, () =>
    timers.setTimeout(() => flow.readers.size > 0 || state().close(), 0),
  );
  let members: Members | undefined;
  /** The members in `some` that are not in `others`, by id. */
  const without = (some = NONE, others = NONE): Members =>
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
    end: flow.end,
  };
}

/** Enters a topic, on every connection. Returns the member, as the server decides. */
export function enter(session: ClientSession, topic: string): Promise<FrameMember> {
  return want(session, "enter", topic, (state) => createPresence(session, topic, state)).entered;
}

/**
 * Leaves a topic. Resolves at once without a connection: then the server removes the member when its time is
 * over.
 */
export async function leave(session: ClientSession, topic: string): Promise<void> {
  await (session.states.get(`enter ${topic}`)?.handler as Presence | undefined)?.leave();
}

function createPresence(
  session: ClientSession,
  topic: string,
  state: () => SessionState,
): Presence {
  let resolve: (member: FrameMember) => void;
  let reject: (error: ChannelError) => void;
  let hasEntered = false;
  return {
    entered: new Promise<FrameMember>((onEntered, onFailure) => {
      resolve = onEntered;
      reject = onFailure;
    }),
    async leave() {
      if (state().release()) await session.request("leave", () => ({ topic }));
      reject(new ChannelError("CONNECTION_LOST", "leave was called"));
    },
    // If the client entered on the previous connection, it stays a member throughout.
    fields: () => ({ replaces: session.previous }),
    receive(frame) {
      hasEntered = true;
      resolve((frame as { member?: FrameMember }).member!);
    },
    end(error) {
      if (hasEntered && !session.ended) session.onError(error);
      if (error) reject(error);
    },
  };
}
