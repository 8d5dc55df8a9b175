import { RedisClusterListening } from "./redis-cluster-listening.ts";
import {
  commandsOf,
  type IoRedisClient,
  type IoRedisCluster,
  type NodeRedisClient,
  type NodeRedisCluster,
  type RedisClient,
  type RedisListener,
  type RedisListening,
} from "./redis-client.ts";
import { RedisShardedListening, type ShardMaster } from "./redis-sharded-listening.ts";
import { readSlots } from "./redis-slots.ts";

/**
 * Opens a connection for subscriptions, with the same settings as `client`.
 *
 * @param isSharded whether to subscribe to sharded channels
 */
export function listenBeside(
  client: RedisClient,
  listener: RedisListener,
  isSharded: boolean,
): RedisListening {
  if ("masters" in client || "nodes" in client) {
    return isSharded
      ? new RedisShardedListening(() => readMasters(client), listener)
      : listenToCluster(client, listener);
  }
  if ("call" in client) return listenIoRedis(client.duplicate(), listener, isSharded);
  return listenNodeRedis(client.duplicate(), listener, isSharded);
}

function listenToCluster(
  client: NodeRedisCluster | IoRedisCluster,
  listener: RedisListener,
): RedisListening {
  return new RedisClusterListening(async (attempt, masterListener) => {
    const clients = await clientsOfMasters(client);
    const like = oneOf(clients, attempt);
    return listenLike(await like(), masterListener, false);
  }, listener);
}

/** Opens a connection with the settings of a master's client. It does not reconnect. */
function listenLike(
  like: NodeRedisClient | IoRedisClient,
  listener: RedisListener,
  isSharded: boolean,
): RedisListening {
  // The client must not reconnect, because the next attempt may use another master.
  const options = { lazyConnect: false, retryStrategy: null };
  return "call" in like
    ? listenIoRedis(like.duplicate(options), listener, isSharded)
    : listenNodeRedis(like.duplicate(), listener, isSharded);
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
    open: (listener) => listenLike(like, listener, true),
  };
}

/** The clients keep commands for a master that is away, so its answer may never arrive. */
async function withTimeout<T>(reading: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: unknown;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("a master does not answer")), timeoutMs);
  });
  try {
    return await Promise.race([reading, timeout]);
  } finally {
    clearTimeout(timer as never);
  }
}

/** How long a master may take to say which slots it has. */
const MASTER_TIMEOUT_MS = 2_000;

/** Reads the slots of each master that answers. */
async function readMasters(
  client: NodeRedisCluster | IoRedisCluster,
): Promise<readonly ShardMaster[]> {
  const masters = await clientsOfMasters(client);
  const results = await Promise.allSettled(
    masters.map((open) => withTimeout(readMaster(open), MASTER_TIMEOUT_MS)),
  );
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
  listener: RedisListener,
  isSharded: boolean,
): RedisListening {
  let isConnected = false;
  client.on("error", (error) => listener.onError(error));
  // The client restores its subscriptions before it emits "ready".
  client.on("ready", () => {
    if (isConnected) listener.onReconnected();
    isConnected = true;
  });
  const connected = client.connect();
  return {
    connected,
    subscribe(channel) {
      const onMessage = (message: string): void => listener.onMessage(channel, message);
      return isSharded
        ? client.sSubscribe(channel, onMessage)
        : client.subscribe(channel, onMessage);
    },
    unsubscribe: (channel) =>
      isSharded ? client.sUnsubscribe(channel) : client.unsubscribe(channel),
    close() {
      // `destroy` throws if the client was never open.
      if (client.isOpen) client.destroy();
    },
  };
}

function listenIoRedis(
  client: IoRedisClient,
  listener: RedisListener,
  isSharded: boolean,
): RedisListening {
  const subscribe = (...names: string[]): Promise<unknown> =>
    isSharded ? client.ssubscribe(...names) : client.subscribe(...names);
  const channels = new Set<string>();
  let isConnected = false;
  client.on("error", (error) => listener.onError(error));
  client.on("end", () => listener.onError(new Error("the connection has ended")));
  client.on(isSharded ? "smessage" : "message", (channel, message) =>
    listener.onMessage(String(channel), String(message)),
  );
  const connected = new Promise<void>((resolve) => {
    client.on("ready", () => {
      resolve();
      // The client restores its subscriptions right after this event. When it has got the answer to a later
      // command, the subscriptions are restored.
      const subscribing = isConnected && channels.size > 0 ? subscribe(...channels) : null;
      // If it fails, the connection is lost again, and the client reconnects.
      subscribing?.then(() => listener.onReconnected(), listener.onError.bind(listener));
      isConnected = true;
    });
  });
  return {
    connected,
    subscribe(channel) {
      channels.add(channel);
      return subscribe(channel);
    },
    unsubscribe(channel) {
      channels.delete(channel);
      return isSharded ? client.sunsubscribe(channel) : client.unsubscribe(channel);
    },
    close: () => client.disconnect(),
  };
}
