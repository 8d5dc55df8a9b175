/**
 * One of several servers that share a topic. Publishes each message to the topic, and answers when it is
 * stored. The arguments are the engine (`memory`, `redis` or `nats`) and its port.
 */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createClient } from "redis";
import { prepare, serve, type Socket } from "tideway/server";
import { type Broker, MemoryBroker, Topics } from "tideway/topics";
import { NatsBroker } from "tideway/topics/nats";
import { RedisBroker } from "tideway/topics/redis";
import { STORED } from "../../relays/messages.ts";
import { ready } from "../../subject.ts";

const [engine, port] = process.argv.slice(2);
const news = new Topics({ prepare, broker: await openBroker() }).topic("news");

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  routes: {
    "ws:/": async (socket) => {
      await news.subscribe(socket);
      socket.listen((message) => void publish(socket, message));
    },
  },
});
ready(server.port);

async function publish(socket: Socket, message: string | Uint8Array): Promise<void> {
  await news.publish(message);
  socket.send(STORED);
}

async function openBroker(): Promise<Broker> {
  if (engine === "redis") {
    const client = createClient({ socket: { port: Number(port), host: "127.0.0.1" } });
    client.on("error", () => {});
    return await RedisBroker.open(await client.connect());
  }
  if (engine === "nats") {
    const connection = await connect({ servers: `127.0.0.1:${port}` });
    return await NatsBroker.open(connection, jetstream(connection));
  }
  return new MemoryBroker();
}
