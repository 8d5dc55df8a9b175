import { ChannelError } from "./channel-error.ts";
import { type AnswerFrame, type ClientSession, errorOf } from "./client-session.ts";
import { encodeFrame, type FrameMember } from "./frames.ts";
import { type Notice, SessionState } from "./session-state.ts";

/** A change of the members of a topic. */
export interface FrameMembersChange {
  readonly members: readonly FrameMember[];
  readonly joined: readonly FrameMember[];
  readonly left: readonly FrameMember[];
}

/** Gets the changes, and then the error that ends them. */
export type WatchListener = [
  onChange: (change: FrameMembersChange) => unknown,
  onDone: (error: unknown) => void,
];

/** Follows the members of a topic. */
export class ClientWatch extends SessionState {
  members: readonly FrameMember[] = [];
  /** Whether the server has sent the members. */
  #isKnown = false;
  /** The listeners, and whether each of them knows the members. */
  readonly #listeners = new Map<WatchListener, boolean>();

  constructor(session: ClientSession, topic: string) {
    super(session, "watch", topic);
  }

  /** Calls the listener for each change, first with all members. Returns a function that stops it. */
  listen(...listener: WatchListener): () => void {
    const { environment } = this.session;
    this.#listeners.set(listener, false);
    environment.setTimeout(() => {
      if (!this.#isKnown) this.open();
      else if (this.#listeners.get(listener) === false) this.#tell(listener);
    }, 0);
    return () => {
      this.#listeners.delete(listener);
      environment.setTimeout(() => this.#listeners.size > 0 || this.close(), 0);
    };
  }

  notice(frame: Notice): void {
    if (frame.type === "unwatched") this.revoke(errorOf(frame));
    else if (frame.type === "members") this.#replace(frame.members);
    else if (frame.type === "join" || frame.type === "leave") {
      const { member } = frame;
      const others = this.members.filter(({ id }) => id !== member.id);
      if (frame.type === "leave") this.#change(others, [], [member]);
      else this.#change([...others, member], [member], []);
    }
  }

  end(error: ChannelError): void {
    for (const [, onDone] of this.#listeners.keys()) onDone(error);
  }

  protected fields(): object {
    return {};
  }

  protected accept(): void {
    // The answer is the notice `members`.
  }

  #replace(members: readonly FrameMember[]): void {
    const without = (others: readonly FrameMember[]) => (member: FrameMember) =>
      !others.some(({ id }) => id === member.id);
    this.#change(
      members,
      members.filter(without(this.members)),
      this.members.filter(without(members)),
    );
  }

  #change(
    members: readonly FrameMember[],
    joined: readonly FrameMember[],
    left: readonly FrameMember[],
  ): void {
    this.members = members;
    this.#isKnown = true;
    for (const [listener, isTold] of this.#listeners) {
      if (isTold) listener[0]({ members, joined, left });
      else this.#tell(listener);
    }
  }

  /** Gives a listener all members. */
  #tell(listener: WatchListener): void {
    const { members } = this;
    this.#listeners.set(listener, true);
    listener[0]({ members, joined: members, left: [] });
  }
}

/** Is a member of a topic, on every connection. */
export class ClientPresence extends SessionState {
  /** Resolves when the server has let the client in for the first time. */
  readonly entered: Promise<FrameMember>;
  #settle!: [resolve: (member: FrameMember) => void, reject: (error: unknown) => void];
  /** The connection that entered last, and the one before. */
  #connections: (number | undefined)[] = [];
  #hasEntered = false;

  constructor(session: ClientSession, topic: string) {
    super(session, "enter", topic);
    this.entered = new Promise((...settle) => {
      this.#settle = settle;
    });
  }

  /** Leaves the topic. Resolves at once without a connection: then the server removes the member soon. */
  leave(): Promise<void> {
    const { session, topic } = this;
    return new Promise((resolve, reject) => {
      if (!this.release()) {
        this.#settle[1](new ChannelError("CONNECTION_LOST"));
        resolve();
        return;
      }
      const id = session.nextId();
      session.add({
        kind: "state",
        id,
        encode: () => encodeFrame({ type: "leave", id, topic }),
        settle: (error) => (error ? reject(error) : resolve()),
      });
    });
  }

  notice(): void {
    // The server sends no notices about it.
  }

  end(error: ChannelError): void {
    if (this.#hasEntered) this.session.environment.onError(error);
    this.#settle[1](error);
  }

  protected fields(): object {
    const { connection } = this.session;
    const [last] = this.#connections;
    if (last !== connection) this.#connections = [connection, last];
    return { replaces: this.#connections[1] };
  }

  protected accept(frame: AnswerFrame): void {
    this.#hasEntered = true;
    this.#settle[0]((frame as { member?: FrameMember }).member!);
  }
}
