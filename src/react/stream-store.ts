import type { ChannelClient } from "tideway/channels";
import { ExternalStore } from "./external-store.ts";
import { ItemReader, latest, type SequenceEnd } from "./item-reader.ts";
import type { StreamState, UseStreamOptions } from "./use-stream.ts";

const DEFAULT_MAX_ITEMS = 1_000;

/** The latest items of a stream, which it starts when it starts itself. */
export class StreamStore extends ExternalStore<StreamState<unknown>> {
  readonly #client: Pick<ChannelClient, "stream">;
  readonly #name: string;
  readonly #input: unknown;
  readonly #lastId: string | undefined;
  #options: UseStreamOptions;
  #reader: ItemReader<unknown> | undefined;

  constructor(
    client: Pick<ChannelClient, "stream">,
    name: string,
    input: unknown,
    options: UseStreamOptions,
  ) {
    super({ status: "active", items: [], error: undefined, restart: () => this.#restart() });
    this.#client = client;
    this.#name = name;
    this.#input = input;
    this.#lastId = options.lastId;
    this.#options = options;
  }

  /** Sets the options of the latest render. */
  setOptions(options: UseStreamOptions): void {
    this.#options = options;
  }

  protected override start(): void {
    if (this.getSnapshot().status === "active") this.#restart();
  }

  protected override stop(): void {
    this.#reader?.stop();
  }

  #restart(): void {
    this.#reader?.stop();
    const { items, status, restart } = this.getSnapshot();
    // The first start changes nothing, so it must not render again.
    if (items.length > 0 || status !== "active") {
      this.update({ status: "active", items: [], error: undefined, restart });
    }
    if (!this.isRunning) return;
    this.#reader = new ItemReader<unknown>(
      (signal) => this.#items(signal),
      () => this.#maxItems,
      (added, end) => this.#add(added, end),
    );
  }

  #items(signal: AbortSignal): AsyncIterable<unknown> {
    const lastId = this.#lastId;
    return this.#client.stream(this.#name, this.#input, {
      signal,
      ...(lastId !== undefined && { lastId }),
    });
  }

  get #maxItems(): number {
    return this.#options.maxItems ?? DEFAULT_MAX_ITEMS;
  }

  #add(added: readonly unknown[], end?: SequenceEnd): void {
    const { items: before, restart } = this.getSnapshot();
    const items = latest([...before, ...added], this.#maxItems);
    const error = end?.error;
    const status = end === undefined ? "active" : error === undefined ? "ended" : "failed";
    this.update({ status, items, error, restart } as StreamState<unknown>);
  }
}
