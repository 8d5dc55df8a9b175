import { BrokerError, UsageError } from "../../errors/index.ts";
import type {
  Broker,
  BrokerListener,
  BrokerPage,
  HistoryQuery,
  PresenceEntry,
  PublicationDraft,
  PublishReceipt,
  Retention,
} from "tideway/topics";
import { decodePlaced, encodePayload, readPlace } from "../payload.ts";
import type { Publication } from "../publication.ts";
import { DEFAULT_MAX_TOPICS, topicsFull } from "../topics-full.ts";
import { checkNames, checkWhole } from "../topic-options.ts";
import type { NatsConnection, NatsJetStream, NatsManager, NatsMessage } from "./nats-client.ts";
import { toBrokerError } from "./nats-errors.ts";
import { NatsLog } from "./nats-log.ts";
import { isPresenceChange, MAX_PRESENCE_MS, NatsPresence } from "./nats-presence.ts";
import { ensureStream, type StoredText, textOf } from "./nats-stream.ts";

export interface NatsBrokerOptions {
  /** What the names of all subjects begin with. Default `tideway`. */
  readonly prefix?: string;
  /** The name of the stream; that of presence has `_PRESENCE` behind it. Default `TIDEWAY`. */
  readonly stream?: string;
  /** The most publications that any topic keeps. Default 1,000, as that of `Topics`. */
  readonly historySize?: number;
  /**
   * How long NATS keeps messages. A topic that nobody uses for as long begins anew, in another epoch.
   * Default 86,400,000 (a day).
   */
  readonly maxAgeMs?: number;
  /**
   * The most bytes that all topics keep together, if the stream has to be made: beyond it the oldest
   * publications go first, whichever topic they are of. A topic all of which has gone begins anew, in
   * another epoch. Default: no limit but `historySize` for each topic.
   */
  readonly maxBytes?: number;
  /**
   * The most topics that this process listens to. One more rejects with `TOPICS_FULL`. Default 65,536.
   */
  readonly maxTopics?: number;
  /** How long any id is remembered. Default 300,000, as that of `Topics`. */
  readonly idWindowMs?: number;
  /** On how many servers of a cluster the streams are, if they have to be made. Default 1. */
  readonly replicas?: number;
}

const DEFAULTS = {
  prefix: "tideway",
  stream: "TIDEWAY",
  historySize: 1_000,
  maxAgeMs: 86_400_000,
  maxBytes: Infinity,
  maxTopics: DEFAULT_MAX_TOPICS,
  idWindowMs: 300_000,
  replicas: 1,
} as const satisfies Required<NatsBrokerOptions>;

/** Marks, which count as messages and are no publications. */
const SPARE_MESSAGES = 24;

/**
 * A broker on NATS 2.9 or newer, with JetStream. The connection is yours; the streams are made where
 * they are not there.
 *
 * ```ts
 * const connection = await connect({ servers: "localhost", maxReconnectAttempts: -1 });
 * const broker = await NatsBroker.open(connection, jetstream(connection));
 * const topics = new Topics({ broker });
 * ```
 *
 * In this process it holds the positions of at most 10,000 topics that it does not listen to. In NATS,
 * every topic that was read or published to takes at least one message, for `maxAgeMs`. Set `maxBytes` if
 * clients choose names.
 *
 * One publication of a topic follows the other after a round trip to the server: a topic takes as
 * many a second as there are round trips in it, however many nodes publish.
 */
export class NatsBroker implements Broker {
  readonly #connection: NatsConnection;
  readonly #options: Required<NatsBrokerOptions>;
  readonly #log: NatsLog;
  readonly #presence: NatsPresence;
  readonly #listeners = new Set<BrokerListener>();
  /** The number of listeners to each topic. */
  readonly #topics = new Map<string, number>();
  readonly #stops = new Set<() => void>();
  /** The last publishing on each topic: one waits for the other. */
  readonly #publishing = new Map<string, Promise<unknown>>();
  #isClosed = false;

