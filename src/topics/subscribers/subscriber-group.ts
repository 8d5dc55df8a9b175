import type { LossReason } from "../../topic-names/loss-reason.ts";
import type { Position } from "../broker/position.ts";
import type { Publication } from "../broker/publication.ts";
import type {
  Content,
  Prepared,
  RecentPublication,
  RecentPublications,
} from "../messages/recent-publications.ts";
import type { TopicEncoder } from "../messages/topic-encoder.ts";
import type { Member, TopicMessage } from "../messages/topic-message.ts";
import type { TopicSocket } from "../messages/topic-socket.ts";
import type { SubscriberStart } from "./subscriber-start.ts";
import { Subscriber, type SubscriberSource } from "./subscriber.ts";

/** The part of a topic's feed that a group of subscribers uses. */
export interface GroupSource {
  readonly name: string;
  /** The last position of the topic. */
  readonly position: Position;
  readonly hasPresence: boolean;
  readonly members: readonly Member[];
  /** The latest publications in memory. */
  readonly recent: RecentPublications;
  /**
   * Reads publications after `position` from the broker, and retries until it answers. Returns a reason if
   * the broker does not have them, and undefined if the feed is closed.
   */
  readPublications(position: Position): Promise<readonly Publication[] | LossReason | undefined>;
  /** Called after the last subscriber of the group has ended. */
  removeGroup(group: SubscriberGroup): void;
}

/** The maximum number of publications that are delivered together. */
const MAX_BATCH = 64;

const RESOLVED = Promise.resolve();

/**
 * The subscribers to one topic that have the same encoder. The encoder encodes each publication once for all
 * of them.
 *
 * Publications that arrive together are delivered together, one subscriber after another. Otherwise the objects
 * of many subscribers leave the processor's cache between two publications (bench: channels-publications).
 */
export class SubscriberGroup implements SubscriberSource {
  readonly encoder: TopicEncoder;
  readonly #source: GroupSource;
  readonly #subscribers = new Map<TopicSocket, Subscriber>();
  /** Publications for all subscribers, until the promise jobs that are already waiting have run. */
  #batch: Prepared[] = [];

  constructor(source: GroupSource, encoder: TopicEncoder) {
    this.#source = source;
    this.encoder = encoder;
  }

  get position(): Position {
    return this.#source.position;
  }

  get hasPresence(): boolean {
    return this.#source.hasPresence;
  }

  has(socket: TopicSocket): boolean {
    return this.#subscribers.has(socket);
  }

  /** Ends the subscription of a socket, if there is one. */
  end(socket: TopicSocket): void {
    this.#subscribers.get(socket)?.end();
  }

  /** Subscribes a socket, and sends it the notice `subscribed` and the publications after its position. */
  add(socket: TopicSocket, start: SubscriberStart, wantsMembers: boolean): Subscriber {
    const subscriber = new Subscriber(socket, this, start.position, wantsMembers);
    this.#subscribers.set(socket, subscriber);
    const topic = this.#source.name;
    subscriber.start(this.encoder.encodeNotice({ type: "subscribed", topic, ...start }));
    return subscriber;
  }

  /** Sends a publication to all subscribers, or a notice of a loss if it cannot be encoded. */
  offer(recent: RecentPublication): void {
    const prepared = this.#source.recent.prepare(recent, this.encoder);
    if (prepared === undefined) {
      this.skipTo(recent.publication.position, "missing");
      return;
    }
    const count = this.#batch.push(prepared);
    if (count === 1) void RESOLVED.then(() => this.#deliverBatch());
    else if (count === MAX_BATCH) this.#deliverBatch();
  }

  /** Sends a notice of a loss to all subscribers, which continue at `position`. */
  skipTo(position: Position, reason: LossReason): void {
    this.#deliverBatch();
    const notice = this.encodeLost(position, reason);
    for (const subscriber of this.#subscribers.values()) subscriber.skipTo(position, notice);
  }

  /** Sends a message about members to all subscribers that get such messages. */
  notify(message: TopicMessage): void {
    const content = this.encoder.prepareNotice(message);
    if (content === undefined) return;
    this.#deliverBatch();
    for (const subscriber of this.#subscribers.values()) subscriber.notify(content);
  }

  /** Ends all subscriptions, and closes the sockets. */
  close(code: number, reason: string): void {
    this.#deliverBatch();
    for (const [socket, subscriber] of this.#subscribers) {
      subscriber.end();
      socket.close(code, reason);
    }
  }

  next({ epoch, offset }: Position): Prepared | undefined {
    const { position, recent } = this.#source;
    const next = epoch === position.epoch ? recent.get(offset + 1) : undefined;
    return next && recent.prepare(next, this.encoder);
  }

  async readAfter(position: Position): Promise<readonly Prepared[] | LossReason> {
    const publications = await this.#source.readPublications(position);
    if (publications === undefined) return [];
    if (typeof publications === "string") return publications;
    const prepared = this.encoder.prepareAll(publications);
    return prepared.length === 0 ? "missing" : prepared;
  }

  encodeLost(position: Position, reason: LossReason): Content | undefined {
    const topic = this.#source.name;
    return this.encoder.encodeNotice({ type: "lost", topic, position, reason });
  }

  encodeMembers(): Content | undefined {
    const { name: topic, members } = this.#source;
    return this.encoder.encodeNotice({ type: "members", topic, members });
  }

  remove({ socket }: Subscriber): void {
    if (this.#subscribers.delete(socket) && this.#subscribers.size === 0) {
      this.#source.removeGroup(this);
    }
  }

  #deliverBatch(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    for (const subscriber of this.#subscribers.values()) subscriber.offer(batch);
  }
}
