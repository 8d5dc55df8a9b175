import { RedisClusterListening } from "./redis-cluster-listening.ts";
import type {
  IoRedisClient,
  NodeRedisClient,
  RedisClient,
  RedisListener,
  RedisListening,
} from "./redis-client.ts";

/** Opens a connection for subscriptions, with the same settings as `client`. */
export function listenBeside(client: RedisClient, listener: RedisListener): RedisListening {
  if ("masters" in client) {
    return new RedisClusterListening(async (attempt, masterListener) => {
      const master = oneOf(client.masters, attempt);
      const like = master.client ?? (await client.nodeClient(master));
      return listenNodeRedis(like.duplicate(), masterListener);
    }, listener);
  }
  if ("nodes" in client) {
    return new RedisClusterListening(async (attempt, masterListener) => {
      const like = oneOf(client.nodes("master"), attempt);
      // This client must not reconnect, because the next attempt uses another master.
      const options = { lazyConnect: false, retryStrategy: null };
      return listenIoRedis(like.duplicate(options), masterListener);
    }, listener);
  }
  if ("call" in client) return listenIoRedis(client.duplicate(), listener);
  return listenNodeRedis(client.duplicate(), listener);
}

function oneOf<Master>(masters: readonly Master[], attempt: number): Master {
  if (masters.length === 0) throw new Error("the client has not found a master of the cluster");
  return masters[attempt % masters.length];
}

function listenNodeRedis(client: NodeRedisClient, listener: RedisListener): RedisListening {
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
    subscribe: (channel) =>
      client.subscribe(channel, (message) => listener.onMessage(channel, message)),
    unsubscribe: (channel) => client.unsubscribe(channel),
    close() {
      // `destroy` throws if the client was never open.
      if (client.isOpen) client.destroy();
    },
  };
}

function listenIoRedis(client: IoRedisClient, listener: RedisListener): RedisListening {
  const channels = new Set<string>();
  let isConnected = false;
  client.on("error", (error) => listener.onError(error));
  client.on("end", () => listener.onError(new Error("the connection has ended")));
  client.on("message", (channel, message) => listener.onMessage(String(channel), String(message)));
  const connected = new Promise<void>((resolve) => {
    client.on("ready", () => {
      resolve();
      // The client restores its subscriptions right after this event. When it has got the answer to a later
      // command, the subscriptions are restored.
      const subscribing = isConnected && channels.size > 0 ? client.subscribe(...channels) : null;
      // If it fails, the connection is lost again, and the client reconnects.
      subscribing?.then(() => listener.onReconnected(), listener.onError.bind(listener));
      isConnected = true;
    });
  });
  return {
    connected,
    subscribe(channel) {
      channels.add(channel);
      return client.subscribe(channel);
    },
    unsubscribe(channel) {
      channels.delete(channel);
      return client.unsubscribe(channel);
    },
    close: () => client.disconnect(),
  };
}
