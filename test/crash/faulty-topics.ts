import type { Topic, TopicSocket, TopicsOptions } from "tideway/topics";
import { Topics } from "tideway/topics";

/**
 * A deliberate fault of a server, to check that the checker finds it:
 *
 * - `lose-publish`: a publish is acknowledged and not stored.
 * - `double-publish`: a publish is stored twice.
 * - `skip-delivery`: a subscriber misses a publication.
 * - `double-delivery`: a subscriber gets a publication twice.
 * - `swap-deliveries`: a subscriber gets two publications in the wrong order.
 */
export type Fault = (typeof FAULTS)[number];

export const FAULTS = [
  "lose-publish",
  "double-publish",
  "skip-delivery",
  "double-delivery",
  "swap-deliveries",
] as const;

/** Topics that work, or have a fault about once in `every` publications. */
export function createTopics(
  fault: Fault | undefined,
  options: TopicsOptions,
  every: number = 100,
): Topics {
  return fault === undefined ? new Topics(options) : new FaultyTopics(fault, options, every);
}

class FaultyTopics extends Topics {
  readonly #fault: Fault;
  readonly #every: number;
  #count = 0;

  constructor(fault: Fault, options: TopicsOptions, every: number) {
    super(options);
    this.#fault = fault;
    this.#every = every;
  }

  override topic(name: string): Topic {
    const topic = super.topic(name);
    const replaced: Partial<Topic> = {
      publish: async (data, options) => {
        if (this.#fault === "lose-publish" && this.#isTime()) {
          const { position } = await topic.history({ limit: 0 });
          const id = options?.id ?? "none";
          return { id, position: { ...position, offset: position.offset + 1 }, isDuplicate: false };
        }
        const published = await topic.publish(data, options);
        if (this.#fault === "double-publish" && this.#isTime()) await topic.publish(data);
        return published;
      },
      subscribe: (target, options) =>
        topic.subscribe(
          this.#isPublishing ? target : this.#disturb(target as TopicSocket),
          options,
        ),
    };
    return new Proxy(topic, {
      get: (target, key) => {
        const value = replaced[key as keyof Topic] ?? target[key as keyof Topic];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  get #isPublishing(): boolean {
    return this.#fault.endsWith("publish");
  }

  #isTime(): boolean {
    return ++this.#count % this.#every === 0;
  }

  /** Wraps a socket, so that some publications are disturbed. */
  #disturb(socket: TopicSocket): TopicSocket {
    let held: Parameters<TopicSocket["send"]>[0] | undefined;
    const send = (data: Parameters<TopicSocket["send"]>[0]): boolean => {
      // The messages of channels that are not text are publications.
      if (typeof data === "string" || held !== undefined || !this.#isTime()) {
        const hasRoom = socket.send(data);
        if (held === undefined) return hasRoom;
        const late = held;
        held = undefined;
        return socket.send(late);
      }
      if (this.#fault === "double-delivery") socket.send(data);
      if (this.#fault === "swap-deliveries") held = data;
      return this.#fault === "double-delivery" ? socket.send(data) : true;
    };
    return new Proxy(socket, {
      get: (target, key) => {
        if (key === "send") return send;
        const value = Reflect.get(target, key) as unknown;
        return typeof value === "function" ? (value as () => void).bind(target) : value;
      },
    });
  }
}
