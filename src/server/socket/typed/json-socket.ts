import type { CloseInfo, ReadyState } from "../../../connection/connection.ts";
import { type TidewayError, UsageError } from "../../../errors/index.ts";
import { PreparedMessage } from "../../../protocol/prepared-message.ts";
import type { StandardSchema } from "../../../schema/standard-schema.ts";
import type { MessageSubscription } from "../../../streams/message-subscription.ts";
import type { SendData, SendOptions } from "../message-data.ts";
import type { ServerSocket } from "../server-socket.ts";
import { pipeTo, readableOf, type SendSource, writableOf } from "../socket-streams.ts";
import type { MessageListenOptions } from "../socket-interface.ts";
import { JsonIterator } from "./json-iterator.ts";
import { JsonReader } from "./json-reader.ts";
import { JsonSubscription } from "./json-subscription.ts";
import type { TypedSocket } from "./typed-socket.ts";

/** The {@link TypedSocket} on top of a socket. Sends JSON, and validates received JSON with a schema. */
export class JsonSocket<Received, Sent = unknown> implements TypedSocket<Received, Sent> {
  readonly socket: ServerSocket;
  readonly #reader: JsonReader<Received>;
  #readable: ReadableStream<Received> | undefined;
  #writable: WritableStream<Sent> | undefined;

  constructor(socket: ServerSocket, schema: StandardSchema<unknown, Received>) {
    this.socket = socket;
    this.#reader = new JsonReader(socket, schema);
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get extensions(): string {
    return this.socket.extensions;
  }

  get readyState(): ReadyState {
    return this.socket.readyState;
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  get latencyMs(): number | undefined {
    return this.socket.latencyMs;
  }

  get done(): Promise<CloseInfo> {
    return this.socket.done;
  }

  get drained(): Promise<void> {
    return this.socket.drained;
  }

  get readable(): ReadableStream<Received> {
    this.#readable ??= readableOf(this[Symbol.asyncIterator]());
    return this.#readable;
  }

  get writable(): WritableStream<Sent> {
    this.#writable ??= writableOf<Sent>(this);
    return this.#writable;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Received, undefined> {
    return new JsonIterator(this.#reader);
  }

  listen(
    onMessage: (value: Received) => unknown,
    options: MessageListenOptions<TidewayError> = {},
  ): MessageSubscription {
    return new JsonSubscription(this.#reader, onMessage, options);
  }

  send(value: Sent | PreparedMessage, options?: SendOptions): boolean {
    if (value instanceof PreparedMessage) return this.socket.send(value, options);
    return this.socket.send(toJson(value), options);
  }

  add(value: Sent | PreparedMessage, options?: SendOptions): void {
    this.send(value, options);
  }

  addStream(source: SendSource<Sent>): Promise<void> {
    return pipeTo<Sent>(this, source);
  }

  ping(payload?: SendData): void {
    this.socket.ping(payload);
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }
}

function toJson(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    // Unlike its type says, it returns undefined for some values, such as functions.
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  const message = `JSON cannot express this value of type ${typeof value}; send a value that JSON.stringify accepts`;
  throw new UsageError("INVALID_DATA", message, cause === undefined ? {} : { cause });
}
