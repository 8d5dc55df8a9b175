import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket as NetSocket } from "node:net";
import { WebSocket, type WebSocketOptions } from "tideway";
import { type CompressionOptions, serve, type Socket, UsageError } from "tideway/server";
import { afterEach, describe, expect, it } from "vitest";
import {
  type ClientOptions,
  type PerMessageDeflateOptions,
  WebSocketServer,
  WebSocket as WsWebSocket,
} from "ws";
import { type Running, transport } from "../suite/transports.ts";
import { expectSameMessage, fromEvent, messageOf } from "./messages.ts";

const MESSAGES = [
  ...[0, 1, 1023, 1024, 5000, 70_000, 1_000_000].map((length) => messageOf("text", length)),
  ...[0, 1, 1023, 1024, 5000, 70_000, 1_000_000].map((length) => messageOf("binary", length)),
];

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(
  compression: boolean | CompressionOptions | undefined,
  handle: (socket: Socket) => unknown = async (socket) => {
    for await (const message of socket) if (!socket.send(message)) await socket.drained;
  },
): Promise<Running> {
  const server = await transport.serve({
    "ws:/": { ...(compression !== undefined && { compression }), handle },
  });
  closing.push(() => server.stop({ timeoutMs: 1000 }));
  return server;
}

/** A client of the ws package. */
function connectWs(server: Running, options: ClientOptions = {}): WsWebSocket {
  return new WsWebSocket(server.url, {
    createConnection: () => server.connect().socket as NetSocket,
    ...options,
  });
}

