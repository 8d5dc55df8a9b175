/** What is needed of a client made by `createClient`, not `createCluster`, of the package `redis`. */
export interface NodeRedisClient {
  sendCommand(args: readonly string[]): Promise<unknown>;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  destroy(): void;
}

/** What is needed of a client of the package `ioredis`, be it `Redis` or `Cluster`. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(): IoRedisClient;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  disconnect(): void;
}

/** A client of either package. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** What both come down to. */
export interface RedisConnection {
  call(...args: readonly string[]): Promise<unknown>;
}

/** A connection of our own for what is published. */
export interface RedisListening {
  /** Resolves once it is there. */
  readonly connected: Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  close(): void;
}

/** What comes over a `RedisListening`. */
export interface RedisListener {
  onMessage(channel: string, message: string): void;
  /** The connection is there again, and subscribed to what it was subscribed to. */
  onReconnected(): void;
  onError(error: unknown): void;
}

export function commandsOf(client: RedisClient): RedisConnection {
  if (isIoRedis(client)) return { call: (command, ...args) => client.call(command, ...args) };
  return { call: (...args) => client.sendCommand(args) };
}

/** Opens another connection like that of `client`. */
export function listenBeside(client: RedisClient, listener: RedisListener): RedisListening {
  return isIoRedis(client) ? listenIoRedis(client, listener) : listenNodeRedis(client, listener);
}

function listenNodeRedis(like: NodeRedisClient, listener: RedisListener): RedisListening {
  const client = like.duplicate();
  let isConnected = false;
  client.on("error", (error) => listener.onError(error));
  // It subscribes again before it is ready.
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
    close: () => client.destroy(),
  };
}

function listenIoRedis(like: IoRedisClient, listener: RedisListener): RedisListening {
  const client = like.duplicate();
  const channels = new Set<string>();
  let isConnected = false;
  client.on("error", (error) => listener.onError(error));
  client.on("message", (channel, message) => listener.onMessage(String(channel), String(message)));
  const connected = new Promise<void>((resolve) => {
    client.on("ready", () => {
      resolve();
      // It subscribes again right after it is ready; ours comes behind, and so does its answer.
      const subscribing = isConnected && channels.size > 0 ? client.subscribe(...channels) : null;
      // Where that fails the connection is gone again, and there will be another.
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

function isIoRedis(client: RedisClient): client is IoRedisClient {
  return "call" in client;
}
