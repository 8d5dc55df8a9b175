import type { CompiledCall } from "./compile.ts";
import type { ChannelSession } from "./session-interface.ts";
import type { ChannelConnection } from "./connection.ts";

/** The second argument of the handler of a call or stream. */
export class CallContext {
  readonly #connection: ChannelConnection;
  readonly #call: CompiledCall;
  readonly #requestId: number;
  readonly #number: number | undefined;
  #controller: AbortController | undefined;
  #isAborted = false;
  #bytes = 0;
  /** The id of the last item that the client has, for a resumable stream. */
  readonly lastId: string | undefined;

  constructor(
    connection: ChannelConnection,
    call: CompiledCall,
    requestId: number,
    number?: number,
    lastId?: string,
  ) {
    this.#connection = connection;
    this.#call = call;
    this.#requestId = requestId;
    this.#number = number;
    this.lastId = lastId;
  }

  /** The same when the client sends an idempotent call again. Undefined for other calls. */
  get id(): string | undefined {
    if (!this.#call.isIdempotent) return undefined;
    return `${this.#connection.identity}-c${this.#number}`;
  }

  /** The state that `authorize` returned. */
  get state(): unknown {
    return this.#connection.state;
  }

  get session(): ChannelSession<unknown> {
    return this.#connection;
  }

  /** Aborts when the client cancels the call, or its connection ends. Created when it is first read. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  // Static, so that handlers do not see the methods of the server.

  static requestIdOf(context: CallContext): number {
    return context.#requestId;
  }

  static callOf(context: CallContext): CompiledCall {
    return context.#call;
  }

  static isAborted(context: CallContext): boolean {
    return context.#isAborted;
  }

  /** The client does not wait any more. The input still counts until `release`. */
  static cancel(context: CallContext): void {
    context.#bytes = context.#connection.session.forget(context.#requestId);
    CallContext.abort(context);
  }

  /** The handler of a cancelled call or stream has settled. */
  static release(context: CallContext): void {
    context.#connection.session.release(context.#bytes);
  }

  static abort(context: CallContext): void {
    context.#isAborted = true;
    context.#controller?.abort();
  }

  /** Calls the handler. @throws what the handler throws */
  static run(context: CallContext, input: unknown): unknown {
    const { handler, isStream, name } = context.#call;
    const { intercept } = context.#connection.environment;
    if (intercept === undefined) return handler(input as never, context as never);
    const kind = isStream ? "stream" : "call";
    const { state, session } = context;
    return intercept({ kind, name, state, session }, () =>
      handler(input as never, context as never),
    );
  }
}
