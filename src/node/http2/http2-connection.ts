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
    // Above the 255 WebSockets that a browser opens to one host, so that none has to wait for another.
    maxConcurrentStreams: 256,
    // What a peer may have on its way to a socket that is not being read, and so what each may pin.
    initialWindowSize: 65_535,
    maxHeaderListSize: MAX_HEADER_BYTES,
  },
  // A cookie may come in crumbs, and pseudo-header fields count too; what is beyond resets the stream.
  maxHeaderListPairs: MAX_HEADER_COUNT + 100,
};

/**
 * How many requests more than those that it waits for a client may take back before they are answered
 * (CVE-2023-44487): what they have set off goes on, and nothing else bounds how many there are of
 * them. As many as nghttp2 lets a client reset at once; not all ways to take back are resets.
 */
const MAX_ABANDONED = 1000;

/**
 * What all streams of a connection may have on their way together. Node gives this window back as
 * bytes come, whoever reads them, so that a stream that is paused takes nothing from the others; it
 * says how much is sent in one round trip, and not how much is held.
 */
const CONNECTION_WINDOW_BYTES = 1_048_576;

/**
 * One connection that has agreed on HTTP/2. A client that asks for nothing is let go, and one that is
 * gone is found out: also one that has broken the protocol, to whom nghttp2 says GOAWAY and listens
 * no more, but whose connection and streams Node goes on holding.
 */
export class Http2Connection {
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #handshakeTimeoutMs: number;
  readonly #onStream: (incoming: IncomingStream) => void;
  /** There is always one thing to wait for. */
  #timer: WheelTimer | undefined;
  #openStreams = 0;
  #abandoned = 0;
  #bytesRead = 0;
  /** Closed streams whose reset cannot be sent, because the client reads nothing. */
  readonly #stuckStreams = new Set<Http2Stream>();

  /**
   * The first request has to come within `handshakeTimeoutMs`, and so has the answer to a ping after
   * three times as long a silence. After six times as long without a request the connection is closed.
   * A client that reads nothing is dropped two seconds after this side has closed all its streams. While
   * other streams are open, it is dropped when it does not answer a ping.
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
    // What a peer does wrong ends its connection, and with it the streams, which tell of it.
    this.#session.on("error", ignoreError);
    this.#session.on("stream", this.#receive);
    socket.on("error", ignoreError);
    // The session may end long before, where the peer does not close its side.
    socket.once("close", this.#onSocketClosed);
  }

  /** Says GOAWAY (RFC 9113 6.8): no more streams; ends once there are none, which may be at once. */
  close(): void {
    this.#session.close();
    if (this.#openStreams === 0) this.#linger();
  }

  /** Drops all streams, and the connection with them. To be called in a turn of its own. */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /**
   * Lets go of the session. Node keeps a session whose settings were never acknowledged for as long as
   * its native part lives, and the stack of the error that ended it keeps that part. If the session
   * led back to the socket, which keeps the error, none of them could ever be collected.
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
    // Nobody else hears of the errors of a stream before it is answered.
    stream.on("error", ignoreError);
    if (stream.destroyed) {
      this.#countAbandoned();
      return;
    }
    if (++this.#openStreams === 1) this.#awaitBytes();
    stream.once("close", () => this.#onStreamClosed(stream));
    // Node may emit a request after it has read the request's reset.
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
    if (++this.#abandoned === MAX_ABANDONED) inNextTurn(() => this.#calm());
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

  /** Ends the connection of a client that asks for too much (RFC 9113 7). */
  #calm(): void {
    const error = new Error(`${MAX_ABANDONED} requests were taken back`);
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

/** Whether the client received the answer. A refusal is short, so it must have been sent whole. */
function isAnswered(stream: ServerHttp2Stream): boolean {
  if (!stream.headersSent) return false;
  return stream.writableFinished || Number(stream.sentHeaders?.[":status"]) < 400;
}

function ignoreError(): void {}
