import type { CallOptions, ChannelCall } from "../../src/channels/client/call-interface.ts";
import type { ChannelClient, ChannelState } from "../../src/channels/client/client-interface.ts";
import type {
  ChannelMember,
  ChannelMessage,
  ChannelPresence,
  ChannelTopic,
  MembersChange,
  MessagesOptions,
} from "../../src/channels/client/topic-interface.ts";
import { EventStream } from "../../src/streams/event-stream.ts";

/** A sequence of items that the test adds, for `messages` and `stream`. It ends with its signal. */
export class FakeSequence<Item, Options extends { readonly signal?: AbortSignal }> {
  readonly options: Options;
  /** Whether the reader has stopped. */
  isStopped = false;
  #items: Item[] = [];
  #end: { readonly error?: Error } | undefined;
  #wake = (): void => {};

  constructor(options: Options) {
    this.options = options;
    options.signal?.addEventListener("abort", () => this.#wake());
  }

  add(...items: Item[]): void {
    this.#items.push(...items);
    this.#wake();
  }

  end(error?: Error): void {
    this.#end = error === undefined ? {} : { error };
    this.#wake();
  }

  async *read(): AsyncGenerator<Item, undefined, undefined> {
    try {
      for (;;) {
        this.options.signal?.throwIfAborted();
        if (this.#items.length > 0) yield this.#items.shift()!;
        else if (this.#end?.error !== undefined) throw this.#end.error;
        else if (this.#end !== undefined) return undefined;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.isStopped = true;
    }
  }
}

type Handle = ChannelTopic<unknown, unknown> & ChannelPresence<unknown>;

/** A topic of a {@link FakeClient}. */
export class FakeTopic {
  readonly name: string;
  readonly subscriptions: FakeSequence<ChannelMessage<unknown>, MessagesOptions>[] = [];
  readonly watches: {
    readonly onEvent: (event: MembersChange<unknown>) => unknown;
    readonly onDone: (error?: unknown) => void;
    isStopped: boolean;
  }[] = [];
  readonly onMembersChange: EventStream<MembersChange<unknown>>;

  constructor(name: string) {
    this.name = name;
    this.onMembersChange = new EventStream<MembersChange<unknown>>((onEvent, onDone) => {
      const watch = { onEvent, onDone, isStopped: false };
      this.watches.push(watch);
      return () => {
        watch.isStopped = true;
      };
    });
  }

  messages(options: MessagesOptions = {}): AsyncIterable<ChannelMessage<unknown>> {
    const subscription = new FakeSequence<ChannelMessage<unknown>, MessagesOptions>(options);
    this.subscriptions.push(subscription);
    return subscription.read();
  }

  /** Publishes texts to the latest subscription, with the positions `p1`, `p2`, and so on. */
  publish(...texts: string[]): void {
    const messages = texts.map((data) => ({ data, position: `p${++this.#published}` }));
    this.subscriptions.at(-1)!.add(...messages);
  }

  #published = 0;

  setMembers(...ids: string[]): void {
    const members: ChannelMember<unknown>[] = ids.map((id) => ({ id, data: {} }));
    this.watches.at(-1)!.onEvent({ members, joined: [], left: [] });
  }
}

/** A call of a {@link FakeClient}. */
export interface FakeCall {
  readonly name: string;
  readonly input: unknown;
  readonly options: CallOptions | undefined;
  readonly settle: (result: object) => void;
  readonly cancel: (reason: Error) => void;
}

/** A client for which the test is the server. */
export class FakeClient {
  readonly topics = new Map<string, FakeTopic>();
  readonly calls: FakeCall[] = [];
  readonly streams: (FakeSequence<unknown, { readonly signal?: AbortSignal; lastId?: string }> & {
    readonly name?: string;
  })[] = [];
  readonly inputs: unknown[] = [];
  isClosed = false;
  stateListeners = 0;
  #state: ChannelState = "connecting";
  #onState: (state: ChannelState) => unknown = () => {};
  readonly onStateChange: EventStream<ChannelState> = new EventStream<ChannelState>((onEvent) => {
    this.stateListeners++;
    this.#onState = onEvent;
    return () => {
      this.stateListeners--;
    };
  });

  /** As the client that hooks take. */
  get client(): ChannelClient {
    return this as unknown as ChannelClient;
  }

  get state(): ChannelState {
    return this.#state;
  }

  setState(state: ChannelState): void {
    this.#state = state;
    this.#onState(state);
  }

  /** Params are in the name, such as `rooms/tides`. A client makes a new handle for each call. */
  topic(pattern: string, params: Readonly<Record<string, string>> = {}): Handle {
    const name = pattern.replaceAll(/:(\w+)/g, (_, param: string) => params[param]);
    const topic = this.topics.get(name) ?? new FakeTopic(name);
    this.topics.set(name, topic);
    const { onMembersChange } = topic;
    const messages = (options?: MessagesOptions): unknown => topic.messages(options);
    return { name, onMembersChange, messages } as unknown as Handle;
  }

  stream(name: string, input: unknown, options: object): AsyncIterable<unknown> {
    const stream = new FakeSequence<unknown, { readonly signal?: AbortSignal }>(options);
    this.streams.push(Object.assign(stream, { name }));
    this.inputs.push(input);
    return stream.read();
  }

  call(name: string, input: unknown, options?: CallOptions): ChannelCall<unknown> {
    let settle!: (result: object) => void;
    let cancel!: (reason: Error) => void;
    const result = new Promise<object>((resolve, reject) => {
      settle = resolve;
      cancel = reject;
    });
    this.calls.push({ name, input, options, settle, cancel });
    return { result: () => result } as unknown as ChannelCall<unknown>;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
