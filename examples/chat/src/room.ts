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
export interface Visitor {
  readonly id: number;
  readonly socket: Socket;
  /** Where in the conversation it has started. */
  readonly start: Start;
  /** What it asked to be called; absent for somebody who only listens. */
  wanted?: string;
  /** What it is called. */
  name?: string;
  session?: string;
  /** Its latest naming; one is done after the other. */
  naming: Promise<void>;
  isBeingNamed: boolean;
}

/** `randomInt` takes no more; two of thousands of connections are never given the same one. */
const MAX_ID = 2 ** 48 - 1;

/** A room as one server has it: those of its connections that are in it, of all who are. */
export class Room {
  readonly #conversation: Conversation;
  readonly #people: People;
  readonly #visitors = new Map<number, Visitor>();
  /** Who was present when this was last told, by their ids. */
  #told: ReadonlyMap<number, Claim> = new Map();
  #isListDue = false;

  /** @param conversation,people the room's topics, the same on all servers */
  constructor(conversation: Topic, people: Topic) {
    this.#conversation = new Conversation(conversation);
    this.#people = new People(people, (roster) => this.#tellChanges(roster));
  }

  /** Learns who is there. @throws BrokerError */
  open(): Promise<void> {
    return this.#people.open();
  }

  close(): void {
    this.#people.close();
  }

  /** Lets a newcomer in: its id comes first, then what it has missed. @throws BrokerError */
  async enter(socket: Socket, since: string | undefined): Promise<Visitor> {
    const start = await this.#conversation.findStart(since);
    const id = randomInt(1, MAX_ID);
    send(socket, { type: "id", id, ...start, position: formatPosition(start.position) });
    const visitor = { id, socket, start, naming: Promise.resolve(), isBeingNamed: false };
    this.#visitors.set(id, visitor);
    try {
      await this.#conversation.follow(socket, start);
    } catch (error) {
      this.leave(visitor);
      throw error;
    }
    return visitor;
  }

  leave({ id }: Visitor): void {
    this.#visitors.delete(id);
  }

  /** Does what a visitor asks for; the next one waits until then. @throws BrokerError */
  async receive(visitor: Visitor, message: ClientMessage): Promise<void> {
    if (message.type === "username") await this.#receiveName(visitor, message);
    else await this.#receiveText(visitor, message);
  }

  async #receiveName(visitor: Visitor, { name = "", session }: UsernameRequest): Promise<void> {
    visitor.wanted = name;
    if (session !== undefined) visitor.session = session;
    await this.#introduce(visitor);
  }

  async #receiveText(visitor: Visitor, message: MessageRequest): Promise<void> {
    if (visitor.wanted === undefined) await this.#receiveName(visitor, { type: "username" });
    await visitor.naming;
    const { id, name, start, socket } = visitor;
    // Somebody whose place another connection has taken meanwhile.
    if (name === undefined) return;
    const earlier = await this.#conversation.say({ id, name }, message, start);
    if (earlier !== undefined) send(socket, earlier);
  }

  /** Claims the name that a visitor wants, or the free one nearest to it, until it has one. */
  #introduce(visitor: Visitor): Promise<void> {
    visitor.naming = visitor.naming.then(async () => {
      visitor.isBeingNamed = true;
      try {
        do await this.#people.claim(visitor.socket, this.#choose(visitor));
        while (this.#isRejected(visitor));
      } finally {
        visitor.isBeingNamed = false;
      }
    });
    return visitor.naming;
  }

  /** Somebody has claimed the visitor's name in the same moment, and has it. */
  #rename(id: number): void {
    const visitor = this.#visitors.get(id);
    if (visitor === undefined || visitor.isBeingNamed) return;
    this.#introduce(visitor).catch(() => sendAway(visitor.socket));
  }

  #choose({ id, wanted = "", session }: Visitor): Omit<Claim, "at"> {
    const others = this.#people.roster.present.filter(
      (other) => other.id !== id && (session === undefined || other.session !== session),
    );
    const taken = new Set(others.map(({ name }) => nameKey(name)));
    const name = freeName(cleanName(wanted), (key) => taken.has(key));
    return { id, name, ...(session === undefined ? {} : { session }) };
  }

  #isRejected({ id }: Visitor): boolean {
    return this.#people.roster.rejected.some((claim) => claim.id === id);
  }

  #tellChanges({ present, rejected, replaced }: Roster): void {
    const before = this.#told;
    this.#told = new Map(present.map((claim) => [claim.id, claim]));
    for (const { id } of replaced) this.#visitors.get(id)?.socket.terminate();
    for (const { id } of rejected) this.#rename(id);
    for (const claim of present) {
      const known = before.get(claim.id);
      if (known?.at !== claim.at) this.#tellName(claim, known?.name);
    }
    const isSame = present.every(({ id, name }) => before.get(id)?.name === name);
    if (!isSame || before.size !== present.length) this.#sendListSoon();
  }

  #tellName({ id, name, at }: Claim, previous: string | undefined): void {
    const visitor = this.#visitors.get(id);
    if (visitor !== undefined) visitor.name = name;
    if (visitor !== undefined && visitor.wanted !== name) {
      send(visitor.socket, { type: "rejectusername", id, name });
    }
    const isRenamed = previous !== undefined && previous !== name;
    const message: UsernameMessage = { type: "username", id, name, date: at };
    this.#sendToAll(isRenamed ? { ...message, previous } : message);
  }

  /** Once for all who come or go in the same turn: after a restart that may be everybody. */
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
    for (const { socket } of this.#visitors.values()) socket.send(prepared);
  }
}

/** For whom the broker does not answer: the client comes back later, perhaps to another server. */
export function sendAway(socket: Socket): void {
  socket.close(CloseCode.TryAgainLater, "the chat is away for a moment");
}

function send(socket: Socket, message: ServerMessage): void {
  socket.send(JSON.stringify(message));
}
