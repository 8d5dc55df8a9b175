import { readServerMessage } from "./read-server-message.ts";
import { type OutgoingMessage, Outbox } from "./outbox.ts";
import type {
  ChatMessage,
  MessageRequest,
  ServerMessage,
  UsernameMessage,
  UsernameRequest,
} from "../wire/wire.ts";

/** The parts of a connection that the chat uses. */
export interface ChatTransport {
  readonly isOpen: boolean;
  /** Bytes that were passed to `send` but not sent yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
}

/** Receives the events of the chat. */
export interface ChatListener {
  /** The server has accepted the user with this name: on every connection, and after a change of name. */
  onNamed(name: string): void;
  /** The server gave another name than the one `wanted`. */
  onNameRejected(wanted: string, name: string): void;
  /** A user, possibly this one, has another name. */
  onRenamed(previous: string, name: string): void;
  onUsers(names: readonly string[]): void;
  onMessage(message: ChatMessage, isOwn: boolean): void;
  /**
   * A new connection is ready, with or without all messages that were missed.
   */
  onConnected(isComplete: boolean): void;
  /** Messages are missing here. */
  onLost(): void;
  /** The server has not sent a message back for so long that the connection is probably dead. */
  onStalled(): void;
}

/** The clock and the random ids of the chat. */
export interface ChatSurroundings {
  now(): number;
  newId(): string;
  /** Calls `callback` once, after `delayMs` milliseconds. */
  after(delayMs: number, callback: () => void): void;
}

/** If the socket has more unsent bytes than this, the next message waits in the outbox. */
const MAX_BUFFERED_BYTES = 64 * 1024;
const BUFFER_CHECK_MS = 200;

/** A working server sends a message back much earlier. */
const STALLED_AFTER_MS = 10_000;

/** The number of message ids that are remembered, so that no message is shown twice. */
const REMEMBERED_IDS = 2_000;

/**
 * The user's side of the conversation: sends the name on each new connection, the messages of the user, and
 * again the messages that were lost with a connection. It does not depend on the page or on reconnecting.
 */
export class ChatClient {
  readonly #transport: ChatTransport;
  readonly #listener: ChatListener;
  readonly #surroundings: ChatSurroundings;
  readonly #outbox = new Outbox();
  readonly #session: string;
  readonly #ownIds = new Set<string>();
  readonly #seenIds = new Set<string>();
  #name: string;
  /** The current connection, once the server has sent the id of this client. */
  #connection: { readonly id: number } | undefined;
  #isWaitingForBuffer = false;
  #position: string | undefined;

  constructor(
    transport: ChatTransport,
    name: string,
    listener: ChatListener,
    surroundings: ChatSurroundings,
  ) {
    this.#transport = transport;
    this.#name = name;
    this.#listener = listener;
    this.#surroundings = surroundings;
    this.#session = surroundings.newId();
  }

  get name(): string {
    return this.#name;
  }

  /** The position after the last received message, from which the server continues; absent at first. */
  get position(): string | undefined {
    return this.#position;
  }

  /** Requests the name `name`, now or once there is a connection. */
  rename(name: string): void {
    this.#name = name;
    if (this.#transport.isOpen && this.#connection !== undefined) this.#introduce();
  }

  /**
   * Sends `text`, now or once there is a connection. Returns undefined, and drops the text, if too many
   * messages wait.
   */
  say(text: string): OutgoingMessage | undefined {
    if (this.#outbox.isFull) return undefined;
    const surroundings = this.#surroundings;
    const message = { messageId: surroundings.newId(), text, date: surroundings.now() };
    remember(this.#ownIds, message.messageId);
    this.#outbox.add(message);
    this.#sendWaiting();
    return message;
  }

  /** Handles a message of the server. */
  receive(data: unknown): void {
    const message = readServerMessage(data);
    if (message !== undefined) this.#receive(message);
  }

  /** Handles the end of the connection. */
  disconnected(): void {
    this.#connection = undefined;
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "id":
        this.#connection = { id: message.id };
        this.#position = message.position ?? this.#position;
        this.#listener.onConnected(message.recovered === true);
        this.#outbox.rewind();
        this.#introduce();
        this.#sendWaiting();
        break;
      case "rejectusername":
        this.#receiveRejection(message.name);
        break;
      case "username":
        this.#receiveName(message);
        break;
      case "userlist":
        this.#listener.onUsers(message.users);
        break;
      case "message":
        this.#receiveText(message);
        break;
      case "lost":
        this.#position = message.position;
        this.#listener.onLost();
        break;
    }
  }

  #receiveRejection(name: string): void {
    const wanted = this.#name;
    this.#name = name;
    this.#listener.onNameRejected(wanted, name);
  }

  #receiveName({ id, name, previous }: UsernameMessage): void {
    if (previous !== undefined) this.#listener.onRenamed(previous, name);
    if (id !== this.#connection?.id) return;
    this.#name = name;
    this.#listener.onNamed(name);
  }

  #receiveText(message: ChatMessage): void {
    const { messageId, position } = message;
    this.#position = position ?? this.#position;
    if (messageId === undefined) {
      this.#listener.onMessage(message, message.id === this.#connection?.id);
      return;
    }
    this.#outbox.settle(messageId);
    if (this.#seenIds.has(messageId)) return;
    remember(this.#seenIds, messageId);
    this.#listener.onMessage(message, this.#ownIds.has(messageId));
  }

  #introduce(): void {
    const request: UsernameRequest = {
      type: "username",
      ...this.#connection,
      name: this.#name,
      date: this.#surroundings.now(),
      session: this.#session,
    };
    this.#transport.send(JSON.stringify(request));
  }

  #sendWaiting(): void {
    while (this.#connection !== undefined && this.#transport.isOpen) {
      const message = this.#outbox.next();
      if (message === undefined) return;
      if (this.#transport.bufferedAmount > MAX_BUFFERED_BYTES) {
        this.#sendWhenBufferEmpties();
        return;
      }
      const request: MessageRequest = { type: "message", ...this.#connection, ...message };
      this.#transport.send(JSON.stringify(request));
      this.#outbox.advance();
      this.#watch(message.messageId);
    }
  }

  /** A connection can be dead for minutes before the browser notices. */
  #watch(messageId: string): void {
    const connection = this.#connection;
    this.#surroundings.after(STALLED_AFTER_MS, () => {
      if (connection === this.#connection && this.#outbox.has(messageId)) {
        this.#listener.onStalled();
      }
    });
  }

  /** A WebSocket does not say when its buffer has emptied, so the client checks at intervals. */
  #sendWhenBufferEmpties(): void {
    if (this.#isWaitingForBuffer) return;
    this.#isWaitingForBuffer = true;
    this.#surroundings.after(BUFFER_CHECK_MS, () => {
      this.#isWaitingForBuffer = false;
      this.#sendWaiting();
    });
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  if (ids.size <= REMEMBERED_IDS) return;
  for (const oldest of ids) {
    ids.delete(oldest);
    return;
  }
}
