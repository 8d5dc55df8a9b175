import type { CloseInfo, ConnectionHandler, FrameConnection } from "../../connection/connection.ts";
import type { ProtocolError } from "../../errors/index.ts";
import { toPublicError } from "../messages/errors.ts";
import { type BinaryType, NO_BYTES, toBinaryType } from "../messages/message-data.ts";
import { markClean } from "./clean-closes.ts";

/** The part of a WebSocket that receives the events of its connection. */
export interface EventReceiver {
  emit(event: string, ...values: unknown[]): boolean;
  pong(payload: Uint8Array): void;
}

/** Emits the events of a connection on its WebSocket. */
export class SocketEvents implements ConnectionHandler {
  /** The method `pong` of the class. The connection answers pings itself unless `pong` was replaced. */
  static originalPong: unknown;
  readonly connection: FrameConnection;
  readonly #webSocket: EventReceiver;
  #binaryType: BinaryType = "nodebuffer";
  /** Whether the application has paused the WebSocket. */
  isPaused = false;
  hasFailed = false;

  constructor(webSocket: EventReceiver, connection: FrameConnection, binaryType: BinaryType) {
    this.#webSocket = webSocket;
    this.connection = connection;
    if (binaryType !== "nodebuffer") this.binaryType = binaryType;
  }

  set binaryType(value: BinaryType) {
    this.#binaryType = value;
    this.connection.keepsFragments = value === "fragments";
  }

  pause(): void {
    this.isPaused = true;
    this.connection.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.connection.resume();
  }

  onText(): void {}

  onTextBytes(bytes: Uint8Array): void {
    this.emit("message", bytes, false);
  }

  onBinary(bytes: Uint8Array): void {
    const type = this.#binaryType;
    this.emit("message", type === "nodebuffer" ? bytes : toBinaryType(bytes, type), true);
  }

  onFragments(fragments: Uint8Array[]): void {
    this.emit("message", fragments, true);
  }

  /**
   * Whether the connection answers a ping. Some applications replace `pong` to answer pings differently, or not
   * at all.
   */
  answersPing(payload: Uint8Array): boolean {
    if (this.#webSocket.pong === SocketEvents.originalPong) return true;
    try {
      this.#webSocket.pong(payload);
    } catch (error) {
      process.nextTick(rethrow, error);
    }
    return false;
  }

  onPing(payload: Uint8Array): void {
    this.emit("ping", payload);
  }

  onPong(payload: Uint8Array): void {
    this.emit("pong", payload);
  }

  onClosing(error?: ProtocolError): void {
    if (error === undefined) return;
    // Write the Close frame first, because a listener may terminate the connection.
    this.connection.flush();
    this.fail(toPublicError(error));
  }

  onClose({ code, reason, wasClean }: CloseInfo): void {
    if (wasClean) markClean(this.#webSocket);
    this.emit("close", code, reason === "" ? NO_BYTES : Buffer.from(reason));
  }

  /** Emits `error`, unless it was emitted before. */
  fail(error: Error): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.emit("error", error);
  }

  /**
   * Emits an event. If a listener throws, the exception is uncaught, but the connection continues, because it
   * must not stop in the middle of a frame.
   */
  protected emit(type: string, first: unknown, second?: unknown): void {
    try {
      // Listeners of events with one value get one argument.
      if (second === undefined) this.#webSocket.emit(type, first);
      else this.#webSocket.emit(type, first, second);
    } catch (error) {
      process.nextTick(rethrow, error);
    }
  }
}

/** Emits at most one event in each turn of the event loop, as `allowSynchronousEvents: false` requires. */
export class DeferredSocketEvents extends SocketEvents {
  readonly #events: Array<readonly [type: string, first: unknown, second: unknown]> = [];

  override resume(): void {
    this.isPaused = false;
    if (this.#events.length === 0) this.connection.resume();
  }

  protected override emit(type: string, first: unknown, second?: unknown): void {
    if (this.#events.push([type, first, second]) > 1) return;
    // The connection delivers nothing more until the event has been emitted.
    this.connection.pause();
    setImmediate(this.#emitNext);
  }

  readonly #emitNext = (): void => {
    const [type, first, second] = this.#events[0];
    super.emit(type, first, second);
    this.#events.shift();
    if (this.#events.length > 0) setImmediate(this.#emitNext);
    else if (!this.isPaused) this.connection.resume();
  };
}

function rethrow(error: unknown): never {
  throw error;
}
