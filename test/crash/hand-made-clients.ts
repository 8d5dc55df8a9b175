import { ReconnectingWebSocket } from "tideway";
import type {
  ClientEvent,
  ClientGroup,
  ClientLog,
  GroupLog,
  GroupSettings,
  GroupStatus,
  PublisherLog,
  PublishOutcome,
} from "./log.ts";
import { repeatAtRandom } from "./pace.ts";
import type { PublishAnswer, PublishRequest } from "./server.ts";

/** A message of the default envelope. */
interface TopicMessage {
  readonly type: "subscribed" | "publication" | "lost";
  readonly position: string;
  readonly id: string;
  readonly recovered: boolean;
}

interface Publish extends PublishRequest {
  outcome: PublishOutcome | undefined;
}

/** Clients that speak the envelope of topics over a `ReconnectingWebSocket`, without channels. */
export class HandMadeClients implements ClientGroup {
  readonly #clients: readonly HandMadeClient[];

  constructor(settings: GroupSettings) {
    const { name, count, topics } = settings;
    this.#clients = Array.from(
      { length: count },
      (_, index) =>
        new HandMadeClient(`${name}${index}`, topics[index % topics.length][0], settings),
    );
  }

  async stopPublishing(): Promise<void> {
    for (const client of this.#clients) client.stopPublishing();
  }

  async status(): Promise<GroupStatus> {
    const clients = this.#clients;
    return {
      pending: clients.reduce((sum, client) => sum + client.pending, 0),
      positions: clients.map(({ topic, position }) => `${topic} ${position}`),
    };
  }

  async log(): Promise<GroupLog> {
    const connections = this.#clients
      .flatMap(({ events }) => events)
      .filter(({ type }) => type === "subscribed").length;
    const publishers = this.#clients.map((client) => client.publisher);
    return { clients: this.#clients, publishers, connections };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
  }
}

/**
 * A client that checks everything. It remembers its position and sends it on each connection. It
 * repeats publications until they are acknowledged, and logs everything that it receives.
 */
class HandMadeClient implements ClientLog {
  readonly name: string;
  readonly topic: string;
  readonly events: ClientEvent[] = [];
  readonly stopPublishing: () => void;
  readonly #publishes = new Map<string, Publish>();
  readonly #unacknowledged = new Set<Publish>();
  readonly #socket: ReconnectingWebSocket;
  #position: string | undefined;
  /** The position that was sent on the current connection. */
  #since: string | undefined;

  constructor(name: string, topic: string, { port, publishEveryMs }: GroupSettings) {
    this.name = name;
    this.topic = topic;
    this.#socket = new ReconnectingWebSocket(
      () => {
        this.#since = this.#position;
        const query = this.#since === undefined ? "" : `?since=${this.#since}`;
        return `ws://127.0.0.1:${port}/topics/${encodeURIComponent(topic)}${query}`;
      },
      { initialDelayMs: 100, maxDelayMs: 500, stableAfterMs: 500 },
    );
    this.#socket.onmessage = ({ data }) => this.#receive(data as string);
    this.#socket.onopen = () => {
      for (const request of this.#unacknowledged) this.#send(request);
    };
    this.stopPublishing = repeatAtRandom(() => this.#publish(), publishEveryMs);
  }

  get position(): string | undefined {
    return this.#position;
  }

  get pending(): number {
    return this.#unacknowledged.size;
  }

  /** Publications are repeated without waiting for each other, so they have no order. */
  get publisher(): PublisherLog {
    const { name, topic } = this;
    return { name, topic, isOrdered: false, publishes: [...this.#publishes.values()] };
  }

  close(): void {
    this.#socket.close();
  }

  /** Publishes a message, as often as needed. */
  #publish(): void {
    const id = `${this.name}-${this.#publishes.size}`;
    const publish = { id, text: `text of ${id}`, outcome: undefined };
    this.#publishes.set(id, publish);
    this.#unacknowledged.add(publish);
    this.#send(publish);
  }

  #send({ id, text }: PublishRequest): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(JSON.stringify({ id, text } satisfies PublishRequest));
  }

  #receive(message: string): void {
    const received = JSON.parse(message) as TopicMessage | PublishAnswer;
    const { type } = received;
    if (type !== "stored" && type !== "failed") {
      this.#log(received as TopicMessage);
      return;
    }
    const publish = this.#publishes.get(received.id)!;
    if (type === "failed") {
      this.#send(publish);
      return;
    }
    this.#unacknowledged.delete(publish);
    publish.outcome = { type, position: received.position! };
  }

  #log({ type, position, id, recovered }: TopicMessage): void {
    if (type === "subscribed") this.events.push({ type, since: this.#since, position, recovered });
    else if (type === "publication") this.events.push({ type, position, id });
    else this.events.push({ type, position });
    this.#position = position;
  }
}
