import { BrokerError } from "../../errors/index.ts";
import type {
  NatsConnection,
  NatsJetStream,
  NatsManager,
  NatsMessage,
  NatsPublishAck,
  NatsPublishOptions,
  NatsStoredMessage,
} from "./nats-client.ts";
import { isStreamMissing, isUnanswered } from "./nats-errors.ts";

/** A message of a stream. */
export interface StoredText {
  readonly subject: string;
  readonly text: string;
  /** The sequence number of the message in the stream. */
  readonly sequence: number;
}

/** Whether a message is the last one to read. */
export type IsLast = (message: StoredText) => boolean;

/** The messages of a subject to read. */
export interface ReadQuery {
  readonly filter_subject: string;
  readonly deliver_policy: "all" | "by_start_sequence" | "last_per_subject";
  readonly opt_start_seq?: number;
}

/** The configuration of a stream. */
export interface StreamSettings {
  readonly name: string;
  readonly subject: string;
  /** The subject on which NATS republishes stored messages. */
  readonly republishTo: string;
  readonly messagesPerSubject: number;
  readonly maxAgeMs: number;
  /** Infinity for no limit. */
  readonly maxBytes: number;
  readonly idWindowMs: number;
  readonly replicas: number;
}

const NANOS_PER_MS = 1_000_000;

/** The maximum time between two messages during a read. */
const READ_TIMEOUT_MS = 4_000;

/** How long NATS keeps the consumer for a read after its last use. */
const READ_CONSUMER_NANOS = 5_000 * NANOS_PER_MS;

/** How long NATS keeps a consumer that the broker creates only to read the clock of NATS. */
const CLOCK_CONSUMER_NANOS = 1_000 * NANOS_PER_MS;

/** The prefix of the subjects on which NATS waits for an answer before it sends more messages of a read. */
const FLOW_CONTROL = "$JS.FC.";

/**
 * One JetStream stream. If it has been deleted, its methods create it again. They reject with the errors of the
 * client, or with a BrokerError.
 */
export class NatsStream {
  readonly #connection: NatsConnection;
  readonly #jetStream: NatsJetStream;
  readonly #manager: NatsManager;
  readonly #settings: StreamSettings;
  #replicas = 1;
  /** The current call of `ensure`. */
  #ensuring: Promise<void> | undefined;

  constructor(
    connection: NatsConnection,
    jetStream: NatsJetStream,
    manager: NatsManager,
    settings: StreamSettings,
  ) {
    this.#connection = connection;
    this.#jetStream = jetStream;
    this.#manager = manager;
    this.#settings = settings;
  }

  /** Whether several servers of a NATS cluster store the stream. */
  get isReplicated(): boolean {
    return this.#replicas > 1;
  }

  /**
   * Creates the stream, or uses the existing one. Calls at the same time share the requests.
   *
   * @throws BrokerError `BROKER_REFUSED` if the existing stream keeps less than the settings require
   */
  ensure(): Promise<void> {
    this.#ensuring ??= this.#ensure().finally(() => (this.#ensuring = undefined));
    return this.#ensuring;
  }

  async #ensure(): Promise<void> {
    const { name, replicas } = this.#settings;
    const wanted = configOf(this.#settings);
    try {
      const { config } = await this.#manager.streams.info(name);
      const keepsEnough =
        isUnlimitedOr(config.max_msgs_per_subject, wanted.max_msgs_per_subject) &&
        isUnlimitedOr(config.max_age, wanted.max_age) &&
        isUnlimitedOr(config.max_bytes, wanted.max_bytes) &&
        config.duplicate_window >= wanted.duplicate_window &&
        config.republish?.dest !== undefined;
      this.#replicas = config.num_replicas;
      if (keepsEnough) return;
    } catch (error) {
      if (!isStreamMissing(error)) throw error;
      // Several servers may add the same stream at the same time.
      await this.#manager.streams.add(wanted);
      this.#replicas = replicas;
      return;
    }
    throw new BrokerError(
      "BROKER_REFUSED",
      `the NATS stream ${name} exists and keeps less than the options of the NatsBroker require; change its limits or delete it`,
    );
  }

  async publish(
    subject: string,
    text: string,
    options: NatsPublishOptions,
  ): Promise<NatsPublishAck> {
    const ack = await this.#use(() => this.#jetStream.publish(subject, text, options));
    if (ack.seq > 0) return ack;
    // A cluster of NATS 2.10 answers so. Newer versions answer with an error.
    throw new BrokerError(
      "BROKER_UNAVAILABLE",
      "NATS has not stored an earlier publication with the same id yet; try again",
    );
  }

  /** Reads the last message on a subject; null if it has no message. */
  lastMessage(subject: string): Promise<NatsStoredMessage | null> {
    return this.#getMessage({ last_by_subj: subject });
  }

  /** Reads the message with a sequence number; null if it is no longer stored. */
  messageAt(sequence: number): Promise<NatsStoredMessage | null> {
    return this.#getMessage({ seq: sequence });
  }

  /** Reads the first message on a subject with a sequence number of at least `sequence`; null if there is none. */
  nextMessage(subject: string, sequence: number): Promise<NatsStoredMessage | null> {
    return this.#getMessage({ seq: sequence, next_by_subj: subject });
  }

