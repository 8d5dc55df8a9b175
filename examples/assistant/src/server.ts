// One of the servers with Redis: node dist/server.js, with PORT and WORKER_KEY.
import { createClient } from "redis";
import { files, serve } from "tideway/server";
import { Topics } from "tideway/topics";
import { RedisBroker } from "tideway/topics/redis";
import { createAssistant } from "./assistant.ts";
import { onSignal, REDIS_URL, SERVERS } from "./settings.ts";

/** The library, to which the page's import map leads. */
const TIDEWAY = new URL("../", import.meta.resolve("tideway/protocol"));

const redis = createClient({ url: REDIS_URL });
// The client keeps trying to reconnect. Pending calls report the error.
redis.on("error", () => {});
redis.connect().catch(() => {});
const broker = await RedisBroker.open(redis, { connectTimeoutMs: 3_000 }).catch(() => undefined);

if (broker === undefined) {
  console.error(`Redis does not answer at ${REDIS_URL}. Start redis-server, or set REDIS_URL.`);
  redis.destroy();
  process.exitCode = 1;
} else {
  const port = Number(process.env["PORT"] ?? 8081);
  const topics = new Topics({ broker, historySize: 5_000, historyAgeMs: 3_600_000 });
  const assistant = createAssistant({
    topics,
    isInMemory: false,
    url: () => `http://localhost:${port}`,
    servers: SERVERS,
    workerKey: process.env["WORKER_KEY"]!,
  });
  const server = await serve({
    port,
    routes: {
      ...assistant.routes,
      "/tideway/*": files(TIDEWAY),
      "/": () => new Response(null, { status: 302, headers: { location: "/assistant/" } }),
    },
  });
  onSignal(async () => {
    await server.stop({ drain: {} });
    await topics.close();
    await broker.close();
    redis.destroy();
  });
  console.log(`The assistant is at http://localhost:${port}/assistant/ (process ${process.pid})`);
}
