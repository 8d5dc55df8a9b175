/**
 * One server of the crash tests, which may be killed at any time: channels, and topics for hand-made
 * clients. Its argument is a {@link ServerSettings} in JSON. It prints its port, and ends with its standard
 * input.
 */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createClient } from "redis";
import { prepare, serve, type Socket } from "tideway/server";
import { type Broker, formatPosition, type Topic } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker } from "tideway/topics/redis";
import { createChannels } from "./channels.ts";
import { createTopics, type Fault } from "./faulty-topics.ts";

export interface ServerSettings {
  readonly engine: "redis" | "nats";
  /** The address of the engine. */
  readonly port: number;
  readonly fault?: Fault | undefined;
  /** Default: the default of topics. */
  readonly historySize?: number | undefined;
}

/** The messages of a hand-made client: a publication, repeated until it is acknowledged. */
export interface PublishRequest {
  readonly id: string;
  readonly text: string;
}

/** The messages of the server, in addition to the messages of the topic. */
export interface PublishAnswer {
  readonly type: "stored" | "failed";
  readonly id: string;
  readonly position?: string;
}

process.stdin.resume().once("end", () => process.exit());

const settings = JSON.parse(process.argv[2]) as ServerSettings;
const topics = createTopics(settings.fault, {
  broker: await openBroker(settings),
  prepare,
  ...(settings.historySize !== undefined && { historySize: settings.historySize }),
  requestTimeoutMs: 1_000,
  // Less than a stall, so that some publishes fail.
  publishTimeoutMs: 2_500,
  checkIntervalMs: 2_000,
  // The engine is unavailable more than once.
  onError: () => {},
});

const server = await serve({
  port: 0,
  routes: {
    "ws:/api": createChannels(topics).route({ origins: "*" }),
    "ws:/topics/:topic": async (socket, { params, request }) => {
      const topic = topics.topic(params.topic);
      const since = new URL(request.url).searchParams.get("since") ?? undefined;
      try {
        await topic.subscribe(socket, { since });
      } catch {
        socket.close(1013, "the broker is away");
      }
      for await (const message of socket) {
        void answer(socket, topic, JSON.parse(message as string) as PublishRequest);
      }
    },
  },
  onError: () => {},
});
process.stdout.write(`${new URL(server.url).port}\n`);

async function answer(socket: Socket, topic: Topic, { id, text }: PublishRequest): Promise<void> {
  try {
    const { position } = await topic.publish(text, { id });
    socket.send(JSON.stringify({ type: "stored", id, position: formatPosition(position) }));
  } catch {
    socket.send(JSON.stringify({ type: "failed", id }));
  }
}

async function openBroker({ engine, port }: ServerSettings): Promise<Broker> {
  if (engine === "redis") {
    const client = createClient({
      socket: { port, host: "127.0.0.1", reconnectStrategy: () => 50 },
    });
    client.on("error", () => {});
    return RedisBroker.open(await client.connect(), { isDurable: true, connectTimeoutMs: 60_000 });
  }
  const connection = await connect({
    servers: `127.0.0.1:${port}`,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  for (;;) {
    try {
      return await NatsBroker.open(connection, jetstream(connection, { timeout: 1_000 }));
    } catch {
      // JetStream starts slightly later than NATS.
    }
  }
}
