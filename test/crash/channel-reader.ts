import { ChannelError, type ChannelMessage, PublicationsLostError } from "tideway/channels";
import type { ClientEvent, ClientLog } from "./log.ts";
import { delay, randomUpTo } from "./pace.ts";

/** The part of a topic of a channel client that a reader uses. */
export interface ReadableTopic {
  readonly name: string;
  messages(options: {
    readonly since: string;
    readonly onLost?: (loss: { readonly position: string }) => void;
  }): AsyncIterable<ChannelMessage<unknown>>;
}

/**
 * How a reader reads:
 *
 * - `steady`: one loop, as fast as it can.
 * - `slow`: one loop that pauses, so that the credit of its subscription runs out.
 * - `restarting`: many loops. Each continues where the previous loop ended.
 * - `returning`: the same, with pauses in between, so that the subscription ends.
 */
export type ReaderKind = "steady" | "slow" | "restarting" | "returning";

const MAX_PAUSE_MS = 400;
const MAX_ITEMS_IN_LOOP = 40;

/** Reads a topic through a channel client, and logs what arrives. */
export class ChannelReader implements ClientLog {
  readonly name: string;
  readonly topic: string;
  readonly events: ClientEvent[];
  readonly #topic: ReadableTopic;
  readonly #kind: ReaderKind;
  #position: string;

  constructor(name: string, topic: ReadableTopic, kind: ReaderKind, start: string) {
    this.name = `${name} (${kind})`;
    this.topic = topic.name;
    this.#topic = topic;
    this.#kind = kind;
    this.#position = start;
    this.events = [{ type: "subscribed", since: undefined, position: start, recovered: false }];
    void this.#run();
  }

  /** The position of the last event. */
  get position(): string {
    return this.#position;
  }

  get #hasManyLoops(): boolean {
    return this.#kind === "restarting" || this.#kind === "returning";
  }

  /** Reads until the client is closed, or the subscription fails. */
  async #run(): Promise<void> {
    for (;;) {
      try {
        await this.#readLoop();
      } catch (error) {
        if (error instanceof PublicationsLostError)
          this.#add({ type: "lost", position: error.position });
        else {
          this.#fail(error);
          return;
        }
      }
      if (this.#kind === "returning") await delay(randomUpTo(MAX_PAUSE_MS));
      const since = this.#position;
      this.#add({ type: "subscribed", since, position: since, recovered: true });
    }
  }

  /** @throws what the loop throws */
  async #readLoop(): Promise<void> {
    const since = this.#position;
    let left = this.#hasManyLoops ? randomUpTo(MAX_ITEMS_IN_LOOP) : Infinity;
    // Without `onLost`, a loss ends the loop with an error.
    const onLost = this.#hasManyLoops
      ? {}
      : {
          onLost: ({ position }: { readonly position: string }) =>
            this.#add({ type: "lost", position }),
        };
    for await (const { data, position } of this.#topic.messages({ since, ...onLost })) {
      this.#add({ type: "publication", position, id: idOf(data) });
      if (--left === 0) return;
      if (this.#kind === "slow" && randomUpTo(20) === 1) await delay(randomUpTo(MAX_PAUSE_MS));
    }
  }

  #add(event: ClientEvent): void {
    this.events.push(event);
    this.#position = event.position;
  }

  #fail(error: unknown): void {
    const code = error instanceof ChannelError ? error.code : String(error);
    if (code !== "CLIENT_CLOSED") this.#add({ type: "failed", position: this.#position, code });
  }
}

/** Makes the text of a publication, of varying length. */
export function textOf(id: string): string {
  return `${id} ${"x".repeat((id.length * 37 + Number(id.at(-1))) % 120)}`;
}

/** The id of a publication. Of a damaged one, everything. */
function idOf(data: unknown): string {
  const text = data instanceof Uint8Array ? new TextDecoder().decode(data) : String(data);
  const [id] = text.split(" ", 1);
  return text === textOf(id) ? id : `damaged: ${text}`;
}
