/** What is needed of a connection of `@nats-io/transport-node`, or another of its transports. */
export interface NatsConnection {
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  /** Resolves once the server has taken in what was sent before. */
  flush(): Promise<void>;
  status(): AsyncIterable<{ readonly type: string }>;
}

export interface NatsSubscription {
  unsubscribe(): void;
}

export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where JetStream has delivered it: `$JS.ACK`, the stream, the consumer, and numbers. */
  readonly reply?: string;
  readonly headers?: { get(name: string): string };
}

/** What is needed of the client that `jetstream(connection)` of `@nats-io/jetstream` makes. */
export interface NatsJetStream {
  publish(
    subject: string,
    payload: string,
    options: { msgID?: string; expect?: { lastSubjectSequence?: number } },
  ): Promise<{ readonly seq: number; readonly duplicate: boolean }>;
  jetstreamManager(): Promise<NatsManager>;
}

export interface NatsManager {
  readonly streams: {
    info(stream: string): Promise<{ readonly config: NatsStreamConfig }>;
    add(config: object): Promise<unknown>;
    getMessage(stream: string, query: object): Promise<NatsStoredMessage | null>;
  };
  readonly consumers: {
    add(
      stream: string,
      config: object,
    ): Promise<{ readonly num_pending: number; readonly created: string }>;
  };
}

export interface NatsStreamConfig {
  readonly max_msgs_per_subject: number;
  readonly max_age: number;
  readonly max_bytes: number;
  readonly duplicate_window: number;
  readonly republish?: { readonly src: string; readonly dest: string };
}

export interface NatsStoredMessage {
  readonly seq: number;
  readonly data: Uint8Array;
  /** The time at which NATS stored it, by its own clock. */
  readonly time: Date;
}
