/** The methods that the broker uses of a connection of `@nats-io/transport-node`, or another transport. */
export interface NatsConnection {
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  /** Sends a message without storing it. */
  publish(subject: string, payload: string): void;
  /** Resolves when the server has processed all earlier commands. */
  flush(): Promise<void>;
  /** Yields the events of the connection, such as `reconnect`. */
  status(): AsyncIterable<{ readonly type: string }>;
}

/** The method that the broker uses of a subscription. */
export interface NatsSubscription {
  unsubscribe(): void;
}

/** The properties that the broker uses of a message. */
export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** For a message that JetStream delivered: `$JS.ACK`, the stream, the consumer, and several numbers. */
  readonly reply?: string;
  readonly headers?: { get(name: string): string };
}

/** The methods that the broker uses of `jetstream(connection)` of `@nats-io/jetstream`. */
export interface NatsJetStream {
  publish(subject: string, payload: string, options: NatsPublishOptions): Promise<NatsPublishAck>;
  jetstreamManager(): Promise<NatsManager>;
}

/** The options that the broker passes to `publish` of JetStream. */
export interface NatsPublishOptions {
  /** The id by which NATS recognizes duplicates. */
  msgID?: string;
  /** NATS stores the message only if the last message on the subject has this sequence number. */
  expect?: { lastSubjectSequence?: number };
}

/** The answer of JetStream to `publish`. */
export interface NatsPublishAck {
  /** The sequence number of the message in the stream. */
  readonly seq: number;
  /** Whether the `msgID` was stored before. */
  readonly duplicate: boolean;
}

/** The methods that the broker uses of a JetStream manager. */
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

/** The properties that the broker checks of an existing stream. Times are in nanoseconds. */
export interface NatsStreamConfig {
  readonly max_msgs_per_subject: number;
  readonly max_age: number;
  readonly max_bytes: number;
  readonly duplicate_window: number;
  readonly num_replicas: number;
  readonly republish?: { readonly src: string; readonly dest: string };
}

/** A message that is stored in a stream. */
export interface NatsStoredMessage {
  /** The sequence number of the message in the stream. */
  readonly seq: number;
  readonly data: Uint8Array;
  /** The time at which NATS stored the message, by the clock of NATS. */
  readonly time: Date;
}
