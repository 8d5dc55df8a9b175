import { createClient } from "redis";
import { prepare } from "tideway/server";
import { type Position, type Topic, Topics } from "tideway/topics";
import { RedisBroker } from "tideway/topics/redis";

/** The published data. `number` counts the prices from 1, so that a page can tell whether it missed any. */
export interface Price {
  readonly number: number;
  readonly symbol: string;
  readonly cents: number;
}

/** The number of latest prices that a new page gets. */
const SHOWN_ON_ARRIVAL = 50;

const CONNECT_TIMEOUT_MS = 3_000;

/** The topic of all prices, with the connection of this process to it. */
export interface Prices {
  readonly topic: Topic;
  readonly close: () => Promise<void>;
}

/** Connects to Redis. If the connection is lost later, the client reconnects automatically. @throws BrokerError */
export async function openPrices(url: string): Promise<Prices> {
  const client = createClient({ url });
  client.on("error", () => {});
  client.connect().catch(() => {});
  try {
    const broker = await RedisBroker.open(client, { connectTimeoutMs: CONNECT_TIMEOUT_MS });
    const topics = new Topics({ broker, prepare });
    return {
      topic: topics.topic("prices"),
      async close() {
        await topics.close();
        await broker.close();
        client.destroy();
      },
    };
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** The position after which the latest prices follow, for a client that has no position yet. */
export async function latestStart(topic: Topic): Promise<Position> {
  const { position, publications } = await topic.history({ limit: SHOWN_ON_ARRIVAL });
  if (publications.length === 0) return position;
  const { epoch, offset } = publications[0].position;
  return { epoch, offset: offset - 1 };
}
