import { once } from "node:events";
import {
  createTRPCClient,
  createWSClient,
  type TRPCClient,
  type WebSocketClientOptions,
  wsLink,
} from "@trpc/client";
import { initTRPC, tracked, TRPCError } from "@trpc/server";
import { applyWSSHandler, type WSSHandlerOptions } from "@trpc/server/adapters/ws";
import * as reference from "ws";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { implementation } from "./support/implementation.ts";
import { Journal } from "./support/journal.ts";
import { cuttable, listen } from "./support/servers.ts";

const { WebSocketServer } = implementation;

interface Context {
  readonly journal: Journal;
  readonly token: string | undefined;
}

const t = initTRPC.context<Context>().create();

const router = t.router({
  hello: t.procedure
    .input((value) => String(value))
    .query(({ input, ctx }) => `hello ${input}${ctx.token ?? ""}`),
  broken: t.procedure.query(() => {
    throw new TRPCError({ code: "CONFLICT", message: "already broken" });
  }),
  append: t.procedure
    .input((value) => String(value))
    .mutation(({ input, ctx }) => ctx.journal.append(input)),
  countdown: t.procedure
    .input((value) => Number(value))
    .subscription(async function* ({ input }) {
      for (let value = input; value >= 0; value--) yield value;
    }),
  entries: t.procedure
    .input((value) => value as { lastEventId?: string })
    .subscription(async function* ({ input, ctx, signal }) {
      const from = input.lastEventId === undefined ? 0 : Number(input.lastEventId) + 1;
      for await (const [index, entry] of ctx.journal.read(from, signal)) {
        yield tracked(String(index), entry);
      }
    }),
});

type Router = typeof router;
type Options = Partial<WSSHandlerOptions<Router>>;

interface Serving {
  readonly port: number;
  readonly journal: Journal;
  readonly server: InstanceType<typeof WebSocketServer>;
  readonly broadcastReconnectNotification: () => void;
}

async function serve(options: Options = {}): Promise<Serving> {
  const { http, port } = await listen();
  const server = new WebSocketServer({ server: http });
  const journal = new Journal();
  const createContext = ({
    info,
  }: {
    info: { connectionParams: { token?: string } | null };
  }): Context => ({
    journal,
    token: info.connectionParams?.token,
  });
  const { broadcastReconnectNotification } = applyWSSHandler({
    wss: server,
    router,
    createContext,
    ...options,
  });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { port, journal, server, broadcastReconnectNotification };
}

describe.each([
  ["ws", reference.WebSocket],
  ["the implementation", implementation.WebSocket as unknown as typeof reference.WebSocket],
])("tRPC and its client on %s", (_name, webSocket) => {
  const connect = (
    port: number,
    options: Partial<WebSocketClientOptions> = {},
  ): TRPCClient<Router> => {
    const client = createWSClient({
      url: `ws://127.0.0.1:${port}`,
      WebSocket: webSocket as never,
      retryDelayMs: () => 0,
      ...options,
    });
    onTestFinished(async () => await client.close());
    return createTRPCClient<Router>({ links: [wsLink({ client })] });
  };

  it("answers queries and mutations, also many at once", async () => {
    const { port, journal, server } = await serve();
    const client = connect(port);
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    const hellos = await Promise.all(numbers.map((index) => client.hello.query(`€${index}`)));
    expect(hellos).toEqual(numbers.map((index) => `hello €${index}`));
    const lengths = await Promise.all(numbers.map((index) => client.append.mutate(String(index))));
    expect(lengths).toEqual(numbers.map((index) => index + 1));
    expect([journal.length, server.clients.size]).toEqual([50, 1]);
    const long = "x".repeat(1_000_000);
    expect((await client.hello.query(long)).length).toBe(1_000_006);
  });

  it("reports the code and the message of an error", async () => {
    const { port } = await serve();
    const client = connect(port);
    await expect(client.broken.query()).rejects.toMatchObject({
      message: "already broken",
      data: { code: "CONFLICT", httpStatus: 409 },
    });
    await expect(
      (client as unknown as { unknown: typeof client.broken }).unknown.query(),
    ).rejects.toMatchObject({ data: { code: "NOT_FOUND" } });
    expect(await client.hello.query("x")).toBe("hello x");
  });

  it("sends connectionParams to createContext", async () => {
    const { port } = await serve();
    const client = connect(port, { connectionParams: { token: " with a token" } });
    expect(await client.hello.query("x")).toBe("hello x with a token");
  });

  it("ends a subscription with its last value", async () => {
    const { port } = await serve();
    const client = connect(port);
    const values: number[] = [];
    await new Promise<void>((resolve, reject) => {
      client.countdown.subscribe(3, {
        onData: (value) => values.push(value),
        onComplete: resolve,
        onError: reject,
      });
    });
    expect(values).toEqual([3, 2, 1, 0]);
  });

  it("stops a subscription when its client unsubscribes, and keeps the connection", async () => {
    const { port, journal, server } = await serve();
    const client = connect(port);
    const left = client.entries.subscribe({}, { onData: () => {} });
    client.entries.subscribe({}, { onData: () => {} });
    await vi.waitFor(() => expect(journal.readers).toBe(2));
    left.unsubscribe();
    await vi.waitFor(() => expect(journal.readers).toBe(1));
    expect(await client.hello.query("x")).toBe("hello x");
    expect(server.clients.size).toBe(1);
  });

  it.each([
    ["a cut", async (_serving: Serving, cut: () => void) => cut()],
    [
      "broadcastReconnectNotification",
      async ({ broadcastReconnectNotification }: Serving) => broadcastReconnectNotification(),
    ],
  ])("continues a tracked subscription after %s, with each entry once", async (_cause, leave) => {
    const serving = await serve();
    const { port, journal, server } = serving;
    const proxy = await cuttable(port);
    const client = connect(proxy.port);
    const received: string[] = [];
    const failed = vi.fn<(error: unknown) => void>();
    client.entries.subscribe(
      {},
      { onData: ({ data }) => received.push(data), onError: failed, onComplete: () => failed(0) },
    );
    const append = (count: number): void => {
      for (let index = 0; index < count; index++) journal.append(String(journal.length));
    };
    for (const round of [1, 2, 3]) {
      append(20);
      await vi.waitFor(() => expect(journal.opened).toBe(round));
      await vi.waitFor(() => expect(received.length).toBeGreaterThan((round - 1) * 40));
      const [socket] = server.clients;
      const closed = once(socket, "close");
      await leave(serving, () => proxy.cut());
      append(10);
      await closed;
      append(10);
      // This query waits for the next connection.
      expect(await client.hello.query("again")).toBe("hello again");
    }
    await vi.waitFor(() => expect(received).toHaveLength(120));
    expect(received).toEqual(Array.from({ length: 120 }, (_, index) => String(index)));
    expect(failed).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(journal.readers).toBe(1));
  });

  it("keeps a client that answers PING, and terminates a silent one", async () => {
    const { port, server } = await serve({
      keepAlive: { enabled: true, pingMs: 20, pongWaitMs: 300 },
    });
    const client = connect(port, { lazy: { enabled: false, closeMs: 0 } });
    expect(await client.hello.query("x")).toBe("hello x");
    const [kept] = server.clients;
    const silent = new webSocket(`ws://127.0.0.1:${port}`);
    const [data] = (await once(silent, "message")) as [Buffer];
    expect(String(data)).toBe("PING");
    expect(((await once(silent, "close")) as [number])[0]).toBe(1006);
    await vi.waitFor(() => expect(server.clients.size).toBe(1));
    expect(server.clients.has(kept)).toBe(true);
  });
});
