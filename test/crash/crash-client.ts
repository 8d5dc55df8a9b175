import { ReconnectingWebSocket } from "tideway";
import type { ClientEvent, ClientLog } from "./log.ts";
import type { PublishAnswer, PublishRequest } from "./server.ts";

/** A message of the default envelope. */
interface TopicMessage {
  readonly type: "subscribed" | "publication" | "lost";
  readonly position: string;
  readonly id: string;
  readonly recovered: boolean;
}

/**
 * A client that checks everything. It remembers its position and sends it on each connection. It
 * repeats publications until they are acknowledged, and logs everything that it receives.
 */
export class CrashClient implements ClientLog {
  readonly name: string;
  readonly topic: string;
  readonly events: ClientEvent[] = [];
  readonly acknowledged = new Map<string, string>();
  readonly #unacknowledged = new Map<string, PublishRequest>();
  readonly #socket: ReconnectingWebSocket;
  #position: string | undefined;
  /** The position that was sent on the current connection. */
  #since: string | undefined;
  #count = 0;

  constructor(name: string, topic: string, port: number) {
    this.name = name;
    this.topic = topic;
    this.#socket = new ReconnectingWebSocket(
      () => {
        this.#since = this.#position;
        const query = this.#since === undefined ? "" : `?since=${this.#since}`;
        return `ws://127.0.0.1:${port}/${topic}${query}`;
      },
      { initialDelayMs: 100, maxDelayMs: 500, stableAfterMs: 500 },
    );
    this.#socket.onmessage = ({ data }) => this.#receive(data as string);
    this.#socket.onopen = () => {
      for (const request of this.#unacknowledged.values()) this.#send(request);
    };
  }

  get position(): string | undefined {
    return this.#position;
  }

  get hasUnacknowledged(): boolean {
    return this.#unacknowledged.size > 0;
  }

  /** Publishes a message, as often as needed. */
  publish(): void {
    const id = `${this.name}-${this.#count++}`;
    const request = { id, text: `text of ${id}` };
    this.#unacknowledged.set(id, request);
    this.#send(request);
  }

  close(): void {
    this.#socket.close();
  }

  #send(request: PublishRequest): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(request));
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as TopicMessage | PublishAnswer;
    const { type } = message;
    if (type === "stored") {
      this.#unacknowledged.delete(message.id);
      this.acknowledged.set(message.id, message.position!);
    } else if (type === "failed") {
      const request = this.#unacknowledged.get(message.id);
      if (request !== undefined) this.#send(request);
    } else {
      this.#log(message as TopicMessage);
    }
  }

  #log({ type, position, id, recovered }: TopicMessage): void {
    if (type === "subscribed") this.events.push({ type, since: this.#since, position, recovered });
    else if (type === "publication") this.events.push({ type, position, id });
    else this.events.push({ type, position });
    this.#position = position;
  }
}
