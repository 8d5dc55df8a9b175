import { type ChannelClient, connect } from "tideway/channels";
import { ChannelReader, type ReaderKind } from "./channel-reader.ts";
import { ChannelPublisher } from "./channel-publisher.ts";
import type { ClientGroup, GroupLog, GroupSettings, GroupStatus } from "./log.ts";

/** A credit for about ten publications, so that it runs out. */
const SMALL_CREDIT_BYTES = 1_500;

/** Clients of channels. It runs in Node and in a page. */
export class ChannelClients implements ClientGroup {
  readonly #clients: readonly CrashClient[];

  constructor(settings: GroupSettings) {
    this.#clients = Array.from(
      { length: settings.count },
      (_, index) => new CrashClient(index, settings),
    );
  }

  async stopPublishing(): Promise<void> {
    for (const { publisher } of this.#clients) publisher.stop();
  }

  async status(): Promise<GroupStatus> {
    return {
      pending: this.#clients.reduce((sum, { publisher }) => sum + publisher.pending, 0),
      positions: this.#clients
        .flatMap(({ readers }) => readers)
        .map(({ topic, position }) => `${topic} ${position}`),
    };
  }

  async log(): Promise<GroupLog> {
    return {
      clients: this.#clients.flatMap(({ readers }) =>
        readers.map(({ name, topic, events }) => ({ name, topic, events })),
      ),
      publishers: this.#clients.map(({ publisher }) => publisher.log),
      connections: this.#clients.reduce((sum, { connections }) => sum + connections, 0),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

/**
 * One client with three readers. Two share the subscription to its own topic, and one reads the next topic.
 * It publishes to its own topic.
 */
class CrashClient {
  readonly readers: readonly ChannelReader[];
  readonly publisher: ChannelPublisher;
  connections = 0;
  readonly #client: ChannelClient;

  constructor(index: number, settings: GroupSettings) {
    const { port, topics, publishEveryMs } = settings;
    const name = `${settings.name}${index}`;
    const isSlow = index % 3 === 1;
    this.#client = connect(`ws://127.0.0.1:${port}/api`, {
      initialDelayMs: 100,
      maxDelayMs: 500,
      stableAfterMs: 500,
      ...(isSlow && { creditBytes: SMALL_CREDIT_BYTES }),
    });
    this.#client.onStateChange.listen((state) => {
      if (state === "open") this.connections++;
    });
    const read = (turn: number, kind: ReaderKind): ChannelReader => {
      const [topic, start] = topics[turn % topics.length];
      return new ChannelReader(name, this.#client.topic(topic), kind, start);
    };
    this.readers = [
      read(index, isSlow ? "slow" : "steady"),
      read(index, "restarting"),
      read(index + 1, "returning"),
    ];
    const [topic] = topics[index % topics.length];
    const hasOutbox = index % 4 === 3;
    this.publisher = new ChannelPublisher(
      name,
      this.#client.topic(topic),
      hasOutbox,
      publishEveryMs,
    );
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
