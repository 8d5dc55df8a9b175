import { cleanName, DEFAULT_NAME, freeName, nameKey } from "./names.ts";
import type {
  ChatMessage,
  ClientMessage,
  IdMessage,
  MessageRequest,
  ServerMessage,
  UserListMessage,
  UsernameRequest,
} from "./wire/wire.ts";

/** What has to be done after something has happened in the room, in this order. */
export interface Outcome {
  readonly deliveries: readonly Delivery[];
  /** The connection that the speaker has taken the place of, and which is to be dropped. */
  readonly replaced?: number;
  /** Whether those present have to be told who is present: {@link Room.userList}. */
  readonly usersChanged: boolean;
}

/** A message for one connection or for all of them. */
export interface Delivery {
  readonly to: number | "all";
  readonly message: ServerMessage;
}

/** How many messages are remembered, to recognise one that is sent again. */
const REMEMBERED_MESSAGES = 1_000;

interface Member {
  readonly id: number;
  /** Absent until the first `username`: somebody who only listens. */
  name?: string;
  session?: string;
}

/**
 * Who is in the chat, and what follows from what they say. Knows no socket: calls in, messages to
 * be delivered out.
 */
export class Room {
  readonly #now: () => number;
  readonly #members = new Map<number, Member>();
  /** The ids of members by the key of their name. */
  readonly #names = new Map<string, number>();
  /** The ids of members by their session. */
  readonly #sessions = new Map<string, number>();
  /** The latest messages by their `messageId`, the oldest first. */
  readonly #messages = new Map<string, ChatMessage>();
  #lastId = 0;

  /** @param now The time of day in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Lets a newcomer in; the message is for it alone. */
  enter(): IdMessage {
    const id = ++this.#lastId;
    this.#members.set(id, { id });
    return { type: "id", id };
  }

  /** The member `id` has said `message`. */
  receive(id: number, message: ClientMessage): Outcome {
    const member = this.#members.get(id);
    if (member === undefined) return NOTHING;
    return message.type === "username"
      ? this.#receiveName(member, message)
      : this.#receiveText(member, message);
  }

  /** The member `id` has gone. */
  leave(id: number): Outcome {
    const member = this.#members.get(id);
    if (member === undefined) return NOTHING;
    this.#members.delete(id);
    // A session that another connection has claimed since is not ours to give up.
    const { session } = member;
    if (session !== undefined && this.#sessions.get(session) === id) this.#sessions.delete(session);
    if (member.name === undefined) return NOTHING;
    this.#names.delete(nameKey(member.name));
    return { deliveries: [], usersChanged: true };
  }

  /** The names of those present, in the order in which they came. */
  userList(): UserListMessage {
    const users: string[] = [];
    for (const { name } of this.#members.values()) {
      if (name !== undefined) users.push(name);
    }
    return { type: "userlist", users };
  }

  #receiveName(member: Member, { name: wanted = "", session }: UsernameRequest): Outcome {
    const replaced = session === undefined ? undefined : this.#claimSession(member, session);
    if (replaced !== undefined) this.leave(replaced);
    const previous = member.name;
    const deliveries = this.#rename(member, wanted);
    return {
      deliveries,
      usersChanged: member.name !== previous,
      ...(replaced === undefined ? {} : { replaced }),
    };
  }

  #receiveText(member: Member, { text, messageId }: MessageRequest): Outcome {
    const earlier = messageId === undefined ? undefined : this.#messages.get(messageId);
    // Only the sender missed it, when the connection broke between the message and its echo.
    if (earlier !== undefined) {
      return { deliveries: [{ to: member.id, message: earlier }], usersChanged: false };
    }

    const isNewcomer = member.name === undefined;
    const deliveries = isNewcomer ? this.#rename(member, "") : [];
    const message: ChatMessage = {
      type: "message",
      id: member.id,
      name: member.name ?? DEFAULT_NAME,
      text,
      date: this.#now(),
      ...(messageId === undefined ? {} : { messageId }),
    };
    if (messageId !== undefined) this.#remember(messageId, message);
    return { deliveries: [...deliveries, { to: "all", message }], usersChanged: isNewcomer };
  }

  /** Gives `member` the name it wants, or the free one nearest to it. */
  #rename(member: Member, wanted: string): Delivery[] {
    const { id, name: previous } = member;
    if (previous !== undefined) this.#names.delete(nameKey(previous));
    const name = freeName(cleanName(wanted), (key) => this.#names.has(key));
    this.#names.set(nameKey(name), id);
    member.name = name;

    const deliveries: Delivery[] = [];
    if (name !== wanted) {
      deliveries.push({ to: id, message: { type: "rejectusername", id, name } });
    }
    const isRenamed = previous !== undefined && previous !== name;
    deliveries.push({
      to: "all",
      message: {
        type: "username",
        id,
        name,
        date: this.#now(),
        ...(isRenamed ? { previous } : {}),
      },
    });
    return deliveries;
  }

  /** Returns the other member that had this session until now. */
  #claimSession(member: Member, session: string): number | undefined {
    const holder = this.#sessions.get(session);
    if (holder === member.id) return undefined;
    if (member.session !== undefined) this.#sessions.delete(member.session);
    member.session = session;
    this.#sessions.set(session, member.id);
    return holder;
  }

  #remember(messageId: string, message: ChatMessage): void {
    this.#messages.set(messageId, message);
    if (this.#messages.size <= REMEMBERED_MESSAGES) return;
    for (const oldest of this.#messages.keys()) {
      this.#messages.delete(oldest);
      return;
    }
  }
}

const NOTHING: Outcome = { deliveries: [], usersChanged: false };
