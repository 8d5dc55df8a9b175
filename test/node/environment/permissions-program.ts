/**
 * Serves, connects to its own server, and prints "delivered" after a publication. With the port of Redis, a topic
 * on Redis delivers it. Usage: PROGRAM [PORT]
 */
import { createClient } from "redis";
import { WebSocket } from "tideway";
import { prepare, serve } from "tideway/server";
import { Topics } from "tideway/topics";
import { RedisBroker } from "tideway/topics/redis";

const port = process.argv[2];

async function openTopics(): Promise<Topics> {
  if (port === undefined) return new Topics({ prepare });
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  return new Topics({ prepare, broker: await RedisBroker.open(client) });
}

const topics = await openTopics();
const server = await serve({
  port: 0,
  routes: {
    "ws:/news": async (socket) => {
      const news = topics.topic("news");
      await news.subscribe(socket);
      for await (const message of socket) await news.publish(message);
    },
  },
});
const socket = new WebSocket(`${server.url}/news`);
for await (const { data } of socket.onMessage) {
  const message = JSON.parse(data as string) as { type: string; text?: string };
  if (message.type === "subscribed") socket.send("hello");
  else break;
}
console.log("delivered");
process.exit();
