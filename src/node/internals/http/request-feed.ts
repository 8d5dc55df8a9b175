import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import { ByteAccumulator } from "../../requests/byte-accumulator.ts";
import type { RequestLimiter } from "../../http/request-limiter.ts";
import { MAX_UNANSWERED, RequestQueue } from "../../http/request-queue.ts";

/** The maximum number of bytes of further requests to buffer while earlier requests are unanswered. */
const MAX_BUFFERED_BYTES = 65_536;

/** Ends the head of a request; `node:http` accepts no other line ends (RFC 9112 2.2). */
const EMPTY_LINE = "\r\n\r\n";

/** The 'data' listener with which `node:http` parses the bytes of a socket. */
type Parse = (this: Duplex, bytes: Uint8Array) => void;

/** The 'end' listener of `node:http`. It drops all unsent responses, and ends the socket. */
type End = (this: Duplex) => void;

/** A socket of `node:http`. */
interface HttpSocket extends Duplex {
  /** Whether `node:http` has paused the socket, because of unsent responses. Its parser then throws for each chunk. */
  readonly _paused?: boolean;
}

const fed = new WeakSet<Duplex>();

/** Limits the unanswered requests of each connection to `MAX_UNANSWERED`. */
export const requestFeed: RequestLimiter = {
  limit(httpServer) {
    const event = httpServer instanceof TlsServer ? "secureConnection" : "connection";
    // Registered after the HTTP server's own listener, which must have begun to read.
    httpServer.on(event, feedRequests);
    return () => httpServer.off(event, feedRequests);
  },
};

/**
 * Replaces the 'data' listener of `node:http` with a feed. The parser of `node:http` emits all requests of a
 * chunk at once, up to 2,600 requests. The feed passes only as many requests to the parser as the queue has
 * room for. Does nothing unless the socket has exactly one 'data' listener.
 */
function feedRequests(socket: Duplex): void {
  const [parse, ...others] = socket.listeners("data");
  if (parse === undefined || others.length > 0 || fed.has(socket)) return;
  const end = socket.listeners("end").findLast(({ name }) => name === "bound socketOnEnd");
  if (end === undefined) return;
  fed.add(socket);
  const feed = new RequestFeed(socket, RequestQueue.of(socket), parse as Parse, end as End);
  // For an upgrade, `node:http` removes its own listeners. Because of the property `listener`, it removes the
  // feed's listeners instead.
  const listener = Object.assign((chunk: Buffer) => feed.receive(chunk), { listener: parse });
  const endListener = Object.assign(() => feed.receiveEnd(), { listener: end });
  // After that, Node.js removes its 'end' listener, for which it reliably emits 'removeListener'.
  const onRemoved = (event: string): void => {
    if (event !== "end" || socket.rawListeners("data").includes(listener)) return;
    socket.off("removeListener", onRemoved);
    fed.delete(socket);
    feed.release();
  };
  socket.off("data", parse as Parse);
  socket.on("data", listener);
  socket.off("end", end as End);
  socket.on("end", endListener);
  socket.on("removeListener", onRemoved);
}

/** Passes the bytes of one connection to the parser of `node:http`, a few requests at a time. */
class RequestFeed {
  readonly #socket: HttpSocket;
  readonly #queue: RequestQueue;
  readonly #parse: Parse;
  readonly #end: End;
  readonly #wasHalfOpen: boolean;
  /** The bytes that were not passed to the parser yet. */
  #buffered = new ByteAccumulator();
  /**
   * The chunk that is being parsed. `#position` is the number of its bytes that were passed to the parser.
   */
  #chunk: Uint8Array | undefined;
  #position = 0;
  /** The last bytes that were passed to the parser, if they may be the beginning of an empty line. */
  #tail = "";
  /** The number of bytes that are missing from the body of the latest request, `#bodyOf`. */
  #bodyBytes = NaN;
  #bodyOf: unknown;
  #isReading = true;
  #isScheduled = false;
  #isReleased = false;
  /** Whether the client has ended its side, and `node:http` does not know yet. */
  #hasEnded = false;

