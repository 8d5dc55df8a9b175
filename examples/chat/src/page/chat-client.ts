import { readServerMessage } from "./read-server-message.ts";
import { type OutgoingMessage, Outbox } from "./outbox.ts";
import type {
  ChatMessage,
  MessageRequest,
  ServerMessage,
  UsernameMessage,
  UsernameRequest,
} from "../wire/wire.ts";

/** What the chat needs of a WebSocket that opens again by itself. */
export interface ChatSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  addEventListener(type: "close" | "error", listener: () => void): void;
}

/** Is told what happens in the chat. */
export interface ChatListener {
  /** The server knows the user, by this name; on every connection, and after a change of name. */
  onNamed(name: string): void;
  /** The server gave another name than the one `wanted`. */
  onNameRejected(wanted: string, name: string): void;
  /** Somebody, perhaps the user, goes by another name. */
  onRenamed(previous: string, name: string): void;
  onUsers(names: readonly string[]): void;
  onMessage(message: ChatMessage, isOwn: boolean): void;
}

/** The times and the random ids that the chat needs. */
export interface ChatSurroundings {
  now(): number;
  newId(): string;
  /** Calls back once, after about as many milliseconds. */
  after(delayMs: number, callback: () => void): void;
}

const OPEN = 1;

/** With more than this waiting to leave, the next message waits with us instead. */
const MAX_BUFFERED_BYTES = 64 * 1024;
const BUFFER_CHECK_MS = 200;

/** Of so many messages the ids are remembered, to show none of them twice. */
const REMEMBERED_IDS = 2_000;

/**
 * The user's side of the conversation: introduces the user on each new connection, sends what the
 * user says, and once more whatever was lost with a connection. Knows neither the page nor how the
 * connection comes back.
 */
export class ChatClient {
  readonly #socket: ChatSocket;
  readonly #listener: ChatListener;
  readonly #surroundings: ChatSurroundings;
  readonly #outbox = new Outbox();
  readonly #session: string;
  readonly #ownIds = new Set<string>();
  readonly #seenIds = new Set<string>();
  #name: string;
  /** Our id on the present connection; absent until the server has told it. */
  #id: number | undefined;
  #isWaitingForBuffer = false;

  constructor(
    socket: ChatSocket,
    name: string,
    listener: ChatListener,
    surroundings: ChatSurroundings,
  ) {
    this.#socket = socket;
    this.#name = name;
    this.#listener = listener;
    this.#surroundings = surroundings;
    this.#session = surroundings.newId();
    socket.addEventListener("message", ({ data }) => {
      const message = readServerMessage(data);
      if (message !== undefined) this.#receive(message);
    });
    socket.addEventListener("close", () => this.#disconnected());
    socket.addEventListener("error", () => this.#disconnected());
  }

  get name(): string {
    return this.#name;
  }

  /** How many messages wait to be repeated by the server. */
  get pendingCount(): number {
    return this.#outbox.size;
  }

  /** Asks to be called `name`; offline, as soon as there is a connection. */
  rename(name: string): void {
    this.#name = name;
    if (this.#id !== undefined) this.#introduce(this.#id);
  }

  /**
   * Says `text`, now or once there is a connection. Returns nothing, and forgets it, where too
   * many messages wait already.
   */
  say(text: string): OutgoingMessage | undefined {
    if (this.#outbox.isFull) return undefined;
    const { newId, now } = this.#surroundings;
    const message = { messageId: newId(), text, date: now() };
    remember(this.#ownIds, message.messageId);
    this.#outbox.add(message);
    this.#sendWaiting();
    return message;
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "id":
        this.#id = message.id;
        this.#outbox.rewind();
        this.#introduce(message.id);
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
    }
  }

  #receiveRejection(name: string): void {
    const wanted = this.#name;
    this.#name = name;
    this.#listener.onNameRejected(wanted, name);
  }

  #receiveName({ id, name, previous }: UsernameMessage): void {
    if (previous !== undefined) this.#listener.onRenamed(previous, name);
    if (id !== this.#id) return;
    this.#name = name;
    this.#listener.onNamed(name);
  }

  #receiveText(message: ChatMessage): void {
    const { messageId } = message;
    if (messageId === undefined) {
      this.#listener.onMessage(message, message.id === this.#id);
      return;
    }
    this.#outbox.settle(messageId);
    if (this.#seenIds.has(messageId)) return;
    remember(this.#seenIds, messageId);
    this.#listener.onMessage(message, this.#ownIds.has(messageId));
  }

  #disconnected(): void {
    this.#id = undefined;
  }

  #introduce(id: number): void {
    const request: UsernameRequest = {
      type: "username",
      id,
      name: this.#name,
      date: this.#surroundings.now(),
      session: this.#session,
    };
    this.#socket.send(JSON.stringify(request));
  }

  #sendWaiting(): void {
    for (;;) {
      const id = this.#id;
      const message = this.#outbox.next();
      if (id === undefined || this.#socket.readyState !== OPEN || message === undefined) return;
      if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
        this.#sendWhenBufferEmpties();
        return;
      }
      const request: MessageRequest = { type: "message", id, ...message };
      this.#socket.send(JSON.stringify(request));
      this.#outbox.advance();
    }
  }

  /** A WebSocket does not say when its buffer has emptied, so it is asked now and then. */
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
