import {
  type CloseInfo,
  type Connection,
  type ConnectionHandler,
  ReadyState,
} from "../../src/connection/connection.ts";
import type { PreparedMessage } from "../../src/protocol/prepared-message.ts";
import type { TidewayError } from "../../src/errors/index.ts";

/** A connection with the test as its peer. It records the calls made on it. */
export class FakeConnection implements Connection {
  maxMessageBytes = 1_048_576;
  readonly protocol = "chat";
  readonly extensions = "";
  readonly sent: Array<string | Uint8Array> = [];
  readonly calls: unknown[][] = [];
  readyState: ReadyState = ReadyState.Open;
  bufferedAmount = 0;
  latencyMs: number | undefined;
  /** Added to `bufferedAmount` for each message sent. */
  bytesPerMessage = 0;
  #handler: ConnectionHandler | undefined;

  /** The handlers that the socket has set. */
  get handler(): ConnectionHandler {
    if (this.#handler === undefined) throw new Error("the connection has not been started");
    return this.#handler;
  }

  start(handler: ConnectionHandler): void {
    if (this.#handler !== undefined) throw new Error("the connection has been started twice");
    this.#handler = handler;
  }

  sendText(text: string): void {
    this.#send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    this.#send(bytes.slice());
  }

  sendPrepared({ data }: PreparedMessage): void {
    this.#send(data);
  }

  ping(payload?: Uint8Array): void {
    this.calls.push(["ping", payload]);
  }

  close(code?: number, reason?: string): void {
    if (this.readyState !== ReadyState.Open) return;
    this.readyState = ReadyState.Closing;
    this.calls.push(["close", code, reason]);
  }

  terminate(error?: TidewayError): void {
    this.readyState = ReadyState.Closing;
    this.calls.push(error === undefined ? ["terminate"] : ["terminate", error]);
  }

  pause(): void {
    this.calls.push(["pause"]);
  }

  resume(): void {
    this.calls.push(["resume"]);
  }

  /** The kernel has accepted all output. */
  drain(): void {
    this.bufferedAmount = 0;
    this.handler.onDrain?.();
  }

  /** Ends the connection. */
  end(info: Partial<CloseInfo> = {}): void {
    this.readyState = ReadyState.Closed;
    const { code = 1000 } = info;
    this.handler.onClose({ reason: "", wasClean: code !== 1006, ...info, code });
  }

  #send(message: string | Uint8Array): void {
    this.sent.push(message);
    this.bufferedAmount += this.bytesPerMessage;
  }
}
