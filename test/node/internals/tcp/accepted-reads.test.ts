/**
 * How sockets are read: into one shared buffer, or each into a separate one if that is unavailable.
 */
import { once } from "node:events";
import { connect as connectTcp, Socket as NetSocket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, TLSSocket } from "node:tls";
import { WebSocket } from "tideway";
import { type Server, serve, type Socket } from "tideway/server";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { shareReads } from "../../../../src/node/internals/tcp/accepted-reads.ts";
import { type Reach, tcpReach } from "../../../suite/transports.ts";
import { TLS } from "../../../support/certificate.ts";
import { connectionCount, handshake, RawClient } from "../../../support/clients.ts";
import { serveBytes, acceptance } from "../../../support/servers.ts";

const onError = vi.fn<(error: unknown) => void>();
let server: Server | undefined;
let fastPaths = true;
let isOverTls = false;

afterEach(async () => {
  await server?.stop();
  server = undefined;
  fastPaths = true;
  isOverTls = false;
  expect(onError.mock.calls).toEqual([]);
});

async function start(
  handle: (socket: Socket) => unknown,
  authorize = (): object | Promise<object> => ({}),
): Promise<Server> {
  server = await serve({
    port: 0,
    host: "127.0.0.1",
    fastPaths,
    onError,
    ...(isOverTls && { tls: TLS }),
    routes: { "ws:/": { authorize, handle } },
  });
  return server;
}

/** Connects a client for bytes, over TLS if the server is. */
function open({ port }: Server): RawClient {
  return new RawClient(isOverTls ? tlsReach(port) : port);
}

function tlsReach(port: number): Reach {
  return {
    ...tcpReach(port),
    connect() {
      const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
      return {
        socket: connectTls({ socket, rejectUnauthorized: false }),
        reset: () => void socket.resetAndDestroy(),
      };
    },
  };
}

/** The next socket that the server accepts. Over TLS, it is the socket with the decrypted bytes. */
async function nextAccepted({ httpServer }: Server): Promise<NetSocket> {
  const [socket] = await once(httpServer, isOverTls ? "secureConnection" : "connection");
  return socket as NetSocket;
}

/** A client after its handshake, and the server's end of the same connection. */
async function connect(running: Server): Promise<{ client: RawClient; below: NetSocket }> {
  const accepted = nextAccepted(running);
  const client = open(running).send(handshake("/"));
  const below = await accepted;
  await client.receives("\r\n\r\n");
  return { client, below };
}

async function closeOf(socket: NetSocket): Promise<void> {
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}

/** A masked text frame. */
function textFrame(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}

/** The memory that holds the bytes of the next 'data' event. */
async function nextStorage(socket: NetSocket): Promise<ArrayBufferLike> {
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.buffer;
}

describe("the shared read buffer", () => {
  async function storages(): Promise<ArrayBufferLike[]> {
    const running = await start((socket) => void socket.listen(() => {}));
    const found: ArrayBufferLike[] = [];
    for (let i = 0; i < 2; i++) {
      const { client, below } = await connect(running);
      const storage = nextStorage(below);
      client.send(textFrame("hello"));
      found.push(await storage);
      client.socket.end();
    }
    return found;
  }

  it.each([
    ["TCP", false],
    ["TLS", true],
  ])(
    "is used by all accepted sockets over %s, in each tested version of Node",
    async (_name, tls) => {
      isOverTls = tls;
      const [first, second] = await storages();
      expect(first).toBe(second);
    },
  );

  it("is not used by TLS over a stream in JavaScript", () => {
    const stream = new Duplex({ read: () => {}, write: () => {} });
    const socket = new TLSSocket(stream);
    expect(shareReads(socket)).toBe(false);
    socket.destroy();
  });

  it("is not used if Node does not have the internals of the onread option", async () => {
    // A module that has not looked for the internals before.
    vi.resetModules();
    const fresh = await import("../../../../src/node/internals/tcp/accepted-reads.ts");
    const symbols = vi.spyOn(Object, "getOwnPropertySymbols").mockReturnValue([]);
    onTestFinished(() => symbols.mockRestore());
    expect(fresh.shareReads(new NetSocket())).toBe(false);
  });

  it("is used in quarters, and as a whole after a full quarter without a pause", async () => {
    const running = await start((socket) => void socket.listen(() => {}));
    const { client, below } = await connect(running);
    const lengths: number[] = [];
    below.on("data", (chunk: Buffer) => {
      lengths.push(chunk.length);
      if (chunk.length > 65_536) below.pause();
    });
    const message = `\x82\xff\0\0\0\0\0\x0f\0\0\0\0\0\0${"x".repeat(0x0f_00_00)}`;
    client.send(message.repeat(3));
    await vi.waitUntil(() => below.isPaused());
    const whole = lengths.pop()!;
    expect(whole).toBeLessThanOrEqual(262_144);
    expect(lengths.at(-1)).toBe(65_536);
    expect(Math.max(...lengths)).toBe(65_536);
    lengths.length = 0;
    below.resume();
    await vi.waitUntil(() => lengths.length > 0);
    expect(lengths[0]).toBeLessThanOrEqual(65_536);
    client.socket.destroy();
  });

  it("is not used by accepted sockets without fast paths", async () => {
    fastPaths = false;
    const [first, second] = await storages();
    expect(first).not.toBe(second);
  });
});

