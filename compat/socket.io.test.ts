import { isDeepStrictEqual } from "node:util";
import { Server, type ServerOptions } from "socket.io";
import {
  io,
  type ManagerOptions,
  NodeWebSocket,
  NodeXHR,
  type Socket,
  type SocketOptions,
} from "socket.io-client";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { implementation } from "./support/implementation.ts";
import { cuttable, listen } from "./support/servers.ts";

type ClientOptions = Partial<ManagerOptions & SocketOptions>;

type Transports = NonNullable<ClientOptions["transports"]>;

const { WebSocket, WebSocketServer } = implementation;

/** The client's transport, which imports `ws`, on the implementation. */
class Transport extends NodeWebSocket {
  override createSocket(
    uri: string,
    protocols: string | string[] | undefined,
    options: Record<string, unknown>,
  ): unknown {
    return new WebSocket(uri, protocols, options);
  }
}

/** Starts a server that makes its WebSockets with the implementation. Returns it with its port. */
async function serve(
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; port: number }> {
  const { http, port } = await listen();
  const server = new Server(http, { wsEngine: WebSocketServer, ...options });
  onTestFinished(async () => await server.close());
  return { server, port };
}

/** Returns a client that disconnects at the end of the test. */
function dial(port: number, options: ClientOptions, namespace = ""): Socket {
  const client = io(`http://127.0.0.1:${port}${namespace}`, {
    forceNew: true,
    reconnectionDelay: 1,
    ...options,
  });
  onTestFinished(() => void client.disconnect());
  return client;
}

async function connect(port: number, options: ClientOptions, namespace = ""): Promise<Socket> {
  const client = dial(port, options, namespace);
  await new Promise<void>((resolve, reject) => {
    client.once("connect", resolve);
    client.once("connect_error", reject);
  });
  return client;
}

