import { UsageError } from "../../errors/index.ts";
import { isInstance } from "../../schema/values.ts";
import { MAX_ITEM_ID_LENGTH } from "../wire/client-frame-checks.ts";
import { byteLength, encodeFrame, type ErrorFields } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { CallContext } from "./call-context.ts";
import type { CompiledCall } from "./compile.ts";
import type { ChannelConnection } from "./connection.ts";
import { declaredError } from "./declared-error.ts";
import {
  INTERNAL,
  invalidData,
  invalidRequest,
  STREAM_IS_CALL,
  tooMany,
  UNKNOWN_CALL,
} from "./failures.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { Failure, ResumableItem } from "./refusals.ts";
import { validateData } from "./validate-data.ts";

type StreamFrame = ClientFrameOf<"stream">;

/** The streams of one connection. Each sends at the pace of its reader, who pays with credit. */
export class Streams {
  readonly #connection: ChannelConnection;
  readonly #open = new Map<number, OutgoingStream>();
  /** The number of running handlers, including handlers of streams that the client has cancelled. */
  #running = 0;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  stream(frame: StreamFrame): void {
    const { session, environment } = this.#connection;
    const call = environment.calls.get(frame.name);
    const refusal = call === undefined ? UNKNOWN_CALL : this.#check(call, frame);
    if (refusal !== undefined) {
      session.fail(frame.id, refusal);
      return;
    }
    const { id, lastId, credit } = frame;
    const context = new CallContext(this.#connection, call!, id, undefined, lastId);
    const stream = new OutgoingStream(context, credit);
    this.#open.set(id, stream);
    this.#running++;
    void this.#run(stream, frame.input).finally(() => {
      this.#running--;
      CallContext.release(context);
    });
  }

  addCredit(id: number, bytes: number): void {
    const stream = this.#open.get(id);
    if (stream === undefined) return;
    stream.credit += bytes;
    stream.wake();
  }

  /** The connection has room again. */
  wake(): void {
    for (const stream of this.#open.values()) stream.wake();
  }

  /** The client reads no more of a stream. */
  cancel(id: number): void {
    const stream = this.#open.get(id);
    if (stream === undefined) return;
    this.#open.delete(id);
    CallContext.cancel(stream.context);
    stream.cancel();
  }

  /** Cancels all streams, because the connection has ended. */
  endAll(): void {
    for (const id of this.#open.keys()) this.cancel(id);
  }

  #check(call: CompiledCall, { lastId }: StreamFrame): ErrorFields | undefined {
    if (!call.isStream) return STREAM_IS_CALL;
    if (this.#connection.session.exceedsPendingBytes) return tooMany("maxPendingBytes");
    if (this.#running >= this.#connection.environment.limits.maxStreams)
      return tooMany("maxStreams");
    if (lastId !== undefined && !call.isResumable) {
      return invalidRequest("lastId is for resumable streams");
    }
    const waitMs = this.#connection.rates?.calls?.take(call.name) ?? 0;
    return waitMs > 0 ? tooMany("callsPerSecond", waitMs) : undefined;
  }

  /** Runs a stream to its end. Never rejects. */
  async #run(stream: OutgoingStream, input: unknown): Promise<void> {
    const { session, environment } = this.#connection;
    const id = CallContext.requestIdOf(stream.context);
    const call = CallContext.callOf(stream.context);
    let error: ErrorFields | undefined;
    try {
      error = await this.#sendAll(stream, call, input);
    } catch (thrown) {
      error = declaredError(thrown, call.errors) ?? INTERNAL;
      // A handler may throw because its signal has aborted.
      if (error === INTERNAL && !stream.isCancelled) {
        environment.report(thrown, { kind: "stream", name: call.name });
      }
    }
    if (stream.isCancelled) return;
    this.#open.delete(id);
    stream.cancel();
    if (error === undefined) session.answerEnd(id);
    else session.fail(id, error);
  }

  /** Returns the error if the input is not valid, or the handler fails. @throws what the handler throws */
  async #sendAll(
    stream: OutgoingStream,
    call: CompiledCall,
    input: unknown,
  ): Promise<ErrorFields | undefined> {
    const { inputSchema } = call;
    const validation =
      inputSchema === undefined
        ? ({ kind: "valid", value: undefined } as const)
        : await validateData(inputSchema, input);
    if (validation.kind !== "valid") {
      const error = invalidData(validation);
      if (error === undefined && validation.kind !== "invalid") throw validation.cause;
      return error;
    }
    if (stream.isCancelled) return undefined;
    const items = await CallContext.run(stream.context, validation.value);
    return isInstance(items, Failure) ? failureOf(items, call) : this.#sendItems(stream, items);
  }

  /** Sends all items. Returns the error that the generator returns, or of an item that is too big. */
  async #sendItems(stream: OutgoingStream, items: unknown): Promise<ErrorFields | undefined> {
    stream.open(items);
    for (;;) {
      await stream.room(this.#connection);
      if (stream.isCancelled) return undefined;
      const next = await stream.next();
      if (stream.isCancelled) return undefined;
      if (next.done === true) return failureOf(next.value, CallContext.callOf(stream.context));
      const error = this.#send(stream, next.value);
      if (error !== undefined) return error;
    }
  }

  /** Returns the error if the item is too big for the client. @throws UsageError `INVALID_ITEM` */
  #send(stream: OutgoingStream, value: unknown): ErrorFields | undefined {
    const { isResumable } = CallContext.callOf(stream.context);
    const id = CallContext.requestIdOf(stream.context);
    if (isResumable) checkResumable(value);
    const data = isResumable ? (value as ResumableItem).data : value;
    const itemId = isResumable ? { itemId: (value as ResumableItem).id } : {};
    const message =
      data instanceof Uint8Array
        ? encodeFrame({ type: "item", id, ...itemId }, data)
        : encodeFrame({ type: "item", id, ...itemId, data });
    const bytes = byteLength(message);
    const error = this.#connection.session.errorIfLonger(bytes);
    if (error !== undefined) return error;
    stream.credit -= bytes;
    this.#connection.send(message);
    return undefined;
  }
}

/**
 * Returns the error for the client if a handler returned the result of `fail`; otherwise undefined.
 *
 * @throws UsageError `INVALID_ERROR` if the contract does not declare the error
 */
function failureOf(result: unknown, call: CompiledCall): ErrorFields | undefined {
  if (!isInstance(result, Failure)) return undefined;
  const declared = declaredError(result, call.errors);
  if (declared !== undefined) return declared;
  throw new UsageError(
    "INVALID_ERROR",
    `channels: the handler of ${JSON.stringify(call.name)} failed with an error that the contract does not declare`,
  );
}

/** @throws UsageError `INVALID_ITEM` */
function checkResumable(value: unknown): asserts value is ResumableItem {
  if (isInstance(value, ResumableItem)) {
    const { id } = value as ResumableItem;
    if (typeof id === "string" && id !== "" && id.length <= MAX_ITEM_ID_LENGTH) return;
  }
  throw new UsageError(
    "INVALID_ITEM",
    `channels: a resumable stream must yield resumable(id, data), with an id of 1 to ${MAX_ITEM_ID_LENGTH} characters`,
  );
}
