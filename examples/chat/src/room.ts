import { randomInt } from "node:crypto";
import { CloseCode } from "tideway/protocol";
import { prepare, type Socket } from "tideway/server";
import { formatPosition, type Topic } from "tideway/topics";
import type { Claim, Roster } from "./claim.ts";
import { Conversation, type Start } from "./conversation.ts";
import { cleanName, freeName, nameKey } from "./names.ts";
import { People } from "./people.ts";
import type {
  ClientMessage,
  MessageRequest,
  ServerMessage,
  UsernameMessage,
  UsernameRequest,
} from "./wire/wire.ts";

/** One connection to a room. */
export interface Participant {
  readonly id: number;
  readonly socket: Socket;
  /** The start of this connection in the conversation. */
  readonly start: Start;
  /** The requested name; absent while it only listens. */
  wanted?: string;
  /** The current name. */
  name?: string;
  session?: string;
  /** The latest change of its name. Changes run one after the other. */
  naming: Promise<void>;
  isBeingNamed: boolean;
}

/**
 * The maximum of `randomInt`. Ids up to it are practically unique among thousands of connections.
 */
const MAX_ID = 2 ** 48 - 1;

/** A room on one server: the connections to this server, and the names of all users. */
export class Room {
  readonly #conversation: Conversation;
  readonly #people: People;
  readonly #participants = new Map<number, Participant>();
  /** The claims of the last announcement, by id. */
  #announced: ReadonlyMap<number, Claim> = new Map();
  #isListDue = false;

  /** @param conversation,people the room's topics, the same on all servers */
  constructor(conversation: Topic, people: Topic) {
    this.#conversation = new Conversation(conversation);
    this.#people = new People(people, (roster) => this.#announceChanges(roster));
  }

  /** Reads the users of the room. @throws BrokerError */
  open(): Promise<void> {
    return this.#people.open();
  }

  close(): void {
    this.#people.close();
  }

  /** Adds a connection. It gets its id first, then the messages that it has missed. @throws BrokerError */
  async enter(socket: Socket, since: string | undefined): Promise<Participant> {
    const start = await this.#conversation.findStart(since);
    const id = randomInt(1, MAX_ID);
    send(socket, { type: "id", id, ...start, position: formatPosition(start.position) });
    const participant = { id, socket, start, naming: Promise.resolve(), isBeingNamed: false };
    this.#participants.set(id, participant);
    try {
      await this.#conversation.follow(socket, start);
    } catch (error) {
      this.leave(participant);
      throw error;
    }
    return participant;
  }

  leave({ id }: Participant): void {
    this.#participants.delete(id);
  }

  /**
   * Handles a message of a participant. The next message waits until this promise has settled.
   *
   * @throws BrokerError
   */
  async receive(participant: Participant, message: ClientMessage): Promise<void> {
    if (message.type === "username") await this.#receiveName(participant, message);
    else await this.#receiveText(participant, message);
  }

  async #receiveName(
    participant: Participant,
    { name = "", session }: UsernameRequest,
  ): Promise<void> {
    participant.wanted = name;
    if (session !== undefined) participant.session = session;
    await this.#introduce(participant);
  }

  async #receiveText(participant: Participant, message: MessageRequest): Promise<void> {
    if (participant.wanted === undefined)
      await this.#receiveName(participant, { type: "username" });
    await participant.naming;
    const { id, name, start, socket } = participant;
    // Another connection of the same session has replaced it.
    if (name === undefined) return;
    const earlier = await this.#conversation.say({ id, name }, message, start);
    if (earlier !== undefined) send(socket, earlier);
  }

  /** Claims the name that a participant wants, or a free name with a number, until a claim succeeds. */
  #introduce(participant: Participant): Promise<void> {
    participant.naming = participant.naming.then(async () => {
      participant.isBeingNamed = true;
      try {
        do await this.#people.claim(participant.socket, this.#choose(participant));
        while (this.#isRejected(participant));
      } finally {
        participant.isBeingNamed = false;
      }
    });
    return participant.naming;
  }

  /** Claims another name for a participant that has lost its name to a claim of the same moment. */
  #rename(id: number): void {
    const participant = this.#participants.get(id);
    if (participant === undefined || participant.isBeingNamed) return;
    this.#introduce(participant).catch(() => sendAway(participant.socket));
  }

  #choose({ id, wanted = "", session }: Participant): Omit<Claim, "at"> {
    const others = this.#people.roster.present.filter(
      (other) => other.id !== id && (session === undefined || other.session !== session),
    );
    const taken = new Set(others.map(({ name }) => nameKey(name)));
    const name = freeName(cleanName(wanted), (key) => taken.has(key));
    return { id, name, ...(session === undefined ? {} : { session }) };
  }

  #isRejected({ id }: Participant): boolean {
    return this.#people.roster.rejected.some((claim) => claim.id === id);
  }

  #announceChanges({ present, rejected, replaced }: Roster): void {
    const before = this.#announced;
    this.#announced = new Map(present.map((claim) => [claim.id, claim]));
    for (const { id } of replaced) this.#participants.get(id)?.socket.terminate();
    for (const { id } of rejected) this.#rename(id);
    for (const claim of present) {
      const known = before.get(claim.id);
      if (known?.at !== claim.at) this.#announceName(claim, known?.name);
    }
    const isSame = present.every(({ id, name }) => before.get(id)?.name === name);
    if (!isSame || before.size !== present.length) this.#sendListSoon();
  }

  #announceName({ id, name, at }: Claim, previous: string | undefined): void {
    const participant = this.#participants.get(id);
    if (participant !== undefined) participant.name = name;
    if (participant !== undefined && participant.wanted !== name) {
      send(participant.socket, { type: "rejectusername", id, name });
    }
    const isRenamed = previous !== undefined && previous !== name;
    const message: UsernameMessage = { type: "username", id, name, date: at };
    this.#sendToAll(isRenamed ? { ...message, previous } : message);
  }

  /** Announces all users that join or leave in the same turn together: after a restart, that can be every user. */
  #sendListSoon(): void {
    if (this.#isListDue) return;
    this.#isListDue = true;
    setImmediate(() => {
      this.#isListDue = false;
      const users = this.#people.roster.present.map(({ name }) => name);
      this.#sendToAll({ type: "userlist", users });
    });
  }

  #sendToAll(message: ServerMessage): void {
    const prepared = prepare(JSON.stringify(message));
    for (const { socket } of this.#participants.values()) socket.send(prepared);
  }
}

/**
 * Closes a socket while the broker does not answer. The client reconnects later and may reach another
 * server.
 */
export function sendAway(socket: Socket): void {
  socket.close(CloseCode.TryAgainLater, "the chat is away for a moment");
}

function send(socket: Socket, message: ServerMessage): void {
  socket.send(JSON.stringify(message));
}