  /** Reads the clock of NATS, in milliseconds since 1970. */
  async readClockMs(): Promise<number> {
    const { created } = await this.#addConsumer({
      deliver_subject: newInbox(),
      deliver_policy: "new",
      ack_policy: "none",
      mem_storage: true,
      inactive_threshold: CLOCK_CONSUMER_NANOS,
    });
    return Date.parse(created);
  }

  /**
   * Reads the messages that a consumer with the configuration `query` delivers, in order.
   *
   * @param isLast whether a message is the last one to read. If the server of NATS that reads the stream does not
   *   have it yet, the read waits for it. Default: the read ends with the last message of that server.
   */
  async read(query: ReadQuery, isLast?: IsLast): Promise<readonly StoredText[]> {
    const inbox = newInbox();
    const reading = new Reading((subject) => this.#connection.publish(subject, ""), isLast);
    const subscription = this.#connection.subscribe(inbox, { callback: reading.onMessage });
    try {
      const { num_pending } = await this.#addConsumer({
        ...query,
        deliver_subject: inbox,
        ack_policy: "none",
        mem_storage: true,
        inactive_threshold: READ_CONSUMER_NANOS,
        // Otherwise NATS drops the connection if it sends faster than this process reads. It requires heartbeats.
        flow_control: true,
        idle_heartbeat: READ_CONSUMER_NANOS,
      });
      reading.restartTimeout();
      if (num_pending > 0 || isLast !== undefined) await reading.finished;
    } finally {
      reading.stopTimeout();
      subscription.unsubscribe();
    }
    return reading.messages;
  }

  #getMessage(query: object): Promise<NatsStoredMessage | null> {
    return this.#use(() => this.#manager.streams.getMessage(this.#settings.name, query));
  }

  #addConsumer(config: object): ReturnType<NatsManager["consumers"]["add"]> {
    return this.#use(() => this.#manager.consumers.add(this.#settings.name, config));
  }

  /** Calls `action`. If the stream is missing, creates it and calls once more. */
  async #use<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!isStreamMissing(error) && !isUnanswered(error)) throw error;
    }
    await this.ensure();
    return action();
  }
}

function configOf(settings: StreamSettings): NatsWantedConfig {
  const { subject, republishTo, messagesPerSubject, maxAgeMs, maxBytes, idWindowMs } = settings;
  return {
    name: settings.name,
    subjects: [subject],
    retention: "limits",
    discard: "old",
    storage: "file",
    num_replicas: settings.replicas,
    max_msgs_per_subject: messagesPerSubject,
    max_age: maxAgeMs * NANOS_PER_MS,
    max_bytes: maxBytes === Infinity ? -1 : maxBytes,
    duplicate_window: idWindowMs * NANOS_PER_MS,
    republish: { src: subject, dest: republishTo },
  };
}

interface NatsWantedConfig extends Record<string, unknown> {
  readonly max_msgs_per_subject: number;
  readonly max_age: number;
  readonly max_bytes: number;
  readonly duplicate_window: number;
}

/** Collects the messages of one read. */
class Reading {
  readonly messages: StoredText[] = [];
  /** Resolves after the last message. Rejects if NATS sends an error, or no message in time. */
  readonly finished: Promise<void>;
  readonly #answer: (subject: string) => void;
  readonly #isLast: IsLast | undefined;
  #finish!: () => void;
  #fail!: (error: Error) => void;
  #timer: unknown;

  /** @param answer sends an empty message */
  constructor(answer: (subject: string) => void, isLast: IsLast | undefined) {
    this.#answer = answer;
    this.#isLast = isLast;
    this.finished = new Promise<void>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // An error may occur before `finished` is awaited, because that happens only after the consumer has been
    // created.
    this.finished.catch(() => {});
  }

  restartTimeout(): void {
    this.stopTimeout();
    this.#timer = setTimeout(
      () =>
        this.#fail(
          new BrokerError(
            "BROKER_TIMEOUT",
            `NATS sent no message for ${READ_TIMEOUT_MS} ms during a read`,
          ),
        ),
      READ_TIMEOUT_MS,
    );
  }

  stopTimeout(): void {
    clearTimeout(this.#timer as never);
  }

  readonly onMessage = (error: Error | null, message: NatsMessage): void => {
    if (error !== null) {
      this.#fail(error);
      return;
    }
    if (message.reply?.startsWith(FLOW_CONTROL)) this.#answer(message.reply);
    const delivered = readDelivered(message);
    if (delivered === undefined) return;
    this.restartTimeout();
    this.messages.push(delivered);
    // NATS does not send messages again that it has sent into a connection that was lost.
    if (delivered.consumerSequence !== this.messages.length) {
      this.#fail(
        new BrokerError(
          "BROKER_UNAVAILABLE",
          "the connection to NATS was lost during a read, so messages are missing; read again",
        ),
      );
      return;
    }
    if (this.#isLast === undefined ? delivered.pending === 0 : this.#isLast(delivered)) {
      this.#finish();
    }
  };
}

const decoder = new TextDecoder();

export function textOf({ data }: { readonly data: Uint8Array }): string {
  return decoder.decode(data);
}

interface Delivered extends StoredText {
  /** How many messages the consumer has sent, including this one. */
  readonly consumerSequence: number;
  /** How many messages follow. */
  readonly pending: number;
}

/**
 * Reads the sequence numbers and the pending count from the reply subject of a delivered message, which is
 * `$JS.ACK.stream.consumer.deliveries.sequence.consumerSequence.time.pending`.
 */
function readDelivered(message: NatsMessage): Delivered | undefined {
  const parts = (message.reply ?? "").split(".");
  if (parts[0] !== "$JS" || parts.length < 9) return undefined;
  // The newer form has the domain and the account hash after `$JS.ACK`, and one more part at the end.
  const first = parts.length >= 11 ? 6 : 4;
  const [sequence, consumerSequence] = [Number(parts[first + 1]), Number(parts[first + 2])];
  const pending = Number(parts[first + 4]);
  return { subject: message.subject, text: textOf(message), sequence, consumerSequence, pending };
}

function newInbox(): string {
  return `_INBOX.${crypto.randomUUID()}`;
}

function isUnlimitedOr(limit: number, atLeast: number): boolean {
  return limit <= 0 || limit >= atLeast;
}
