import { setTimeout as delay } from "node:timers/promises";
import { prepare, type Socket } from "tideway/server";
import { type Broker, BrokerError, MemoryBroker, Topics } from "tideway/topics";
import { CONVERSATION } from "./conversation.ts";
import { Pace } from "./pace.ts";
import { readClientMessage } from "./read-message.ts";
import { Room, sendAway, type Participant } from "./room.ts";

/**
 * The characters that one connection may send: faster than a user can type, and slow enough that other clients are
 * not delayed. An empty message counts too.
 */
const PACE = { burst: 256 * 1024, perSecond: 32 * 1024 };
const MIN_COST = 256;

/** How long the users of a crashed server stay on the list. */
const PRESENCE_TTL_MS = 10_000;

/** The room and position that a connection asks for. */
export interface Place {
  readonly room: string;
  /** The position of the last message that the client has seen, according to the client. */
  readonly since?: string;
}

/** The chat on one server. Servers with the same broker are one chat. */
export class Chat implements AsyncDisposable {
  readonly #conversations: Topics;
  readonly #people: Topics;
  readonly #rooms = new Map<string, OpenRoom>();

  /** @param broker stays open when the chat is closed; default: a broker for this server alone */
  constructor(broker: Broker = new MemoryBroker()) {
    const onError = (error: unknown): void => console.error(String(error));
    this.#conversations = new Topics({ broker, prepare, onError, ...CONVERSATION });
    this.#people = new Topics({
      broker,
      onError,
      presence: true,
      presenceTtlMs: PRESENCE_TTL_MS,
      checkIntervalMs: PRESENCE_TTL_MS / 2,
    });
  }

  /** Serves one connection until it ends. */
  async serve(socket: Socket, place: Place): Promise<void> {
    const room = this.#join(place.room);
    try {
      await room.opened;
      await this.#serveRoom(room.room, socket, place);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      sendAway(socket);
    } finally {
      this.#part(place.room, room);
    }
  }

  /** Detaches from the broker. Call it after the server has stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#conversations.close(), this.#people.close()]);
  }

  async #serveRoom(room: Room, socket: Socket, { since }: Place): Promise<void> {
    const participant = await room.enter(socket, since);
    try {
      await listen(room, participant);
    } finally {
      room.leave(participant);
    }
  }

  #join(name: string): OpenRoom {
    let open = this.#rooms.get(name);
    if (open === undefined) {
      const room = new Room(
        this.#conversations.topic(`chat/messages/${name}`),
        this.#people.topic(`chat/people/${name}`),
      );
      open = { room, opened: room.open(), connections: 0 };
      this.#rooms.set(name, open);
    }
    open.connections++;
    return open;
  }

  #part(name: string, open: OpenRoom): void {
    if (--open.connections > 0) return;
    this.#rooms.delete(name);
    open.room.close();
  }
}

interface OpenRoom {
  readonly room: Room;
  readonly opened: Promise<void>;
  connections: number;
}

async function listen(room: Room, participant: Participant): Promise<void> {
  const { socket } = participant;
  const pace = new Pace(PACE);
  for await (const frame of socket) {
    const outcome = readClientMessage(frame);
    if (outcome.kind === "refuse") {
      socket.close(outcome.refusal.code, outcome.refusal.reason);
      return;
    }
    if (outcome.kind === "message") await room.receive(participant, outcome.message);

    // A client that sends too fast must wait, because the server does not read its next messages.
    const waitMs = pace.spend(Math.max(MIN_COST, frame.length));
    if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
  }
}