describe("our server with the compression of the ws client", () => {
  const CLIENTS: Array<[string, PerMessageDeflateOptions]> = [
    ["its default", {}],
    ["no takeover", { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ["windows of 512 bytes", { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
    ["a window chosen by the server", { clientMaxWindowBits: 10 }],
  ];

  describe.each(["shared", "dedicated"] as const)("and a %s context", (context) => {
    it.each(CLIENTS)("exchanges messages with %s", async (_, perMessageDeflate) => {
      const server = await start({ context });
      const client = connectWs(server, {
        perMessageDeflate: { ...perMessageDeflate, threshold: 0 },
      });
      await once(client, "open");
      expect(client.extensions).toContain("permessage-deflate");
      for (const message of [...MESSAGES, ...MESSAGES]) {
        client.send(message);
        const [data, isBinary] = (await once(client, "message")) as [Buffer, boolean];
        expectSameMessage(isBinary ? data : data.toString(), message);
      }
      client.close();
      await once(client, "close");
    });
  });

  it("does not compress by default", async () => {
    const server = await start(undefined);
    const client = connectWs(server);
    await once(client, "open");
    expect(client.extensions).toBe("");
    client.close();
    await once(client, "close");
  });

  it("declines an unsupported offer and continues without compression", async () => {
    const server = await start(true);
    const client = connectWs(server, {
      headers: { "sec-websocket-extensions": "permessage-deflate; server_max_window_bits=8" },
      perMessageDeflate: false,
    });
    const [upgrade] = (await once(client, "upgrade")) as [IncomingMessage];
    expect(upgrade.headers).not.toHaveProperty("sec-websocket-extensions");
    client.close();
    await once(client, "close");
  });

  // Only sockets of this machine count their bytes.
  it.runIf(transport.hasPorts)(
    "does not compress messages below thresholdBytes or with { compress: false }",
    async () => {
      const text = "a".repeat(2000);
      const server = await start({ thresholdBytes: 2000 }, (socket) => {
        socket.listen(() => {});
        socket.send(text);
        socket.send(text, { compress: false });
        socket.send(text.slice(1));
        socket.close();
      });
      const client = connectWs(server);
      const [upgrade] = await once(client, "upgrade");
      const messages: string[] = [];
      client.on("message", (data: Buffer) => messages.push(data.toString()));
      await once(client, "close");
      expect(messages).toEqual([text, text, text.slice(1)]);
      // Two uncompressed messages, a few bytes for the third, and the handshake.
      const received = upgrade.socket.bytesRead;
      expect(received).toBeGreaterThan(4000);
      expect(received).toBeLessThan(4500);
    },
  );

  it("closes with 1009 before a zip bomb is inflated", async () => {
    const server = await start(true, (socket) => void socket.listen(() => {}));
    const client = connectWs(server);
    await once(client, "open");
    client.send(Buffer.alloc(64 * 1024 * 1024));
    const [code] = await once(client, "close");
    expect(code).toBe(1009);
  });
});

describe("our client with the compression of the ws server", () => {
  const connect = async (
    perMessageDeflate: PerMessageDeflateOptions | boolean,
    options: WebSocketOptions = {},
  ): Promise<WebSocket> => {
    const http = createServer();
    const server = new WebSocketServer({
      server: http,
      perMessageDeflate:
        typeof perMessageDeflate === "boolean"
          ? perMessageDeflate
          : { ...perMessageDeflate, threshold: 0 },
    });
    closing.push(
      () => server.close(),
      () => http.close(),
    );
    server.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const url = await transport.network.listen(http);
    const client = new transport.network.WebSocket(url, options);
    client.binaryType = "arraybuffer";
    await client.onOpen.first;
    return client;
  };

  const SERVERS: Array<[string, PerMessageDeflateOptions]> = [
    ["its default", {}],
    ["no takeover", { serverNoContextTakeover: true, clientNoContextTakeover: true }],
    ["windows of 512 bytes", { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }],
  ];

  describe.each(["shared", "dedicated"] as const)("and a %s context", (context) => {
    it.each(SERVERS)("exchanges messages with %s", async (_, perMessageDeflate) => {
      const client = await connect(perMessageDeflate, { compression: { context } });
      expect(client.extensions).toContain("permessage-deflate");
      for (const message of [...MESSAGES, ...MESSAGES]) {
        client.send(message);
        const { data } = await client.onMessage.first;
        expectSameMessage(fromEvent(data), message);
      }
      client.close();
      await client.onClose.first;
    });
  });

  it("continues without compression if the server declines", async () => {
    const client = await connect(false);
    expect(client.extensions).toBe("");
    client.close();
    await client.onClose.first;
  });

  it("offers nothing with compression: false", async () => {
    const client = await connect({}, { compression: false });
    expect(client.extensions).toBe("");
    client.close();
    await client.onClose.first;
  });

  it("counts uncompressed bytes in bufferedAmount", async () => {
    const client = await connect({});
    client.send("a".repeat(5000));
    expect(client.bufferedAmount).toBe(5000);
    client.close();
    await client.onClose.first;
  });
});

describe("the option compression", () => {
  it.each([
    [{ context: "mine" }, "compression.context"],
    [{ thresholdBytes: -1 }, "compression.thresholdBytes"],
    [{ thresholdBytes: 1.5 }, "compression.thresholdBytes"],
    [{ windowBits: 8 }, "compression.windowBits"],
    [{ windowBits: 16 }, "compression.windowBits"],
    [{ level: 0 }, "compression.level"],
    [{ level: 10 }, "compression.level"],
    [{ treshold: 1 }, "compression.treshold"],
    ["yes", "compression"],
    [null, "compression"],
    [[], "compression"],
  ])("throws for %j on a route, a server and a client", async (compression, name) => {
    const bad = compression as unknown as CompressionOptions;
    const refused = { code: "INVALID_OPTION", message: expect.stringContaining(name) };
    await expect(start(bad)).rejects.toMatchObject(refused);
    await expect(serve({ port: 0, compression: bad, routes: {} })).rejects.toMatchObject(refused);
    expect(() => new WebSocket("ws://127.0.0.1:1/", { compression: bad })).toThrow(UsageError);
  });

  it("of a server applies to routes without their own", async () => {
    const server = await serve({
      port: 0,
      host: "127.0.0.1",
      compression: true,
      routes: {
        "ws:/yes": (socket) => socket.close(),
        "ws:/no": { compression: false, handle: (socket) => socket.close() },
      },
    });
    closing.push(() => server.stop());
    const extensionsAt = async (path: string): Promise<string> => {
      const client = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
      await client.onOpen.first;
      return client.extensions;
    };
    expect(await extensionsAt("/yes")).toBe(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    expect(await extensionsAt("/no")).toBe("");
  });
});