  /**
   * Finds or makes the streams.
   *
   * @throws UsageError `INVALID_OPTION`
   * @throws BrokerError `BROKER_UNAVAILABLE`, and `BROKER_REFUSED` where there is no JetStream, or a
   *   stream of this name that keeps less
   */
  static async open(
    connection: NatsConnection,
    jetStream: NatsJetStream,
    options: NatsBrokerOptions = {},
  ): Promise<NatsBroker> {
    checkOptions(options);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const settings: Required<NatsBrokerOptions> = { ...DEFAULTS, ...Object.fromEntries(given) };
    const { prefix, stream, historySize, maxAgeMs, maxBytes, idWindowMs, replicas } = settings;
    try {
      const manager = await jetStream.jetstreamManager();
      await ensureStream(manager, {
        name: stream,
        subject: `${prefix}.log.*`,
        republishTo: `${prefix}.live.{{wildcard(1)}}`,
        messagesPerSubject: historySize + SPARE_MESSAGES,
        maxAgeMs,
        maxBytes,
        idWindowMs,
        replicas,
      });
      await ensureStream(manager, {
        name: `${stream}_PRESENCE`,
        subject: `${prefix}.here.*.*`,
        republishTo: `${prefix}.presence.{{wildcard(1)}}.{{wildcard(2)}}`,
        messagesPerSubject: 1,
        maxAgeMs: MAX_PRESENCE_MS,
        maxBytes: Infinity,
        idWindowMs: 1_000,
        replicas,
      });
      return new NatsBroker(connection, jetStream, manager, settings);
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  private constructor(
    connection: NatsConnection,
    jetStream: NatsJetStream,
    manager: NatsManager,
    options: Required<NatsBrokerOptions>,
  ) {
    this.#connection = connection;
    this.#options = options;
    const { stream, maxAgeMs } = options;
    this.#log = new NatsLog(connection, jetStream, manager, stream, maxAgeMs);
    this.#presence = new NatsPresence(connection, jetStream, manager, `${stream}_PRESENCE`);
    void this.#watch();
  }

  async publish(
    topic: string,
    draft: PublicationDraft,
    retention: Retention,
  ): Promise<PublishReceipt> {
    this.#checkRetention(retention);
    const subject = this.#subject("log", topic);
    // Ids are remembered for the whole stream.
    const msgID = `${tokenOf(topic)}:${tokenOf(draft.id)}`;
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
    return this.#call(() => this.#readPage(topic, query));
  }

  subscribe(topic: string, listener: BrokerListener): Promise<() => Promise<void>> {
    return this.#call(async () => {
      const listenerCount = this.#topics.get(topic) ?? 0;
      const { maxTopics } = this.#options;
      if (listenerCount === 0 && this.#topics.size >= maxTopics) throw topicsFull(maxTopics);
      this.#topics.set(topic, listenerCount + 1);
      const own: BrokerListener = {
        onPublication: (publication) => listener.onPublication(publication),
        onInterruption: () => listener.onInterruption(),
        onPresenceChange: () => listener.onPresenceChange(),
      };
      const subject = this.#subject("log", topic);
      const live = this.#connection.subscribe(this.#subject("live", topic), {
        callback: (error, message) => this.#onLive(subject, error, message, own),
      });
      const presence = this.#connection.subscribe(`${this.#subject("presence", topic)}.*`, {
        callback: (error, message) => {
          if (error !== null || isPresenceChange(textOf(message))) own.onPresenceChange();
        },
      });
      const stop = (): void => {
        live.unsubscribe();
        presence.unsubscribe();
        if (this.#listeners.delete(own)) this.#forget(topic);
        this.#stops.delete(stop);
      };
      this.#listeners.add(own);
      this.#stops.add(stop);
      try {
        await this.#connection.flush();
      } catch (error) {
        stop();
        throw error;
      }
      return async () => stop();
    });
  }

  enter(topic: string, { key, value }: PresenceEntry, ttlMs: number): Promise<void> {
    return this.#call(() =>
      this.#presence.enter(`${this.#subject("here", topic)}.${key}`, value, ttlMs),
    );
  }

  leave(topic: string, key: string): Promise<void> {
    return this.#call(() => this.#presence.leave(`${this.#subject("here", topic)}.${key}`));
  }

  members(topic: string): Promise<readonly PresenceEntry[]> {
    return this.#call(() => this.#presence.members(this.#subject("here", topic), newInbox()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
  }

  #forget(topic: string): void {
    const listenerCount = this.#topics.get(topic)! - 1;
    if (listenerCount === 0) this.#topics.delete(topic);
    else this.#topics.set(topic, listenerCount);
  }

  async #readPage(topic: string, { since, limit }: HistoryQuery): Promise<BrokerPage> {
    const subject = this.#subject("log", topic);
    const { position, sequence } = await this.#log.readTail(subject);
    const { epoch, offset } = position;
    if (limit === 0 || (since?.offset ?? 0) >= offset) return { position, publications: [] };
    const messages = await this.#log.read(
      subject,
      newInbox(),
      (message) => message.sequence >= sequence,
    );
    const publications = lastRun(messages).filter(
      ({ position: { offset: at } }) => at <= offset && at > (since?.offset ?? 0),
    );
    const page = since === undefined ? publications.slice(-limit) : publications.slice(0, limit);
    return {
      position,
      // What is left of an earlier epoch goes on in this one.
      publications: page.map((one) => ({ ...one, position: { ...one.position, epoch } })),
    };
  }

  #onLive(
    subject: string,
    error: Error | null,
    message: NatsMessage,
    listener: BrokerListener,
  ): void {
    const text = error === null ? textOf(message) : "";
    const publication = decodePlaced(text);
    const position = readPlace(text);
    const sequence = Number(message.headers?.get("Nats-Sequence"));
    if (position !== undefined && sequence > 0) this.#log.learn(subject, { position, sequence });
    if (publication !== undefined) listener.onPublication(publication);
    // A mark, or what cannot be read: what there is to know is in the stream.
    else listener.onInterruption();
  }

  /** Tells listeners of each new connection; it has subscribed again before it says so. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#isClosed) return;
      if (type !== "reconnect") continue;
      for (const listener of this.#listeners) listener.onInterruption();
    }
  }

  async #call<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new BrokerError("BROKER_CLOSED", "the NATS broker was closed");
    try {
      return await action();
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  /** The limits of NATS are those of the stream, for all topics. */
  #checkRetention({ size, ageMs, idWindowMs }: Retention): void {
    const { historySize, maxAgeMs, idWindowMs: maxIdWindowMs } = this.#options;
    if (size <= historySize && ageMs <= maxAgeMs && idWindowMs <= maxIdWindowMs) return;
    throw new UsageError(
      "INVALID_OPTION",
      "a topic asks for more than the historySize, maxAgeMs or idWindowMs of its NatsBroker",
    );
  }

  #subject(kind: "log" | "live" | "here" | "presence", topic: string): string {
    return `${this.#options.prefix}.${kind}.${tokenOf(topic)}`;
  }
}

