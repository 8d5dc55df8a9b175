import {
  constants,
  performServerHandshake,
  type Http2Stream,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { Socket } from "node:net";
import type { WheelTimer } from "../../connection/timer-wheel.ts";
import { MAX_HEADER_BYTES, MAX_HEADER_COUNT } from "../requests/request-target.ts";
import { inNextTurn, wheel } from "../environment/timers.ts";
import { unwatchStuckStreams, watchStuckStreams } from "./close-stream.ts";
import type { IncomingStream } from "./incoming-stream.ts";

/** How long a client may take to close its side of a connection that this side has closed. */
const LINGER_MS = 2000;

const OPTIONS: ServerOptions = {
  settings: {
    // RFC 8441 3: only now may a client ask for WebSockets.
    enableConnectProtocol: true,
    enablePush: false,
    // More than the 255 WebSockets that a browser opens to one host, so that they never wait for each other.
    maxConcurrentStreams: 256,
    // The number of bytes that a client may send to a WebSocket that is not read. This limits the memory that
    // they use.
    initialWindowSize: 65_535,
    maxHeaderListSize: MAX_HEADER_BYTES,
  },
  // Pseudo-header fields, and each part of a split cookie, count as fields. With more fields, the stream is
  // reset.
  maxHeaderListPairs: MAX_HEADER_COUNT + 100,
};

/**
 * The limit for the number of cancelled requests minus the number of answered requests of a client
 * (CVE-2023-44487). The work of a cancelled request continues, and no other limit applies to the number of
 * cancelled requests. The limit of nghttp2 for resets is the same, but a client can cancel without a reset.
 */
const MAX_ABANDONED = 1000;

/**
 * The receive window that all streams of a connection share. Node.js reopens it as bytes arrive, even if no
 * stream reads them, so a paused stream does not delay the others. It limits the bytes of one round trip, not
 * the bytes in memory.
 */
const CONNECTION_WINDOW_BYTES = 1_048_576;

/**
 * One HTTP/2 connection. It is closed if its client sends no requests, and dropped if its client has
 * disappeared. After a protocol error, nghttp2 sends GOAWAY and ignores the client, but Node.js keeps the
 * connection and its streams. Such a connection is dropped too.
 */
export class Http2Connection {
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #handshakeTimeoutMs: number;
  readonly #onStream: (incoming: IncomingStream) => void;
  /** The current timeout. There is always exactly one. */
  #timer: WheelTimer | undefined;
  #openStreams = 0;
  #abandoned = 0;
  #bytesRead = 0;
  /** Closed streams with a reset that cannot be sent, because the client reads nothing. */
  readonly #stuckStreams = new Set<Http2Stream>();

  /**
   * The first request must arrive within `handshakeTimeoutMs`. After three times that time without bytes from
   * the client, the client must answer a ping within `handshakeTimeoutMs`. After six times that time without
   * an open request, the connection is closed. A client that reads nothing is dropped two seconds after this
   * side has closed all its streams. While other streams are open, it is dropped if it does not answer a
   * ping.
   */
  constructor(
    socket: Socket,
    handshakeTimeoutMs: number,
    onStream: (incoming: IncomingStream) => void,
  ) {
    this.#socket = socket;
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#onStream = onStream;
    this.#session = performServerHandshake(socket, OPTIONS);
    this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    watchStuckStreams(this.#session, (stream) => this.#onStuck(stream));
    this.#wait(handshakeTimeoutMs, () => this.close());
    // A protocol error of the client closes the connection and its streams. The streams report it.
    this.#session.on("error", ignoreError);
    this.#session.on("stream", this.#receive);
    socket.on("error", ignoreError);
    // The session may end long before the socket, if the client does not close its side.
    socket.once("close", this.#onSocketClosed);
  }

  /** Sends GOAWAY (RFC 9113 6.8): refuses new streams, and ends when no stream is open. */
  close(): void {
    this.#session.close();
    if (this.#openStreams === 0) this.#linger();
  }

  /** Drops the connection with all its streams. Call it in a separate turn of the event loop. */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /**
   * Detaches from the session. If its settings were never acknowledged, Node.js keeps the session as long as its
   * native part. The stack of the error that ended the session keeps that part, and the socket keeps the error.
   * If the session referred to the socket, none of the three could be collected.
   */
  readonly #onSocketClosed = (): void => {
    this.#timer?.cancel();
    this.#session.off("stream", this.#receive);
    unwatchStuckStreams(this.#session);
  };

  readonly #receive = (
    stream: ServerHttp2Stream,
    headers: IncomingStream["headers"],
    _flags: number,
    rawHeaders: string[],
  ): void => {
    // Until the stream is answered, this is its only error listener.
    stream.on("error", ignoreError);
    if (stream.destroyed) {
      this.#countAbandoned();
      return;
    }
    if (++this.#openStreams === 1) this.#awaitBytes();
    stream.once("close", () => this.#onStreamClosed(stream));
    // Node.js may emit a request after it has read the reset of that request.
    if (!stream.closed) this.#onStream({ stream, headers, rawHeaders, socket: this.#socket });
  };

  #onStreamClosed(stream: ServerHttp2Stream): void {
    this.#openStreams--;
    this.#stuckStreams.delete(stream);
    if (!isAnswered(stream)) this.#countAbandoned();
    else if (this.#abandoned > 0) this.#abandoned--;
    if (this.#session.destroyed) return;
    if (this.#openStreams > 0) {
      if (this.#isStuck) inNextTurn(() => this.#dropIfStuck());
      return;
    }
    if (this.#session.closed) this.#linger();
    else this.#wait(6 * this.#handshakeTimeoutMs, () => this.close());
  }

  #countAbandoned(): void {
    if (++this.#abandoned === MAX_ABANDONED) inNextTurn(() => this.#dropAbusiveClient());
  }

  #onStuck(stream: Http2Stream): void {
    this.#stuckStreams.add(stream);
    this.#dropIfStuck();
  }

  #dropIfStuck(): void {
    if (this.#isStuck) this.destroy();
  }

  /** Whether all remaining streams are stuck. */
  get #isStuck(): boolean {
    return this.#openStreams > 0 && this.#openStreams === this.#stuckStreams.size;
  }

  /** Drops a client that cancels too many requests (RFC 9113 7). */
  #dropAbusiveClient(): void {
    const error = new Error(`${MAX_ABANDONED} requests were cancelled`);
    this.#session.destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#linger();
  }

  /** While streams are open, checks that the peer is alive and reads. */
  #awaitBytes(): void {
    this.#bytesRead = this.#socket.bytesRead;
    this.#wait(3 * this.#handshakeTimeoutMs, () => {
      if (this.#hasRead() && this.#stuckStreams.size === 0) this.#awaitBytes();
      else this.#ping();
    });
  }

  #ping(): void {
    let isPingAnswered = false;
    this.#session.ping((error) => (isPingAnswered = error === null));
    this.#wait(this.#handshakeTimeoutMs, () => {
      // A client may send and still read nothing.
      const isAlive = this.#stuckStreams.size === 0 ? this.#hasRead() : isPingAnswered;
      if (isAlive) this.#awaitBytes();
      else this.destroy();
    });
  }

  #hasRead(): boolean {
    return this.#socket.bytesRead > this.#bytesRead;
  }

  #linger(): void {
    this.#wait(LINGER_MS, () => this.destroy());
  }

  #wait(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = wheel.start(delayMs, () => {
      if (this.#session.destroyed) this.#socket.destroy();
      else callback();
    });
  }
}

/**
 * Whether the client received the answer. For a status below 400, the head is enough. A refusal counts only
 * if all of it was sent.
 */
function isAnswered(stream: ServerHttp2Stream): boolean {
  if (!stream.headersSent) return false;
  return stream.writableFinished || Number(stream.sentHeaders?.[":status"]) < 400;
}

function ignoreError(): void {}
