import type {
  Broker,
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  BrokerPublishResult,
  Retention,
  VolatileMessage,
} from "tideway/topics";
import { BrokerError, UsageError } from "../../errors/index.ts";
import { debugLog } from "../broker/debug-log.ts";
import { encodeMessage, encodePayload } from "../broker/payload.ts";
import type { NatsConnection, NatsJetStream } from "./nats-client.ts";
import { toBrokerError } from "./nats-errors.ts";
import { NatsLog } from "./nats-log.ts";
import {
  checkClients,
  type NatsBrokerOptions,
  type NatsSettings,
  resolveNatsOptions,
} from "./nats-options.ts";
import { checkPresenceTtl, MAX_PRESENCE_MS, NatsPresence } from "./nats-presence.ts";
import { NatsStream } from "./nats-stream.ts";
import { messageIdOf, NatsSubjects } from "./nats-subjects.ts";
import { NatsSubscriptions } from "./nats-subscriptions.ts";
import type { NatsLiveTopic } from "./nats-topic-listening.ts";
import { NatsTopicWriter } from "./nats-topic-writer.ts";

/** Room for marks, which are messages of a topic in NATS but not publications; see `NatsLog`. */
const SPARE_MESSAGES = 24;

/** The maximum number of publications of one topic that this process has in flight. */
const MAX_IN_FLIGHT = 64;

/** The streams of a broker. */
interface Streams {
  readonly log: NatsStream;
  readonly presence: NatsStream;
}

/**
 * A broker on NATS 2.9 or newer, with JetStream. With `replicas` above 1, it needs NATS 2.10.19 or newer. You open
 * and close the connection that it uses. The broker creates its two streams if they do not exist. If they are deleted
 * while it is open, it creates them again, and every topic begins another epoch.
 *
 * Every topic that was read or published to occupies at least one message in NATS for `maxAgeMs`. Set
 * `maxBytes` if clients choose topic names. In this process, the broker holds the topics that it listens to,
 * at most `maxTopics`, and the positions of at most 10,000 topics and of 10,000 publications.
 *
 * Each process has up to 64 publications of a topic in flight. NATS also delivers them to this process, which
 * counts them to find their positions.
 *
 * @example
 * ```ts
 * const connection = await connect({ servers: "localhost", maxReconnectAttempts: -1 });
 * const broker = await NatsBroker.open(connection, jetstream(connection));
 * const topics = new Topics({ broker });
 * ```
 */
export class NatsBroker implements Broker {
  readonly #connection: NatsConnection;
  readonly #settings: NatsSettings;
  readonly #subjects: NatsSubjects;
  readonly #log: NatsLog;
  readonly #presence: NatsPresence;
  readonly #subscriptions: NatsSubscriptions;
  /** The topics with pending publications. */
  readonly #writers = new Map<string, NatsTopicWriter>();
  #isClosed = false;

  /**
   * Opens a broker: finds its streams, or creates them.
   *
   * @param connection the result of `connect` from `@nats-io/transport-node`
   * @param jetStream the result of `jetstream(connection)` from `@nats-io/jetstream`
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError `BROKER_UNAVAILABLE` if NATS does not answer, or if JetStream is disabled or still starts.
   *   `BROKER_REFUSED` if a permission is missing, or if an existing stream keeps less than the options require
   */
  static async open(
    connection: NatsConnection,
    jetStream: NatsJetStream,
    options: NatsBrokerOptions = {},
  ): Promise<NatsBroker> {
    checkClients(connection, jetStream);
    const settings = resolveNatsOptions(options);
    try {
      const streams = await openStreams(connection, jetStream, settings);
      return new NatsBroker(connection, streams, settings);
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  private constructor(connection: NatsConnection, streams: Streams, settings: NatsSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#subjects = new NatsSubjects(settings.prefix);
    const { maxAgeMs, maxTopics } = settings;
    const nowMs = (): number => performance.now();
    this.#log = new NatsLog(streams.log, { maxAgeMs, nowMs });
    this.#presence = new NatsPresence(streams.presence, nowMs);
    const onReconnect = (): void => this.#log.suspectLoss();
    this.#subscriptions = new NatsSubscriptions(connection, {
      maxTopics,
      onReconnect,
      log: debugLog,
    });
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<BrokerPublishResult> {
    this.#checkRetention(retention);
    const { id } = draft;
    const stored = { id, payload: encodePayload(draft), msgID: messageIdOf(topic, id) };
    return this.#call(() => this.#writer(topic).append(stored));
  }

  async history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage> {
    this.#checkRetention(retention);
    return this.#call(() => this.#log.readPage(this.#subjects.log(topic), query));
  }

  subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    return this.#call(() => this.#subscriptions.listen(topic, this.#liveTopic(topic), listener));
  }

