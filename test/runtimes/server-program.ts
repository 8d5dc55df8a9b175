/**
 * A server for clients in other runtimes. Prints its ports as JSON. A request for `/stop` stops it. The process
 * then ends, unless something keeps it alive.
 */
import { readFileSync } from "node:fs";
import { channels } from "tideway/channels/server";
import { prepare, serve, type Socket } from "tideway/server";
import { Topics } from "tideway/topics";
import { contract } from "./contract.ts";

const topics = new Topics({ prepare });
const news = topics.topic("news");
const api = channels(contract, {
  topics,
  authorize: () => ({ state: "guest" }),
  rules: { "numbers/:name": { subscribe: true, publish: true } },
  calls: { double: (value) => value * 2 },
});

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) {
    if (message === "close") socket.close(4001, "ça va");
    else if (!socket.send(message)) await socket.drained;
  }
}

async function relay(socket: Socket): Promise<void> {
  await news.subscribe(socket);
  for await (const message of socket) await news.publish(message);
}

async function stop(): Promise<void> {
  await Promise.all([plain.stop(), secure.stop()]);
  await topics.close();
}

const echoRoute = { protocols: ["b", "a"], handle: echo };
const options = {
  port: 0,
  host: "127.0.0.1",
  routes: {
    "/page": () => new Response("page"),
    "/cpu-time": () => {
      const { user, system } = process.cpuUsage();
      return new Response(`${user + system}`);
    },
    "/stop": () => {
      setImmediate(() => void stop());
      return new Response("stopping");
    },
    "ws:/plain": echoRoute,
    "ws:/compressed": { ...echoRoute, compression: true },
    "ws:/private": { ...echoRoute, authorize: () => new Response("no", { status: 401 }) },
    "ws:/news": { protocols: ["b"], handle: relay },
    "ws:/api": api.route(),
  },
};
const read = (file: string): Buffer => readFileSync(`test/support/certificates/localhost.${file}`);
const plain = await serve(options);
const secure = await serve({ ...options, tls: { cert: read("crt"), key: read("key") } });
console.log(JSON.stringify({ port: plain.port, tlsPort: secure.port }));
