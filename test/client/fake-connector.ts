import type { ConnectHandler, Connector, ConnectRequest } from "../../src/client/connector.ts";
import { defineCloseEvent } from "../../src/client/close-event.ts";
import type { DispatchMessage } from "../../src/node/client/dispatch-message.ts";
import { fastDispatch } from "../../src/node/serve/tcp-environments.ts";
import { withEventStreams } from "../../src/client/event-streams.ts";
import { defineWebSocket } from "../../src/client/web-socket.ts";
import type {
  WebSocketConstructor,
  WebSocketInstance,
} from "../../src/client/web-socket-interface.ts";
import type { WebSocketOptions } from "../../src/client/options.ts";
import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "../../src/connection/connection.ts";
import type { PreparedMessage } from "../../src/protocol/prepared-message.ts";
import type { TidewayError } from "../../src/errors/index.ts";

/** A connection with the test at the other end. */
export class FakeConnection implements Connection {
  maxMessageBytes = 1_048_576;
  readonly protocol: string;
  readonly extensions: string;
  readyState: ReadyState = ReadyState.Open;
  bufferedAmount = 0;
  readonly latencyMs = undefined;
  /** The calls made on it, in order. */
  readonly log: unknown[] = [];
  readonly sent: (string | number[])[] = [];
  isPaused = false;
  /**
   * Whether each message arrives in a separate task, so that a pause for one task has ended by
   * then.
   */
  isReadInTasks = true;
  handler!: ConnectionHandler;
  #deferred: (() => void)[] = [];
  #isDelivering = false;
  #wasPausedByMessage = false;

  constructor(protocol = "", extensions = "") {
    this.protocol = protocol;
    this.extensions = extensions;
  }

  start(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  sendText(text: string): void {
    this.sent.push(text);
    this.bufferedAmount += 6 + new TextEncoder().encode(text).length;
  }

  sendBinary(bytes: Uint8Array): void {
    this.sent.push([...bytes]);
    this.bufferedAmount += 6 + bytes.length;
  }

  sendPrepared({ data }: PreparedMessage): void {
    if (typeof data === "string") this.sendText(data);
    else this.sendBinary(data);
  }

  ping(): void {}

  close(code?: number, reason?: string): void {
    this.log.push(["close", code, reason]);
    this.readyState = ReadyState.Closing;
  }

  terminate(error?: TidewayError): void {
    this.log.push(["terminate"]);
    this.end({ code: 1006, reason: "", wasClean: false, ...(error && { error }) });
  }

  pause(): void {
    this.isPaused = true;
    this.#wasPausedByMessage = this.isReadInTasks && this.#isDelivering;
  }

  resume(): void {
    this.isPaused = false;
    while (!this.isPaused && this.#deferred.length > 0) this.#deferred.shift()!();
  }

  /** Receives a text message. */
  text(text: string): void {
    this.#deliver(() => this.handler.onText(text));
  }

  /** Receives a binary message. */
  binary(...bytes: number[]): void {
    this.#deliver(() => this.handler.onBinary(new Uint8Array(bytes)));
  }

  /** Receives the Close frame of the peer. */
  closing(): void {
    this.readyState = ReadyState.Closing;
    this.handler.onClosing();
  }

  end(info: CloseInfo): void {
    for (const deliver of this.#deferred.splice(0)) deliver();
    this.readyState = ReadyState.Closed;
    this.handler.onClose(info);
  }

  #deliver(call: () => void): void {
    // Each call of a test is one read in a separate task.
    if (this.#wasPausedByMessage) this.resume();
    if (this.isPaused) {
      this.#deferred.push(call);
      return;
    }
    this.#isDelivering = true;
    call();
    this.#isDelivering = false;
  }
}

/** A network in which each attempt waits for a decision of the test. */
export class FakeNetwork {
  readonly attempts: { request: ConnectRequest; handler: ConnectHandler; isAborted: boolean }[] =
    [];
  readonly #tasks: (() => void)[] = [];

  readonly connect: Connector = (request, handler) => {
    const attempt = { request, handler, isAborted: false };
    this.attempts.push(attempt);
    return {
      abort() {
        attempt.isAborted = true;
      },
    };
  };

  readonly WebSocket: WebSocketConstructor;

  constructor(dispatchMessage: DispatchMessage = fastDispatch) {
    this.WebSocket = withEventStreams(
      defineWebSocket(this.connect, {
        CloseEvent: defineCloseEvent(),
        queueTask: (callback) => this.#tasks.push(callback),
        utf8Length: (text) => new TextEncoder().encode(text).length,
        allowManyListeners: () => {},
        dispatchMessage,
      }),
    );
  }

  /** Starts to connect to `ws://host/`. */
  socket(protocols?: string | readonly string[] | WebSocketOptions): WebSocketInstance {
    return new this.WebSocket("ws://host/", protocols);
  }

  /** Creates an open socket, its connection and a growing list of its event types. */
  open(protocols?: string[]): {
    socket: WebSocketInstance;
    connection: FakeConnection;
    events: string[];
  } {
    const socket = this.socket(protocols);
    const events = eventsOf(socket);
    const connection = this.accept();
    this.runTasks();
    return { socket, connection, events };
  }

  /** The last attempt succeeds. */
  accept(connection = new FakeConnection()): FakeConnection {
    this.attempts.at(-1)!.handler.onOpen(connection);
    return connection;
  }

  /** Runs the queued tasks and the tasks that they queue. */
  runTasks(): void {
    for (const task of this.#tasks) task();
    this.#tasks.length = 0;
  }
}

/** A list that grows with the types of the events of `target`. */
export function eventsOf(target: EventTarget): string[] {
  const events: string[] = [];
  for (const type of ["open", "message", "error", "close", "reconnecting", "reconnected"]) {
    target.addEventListener(type, () => events.push(type));
  }
  return events;
}