describe.each([
  ["into a shared buffer", true, false],
  ["into separate buffers", false, false],
  ["into a shared buffer over TLS", true, true],
  ["into separate buffers over TLS", false, true],
])("accepted sockets that read %s", (_name, hasFastPaths, tls) => {
  beforeEach(() => {
    fastPaths = hasFastPaths;
    isOverTls = tls;
  });

  it("do not mix up their bytes when others receive data in between", async () => {
    const messagesOf = new Map<Socket, string[]>();
    const running = await start((socket) => {
      messagesOf.set(socket, []);
      socket.listen((message) => void messagesOf.get(socket)!.push(String(message)));
    });
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => await connect(running)),
    );
    // Frames split in two, the second halves in another order.
    clients.forEach(({ client }, index) => client.send(textFrame(`message ${index}`).slice(0, 9)));
    await vi.waitUntil(() => clients.every(({ below }) => below.bytesRead > handshake("/").length));
    clients.toReversed().forEach(({ client }, index) => {
      client.send(textFrame(`message ${3 - index}`).slice(9));
    });
    await vi.waitUntil(() => [...messagesOf.values()].flat().length === 4);
    const all = [...messagesOf.values()].map((messages) => messages.join());
    expect(all.toSorted()).toEqual(["message 0", "message 1", "message 2", "message 3"]);
    for (const { client } of clients) client.socket.destroy();
  });

  it("keep data that a pause within a chunk holds back", async () => {
    let socket!: Socket;
    const running = await start((opened) => (socket = opened));
    const slow = await connect(running);
    // All in one chunk, and far more than the queue holds.
    const texts = Array.from({ length: 3000 }, (_, index) => `${index}`);
    slow.client.send(texts.map(textFrame).join(""));
    await vi.waitUntil(() => slow.below.isPaused());
    const held = socket;
    // Other sockets then read into the same memory.
    const busy = await connect(running);
    busy.client.send(textFrame("x".repeat(100)).repeat(10));
    await vi.waitUntil(() => busy.below.bytesRead > 1000);
    const received: unknown[] = [];
    const subscription = held.listen((message) => received.push(message));
    await vi.waitUntil(() => received.length === texts.length);
    expect(received).toEqual(texts);
    expect(subscription.isPaused).toBe(false);
    for (const { client } of [slow, busy]) client.socket.destroy();
  });

  it("deliver a message that arrived with the handshake before later ones", async () => {
    const received: unknown[] = [];
    const running = await start(
      (socket) => void socket.listen((message) => received.push(message)),
    );
    const client = open(running).send(handshake("/") + textFrame("first"));
    await client.receives("\r\n\r\n");
    client.send(textFrame("second"));
    await vi.waitUntil(() => received.length === 2);
    expect(received).toEqual(["first", "second"]);
    client.socket.destroy();
  });

  it("deliver data that arrived while `authorize` decided before later data", async () => {
    let allow!: (state: object) => void;
    const allowed = new Promise<object>((resolve) => (allow = resolve));
    const received: unknown[] = [];
    const running = await start(
      (socket) => void socket.listen((message) => received.push(message)),
      async () => await allowed,
    );
    const accepted = nextAccepted(running);
    const client = open(running).send(handshake("/"));
    const below = await accepted;
    const early = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    client.send(early.map(textFrame).join(""));
    // More than the early data buffer holds: the rest waits in the stream or the kernel.
    await vi.waitUntil(() => below.isPaused());
    allow({});
    await client.receives("\r\n\r\n");
    await vi.waitUntil(() => received.length === early.length);
    expect(received).toEqual(early);
    client.socket.destroy();
  });

  it("answer data that arrived just before the peer ended its side", async () => {
    const running = await start((socket) => {
      socket.listen((message) => socket.send(`got ${String(message)}`));
    });
    const { client } = await connect(running);
    client.socket.end(textFrame("last") + "\x88\x82\0\0\0\0\x03\xe8", "latin1");
    expect(await client.closed()).toContain("\x81\x08got last\x88\x02\x03\xe8");
  });

  it("count as connections until they are closed, and not longer", async () => {
    const running = await start((socket) => void socket.listen(() => {}));
    const [first, second] = [await connect(running), await connect(running)];
    expect(await connectionCount(running.httpServer)).toBe(2);
    first.client.socket.destroy();
    await closeOf(first.below);
    expect(await connectionCount(running.httpServer)).toBe(1);
    second.client.reset();
    await closeOf(second.below);
    expect(await connectionCount(running.httpServer)).toBe(0);
    await running.stop();
  });

  it("report a reset by the peer", async () => {
    let done!: Socket["done"];
    const running = await start((socket) => {
      done = socket.done;
      socket.listen(() => {});
    });
    const { client } = await connect(running);
    client.reset();
    expect(await done).toMatchObject({ code: 1006, error: { code: "TRANSPORT_FAILED" } });
  });
});

describe("a client", () => {
  it("keeps data that came with the handshake while others read into the same buffer", async () => {
    let peer!: NetSocket;
    const url = await serveBytes((socket, request) => {
      peer = socket;
      socket.write(`${acceptance(request)}\x81\x05early`, "latin1");
    });
    const client = new WebSocket(url);
    const received: unknown[] = [];
    client.onMessage.listen(({ data }) => received.push(data));
    await client.onOpen.first;
    peer.write("\x81\x04late", "latin1");
    await vi.waitUntil(() => received.length === 2);
    expect(received).toEqual(["early", "late"]);
    peer.destroy();
    await client.onClose.first;
  });
});
