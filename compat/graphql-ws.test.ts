import { once } from "node:events";
import { createRequire } from "node:module";
import type * as graphql from "graphql";
import {
  type Client,
  type ClientOptions,
  type ConnectionInitMessage,
  createClient,
  type ServerOptions,
  type SubscribePayload,
} from "graphql-ws";
import { type Extra, useServer } from "graphql-ws/use/ws";
import * as reference from "ws";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { implementation, type WebSocket } from "./support/implementation.ts";
import { Journal } from "./support/journal.ts";
import { cuttable, listen } from "./support/servers.ts";

const { WebSocketServer } = implementation;

// Vitest would load the ES modules of graphql, while graphql-ws loads the CommonJS modules.
const { buildSchema } = createRequire(import.meta.url)("graphql") as typeof graphql;

const schema = buildSchema(`
  type Query { hello(name: String!): String!, broken: String }
  type Mutation { append(entry: String!): Int! }
  type Subscription { entries: String!, countdown(from: Int!): Int! }
`);

/** The resolvers over one journal. */
function resolversOf(journal: Journal): Record<string, object> {
  return {
    hello: ({ name }: { name: string }) => `hello ${name}`,
    broken: () => {
      throw new Error("the resolver is broken");
    },
    append: ({ entry }: { entry: string }) => journal.append(entry),
    // A generator could not be ended before its next entry.
    entries: () => {
      const reader = journal.read(journal.length);
      return {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            const { done, value } = await reader.next();
            return done === true ? { done, value } : { done, value: { entries: value[1] } };
          },
          return: async () => await reader.return(),
        }),
      };
    },
    countdown: async function* ({ from }: { from: number }) {
      for (let value = from; value >= 0; value--) yield { countdown: value };
    },
  };
}

type Options = ServerOptions<ConnectionInitMessage["payload"], Extra>;

interface Serving {
  readonly port: number;
  readonly journal: Journal;
  readonly server: InstanceType<typeof WebSocketServer>;
  readonly dispose: () => void | Promise<void>;
}

async function serve(options: Options = {}, keepAliveMs?: number): Promise<Serving> {
  const { http, port } = await listen();
  const server = new WebSocketServer({ server: http, path: "/graphql" });
  const journal = new Journal();
  const roots = resolversOf(journal);
  const { dispose } = useServer(
    { schema, roots: { query: roots, mutation: roots, subscription: roots }, ...options },
    server,
    keepAliveMs,
  );
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { port, journal, server, dispose };
}

const urlOf = (port: number): string => `ws://127.0.0.1:${port}/graphql`;

/** The data of all results of an operation. */
async function all(client: Client, payload: SubscribePayload): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const { data, errors } of client.iterate(payload)) values.push(errors ?? data);
  return values;
}

