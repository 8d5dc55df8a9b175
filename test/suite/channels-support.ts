import type { StandardSchema } from "tideway/server";
import type { WebSocketConstructor } from "tideway";
import { type ChannelClient, type ConnectOptions, defineContract } from "tideway/channels";
import { type Channels, channels, type ChannelsOptions } from "tideway/channels/server";
import { type Broker, MemoryBroker, Topics, type TopicsOptions } from "tideway/topics";
import { onTestFinished } from "vitest";
import { createClient } from "../../src/channels/client/index.ts";
import { decideReconnect } from "../../src/node/client/decide-reconnect.ts";
import { startVenue } from "./start.ts";
import type { Venue } from "./transports.ts";

function schema<T>(check: (value: unknown) => boolean): StandardSchema<T, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        check(value) ? { value: value as T } : { issues: [{ message: "is not valid" }] },
    },
  };
}

const number = schema<number>((value) => typeof value === "number");
const text = schema<string>((value) => typeof value === "string");

export const contract = defineContract({
  topics: {
    "rooms/:room": { message: number, member: text },
    "logs/:name": { message: text },
    "moves/:board": { message: number, isVolatile: true },
  },
  calls: {
    double: { input: number, output: number, errors: { tooBig: number } },
    place: { input: number, output: text, isIdempotent: true },
    count: { input: number, item: number },
    lines: { input: number, item: number, isResumable: true },
  },
});

type Options = ChannelsOptions<typeof contract, string>;

/** A server with channels, which can crash. */
export interface Server {
  readonly api: Channels<typeof contract, string>;
  readonly venue: Venue;
  /** The errors that were reported. */
  readonly errors: unknown[];
  /** Ends all connections without a closing handshake. */
  breakConnections(): void;
}

/** Options of {@link startServer}. */
export type ServerOptions = Partial<Omit<Options, "topics">> & {
  readonly broker?: Broker;
  readonly topics?: TopicsOptions;
};

/** Serves channels over the transport of this run, until the end of the test. */
export async function startServer({
  broker = new MemoryBroker(),
  topics: topicsOptions,
  ...options
}: ServerOptions = {}): Promise<Server> {
  const topics = new Topics({ broker, ...topicsOptions });
  onTestFinished(() => topics.close());
  const errors: unknown[] = [];
  const api: Channels<typeof contract, string> = channels(contract, {
    authorize: ({ auth }) => ({ state: String(auth) }),
    rules: RULES,
    calls: CALLS,
    onError: (error) => errors.push(error),
    ...options,
    topics,
  });
  const venue = await startVenue({ routes: { "ws:/api": api.route() } });
  const breakConnections = (): void => {
    for (const socket of venue.sockets) socket.terminate();
  };
  return { api, venue, errors, breakConnections };
}

/** The default rules allow everything. */
export const RULES: NonNullable<Options["rules"]> = {
  "rooms/:room": {
    subscribe: true,
    publish: true,
    enter: ({ state }) => ({ id: state, data: state }),
  },
  "logs/:name": { subscribe: true, publish: true },
  "moves/:board": { subscribe: true, publish: true },
};

/** The default handlers. */
export const CALLS: NonNullable<Options["calls"]> = {
  double: (input) => 2 * input,
  place: (_, { id }) => id,
  count: async function* (to) {
    for (const item of range(1, to)) yield item;
  },
  lines: async function* () {},
};

/** A client that connects to a server. The server can be replaced by another one. */
export interface Client {
  readonly client: ChannelClient<typeof contract>;
  /** Connects to another server from the next attempt on. */
  moveTo(server: Server): void;
}

/** Connects a client over the transport of this run, until the end of the test. */
export function openClient(
  server: Server,
  options: Omit<ConnectOptions<typeof contract>, "contract"> = {},
): Client {
  let current = server;
  // Each server has its own class, which connects to that server.
  const base = function (...values: ConstructorParameters<WebSocketConstructor>): object {
    return new current.venue.WebSocket(...values);
  };
  const url = (): string => `${current.venue.url}/api`;
  const client = createClient({ WebSocket: base as never, decide: decideReconnect }, url, {
    initialDelayMs: 1,
    maxDelayMs: 20,
    auth: "ann",
    ...options,
  }) as unknown as ChannelClient<typeof contract>;
  onTestFinished(() => client.close());
  return { client, moveTo: (next) => void (current = next) };
}

/** Connects a client that stays with its server. */
export function connect(
  server: Server,
  options: Omit<ConnectOptions<typeof contract>, "contract"> = {},
): ChannelClient<typeof contract> {
  return openClient(server, options).client;
}

/** Takes `count` values of an iterator. It stays open. */
export async function take<T>(iterator: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const { done, value } = await iterator.next();
    if (done === true) throw new Error(`ended after ${JSON.stringify(taken)}`);
    taken.push(value);
  }
  return taken;
}

/** The whole numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The data of messages. */
export function dataOf<T>(messages: readonly { readonly data: T }[]): T[] {
  return messages.map(({ data }) => data);
}

/** A promise with the function that resolves it. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
} {
  let resolve!: (value: T) => void;
  return { promise: new Promise<T>((settle) => (resolve = settle)), resolve };
}
