/**
 * The chat's wire protocol: each frame is a text message that holds one of these as JSON. Fields
 * marked optional are this chat's additions; a client or a server may leave them out and ignore
 * them.
 */

/** The subprotocol that stands for "JSON text messages" (RFC 6455 1.9). */
export const SUBPROTOCOL = "json";

/** The most characters (Unicode code points) a name has; the rest is cut off. */
export const MAX_NAME_CHARS = 32;

/** The most characters (UTF-16 code units) the text of one message has. */
export const MAX_TEXT_CHARS = 8_000;

/** The most characters of a `messageId` and of a `session`. */
export const MAX_ID_CHARS = 64;

/** The most characters of the name of a room. */
export const MAX_ROOM_CHARS = 64;

/** The room of those who name none. */
export const DEFAULT_ROOM = "lobby";

/** Server to a new client: the id of this connection. Always the first message. */
export interface IdMessage {
  readonly type: "id";
  readonly id: number;
  /** Every message of the room after this position follows. */
  readonly position?: string;
  /** Whether that is the position given as `since`; absent where none was given. */
  readonly recovered?: boolean;
}

/** What a client may say of any message; this server goes by its own connections and clock. */
interface Claims {
  readonly id?: number;
  readonly date?: number;
}

/** Client to server: call me so. An empty or missing name asks the server to find one. */
export interface UsernameRequest extends Claims {
  readonly type: "username";
  readonly name?: string;
  /**
   * A secret of this client, the same on each of its connections: whoever shows it again takes the
   * place of the earlier connection, should the server not have noticed yet that this one is dead.
   */
  readonly session?: string;
}

/** Server to all: somebody has come, or goes by another name now. */
export interface UsernameMessage {
  readonly type: "username";
  readonly id: number;
  readonly name: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly date: number;
  /** The name this one takes the place of. */
  readonly previous?: string;
}

/** Server to one: the name you asked for is taken or not possible; you are called `name`. */
export interface RejectUsernameMessage {
  readonly type: "rejectusername";
  readonly id: number;
  readonly name: string;
}

/** Server to all, whenever it has changed: the names of those present. */
export interface UserListMessage {
  readonly type: "userlist";
  readonly users: readonly string[];
}

/** Client to server: say this to all. */
export interface MessageRequest extends Claims {
  readonly type: "message";
  readonly text: string;
  /** Chosen by the client; a message that is sent twice with the same id is shown once. */
  readonly messageId?: string;
}

/** Server to all, the sender too: somebody has said something. */
export interface ChatMessage {
  readonly type: "message";
  readonly id: number;
  readonly name: string;
  readonly text: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly date: number;
  /** The sender's, or one that the server has given; the same for all, and each time it is sent. */
  readonly messageId?: string;
  /** To be given as `since` by a client that comes back, to go on from here. */
  readonly position?: string;
}

/** Server to one, in the rare case: messages are missing here. All after `position` follow. */
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