/** Opens a WebSocket that is not controlled by a client of graphql-ws. */
async function openRaw(port: number, protocol?: string): Promise<WebSocket> {
  const socket = new implementation.WebSocket(urlOf(port), protocol);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

/** The close code and the reason that a socket receives. */
async function closeOf(socket: WebSocket): Promise<[code: number, reason: string]> {
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return [code, reason.toString()];
}

describe.each([
  ["ws", reference.WebSocket],
  ["the implementation", implementation.WebSocket as unknown as typeof reference.WebSocket],
])("graphql-ws and its client on %s", (_name, webSocketImpl) => {
  const connect = (port: number, options: Partial<ClientOptions> = {}): Client => {
    const client = createClient({ url: urlOf(port), webSocketImpl, retryAttempts: 0, ...options });
    onTestFinished(async () => await client.dispose());
    return client;
  };

  it("answers queries and mutations, also many at once", async () => {
    const { port, journal } = await serve();
    const client = connect(port);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        all(client, {
          query: "query ($name: String!) { hello(name: $name) }",
          variables: { name: `€${index}` },
        }),
      ),
    );
    expect(answers).toEqual(answers.map((_, index) => [{ hello: `hello €${index}` }]));
    const query = `mutation { first: append(entry: "a") second: append(entry: "b") }`;
    expect(await all(client, { query })).toEqual([{ first: 1, second: 2 }]);
    expect(journal.length).toBe(2);
  });

  it("ends a subscription with the server's last value", async () => {
    const { port } = await serve();
    const query = "subscription { countdown(from: 3) }";
    expect(await all(connect(port), { query })).toEqual(
      [3, 2, 1, 0].map((countdown) => ({ countdown })),
    );
  });

  it("shares a connection among subscribers, and tells the server when one unsubscribes", async () => {
    const { port, journal, server } = await serve();
    const client = connect(port);
    const query = "subscription { entries }";
    const [left, stayed] = [client.iterate({ query }), client.iterate({ query })];
    const first = [left.next(), stayed.next()];
    await vi.waitFor(() => expect(journal.readers).toBe(2));
    journal.append("one");
    for (const { value } of (await Promise.all(first)) as { value: unknown }[]) {
      expect(value).toEqual({ data: { entries: "one" } });
    }
    await left.return?.();
    journal.append("two");
    expect((await stayed.next()).value).toEqual({ data: { entries: "two" } });
    await vi.waitFor(() => expect(journal.readers).toBe(1));
    expect(server.clients.size).toBe(1);
  });

  it("reports errors of a document and of a resolver", async () => {
    const { port } = await serve();
    const client = connect(port);
    await expect(all(client, { query: "{ unknown }" })).rejects.toMatchObject([
      { message: 'Cannot query field "unknown" on type "Query".' },
    ]);
    expect(await all(client, { query: "{ broken }" })).toMatchObject([
      [{ message: "the resolver is broken", path: ["broken"] }],
    ]);
    expect(await all(client, { query: '{ hello(name: "x") }' })).toEqual([{ hello: "hello x" }]);
  });

  it("closes a connection with 4403 if onConnect refuses it", async () => {
    const { port } = await serve({
      onConnect: ({ connectionParams }) => connectionParams?.["token"] === "secret",
    });
    const query = '{ hello(name: "x") }';
    await expect(all(connect(port), { query })).rejects.toMatchObject({
      code: 4403,
      reason: "Forbidden",
      wasClean: true,
    });
    const client = connect(port, { connectionParams: { token: "secret" } });
    expect(await all(client, { query })).toEqual([{ hello: "hello x" }]);
  });

  it("closes all clients with 1001 when the server is disposed", async () => {
    const { port, dispose } = await serve();
    const query = "subscription { entries }";
    const [one, two] = [connect(port), connect(port)];
    const connected = [one, two].map(
      (client) => new Promise((resolve) => void client.on("connected", resolve)),
    );
    const ends = [one, two].map((client) => all(client, { query }));
    const settled = Promise.allSettled(ends);
    await Promise.all(connected);
    await dispose();
    for (const end of await settled) {
      expect(end).toMatchObject({ reason: { code: 1001, reason: "Going away" } });
    }
  });

  it("subscribes again after a connection breaks, without completing or failing the subscription", async () => {
    const disconnected = vi.fn<NonNullable<Options["onDisconnect"]>>();
    const { port, journal } = await serve({ onDisconnect: disconnected });
    const proxy = await cuttable(port);
    const client = connect(proxy.port, {
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: async () => {},
    });
    const received: unknown[] = [];
    const ended = vi.fn<() => void>();
    client.subscribe(
      { query: "subscription { entries }" },
      { next: ({ data }) => received.push(data?.["entries"]), error: ended, complete: ended },
    );
    for (const round of [1, 2, 3]) {
      await vi.waitFor(() => expect(journal.readers).toBe(1));
      journal.append(`before cut ${round}`);
      await vi.waitFor(() => expect(received).toContain(`before cut ${round}`));
      proxy.cut();
      // The server ends the subscription of the connection that is cut.
      await vi.waitFor(() => expect(disconnected).toHaveBeenCalledTimes(round));
      expect(disconnected.mock.lastCall![1]).toBe(1006);
      await vi.waitFor(() => expect(journal.opened).toBe(round + 1));
    }
    const query = 'mutation { append(entry: "last") }';
    expect(await all(client, { query })).toEqual([{ append: 4 }]);
    await vi.waitFor(() => expect(received).toHaveLength(4));
    expect(ended).not.toHaveBeenCalled();
  });

  it("keeps a client that answers pings, and terminates a client that does not", async () => {
    const { port, server } = await serve({}, 300);
    const client = connect(port, { lazy: false });
    await new Promise((resolve) => void client.on("connected", resolve));
    const [kept] = server.clients;
    const silent = new webSocketImpl(urlOf(port), "graphql-transport-ws", { autoPong: false });
    silent.on("open", () => silent.send('{"type":"connection_init"}'));
    const [code] = (await once(silent, "close")) as [number];
    expect(code).toBe(1006);
    await once(kept, "pong");
    await vi.waitFor(() => expect(server.clients.size).toBe(1));
    expect(server.clients.has(kept)).toBe(true);
  });
});

describe("graphql-ws and a peer that violates its protocol", () => {
  it.each([
    ["4406 without the subprotocol", undefined, [], 4406, "Subprotocol not acceptable"],
    ["4400 for text that is not JSON", "graphql-transport-ws", ["{"], 4400, undefined],
    [
      "4401 for an operation before connection_init",
      "graphql-transport-ws",
      ['{"type":"subscribe","id":"1","payload":{"query":"{ broken }"}}'],
      4401,
      "Unauthorized",
    ],
    [
      "4429 for a second connection_init",
      "graphql-transport-ws",
      ['{"type":"connection_init"}', '{"type":"connection_init"}'],
      4429,
      "Too many initialisation requests",
    ],
  ])("closes with %s", async (_name, protocol, messages, code, reason) => {
    const { port } = await serve();
    const socket = await openRaw(port, protocol);
    for (const message of messages) socket.send(message);
    const [received, text] = await closeOf(socket);
    expect(received).toBe(code);
    if (reason !== undefined) expect(text).toBe(reason);
  });

  it("closes with 4408 after connectionInitWaitTimeout", async () => {
    const { port } = await serve({ connectionInitWaitTimeout: 10 });
    const socket = await openRaw(port, "graphql-transport-ws");
    expect(await closeOf(socket)).toEqual([4408, "Connection initialisation timeout"]);
  });

  it("closes with 1007 for invalid UTF-8, and reports it to the handler of errors", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    const { port } = await serve();
    const socket = await openRaw(port, "graphql-transport-ws");
    socket.send(Buffer.from([0xff]), { binary: false });
    expect((await closeOf(socket))[0]).toBe(1007);
    expect(String(logged.mock.calls[0])).toContain("Internal error emitted on a WebSocket socket");
  });
});
