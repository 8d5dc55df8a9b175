import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** The maximum number of unanswered requests of one connection. */
export const MAX_UNANSWERED = 16;

const queues = new WeakMap<Duplex, RequestQueue>();

/** The unanswered requests of one HTTP/1.1 connection, in the order in which they arrived. */
export class RequestQueue {
  readonly #responses: ServerResponse[] = [];
  #received = 0;
  /** The latest request with a response, if its body has not arrived. */
  #unfinished: IncomingMessage | undefined;
  #onAnswered: () => void = () => {};

  static of(socket: Duplex): RequestQueue {
    let queue = queues.get(socket);
    if (queue === undefined) {
      queue = new RequestQueue(socket);
      queues.set(socket, queue);
    }
    return queue;
  }

  private constructor(socket: Duplex) {
    socket.once("close", () => this.#close());
  }

  get length(): number {
    return this.#responses.length;
  }

  /** The number of requests that have arrived on the connection so far. */
  get received(): number {
    return this.#received;
  }

  /** Whether the bytes of the client belong to the body of a request that has its response. */
  get isInAnsweredBody(): boolean {
    return this.length === 0 && this.#unfinished?.complete === false;
  }

  /** The response to the oldest unanswered request, which is sent before the others. */
  get current(): ServerResponse | undefined {
    return this.#responses[0];
  }

  /** The response to the latest unanswered request. */
  get latest(): ServerResponse | undefined {
    return this.#responses.at(-1);
  }

  /** Counts the request of `response` until the response has been sent or the connection is closed. */
  add(response: ServerResponse): void {
    // Several applications may be attached to one HTTP server.
    if (this.latest === response) return;
    this.#received++;
    this.#responses.push(response);
    response.once("close", () => this.#remove(response));
  }

  /** Resolves when all earlier responses have been sent; undefined if that has already happened. */
  whenTurn(response: ServerResponse): Promise<void> | undefined {
    const earlier = this.#before(response);
    if (earlier === undefined) return undefined;
    return new Promise((resolve) => {
      earlier.once("close", resolve);
      response.once("close", resolve);
    });
  }

  /** Calls `listener` when all earlier responses have been sent; at once if that has already happened. */
  onTurn(response: ServerResponse, listener: () => void): void {
    const earlier = this.#before(response);
    if (earlier === undefined) listener();
    else earlier.once("close", listener);
  }

  /** The response that is sent before `response`. */
  #before(response: ServerResponse): ServerResponse | undefined {
    return this.#responses[this.#responses.indexOf(response) - 1];
  }

  /** Calls `listener` after each response. */
  onAnswered(listener: () => void): void {
    this.#onAnswered = listener;
  }

  #remove(response: ServerResponse): void {
    const index = this.#responses.indexOf(response);
    if (index >= 0) this.#responses.splice(index, 1);
    const { req } = response;
    this.#unfinished = req.complete ? undefined : req;
    this.#onAnswered();
  }

  /** Node.js 20 and 22 emit 'close' only for the oldest unsent response. */
  #close(): void {
    for (const response of this.#responses.filter(({ socket }) => socket === null)) {
      response.destroy();
      response.emit("close");
    }
  }
}
