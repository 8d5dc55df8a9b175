/**
 * `tideway/topics/redis`: connect the topics of several servers through Redis.
 *
 * ```ts
 * import { createClient } from "redis";
 * import { Topics } from "tideway/topics";
 * import { RedisBroker } from "tideway/topics/redis";
 *
 * const client = await createClient({ url: "redis://localhost" }).connect();
 * const topics = new Topics({ broker: await RedisBroker.open(client) });
 * ```
 *
 * @module
 */
export { RedisBroker, type RedisBrokerOptions } from "./redis-broker.ts";
export type {
  IoRedisClient,
  IoRedisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisMaster,
  RedisClient,
} from "./redis-client.ts";
