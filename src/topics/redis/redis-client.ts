import { ClusterListening } from "./cluster-listening.ts";

/** What is needed of a client made by `createClient` of the package `redis`. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  sendCommand(args: readonly string[]): Promise<unknown>;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  destroy(): void;
}

/** What is needed of a client made by `createCluster` of the package `redis`. */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: string[]): Promise<unknown>;
  readonly masters: readonly NodeRedisMaster[];
  nodeClient(master: NodeRedisMaster): Promise<NodeRedisClient> | NodeRedisClient;
}

export interface NodeRedisMaster {
  readonly client?: NodeRedisClient | undefined;
}

/** What is needed of a `Redis` of the package `ioredis`. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(override?: object): IoRedisClient;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  disconnect(): void;
}

/** What is needed of a `Cluster` of the package `ioredis`. */
export interface IoRedisCluster {
  call(command: string, ...args: string[]): Promise<unknown>;
  nodes(role: "master"): readonly IoRedisClient[];
}

/** A client of either package, of one server or of a cluster. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | IoRedisClient | IoRedisCluster;

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
  if ("call" in client) return { call: (command, ...args) => client.call(command, ...args) };
  // The first key of a script stands behind its text, or digest, and the number of keys.
  if ("masters" in client)
    return { call: (...args) => client.sendCommand(args[3], false, [...args]) };
  return { call: (...args) => client.sendCommand(args) };
}

/** Opens another connection like that of `client`. */
export function listenBeside(client: RedisClient, listener: RedisListener): RedisListening {
  if ("masters" in client) {
    return new ClusterListening(async (attempt, nodeListener) => {
      const master = oneOf(client.masters, attempt);
      const like = master.client ?? (await client.nodeClient(master));
      return listenNodeRedis(like.duplicate(), nodeListener);
    }, listener);
  }
  if ("nodes" in client) {
    return new ClusterListening(async (attempt, nodeListener) => {
      const like = oneOf(client.nodes("master"), attempt);
      // Another node is tried before this one again.
      const options = { lazyConnect: false, retryStrategy: null };
      return listenIoRedis(like.duplicate(options), nodeListener);
    }, listener);
  }
  if ("call" in client) return listenIoRedis(client.duplicate(), listener);
  return listenNodeRedis(client.duplicate(), listener);
}

function oneOf<Node>(nodes: readonly Node[], attempt: number): Node {
  if (nodes.length === 0) throw new Error("the client knows no node of the cluster");
  return nodes[attempt % nodes.length];
}

function listenNodeRedis(client: NodeRedisClient, listener: RedisListener): RedisListening {
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
    close() {
      // A client that has never come to be open cannot be closed.
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
