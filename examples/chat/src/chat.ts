import { setTimeout as delay } from "node:timers/promises";
import { prepare, type Socket } from "tideway/server";
import { Pace } from "./pace.ts";
import { readClientMessage } from "./read-message.ts";
import { type Outcome, Room } from "./room.ts";
import { type ServerMessage } from "./wire/wire.ts";

/**
 * How many characters one connection may send: nobody types as fast as this, and nobody else has to
 * swallow more. Even an empty message counts for something.
 */
const PACE = { burst: 256 * 1024, perSecond: 32 * 1024 };
const MIN_COST = 256;

/** The chat over its sockets: what the room decides is sent to those whom it concerns. */
export class Chat {
  readonly #room: Room;
  /** The sockets by the id that the room gave them. */
  readonly #sockets = new Map<number, Socket>();
  #isListDue = false;

  constructor(room: Room = new Room()) {
    this.#room = room;
  }

  /** Serves one connection until it ends. */
  async serve(socket: Socket): Promise<void> {
    const hello = this.#room.enter();
    this.#sockets.set(hello.id, socket);
    send(socket, hello);
    try {
      await this.#listen(socket, hello.id);
    } finally {
      this.#sockets.delete(hello.id);
      this.#carryOut(this.#room.leave(hello.id));
    }
  }

  async #listen(socket: Socket, id: number): Promise<void> {
    const pace = new Pace(PACE);
    for await (const frame of socket) {
      const outcome = readClientMessage(frame);
      if (outcome.kind === "refuse") {
        socket.close(outcome.refusal.code, outcome.refusal.reason);
        return;
      }
      if (outcome.kind === "message") this.#carryOut(this.#room.receive(id, outcome.message));

      // Whoever is too fast has to wait: until we go on reading, its messages pile up with it.
      const waitMs = pace.spend(Math.max(MIN_COST, frame.length));
      if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
    }
  }

  #carryOut({ deliveries, replaced, usersChanged }: Outcome): void {
    if (replaced !== undefined) this.#sockets.get(replaced)?.terminate();
    for (const { to, message } of deliveries) {
      if (to === "all") this.#sendToAll(message);
      else {
        const socket = this.#sockets.get(to);
        if (socket !== undefined) send(socket, message);
      }
    }
    if (usersChanged) this.#sendListSoon();
  }

  /** Once for all who come or go in the same turn: after a restart that may be everybody. */
  #sendListSoon(): void {
    if (this.#isListDue) return;
    this.#isListDue = true;
    setImmediate(() => {
      this.#isListDue = false;
      this.#sendToAll(this.#room.userList());
    });
  }

  #sendToAll(message: ServerMessage): void {
    const prepared = prepare(JSON.stringify(message));
    for (const socket of this.#sockets.values()) socket.send(prepared);
  }
}

function send(socket: Socket, message: ServerMessage): void {
  socket.send(JSON.stringify(message));
}
