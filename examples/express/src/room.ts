import { prepare, type Socket } from "tideway/server";

/** The user and the session of a socket. */
export interface Member {
  readonly user: string;
  readonly sessionId: string;
}

/** A message to the page. */
export type RoomMessage =
  | { readonly type: "users"; readonly users: readonly string[] }
  | { readonly type: "message"; readonly user: string; readonly text: string };

/** In the range of an application (RFC 6455 7.4.2). The page does not reconnect after it. */
const LOGGED_OUT = 4001;

/** The sockets of all users who are logged in. */
export class Room {
  readonly #members = new Map<Socket, Member>();

  enter(socket: Socket, member: Member): void {
    this.#members.set(socket, member);
    this.#sendUsers();
  }

  leave(socket: Socket): void {
    if (this.#members.delete(socket)) this.#sendUsers();
  }

  say(user: string, text: string): void {
    if (text.trim() !== "") this.#send({ type: "message", user, text });
  }

  /** Closes the sockets of a session, in all windows of the browser. */
  closeSession(id: string): void {
    for (const [socket, { sessionId }] of this.#members) {
      if (sessionId === id) socket.close(LOGGED_OUT, "logged out");
    }
  }

  #sendUsers(): void {
    const users = new Set(Array.from(this.#members.values(), ({ user }) => user));
    this.#send({ type: "users", users: [...users].toSorted() });
  }

  #send(message: RoomMessage): void {
    // Encoded and framed once for all sockets.
    const prepared = prepare(JSON.stringify(message));
    for (const socket of this.#members.keys()) socket.send(prepared);
  }
}
