import type { Validation } from "../../schema/validate.ts";
import { isInstance, isThenable } from "../../schema/values.ts";
import type { ErrorFields } from "../wire/frames.ts";
import type { ClientFrameOf } from "../wire/server-session.ts";
import { CallContext } from "./call-context.ts";
import type { CompiledCall } from "./compile.ts";
import type { ChannelConnection } from "./connection.ts";
import { declaredError } from "./declared-error.ts";
import {
  CALL_IS_STREAM,
  INTERNAL,
  invalidData,
  invalidRequest,
  tooMany,
  UNKNOWN_CALL,
} from "./failures.ts";
import { Failure } from "./refusals.ts";
import { validateData } from "./validate-data.ts";

type CallFrame = ClientFrameOf<"call">;

/** The input of a call without a schema for it: what the client sends is ignored. */
const NO_INPUT = { kind: "valid", value: undefined } as const;

/**
 * The calls of one connection. A call creates no promise if its schema and its handler answer at once: calls are
 * the hot path of `npm run bench -- channels`.
 */
export class Calls {
  readonly #connection: ChannelConnection;
  /** The calls that have no answer yet. */
  readonly #pending = new Map<number, CallContext>();
  /** Cancelled calls with a handler that is still running. They count until it settles. */
  #cancelled = 0;

  constructor(connection: ChannelConnection) {
    this.#connection = connection;
  }

  call(frame: CallFrame): void {
    const { session, environment } = this.#connection;
    const call = environment.calls.get(frame.name);
    const refusal = call === undefined ? UNKNOWN_CALL : this.#check(call, frame);
    if (refusal !== undefined) session.fail(frame.id, refusal);
    else this.#start(new CallContext(this.#connection, call!, frame.id, frame.number), frame);
  }

  /** The client does not wait for the answer any more. */
  cancel(id: number): void {
    const context = this.#pending.get(id);
    if (context === undefined) return;
    this.#pending.delete(id);
    this.#cancelled++;
    CallContext.cancel(context);
  }

  /** Aborts all calls, because the connection has ended. */
  endAll(): void {
    for (const id of this.#pending.keys()) this.cancel(id);
  }

  #check(call: CompiledCall, { number }: CallFrame): ErrorFields | undefined {
    if (call.isStream) return CALL_IS_STREAM;
    if (this.#connection.session.exceedsPendingBytes) return tooMany("maxPendingBytes");
    const { maxPendingCalls } = this.#connection.environment.limits;
    if (this.#pending.size + this.#cancelled >= maxPendingCalls) return tooMany("maxPendingCalls");
    if (call.isIdempotent && number === undefined) {
      return invalidRequest("an idempotent call needs a number");
    }
    const waitMs = this.#connection.rates?.calls?.take(call.name) ?? 0;
    return waitMs > 0 ? tooMany("callsPerSecond", waitMs) : undefined;
  }

  #start(context: CallContext, { id, input }: CallFrame): void {
    const { inputSchema } = CallContext.callOf(context);
    const validation = inputSchema === undefined ? NO_INPUT : validateData(inputSchema, input);
    if (isThenable(validation)) {
      this.#pending.set(id, context);
      void validation.then((settled) => this.#run(context, settled));
    } else {
      this.#run(context, validation);
    }
  }

  #run(context: CallContext, validation: Validation<unknown>): void {
    if (CallContext.isAborted(context)) this.#releaseCancelled(context);
    else if (validation.kind !== "valid") this.#refuse(context, validation);
    else this.#handle(context, validation.value);
  }

  #refuse(context: CallContext, validation: Exclude<Validation<unknown>, { kind: "valid" }>): void {
    const error = invalidData(validation);
    if (error !== undefined) this.#answerError(context, error);
    else this.#fail(context, validation.kind === "failed" ? validation.cause : undefined);
  }

  #handle(context: CallContext, input: unknown): void {
    let output: unknown;
    try {
      output = CallContext.run(context, input);
      if (isThenable(output)) {
        this.#pending.set(CallContext.requestIdOf(context), context);
        // `Promise.resolve` guards against a thenable that settles twice.
        Promise.resolve(output).then(
          (value) => this.#answer(context, value),
          (error: unknown) => this.#fail(context, error),
        );
        return;
      }
    } catch (error) {
      this.#fail(context, error);
      return;
    }
    this.#answer(context, output);
  }

  #answer(context: CallContext, output: unknown): void {
    if (isInstance(output, Failure) || isInstance(output, Error)) {
      this.#fail(context, output);
      return;
    }
    if (!this.#finish(context)) return;
    const id = CallContext.requestIdOf(context);
    try {
      this.#connection.session.answerOutput(id, output);
    } catch (error) {
      this.#fail(context, error);
    }
  }

  /** The handler failed: with an error of the contract, or any other. */
  #fail(context: CallContext, error: unknown): void {
    const { name, errors } = CallContext.callOf(context);
    const declared = declaredError(error, errors);
    if (declared !== undefined) {
      this.#answerError(context, declared);
      return;
    }
    this.#answerError(context, INTERNAL);
    this.#connection.environment.report(error, { kind: "call", name });
  }

  #answerError(context: CallContext, error: ErrorFields): void {
    if (this.#finish(context)) {
      const { data, ...fields } = error;
      const id = CallContext.requestIdOf(context);
      if (data instanceof Uint8Array) this.#connection.session.fail(id, fields, data);
      else this.#connection.session.fail(id, error);
    }
  }

  /** Removes a call that has settled. Returns false if the client does not wait for it any more. */
  #finish(context: CallContext): boolean {
    if (CallContext.isAborted(context)) {
      this.#releaseCancelled(context);
      return false;
    }
    if (this.#pending.size > 0) this.#pending.delete(CallContext.requestIdOf(context));
    return true;
  }

  #releaseCancelled(context: CallContext): void {
    this.#cancelled--;
    CallContext.release(context);
  }
}
