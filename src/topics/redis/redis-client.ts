/** The methods that the broker uses of a client of the package `redis`, which `createClient` returns. */
export interface NodeRedisClient {
  readonly options?: object | undefined;
  sendCommand(args: readonly string[], options?: object): Promise<unknown>;
  duplicate(override?: object): NodeRedisClient;
  connect(): Promise<unknown>;
  subscribe(
    channel: string,
    listener: (message: string, channel: string) => void,
  ): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  sSubscribe(
    channel: string,
    listener: (message: string, channel: string) => void,
  ): Promise<unknown>;
  sUnsubscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  destroy(): void;
}

/**
 * The methods that the broker uses of a cluster client of the package `redis`, which `createCluster` returns.
 */
export interface NodeRedisCluster {
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean,
    args: string[],
    options?: object,
  ): Promise<unknown>;
  readonly masters: readonly NodeRedisMaster[];
  nodeClient(master: NodeRedisMaster): Promise<NodeRedisClient> | NodeRedisClient;
}

/** A master of a {@link NodeRedisCluster}. */
export interface NodeRedisMaster {
  /** The client of this master, if it is connected. */
  readonly client?: NodeRedisClient | undefined;
}

/** The methods that the broker uses of the class `Redis` of the package `ioredis`. */
export interface IoRedisClient {
  readonly options?: object | undefined;
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(override?: object): IoRedisClient;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  disconnect(): void;
}

/** The methods that the broker uses of the class `Cluster` of the package `ioredis`. */
export interface IoRedisCluster {
  readonly options?: object | undefined;
  call(command: string, ...args: string[]): Promise<unknown>;
  nodes(role: "master"): readonly IoRedisClient[];
}

/** A client of the package `redis` or `ioredis`, for one server or a cluster. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | IoRedisClient | IoRedisCluster;

/** Sends commands with a client of either package. */
export interface RedisConnection {
  call(...args: readonly string[]): Promise<unknown>;
}

/** The connections on which the broker subscribes to channels. They reconnect automatically. */
export interface RedisListening {
  /** Resolves when Redis can be reached. */
  readonly connected: Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  close(): void;
}

/** Receives the events of a `RedisListening`. */
export interface RedisListener {
  onMessage(channel: string, message: string): void;
  /** Called when a connection is open again, and subscribed to all its channels. */
  onReconnected(): void;
  onError(error: unknown): void;
}

/** One connection for subscriptions, which does not reconnect. Calls may stay pending after it is lost. */
export interface ListeningConnection {
  /** Resolves when the connection is open. */
  readonly connected: Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  close(): void;
}

/** Receives the events of a `ListeningConnection`. */
export interface ConnectionListener {
  onMessage(channel: string, message: string): void;
  /** The first call means that the connection is lost. */
  onError(error: unknown): void;
}

/** Opens a connection for subscriptions. */
export type OpenConnection = (listener: ConnectionListener) => ListeningConnection;

/** Returns an object that sends the commands of the broker with `client`. */
export function commandsOf(client: RedisClient): RedisConnection {
  if ("call" in client) return { call: (command, ...args) => client.call(command, ...args) };
  // A cluster needs the first key of a script, which comes after the command, the script and the key count.
  if ("masters" in client) {
    return withQueueLimit((args, options) =>
      client.sendCommand(args[3], false, [...args], options),
    );
  }
  return withQueueLimit((args, options) => client.sendCommand(args, options));
}

/** With more commands than this without an answer, the client may be disconnected. */
const MAX_UNANSWERED = 100;

/** How long further commands may wait in the queue of the client. */
const MAX_QUEUE_MS = 30_000;

/** Removes commands from the queue of a client that is disconnected for long. */
function withQueueLimit(
  send: (args: readonly string[], options?: object) => Promise<unknown>,
): RedisConnection {
  let unanswered = 0;
  const sendOrAbort = async (args: readonly string[]): Promise<unknown> => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), MAX_QUEUE_MS);
    try {
      return await send(args, { abortSignal: abort.signal });
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    async call(...args) {
      unanswered++;
      try {
        return await (unanswered > MAX_UNANSWERED ? sendOrAbort(args) : send(args));
      } finally {
        unanswered--;
      }
    },
  };
}
