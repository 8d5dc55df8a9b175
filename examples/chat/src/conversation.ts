import {
  formatPosition,
  type Position,
  type Publication,
  readPosition,
  type Topic,
  type TopicData,
  type TopicMessage,
  type TopicOptions,
  type TopicTarget,
} from "tideway/topics";
import type { ChatMessage, LostMessage, MessageRequest } from "./wire/wire.ts";

/** How many messages a new client gets. */
const SHOWN_ON_ARRIVAL = 50;

/** The time in which a client may send a message again without a duplicate. */
const ID_WINDOW_MS = 60 * 60_000;

/** The options of the topics of conversations, the same on all servers. */
export const CONVERSATION: Required<
  Pick<TopicOptions, "historySize" | "historyAgeMs" | "idWindowMs" | "encode">
> = {
  historySize: 1_000,
  historyAgeMs: 24 * 60 * 60_000,
  idWindowMs: ID_WINDOW_MS,
  encode: encodeForClients,
};

/** The position at which a client starts. */
export interface Start {
  /** Every message after this one is sent. */
  readonly position: Position;
  /** Whether this is the position that the client requested; absent if it requested none. */
  readonly recovered?: boolean;
}

/** The author of a message. */
type Speaker = Pick<ChatMessage, "id" | "name">;

/** The messages of one room. */
export class Conversation {
  readonly #topic: Topic;

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  /**
   * Finds the start of a client: after the last message it has seen, or else early enough for the latest
   * messages.
   * @throws BrokerError
   */
  async findStart(since: string | undefined): Promise<Start> {
    const last = readPosition(since);
    if (last !== undefined) {
      const { recovered } = await this.#topic.history({ since: last, limit: 1 });
      if (recovered) return { position: last, recovered };
    }
    const { position: end, publications } = await this.#topic.history({ limit: SHOWN_ON_ARRIVAL });
    const position = publications.length === 0 ? end : before(publications[0].position);
    return since === undefined ? { position } : { position, recovered: false };
  }

  /** Sends all messages from the start on to a socket, until the socket ends. @throws BrokerError */
  async follow(socket: TopicTarget, { position }: Start): Promise<void> {
    await this.#topic.subscribe(socket, { since: position });
  }

  /**
   * Publishes a message to all clients. A message with a known id is not published again. It is returned
   * for its sender, unless a client that started at `start` gets it anyway.
   * @throws BrokerError
   */
  async say(
    { id, name }: Speaker,
    { text, messageId }: MessageRequest,
    start: Start,
  ): Promise<ChatMessage | undefined> {
    const said: ChatMessage = { type: "message", id, name, text, date: Date.now() };
    const published = await this.#topic.publish(
      JSON.stringify(said),
      messageId === undefined ? {} : { id: messageId },
    );
    const { position, isDuplicate } = published;
    if (!isDuplicate || isBehind(position, start.position)) return undefined;
    const { publications } = await this.#topic.history({ since: before(position), limit: 1 });
    // Confirms to its sender that it was published, even if it is too old for the history.
    const first = publications.map(({ data }) => readSaid(data))[0] ?? said;
    return { ...first, messageId: published.id };
  }
}

/** Encodes a message once for all sockets of this server. */
function encodeForClients(message: TopicMessage): string | undefined {
  switch (message.type) {
    case "publication":
      return encodeSaid(message.publication);
    case "subscribed":
      // The client knows its position already, unless the history has dropped that position just now.
      return message.recovered ? undefined : encodeLost(message.position);
    case "lost":
      return encodeLost(message.position);
    default:
      return undefined;
  }
}

function encodeSaid({ id, position, data }: Publication): string {
  return JSON.stringify({
    ...readSaid(data),
    messageId: id,
    position: formatPosition(position),
  });
}

function readSaid(data: TopicData): ChatMessage {
  return JSON.parse(String(data)) as ChatMessage;
}

function encodeLost(position: Position): string {
  const lost: LostMessage = { type: "lost", position: formatPosition(position) };
  return JSON.stringify(lost);
}

function before({ epoch, offset }: Position): Position {
  return { epoch, offset: offset - 1 };
}

function isBehind(position: Position, start: Position): boolean {
  return position.epoch === start.epoch && position.offset > start.offset;
}
