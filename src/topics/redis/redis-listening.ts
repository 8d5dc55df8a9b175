import { settleWithin } from "../broker/timers.ts";
import {
  commandsOf,
  type ConnectionListener,
  type IoRedisClient,
  type IoRedisCluster,
  type NodeRedisClient,
  type ListeningConnection,
  type NodeRedisCluster,
  type OpenConnection,
  type RedisClient,
  type RedisListener,
  type RedisListening,
} from "./redis-client.ts";
import { RedisReconnectingListening } from "./redis-reconnecting-listening.ts";
import { RedisShardedListening, type ShardMaster } from "./redis-sharded-listening.ts";
import { readSlots } from "./redis-slots.ts";

/**
 * Listens on connections with the same settings as `client`.
 *
 * @param isSharded whether to subscribe to sharded channels
 */
export function listenBeside(
  client: RedisClient,
  listener: RedisListener,
  isSharded: boolean,
): RedisListening {
  if (!isClusterClient(client)) {
    return new RedisReconnectingListening(async () => openerLike(client, isSharded), listener);
  }
  if (isSharded) return new RedisShardedListening(() => readMasters(client), listener);
  return new RedisReconnectingListening(async (attempt) => {
    const openMaster = oneOf(await clientsOfMasters(client), attempt);
    return openerLike(await withTimeout(openMaster()), false);
  }, listener);
}

function isClusterClient(client: RedisClient): client is NodeRedisCluster | IoRedisCluster {
  return "masters" in client || "nodes" in client;
}

/** Returns a function that opens a connection with the settings of `client`. */
function openerLike(client: NodeRedisClient | IoRedisClient, isSharded: boolean): OpenConnection {
  return (listener) =>
    "call" in client
      ? listenIoRedis(duplicateIoRedis(client), listener, isSharded)
      : listenNodeRedis(duplicateNodeRedis(client), listener, isSharded);
}

/*
 * A duplicate does not reconnect, because the next connection is another duplicate. It keeps a `PING` until it is
 * connected, so that the `PING` has a timeout from the start.
 */

function duplicateIoRedis(client: IoRedisClient): IoRedisClient {
  return client.duplicate({ lazyConnect: false, retryStrategy: null, enableOfflineQueue: true });
}

function duplicateNodeRedis(client: NodeRedisClient): NodeRedisClient {
  const { options } = client;
  // Without the options, the override would replace the address.
  if (options === undefined) return client.duplicate();
  const { socket } = options as { readonly socket?: object };
  return client.duplicate({
    // A connection for subscriptions may be quiet for any time.
    socket: { ...socket, reconnectStrategy: false, socketTimeout: undefined },
    disableOfflineQueue: false,
  });
}

type MasterClient = () => Promise<NodeRedisClient | IoRedisClient>;

async function clientsOfMasters(
  client: NodeRedisCluster | IoRedisCluster,
): Promise<readonly MasterClient[]> {
  if ("nodes" in client) return client.nodes("master").map((node) => async () => node);
  return client.masters.map(
    (master) => async () => master.client ?? (await client.nodeClient(master)),
  );
}

async function readMaster(open: MasterClient): Promise<ShardMaster> {
  const like = await open();
  const commands = commandsOf(like);
  const [id, slots] = await Promise.all([
    commands.call("CLUSTER", "MYID"),
    commands.call("CLUSTER", "SLOTS"),
  ]);
  return {
    id: String(id),
    slots: readSlots(slots, String(id)),
    open: openerLike(like, true),
  };
}

/** How long a master may take to be connected, or to say which slots it has. */
const MASTER_TIMEOUT_MS = 2_000;

/** The clients keep commands for a master that is away, so its answer may never arrive. */
function withTimeout<T>(call: Promise<T>): Promise<T> {
  const toError = (): Error => new Error("a master does not answer");
  return settleWithin(globalThis, MASTER_TIMEOUT_MS, call, toError);
}

/** Reads the slots of each master that answers. */
async function readMasters(
  client: NodeRedisCluster | IoRedisCluster,
): Promise<readonly ShardMaster[]> {
  const masters = await clientsOfMasters(client);
  const results = await Promise.allSettled(masters.map((open) => withTimeout(readMaster(open))));
  const found = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (found.length === 0) throw new Error("no master of the cluster answers");
  return found;
}

function oneOf<Master>(masters: readonly Master[], attempt: number): Master {
  if (masters.length === 0) throw new Error("the client has not found a master of the cluster");
  return masters[attempt % masters.length];
}

function listenNodeRedis(
  client: NodeRedisClient,
  listener: ConnectionListener,
  isSharded: boolean,
): ListeningConnection {
  client.on("error", (error) => listener.onError(error));
  // The same function for each channel, because the client calls each function of a channel once.
  const onMessage = (message: string, channel: string): void =>
    listener.onMessage(channel, message);
  return {
    connected: client.connect(),
    subscribe: (channel) =>
      isSharded ? client.sSubscribe(channel, onMessage) : client.subscribe(channel, onMessage),
    unsubscribe: (channel) =>
      isSharded ? client.sUnsubscribe(channel) : client.unsubscribe(channel),
    ping: () => client.sendCommand(["PING"]),
    close() {
      try {
        client.destroy();
      } catch {
        // Some releases throw if the client is not open.
      }
    },
  };
}

function listenIoRedis(
  client: IoRedisClient,
  listener: ConnectionListener,
  isSharded: boolean,
): ListeningConnection {
  client.on("error", (error) => listener.onError(error));
  client.on("end", () => listener.onError(new Error("the connection has ended")));
  client.on(isSharded ? "smessage" : "message", (channel, message) =>
    listener.onMessage(String(channel), String(message)),
  );
  return {
    connected: new Promise<void>((resolve) => void client.on("ready", () => resolve())),
    subscribe: (channel) => (isSharded ? client.ssubscribe(channel) : client.subscribe(channel)),
    unsubscribe: (channel) =>
      isSharded ? client.sunsubscribe(channel) : client.unsubscribe(channel),
    ping: () => client.call("ping"),
    close: () => client.disconnect(),
  };
}
