import type { CallOptions, CallResult, ChannelClient } from "tideway/channels";
import { UsageError } from "../errors/index.ts";
import { ExternalStore } from "./external-store.ts";
import type { CallState } from "./use-call.ts";

type Arguments = [input?: unknown, options?: CallOptions];
type Result = CallResult<unknown, unknown>;
type State = CallState<Arguments, unknown, unknown>;

/** The state of the latest of its calls. */
export class CallStore extends ExternalStore<State> {
  readonly #client: Pick<ChannelClient, "call"> | undefined;
  readonly #name: string;
  readonly #idle: State;
  /** Its result becomes the state; undefined after `reset`. */
  #latest: Promise<Result> | undefined;

  constructor(client: Pick<ChannelClient, "call"> | undefined, name: string) {
    const idle: State = {
      status: "idle",
      output: undefined,
      error: undefined,
      call: (...args) => this.#call(args),
      reset: () => this.#reset(),
    };
    super(idle);
    this.#idle = idle;
    this.#client = client;
    this.#name = name;
  }

  readonly getServerSnapshot = (): State => this.#idle;

  protected override start(): void {}

  protected override stop(): void {}

  #call([input, options]: Arguments): Promise<Result> {
    if (this.#client === undefined) {
      throw new UsageError("NO_CLIENT", `useCall has no client for ${this.#name}; pass a client`);
    }
    const result = this.#client.call(this.#name, input, options).result();
    this.#latest = result;
    this.update({ ...this.#idle, status: "pending" } as State);
    result.then(
      (settled) => this.#settle(result, settled),
      // Rejected by `signal`, or by a schema that throws.
      (error: unknown) => this.#settle(result, options?.signal?.aborted ? undefined : { error }),
    );
    return result;
  }

  #settle(call: Promise<Result>, result?: Result): void {
    if (this.#latest !== call) return;
    if (result === undefined) this.#reset();
    else if (result.error !== undefined) {
      this.update({ ...this.#idle, status: "failed", error: result.error } as State);
    } else {
      this.update({ ...this.#idle, status: "succeeded", output: result.output } as State);
    }
  }

  #reset(): void {
    this.#latest = undefined;
    this.update(this.#idle);
  }
}