  send(topic: string, message: VolatileMessage): Promise<void> {
    const { messages } = this.#subjects.live(topic);
    return this.#call(async () => {
      this.#connection.publish(messages, encodeMessage(message));
      // A connection that is lost drops the message.
      await this.#subscriptions.flush();
    });
  }

  async enter(topic: string, { key, value }: PresenceEntry, ttlMs: number): Promise<void> {
    checkPresenceTtl(ttlMs);
    await this.#call(() => this.#presence.enter(this.#subjects.entry(topic, key), value, ttlMs));
  }

  leave(topic: string, key: string): Promise<void> {
    return this.#call(() => this.#presence.leave(this.#subjects.entry(topic, key)));
  }

  members(topic: string): Promise<readonly PresenceEntry[]> {
    return this.#call(() => this.#presence.members(this.#subjects.entries(topic)));
  }

  /** Stops listening. Does not close the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const writer of this.#writers.values()) writer.close(closed());
    this.#subscriptions.close();
  }

  #writer(topic: string): NatsTopicWriter {
    const existing = this.#writers.get(topic);
    if (existing !== undefined) return existing;
    const writer = new NatsTopicWriter(this.#subjects.log(topic), {
      log: this.#log,
      isReplicated: this.#log.isReplicated,
      maxInFlight: this.#maxInFlight,
      follow: (onPlaced) => this.#subscriptions.follow(topic, this.#liveTopic(topic), onPlaced),
      onIdle: () => this.#writers.delete(topic),
    });
    this.#writers.set(topic, writer);
    return writer;
  }

  #liveTopic(topic: string): NatsLiveTopic {
    const subject = this.#subjects.log(topic);
    return {
      subjects: this.#subjects.live(topic),
      onTail: (tail, id) => this.#log.learn(subject, tail, id),
      onReuse: () => this.#log.suspectLoss(),
      checkTail: () => this.#log.readTail(subject),
      positionOf: (sequence) => this.#log.positionOf(subject, sequence),
    };
  }

  /**
   * Other servers may publish to the same topic. The messages in flight must fit into the history, because each
   * of them names an earlier message, from which a reader counts.
   */
  get #maxInFlight(): number {
    const { historySize } = this.#settings;
    return Math.max(1, Math.min(MAX_IN_FLIGHT, Math.floor((historySize + SPARE_MESSAGES) / 16)));
  }

  async #call<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed();
    try {
      return await action();
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  /** In NATS, retention is a property of the stream, so it is the same for all topics. @throws UsageError */
  #checkRetention({ size, ageMs, idWindowMs }: Retention): void {
    const { historySize, maxAgeMs, idWindowMs: maxIdWindowMs } = this.#settings;
    if (size <= historySize && ageMs <= maxAgeMs && idWindowMs <= maxIdWindowMs) return;
    throw new UsageError(
      "INVALID_OPTION",
      `a topic has historySize ${size}, historyAgeMs ${ageMs} and idWindowMs ${idWindowMs}, but the NatsBroker keeps at most historySize ${historySize}, maxAgeMs ${maxAgeMs} and idWindowMs ${maxIdWindowMs}; raise the options of the NatsBroker`,
    );
  }
}

function closed(): BrokerError {
  return new BrokerError("BROKER_CLOSED", "the NatsBroker is closed");
}

async function openStreams(
  connection: NatsConnection,
  jetStream: NatsJetStream,
  { prefix, stream, historySize, maxAgeMs, maxBytes, idWindowMs, replicas }: NatsSettings,
): Promise<Streams> {
  const manager = await jetStream.jetstreamManager();
  const subjects = new NatsSubjects(prefix);
  const log = new NatsStream(connection, jetStream, manager, {
    name: stream,
    ...subjects.logStream,
    messagesPerSubject: historySize + SPARE_MESSAGES,
    maxAgeMs,
    maxBytes,
    idWindowMs,
    replicas,
  });
  const presence = new NatsStream(connection, jetStream, manager, {
    name: `${stream}_PRESENCE`,
    ...subjects.presenceStream,
    messagesPerSubject: 1,
    maxAgeMs: MAX_PRESENCE_MS,
    maxBytes: Infinity,
    idWindowMs: 1_000,
    replicas,
  });
  await log.ensure();
  await presence.ensure();
  return { log, presence };
}
