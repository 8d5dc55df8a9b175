import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { array, constantFrom, oneof, record, sample, string, uint8Array } from "fast-check";
import { WebSocket } from "tideway";
import { serve, type ServeOptions, type Socket } from "tideway/server";
import { expect, it, vi } from "vitest";
import { handshake } from "./clients.ts";

const CERTIFICATE = {
  cert: readFileSync(new URL("../client/certificates/localhost.crt", import.meta.url)),
  key: readFileSync(new URL("../client/certificates/localhost.key", import.meta.url)),
};

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const frame = (first: number, payload: string): string =>
  `${String.fromCharCode(first, 0x80 | payload.length)}\0\0\0\0${payload}`;

/** What may be said to a server, in any order. */
const WORDS = [
  ...["/echo", "/slow", "/refused", "/typed", "/nowhere"].map((path) => handshake(path)),
  handshake("/echo", { Origin: "https://evil.example" }),
  handshake("/echo").slice(0, -2),
  get("/page"),
  get("/endless"),
  "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegin",
  "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n",
  "GET /page HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
  "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
  frame(0x81, "text"),
  frame(0x82, "bytes"),
  frame(0x01, "first"),
  frame(0x80, "last"),
  frame(0x89, "ping"),
  frame(0x8a, "pong"),
  frame(0x88, "\x03\xe8bye"),
  frame(0x83, "reserved"),
  "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
  "\x81\x05clear",
];

const GARBAGE = uint8Array({ maxLength: 200 }).map((bytes) =>
  Buffer.from(bytes).toString("latin1"),
);

/** How a connection goes: what is said on it, whether its answers are read, and how it is left. */
const LIVES = record({
  words: array(oneof(constantFrom(...WORDS), constantFrom(...WORDS), string(), GARBAGE), {
    maxLength: 8,
  }),
  isReading: constantFrom(true, true, false),
  leave: constantFrom("end", "destroy", "resetAndDestroy"),
});

const routes = {
  "/page": () => new Response("page"),
  "/body": async (request: Request) => new Response(await request.text()),
  "/endless": () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      }),
    ),
  "ws:/echo": async (socket: Socket) => {
    for await (const message of socket) socket.send(message);
  },
  "ws:/slow": {
    authorize: () => new Promise((resolve) => setImmediate(resolve, {})),
    handle: (socket: Socket) => void socket.listen(() => socket.close(4000)),
  },
  "ws:/refused": { authorize: () => new Response("no", { status: 403 }), handle: () => {} },
  "ws:/typed": {
    schema: { "~standard": { version: 1 as const, vendor: "", validate: () => ({ issues: [] }) } },
    handle: (socket: { listen(onMessage: () => void): unknown }) => void socket.listen(() => {}),
  },
};

const LIMITS: Partial<ServeOptions> = {
  handshakeTimeoutMs: 500,
  closeTimeoutMs: 100,
  maxMessagesPerSecond: 1000,
  heartbeat: { idleMs: 200, timeoutMs: 200 },
};

it.each([
  ["TCP", undefined],
  ["TLS", CERTIFICATE],
])("whatever peers do over %s, nothing escapes, and nothing of them stays", async (_name, tls) => {
  const onUncaught = vi.fn<(error: unknown) => void>();
  process.on("uncaughtException", onUncaught).on("unhandledRejection", onUncaught);
  const onError = vi.fn<(error: unknown) => void>();
  const server = await serve({ port: 0, ...LIMITS, ...(tls && { tls }), onError, routes });
  const { port, httpServer } = server;
  try {
    await Promise.all(
      sample(LIVES, { numRuns: 300, seed: 7 }).map(async ({ words, isReading, leave }) => {
        const below = connect(port);
        const socket =
          tls === undefined ? below : connectTls({ socket: below, rejectUnauthorized: false });
        for (const one of [below, socket]) one.on("error", () => {});
        if (isReading) socket.resume();
        await once(socket, tls === undefined ? "connect" : "secureConnect");
        for (const word of words) {
          if (!socket.writable) break;
          await new Promise((resolve) => socket.write(word, "latin1", resolve));
        }
        if (leave === "resetAndDestroy") below.resetAndDestroy();
        else if (leave === "end") socket.end();
        else socket.destroy();
        setImmediate(() => socket.destroy());
      }),
    );
    await vi.waitFor(() => expect(server.sockets.size).toBe(0), 10_000);
    await vi.waitFor(async () => {
      const count = await new Promise((resolve) =>
        httpServer.getConnections((_error, connections) => resolve(connections)),
      );
      expect(count).toBe(0);
    }, 10_000);

    const client = new WebSocket(`${server.url.replace("http", "ws")}/echo`, {
      tls: { rejectUnauthorized: false },
    });
    await client.onOpen.first;
    client.send("well");
    expect((await client.onMessage.first).data).toBe("well");
    client.close();
  } finally {
    await server.stop({ timeoutMs: 1000 });
    process.off("uncaughtException", onUncaught).off("unhandledRejection", onUncaught);
  }
  expect(onUncaught).not.toHaveBeenCalled();
  expect(onError).not.toHaveBeenCalled();
});