/** The publications since the topic last began anew; what cannot be read is left out. */
function lastRun(messages: readonly StoredText[]): readonly Publication[] {
  let run: Publication[] = [];
  let lastOffset = 0;
  for (const { text } of messages) {
    const place = readPlace(text);
    if (place === undefined) continue;
    const publication = decodePlaced(text);
    // A mark repeats the position that it stands at.
    const isMark = text.endsWith(" ");
    if (place.offset !== (isMark ? lastOffset : lastOffset + 1)) run = [];
    if (publication !== undefined) run.push(publication);
    lastOffset = place.offset;
  }
  return run;
}

/** As one token of a subject, in which dots, stars and spaces would mean something. */
function tokenOf(text: string): string {
  return encodeURIComponent(text).replace(/[.*]/g, (character) =>
    character === "." ? "%2E" : "%2A",
  );
}

function newInbox(): string {
  return `_INBOX.${crypto.randomUUID()}`;
}

function checkOptions(options: NatsBrokerOptions): void {
  checkNames("NATS", options, Object.keys(DEFAULTS));
  for (const name of [
    "historySize",
    "maxAgeMs",
    "maxBytes",
    "maxTopics",
    "idWindowMs",
    "replicas",
  ] as const) {
    checkWhole("NATS", name, options[name]);
  }
  for (const [name, pattern] of [
    ["prefix", /^[\w-]+(\.[\w-]+)*$/],
    ["stream", /^[\w-]+$/],
  ] as const) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === "string" && pattern.test(value))) continue;
    throw new UsageError("INVALID_OPTION", `NATS: ${name} is not a text of the form ${pattern}`);
  }
}
