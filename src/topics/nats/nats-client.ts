/** The part that is used of a connection of `@nats-io/transport-node`, or another transport. */
export interface NatsConnection {
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  /** Resolves when the server has processed what was sent before. */
  flush(): Promise<void>;
  status(): AsyncIterable<{ readonly type: string }>;
}

export interface NatsSubscription {
  unsubscribe(): void;
}

export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** If JetStream delivered it: `$JS.ACK`, the stream, the consumer, and numbers. */
  readonly reply?: string;
  readonly headers?: { get(name: string): string };
}

/** The part that is used of `jetstream(connection)` of `@nats-io/jetstream`. */
export interface NatsJetStream {
  publish(subject: string, payload: string, options: NatsPublishOptions): Promise<NatsPublishAck>;
  jetstreamManager(): Promise<NatsManager>;
}

export interface NatsPublishOptions {
  msgID?: string;
  expect?: { lastSubjectSequence?: number };
}

export interface NatsPublishAck {
  readonly seq: number;
  /** Whether the `msgID` was stored before. */
  readonly duplicate: boolean;
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
  /** When NATS stored it, by its own clock. */
  readonly time: Date;
}
