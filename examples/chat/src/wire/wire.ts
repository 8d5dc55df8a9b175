/**
 * The chat's wire protocol: each frame is a text message with one of these types as JSON. Optional fields
 * are additions of this chat; a client or server may omit and ignore them.
 */

/** The subprotocol that stands for "JSON text messages" (RFC 6455 1.9). */
export const SUBPROTOCOL = "json";

/** The maximum length of a name in Unicode code points. The server cuts a longer name. */
export const MAX_NAME_CHARS = 32;

/** The maximum length of the text of one message in UTF-16 code units. */
export const MAX_TEXT_CHARS = 8_000;

/** The maximum length of a `messageId` and of a `session`. */
export const MAX_ID_CHARS = 64;

/** The maximum length of the name of a room. */
export const MAX_ROOM_CHARS = 64;

/** The room of clients that name none. */
export const DEFAULT_ROOM = "lobby";

/** Server to a new client: the id of this connection. Always the first message. */
export interface IdMessage {
  readonly type: "id";
  readonly id: number;
  /** Every message of the room after this position follows. */
  readonly position?: string;
  /** Whether `position` is the `since` of the client; absent if the client gave none. */
  readonly recovered?: boolean;
}

/** Fields that a client may add to any message. This server ignores them and uses its own ids and clock. */
interface Claims {
  readonly id?: number;
  readonly date?: number;
}

/** Client to server: requests a name. For an empty or missing name the server chooses one. */
export interface UsernameRequest extends Claims {
  readonly type: "username";
  readonly name?: string;
  /**
   * A secret of this client, the same on each of its connections. A new connection with the same secret
   * replaces the earlier connection, even if the server has not yet noticed that it is dead.
   */
  readonly session?: string;
}

/** Server to all: a user has joined, or has changed its name. */
export interface UsernameMessage {
  readonly type: "username";
  readonly id: number;
  readonly name: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly date: number;
  /** The name before the change. */
  readonly previous?: string;
}

/** Server to one client: the requested name is taken or not valid; the client has the name `name`. */
export interface RejectUsernameMessage {
  readonly type: "rejectusername";
  readonly id: number;
  readonly name: string;
}

/** Server to all, after each change: the names of all users. */
export interface UserListMessage {
  readonly type: "userlist";
  readonly users: readonly string[];
}

/** Client to server: a message to all. */
export interface MessageRequest extends Claims {
  readonly type: "message";
  readonly text: string;
  /** Chosen by the client; a message that is sent twice with the same id is shown once. */
  readonly messageId?: string;
}

/** Server to all, including the sender: a message of a user. */
export interface ChatMessage {
  readonly type: "message";
  readonly id: number;
  readonly name: string;
  readonly text: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly date: number;
  /**
   * The sender's id, or an id from the server; the same for all clients and each time the message is sent.
   */
  readonly messageId?: string;
  /** A client that reconnects passes it as `since` to continue after this message. */
  readonly position?: string;
}

/** Server to one client, rarely: messages are missing here. All messages after `position` follow. */
export interface LostMessage {
  readonly type: "lost";
  readonly position: string;
}

export type ClientMessage = UsernameRequest | MessageRequest;

export type ServerMessage =
  | IdMessage
  | UsernameMessage
  | RejectUsernameMessage
  | UserListMessage
  | ChatMessage
  | LostMessage;