  constructor(socket: Duplex, queue: RequestQueue, parse: Parse, end: End) {
    this.#socket = socket;
    this.#queue = queue;
    this.#parse = parse;
    this.#end = end;
    // Otherwise, a socket of TLS would end its own side, and lose the responses to send.
    this.#wasHalfOpen = socket.allowHalfOpen;
    socket.allowHalfOpen = true;
    queue.onAnswered(() => {
      if (this.#buffered.length > 0 || this.#hasEnded) this.#schedule();
    });
    socket.on("resume", this.#onResume);
    socket.on("close", this.#drop);
  }

  receive(chunk: Uint8Array): void {
    if (this.#buffered.length === 0) this.#feed(chunk);
    else this.#append(chunk);
  }

  /** Waits with the end of the client's side until the requests before it are answered. */
  receiveEnd(): void {
    this.#hasEnded = true;
    this.#tryEnd();
  }

  /** Returns all unparsed bytes to the socket, or its end. */
  release(): void {
    this.#isReleased = true;
    const socket = this.#socket;
    socket.off("resume", this.#onResume);
    socket.off("close", this.#drop);
    socket.allowHalfOpen = this.#wasHalfOpen;
    const rest = this.#chunk?.subarray(this.#position) ?? this.#buffered.take();
    // The new owner cannot read further bytes of a socket that has ended.
    if (this.#hasEnded) setImmediate(() => socket.destroy());
    else if (rest.length > 0) socket.unshift(rest);
  }

  #feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#position = 0;
    // After `MAX_UNANSWERED` requests the feed yields to the event loop.
    let left = MAX_UNANSWERED;
    while (this.#position < chunk.length && this.#canParse()) {
      const start = this.#position;
      const { received } = this.#queue;
      this.#position = this.#nextEnd(chunk, start, left);
      if (this.#position === start) break;
      const isWhole = start === 0 && this.#position === chunk.length;
      this.#parse.call(this.#socket, isWhole ? chunk : chunk.subarray(start, this.#position));
      left -= this.#queue.received - received;
    }
    this.#chunk = undefined;
    if (this.#isOver || this.#position === chunk.length) return;
    this.#append(chunk.subarray(this.#position));
    if (left > 0) return;
    // The requests must be parsed before the end of the connection is read.
    this.#pause();
    this.#schedule();
  }

  /** Returns the position up to which to parse; `start` if the queue has no room for another request. */
  #nextEnd(chunk: Uint8Array, start: number, left: number): number {
    const room = Math.min(left, MAX_UNANSWERED - this.#queue.length);
    if (room > 0) return this.#endOfHeads(chunk, start, room);
    const { latest } = this.#queue;
    if (left <= 0 || latest === undefined || latest.req.complete) return start;
    // The bytes that were parsed so far end with the head of this request, so its body follows.
    if (this.#bodyOf !== latest) {
      this.#bodyOf = latest;
      this.#bodyBytes = Number(latest.req.headers["content-length"]);
    }
    // A chunked body ends with an empty line.
    if (Number.isNaN(this.#bodyBytes)) return this.#endOfHeads(chunk, start, 1);
    const end = Math.min(chunk.length, start + this.#bodyBytes);
    this.#bodyBytes -= end - start;
    this.#tail = "";
    return end;
  }

  /** Returns the end of the `count`-th empty line after `start`, or the end of the chunk. */
  #endOfHeads(chunk: Uint8Array, start: number, count: number): number {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let end = start;
    let found = 0;
    if (this.#tail !== "") {
      // An empty line may be split between two chunks.
      const at = (this.#tail + bytes.toString("latin1", start, start + 3)).indexOf(EMPTY_LINE);
      if (at >= 0) end += at + EMPTY_LINE.length - this.#tail.length;
      if (at >= 0) found++;
    }
    for (; found < count; found++) {
      const at = bytes.indexOf(EMPTY_LINE, end, "latin1");
      if (at < 0) {
        const last = bytes.toString("latin1", Math.max(end, bytes.length - 3));
        this.#tail = ((end === start ? this.#tail : "") + last).slice(-3);
        return bytes.length;
      }
      end = at + EMPTY_LINE.length;
    }
    this.#tail = "";
    return end;
  }

  /**
   * Returns false while `node:http` pauses the socket, because a handler does not read its request or the
   * client does not read its response.
   */
  #canParse(): boolean {
    const socket = this.#socket;
    return !this.#isOver && !socket.destroyed && !socket.isPaused() && socket._paused !== true;
  }

  /** Whether no further request may be parsed: the socket has another owner, or this side of it has ended. */
  get #isOver(): boolean {
    return this.#isReleased || this.#socket.writableEnded;
  }

  /** Whether the socket still passes its bytes to the feed. */
  get #isAttached(): boolean {
    return this.#socket.listeners("data").includes(this.#parse);
  }

  /**
   * Keeps unparsed bytes. The socket is read further, up to a limit, to detect that the client has
   * disconnected.
   */
  #append(bytes: Uint8Array): void {
    if (this.#buffered.length === 0) this.#buffered = new ByteAccumulator(bytes);
    else this.#buffered.append(bytes);
    if (this.#buffered.length >= MAX_BUFFERED_BYTES) this.#pause();
  }

  #pause(): void {
    if (this.#socket.isPaused()) return;
    this.#isReading = false;
    this.#socket.pause();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#hasEnded) this.#tryEnd();
      else this.#feedBuffered();
    });
  }

  /**
   * Passes the end of the client's side to `node:http` when no request is left to parse, and no response to
   * send. A handler that has not returned by then does not hold it up, because its client may have gone.
   */
  #tryEnd(): void {
    const { length } = this.#buffered;
    this.#feedBuffered();
    if (this.#isReleased) return;
    // The handlers of the new requests may return before the next turn.
    if (this.#buffered.length < length) this.#schedule();
    else if (this.#queue.current?.writableEnded !== true) {
      this.#drop();
      this.#end.call(this.#socket);
    }
  }

  #feedBuffered(): void {
    if (this.#isOver || this.#buffered.length === 0) return;
    if (!this.#isAttached) return this.#drop();
    if (!this.#isReading) {
      this.#isReading = true;
      this.#socket.resume();
    }
    this.#feed(this.#buffered.take());
  }

  readonly #onResume = (): void => {
    // `node:http` has a listener that does the same, but removes it when the feed adds its 'data' listener.
    if (this.#socket._paused === true && this.#isAttached) this.#socket.pause();
    // The socket may have been paused again before this event.
    if (this.#buffered.length === 0 || this.#socket.isPaused()) return;
    this.#isReading = true;
    this.#feedBuffered();
  };

  readonly #drop = (): void => {
    this.#hasEnded = false;
    this.#buffered.take();
  };
}