/** The arguments of the next event `name`. */
async function next(
  emitter: { once(name: string, listener: (...values: unknown[]) => void): unknown },
  name: string,
): Promise<unknown[]> {
  return await new Promise((resolve) => emitter.once(name, (...values) => resolve(values)));
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe.each([
  ["its own WebSocket", "websocket"],
  ["a WebSocket of the implementation", Transport],
] as const)("socket.io and a client with %s", (_name, transport) => {
  const options: ClientOptions = { transports: [transport] as Transports };

  it("delivers to the members of a room, and never to the sender of a broadcast", async () => {
    const { server, port } = await serve();
    server.on("connection", (socket) => {
      socket.on("join", async (room: string, done: () => void) => {
        await socket.join(room);
        done();
      });
      socket.on("say", (room: string, text: string) => socket.to(room).emit("said", text));
    });
    const [anna, ben, carl] = await Promise.all(numbers(3).map(() => connect(port, options)));
    await anna.emitWithAck("join", "harbour");
    await ben.emitWithAck("join", "harbour");
    const heard: string[] = [];
    for (const [name, client] of Object.entries({ anna, ben, carl })) {
      client.on("said", (text: string) => heard.push(`${name}: ${text}`));
    }
    anna.emit("say", "harbour", "ahoy");
    expect(await next(ben, "said")).toEqual(["ahoy"]);
    server.emit("said", "for all");
    await vi.waitFor(() => expect(heard).toHaveLength(4));
    expect(heard.toSorted()).toEqual([
      "anna: for all",
      "ben: ahoy",
      "ben: for all",
      "carl: for all",
    ]);
  });

  it("acknowledges in both directions, and collects the acknowledgements of a room", async () => {
    const { server, port } = await serve();
    server.on("connection", (socket) => {
      void socket.join("sums");
      socket.on("add", (a: number, b: number, reply: (sum: number) => void) => reply(a + b));
    });
    const clients = await Promise.all(numbers(3).map(() => connect(port, options)));
    for (const [index, client] of clients.entries()) {
      client.on("multiply", (value: number, reply: (product: number) => void) =>
        reply(value * index),
      );
    }
    const sums = await Promise.all(
      numbers(100).map(async (index) => clients[index % 3].emitWithAck("add", index, 1) as unknown),
    );
    expect(sums).toEqual(numbers(100).map((index) => index + 1));
    const products = await server.to("sums").timeout(20_000).emitWithAck("multiply", 7);
    expect(new Set(products as number[])).toEqual(new Set([0, 7, 14]));
  });

  it.each([
    ["without compression", {}],
    ["with compression", { perMessageDeflate: { threshold: 100 } }],
  ])("carries binary inside of objects: %s", async (_label, compression) => {
    const { server, port } = await serve({ maxHttpBufferSize: 2e6, ...compression });
    server.on("connection", (socket) => {
      socket.on("echo", (value: unknown, reply: (value: unknown) => void) => reply(value));
    });
    const client = await connect(port, { ...options, perMessageDeflate: { threshold: 100 } });
    const value = {
      text: "€".repeat(1000),
      small: Buffer.from([1, 2, 3]),
      nested: [{ large: Buffer.alloc(1_000_000, 7) }, null, Buffer.alloc(0)],
    };
    const answers = await Promise.all([
      client.emitWithAck("echo", value) as Promise<unknown>,
      client.compress(false).emitWithAck("echo", value) as Promise<unknown>,
    ]);
    for (const answer of answers) expect(isDeepStrictEqual(answer, value)).toBe(true);
  });

  it("upgrades from polling to a WebSocket and keeps the order", async () => {
    const { server, port } = await serve();
    const received: number[] = [];
    server.on("connection", (socket) => {
      socket.on("number", (value: number) => received.push(value));
    });
    const polling = transport === Transport ? NodeXHR : "polling";
    const client = dial(port, { transports: [polling, transport] as Transports });
    const upgraded = next(client.io.engine, "upgrade");
    for (const value of numbers(50)) client.emit("number", value);
    await upgraded;
    expect(client.io.engine.transport.name).toBe("websocket");
    for (const value of numbers(50)) client.emit("number", value + 50);
    await vi.waitFor(() => expect(received).toHaveLength(100));
    expect(received).toEqual(numbers(100));
  });

  it("tells a client of a namespace why a middleware refused it", async () => {
    const { server, port } = await serve();
    server.of("/admin").use((socket, done) => {
      if (socket.handshake.auth["token"] === "secret") done();
      else done(new Error("no token"));
    });
    await expect(connect(port, options, "/admin")).rejects.toThrow("no token");
    const admin = await connect(port, { ...options, auth: { token: "secret" } }, "/admin");
    expect(admin.connected).toBe(true);
  });

  it("closes the connection after a message above maxHttpBufferSize", async () => {
    const { server, port } = await serve({ maxHttpBufferSize: 1000 });
    const gone = new Promise<unknown>((resolve) =>
      server.on("connection", (socket) => void socket.once("disconnect", resolve)),
    );
    const client = await connect(port, { ...options, reconnection: false });
    const disconnected = next(client, "disconnect");
    client.emit("large", "x".repeat(2000));
    expect(await gone).toBe("transport error");
    const [reason, details] = await disconnected;
    expect([reason, (details as { context: { code: number } }).context.code]).toEqual([
      "transport close",
      1009,
    ]);
  });

  it("adds the headers of initial_headers to the response", async () => {
    const { server, port } = await serve();
    server.engine.on("initial_headers", (headers: Record<string, string>) => {
      headers["set-cookie"] = "harbour=1";
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
    const headers = await new Promise((resolve, reject) => {
      socket.on("upgrade", (response) => resolve(response.headers["set-cookie"]));
      socket.on("error", reject);
    });
    expect(headers).toEqual(["harbour=1"]);
    socket.terminate();
  });

  it.each([
    ["io server disconnect", async (server: Server) => server.disconnectSockets()],
    ["transport close", async (server: Server) => await server.close()],
  ])("disconnects all clients with %s", async (expected, disconnect) => {
    const { server, port } = await serve();
    const clients = await Promise.all(
      numbers(3).map(() => connect(port, { ...options, reconnection: false })),
    );
    const reasons = Promise.all(clients.map((client) => next(client, "disconnect")));
    await disconnect(server);
    expect((await reasons).map(([reason]) => reason)).toEqual(clients.map(() => expected));
  });

  it("keeps a connection that answers the pings of the engine", async () => {
    const { server, port } = await serve({ pingInterval: 20, pingTimeout: 20_000 });
    const client = await connect(port, options);
    const pings = vi.fn<() => void>();
    client.io.on("ping", pings);
    await vi.waitFor(() => expect(pings.mock.calls.length).toBeGreaterThan(3));
    expect(server.engine.clientsCount).toBe(1);
  });

  it("replays the events that a client missed while its connection was broken", async () => {
    const { server, port } = await serve({ connectionStateRecovery: {} });
    server.on("connection", (socket) => void socket.join("ticker"));
    const proxy = await cuttable(port);
    const client = await connect(proxy.port, options);
    const received: number[] = [];
    client.on("tick", (value: number) => received.push(value));
    const id = client.id;
    let ticks = 0;
    const tick = (): boolean => server.to("ticker").emit("tick", ticks++);

    for (const _ of numbers(3)) {
      for (const __ of numbers(10)) tick();
      await vi.waitFor(() => expect(received.length).toBeGreaterThan(ticks - 10));
      const [socket] = server.sockets.sockets.values();
      const left = next(socket as never, "disconnect");
      const back = next(client, "connect");
      proxy.cut();
      // The server does not know yet that the connection is cut, and then it does.
      for (const __ of numbers(10)) tick();
      await left;
      for (const __ of numbers(10)) tick();
      await back;
      expect([client.recovered, client.id]).toEqual([true, id]);
    }
    await vi.waitFor(() => expect(received).toHaveLength(90));
    expect(received).toEqual(numbers(90));
  });

  it("sends events again that the server had not acknowledged when the connection broke", async () => {
    const { server, port } = await serve();
    const received = new Set<number>();
    server.on("connection", (socket) => {
      socket.on("number", (value: number, done: () => void) => {
        received.add(value);
        // The acknowledgements of these are lost with their connection.
        if (value % 7 === 3 && received.size === value + 1 && !cuts.has(value)) {
          cuts.add(value);
          proxy.cut();
        } else done();
      });
    });
    const cuts = new Set<number>();
    const proxy = await cuttable(port);
    const client = await connect(proxy.port, { ...options, retries: 10, ackTimeout: 20_000 });
    await Promise.all(numbers(30).map((value) => client.emitWithAck("number", value)));
    expect([...received]).toEqual(numbers(30));
    expect([...cuts]).toEqual([3, 10, 17, 24]);
  });
});
