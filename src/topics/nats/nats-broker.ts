import type {
  Broker,
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  PublishReceipt,
  Retention,
  VolatileMessage,
} from "tideway/topics";
import { BrokerError, UsageError } from "../../errors/index.ts";
import { debugLog } from "../debug-log.ts";
import { encodeMessage, encodePayload } from "../payload.ts";
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

/** Room for marks, which are messages of a topic in NATS but not publications; see `NatsLog`. */
const SPARE_MESSAGES = 24;

/** The streams of a broker. */
interface Streams {
  readonly log: NatsStream;
  readonly presence: NatsStream;
}

/**
 * A broker on NATS 2.9 or newer, with JetStream. It needs a connection, which you open and close. The broker
 * creates its two streams if they do not exist.
 *
 * Every topic that was read or published to occupies at least one message in NATS for `maxAgeMs`. Set
 * `maxBytes` if clients choose topic names. In this process, the broker holds the topics that it listens to,
 * at most `maxTopics`, and the positions of at most 10,000 topics.
 *
 * Each publication of a topic waits until the previous publication is stored, which takes a round trip. This
 * limits the number of publications per second on one topic, however many servers publish.
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
  /** The pending publication of each topic. The next one waits for it. */
  readonly #publishing = new Map<string, Promise<unknown>>();
  #isClosed = false;

  /**
   * Opens a broker: finds its streams, or creates them.
   *
   * @param connection the result of `connect` from `@nats-io/transport-node`
   * @param jetStream the result of `jetstream(connection)` from `@nats-io/jetstream`
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError `BROKER_UNAVAILABLE` if NATS does not answer, or `BROKER_REFUSED` if JetStream is
   *   disabled, or if an existing stream keeps less than the options require
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
    this.#subscriptions = new NatsSubscriptions(connection, maxTopics, debugLog);
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<PublishReceipt> {
    this.#checkRetention(retention);
    const subject = this.#subjects.log(topic);
    const msgID = messageIdOf(topic, draft.id);
    const before = this.#publishing.get(subject) ?? Promise.resolve();
    const publishing = before.then(() =>
      this.#call(() => this.#log.append(subject, encodePayload(draft), msgID)),
    );
    const settled = publishing.catch(() => {});
    this.#publishing.set(subject, settled);
    void settled.then(() => {
      if (this.#publishing.get(subject) === settled) this.#publishing.delete(subject);
    });
    return publishing;
  }

  async history(topic: string, query: HistoryQuery, retention: Retention): Promise<BrokerPage> {
    this.#checkRetention(retention);
    return this.#call(() => this.#log.readPage(this.#subjects.log(topic), query));
  }

  subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    const log = this.#subjects.log(topic);
    const subjects = this.#subjects.live(topic);
    return this.#call(() =>
      this.#subscriptions.listen(topic, subjects, listener, (tail) => this.#log.learn(log, tail)),
    );
  }

  send(topic: string, message: VolatileMessage): Promise<void> {
    const { messages } = this.#subjects.live(topic);
    return this.#call(async () => this.#connection.publish(messages, encodeMessage(message)));
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
    this.#subscriptions.close();
  }

  async #call<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the NatsBroker is closed");
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

async function openStreams(
  connection: NatsConnection,
  jetStream: NatsJetStream,
  { prefix, stream, historySize, maxAgeMs, maxBytes, idWindowMs, replicas }: NatsSettings,
): Promise<Streams> {
  const manager = await jetStream.jetstreamManager();
  const subjects = new NatsSubjects(prefix);
  const log = new NatsStream(connection, jetStream, manager, stream);
  await log.ensure({
    ...subjects.logStream,
    messagesPerSubject: historySize + SPARE_MESSAGES,
    maxAgeMs,
    maxBytes,
    idWindowMs,
    replicas,
  });
  const presence = new NatsStream(connection, jetStream, manager, `${stream}_PRESENCE`);
  await presence.ensure({
    ...subjects.presenceStream,
    messagesPerSubject: 1,
    maxAgeMs: MAX_PRESENCE_MS,
    maxBytes: Infinity,
    idWindowMs: 1_000,
    replicas,
  });
  return { log, presence };
}
