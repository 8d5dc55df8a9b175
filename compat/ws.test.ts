import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import * as reference from "ws";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CERT, TLS } from "../test/support/certificate.ts";
import { implementation } from "./support/implementation.ts";
import { cuttable, listen } from "./support/servers.ts";

// The tests run both implementations with the types of @types/ws.
const ours = implementation as unknown as typeof reference;

type ServerOptions = reference.ServerOptions;
type ClientOptions = reference.ClientOptions;

/** The lengths around the limits of each encoding of a frame's length (RFC 6455 5.2). */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000];

describe.each([
  ["a client of ws and our server", reference, ours],
  ["our client and a server of ws", ours, reference],
  ["our client and our server", ours, ours],
])("%s", (_name, clientSide, serverSide) => {
  async function serve(
    options: ServerOptions = {},
  ): Promise<{ server: reference.WebSocketServer; port: number }> {
    const { http, port } = await listen();
    const server = new serverSide.WebSocketServer({ server: http, ...options });
    onTestFinished(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return { server, port };
  }

  function dial(
    port: number,
    options: ClientOptions = {},
    protocols?: string[],
  ): reference.WebSocket {
    const client = new clientSide.WebSocket(`ws://127.0.0.1:${port}/path?x=1`, protocols, options);
    onTestFinished(() => client.terminate());
    return client;
  }

  /** The two open sockets of a connection. */
  async function connect(
    serverOptions: ServerOptions = {},
    clientOptions: ClientOptions = {},
    protocols?: string[],
  ): Promise<[client: reference.WebSocket, server: reference.WebSocket]> {
    const { server, port } = await serve(serverOptions);
    const accepted = once(server, "connection") as Promise<[reference.WebSocket]>;
    const client = dial(port, clientOptions, protocols);
    const [[socket]] = await Promise.all([accepted, once(client, "open")]);
    return [client, socket];
  }

  /** Both directions of a connection, as a sender and a receiver. */
  async function directions(
    serverOptions?: ServerOptions,
    clientOptions?: ClientOptions,
  ): Promise<Array<[sender: reference.WebSocket, receiver: reference.WebSocket]>> {
    const [client, server] = await connect(serverOptions, clientOptions);
    return [
      [client, server],
      [server, client],
    ];
  }

  /** Collects the next `count` messages of a socket. The default binaryType makes them Buffers. */
  async function messagesOf(
    socket: reference.WebSocket,
    count: number,
  ): Promise<Array<[data: Buffer, isBinary: boolean]>> {
    const messages: Array<[Buffer, boolean]> = [];
    return await new Promise((resolve) => {
      socket.on("message", function onMessage(data, isBinary) {
        messages.push([data as Buffer, isBinary]);
        if (messages.length < count) return;
        socket.off("message", onMessage);
        resolve(messages);
      });
    });
  }

  // `once` of node:events would reject if the event `error` comes before `close`.
  const closeOf = async (socket: reference.WebSocket): Promise<[code: number, reason: string]> =>
    await new Promise((resolve) =>
      socket.once("close", (code, reason) => resolve([code, reason.toString()])),
    );

  const COMPRESSION: Array<[string, ServerOptions, ClientOptions]> = [
    ["without compression", {}, { perMessageDeflate: false }],
    ["with compression", { perMessageDeflate: { threshold: 0 } }, {}],
    [
      "with compression, small windows and no context takeover",
      {
        perMessageDeflate: {
          threshold: 0,
          serverNoContextTakeover: true,
          clientNoContextTakeover: true,
          serverMaxWindowBits: 10,
          clientMaxWindowBits: 11,
        },
      },
      { perMessageDeflate: { threshold: 0 } },
    ],
  ];

  it.each(COMPRESSION)("exchange texts and bytes of every length: %s", async (_label, ...both) => {
    for (const [sender, receiver] of await directions(...both)) {
      const received = messagesOf(receiver, LENGTHS.length * 2);
      for (const length of LENGTHS) {
        sender.send("é".repeat(length >> 1) + "x".repeat(length & 1));
        sender.send(Buffer.alloc(length, `${length}`));
      }
      const messages = await received;
      for (const [index, length] of LENGTHS.entries()) {
        const [text, bytes] = [messages[index * 2], messages[index * 2 + 1]];
        expect([text[1], bytes[1]]).toEqual([false, true]);
        expect(String(text[0]) === "é".repeat(length >> 1) + "x".repeat(length & 1)).toBe(true);
        expect(Buffer.alloc(length, `${length}`).equals(bytes[0])).toBe(true);
      }
    }
  });

  it("negotiate the extension and leave out the compression of single messages", async () => {
    const [client, server] = await connect({ perMessageDeflate: { threshold: 0 } });
    expect([client.extensions, server.extensions]).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining("permessage-deflate")),
    );
    for (const [sender, receiver] of [
      [client, server],
      [server, client],
    ]) {
      const received = messagesOf(receiver, 3);
      sender.send("compressed ".repeat(100));
      sender.send("plain ".repeat(100), { compress: false });
      sender.send("compressed again ".repeat(100));
      expect((await received).map(([data]) => String(data).length)).toEqual([1100, 600, 1700]);
    }
  });

  it("send each kind of data", async () => {
    for (const [sender, receiver] of await directions()) {
      const bytes = Uint8Array.of(1, 2, 3, 4);
      const kinds: unknown[] = [
        "text",
        Buffer.from(bytes),
        bytes,
        bytes.buffer,
        new Uint16Array(bytes.buffer),
        new DataView(bytes.buffer, 1, 2),
        new Blob([bytes]),
        12,
      ];
      const received = messagesOf(receiver, kinds.length);
      for (const kind of kinds) sender.send(kind as Buffer);
      expect((await received).map(([data, isBinary]) => [String(data), isBinary])).toEqual([
        ["text", false],
        ...Array.from({ length: 4 }, () => ["\u0001\u0002\u0003\u0004", true]),
        ["\u0002\u0003", true],
        ["\u0001\u0002\u0003\u0004", true],
        ["12", false],
      ]);
    }
  });

  it("receive messages in the type that binaryType names", async () => {
    for (const [sender, receiver] of await directions()) {
      const types: unknown[] = [];
      for (const type of ["nodebuffer", "arraybuffer", "fragments", "blob"] as const) {
        receiver.binaryType = type as "nodebuffer";
        const received = messagesOf(receiver, 1);
        sender.send(Buffer.from("abc"));
        const [[data]] = (await received) as unknown[][];
        types.push(Array.isArray(data) ? data.map(String) : data);
      }
      const [buffer, arrayBuffer, fragments, blob] = types;
      expect(buffer).toEqual(Buffer.from("abc"));
      expect(new Uint8Array(arrayBuffer as ArrayBuffer)).toEqual(
        new Uint8Array(Buffer.from("abc")),
      );
      expect(fragments).toEqual(["abc"]);
      expect(await (blob as Blob).text()).toBe("abc");
    }
  });

  it.each(COMPRESSION)("join fragments, with a ping between them: %s", async (_label, ...both) => {
    for (const [sender, receiver] of await directions(...both)) {
      const received = messagesOf(receiver, 2);
      const pinged = once(receiver, "ping") as Promise<[Buffer]>;
      sender.send("one, ", { fin: false });
      sender.send("two, ", { fin: false });
      sender.ping("between");
      sender.send("three", { fin: true });
      sender.send(Buffer.from("a"), { fin: false, binary: true });
      sender.send(Buffer.from("b"), { fin: true });
      expect((await received).map(([data, isBinary]) => [String(data), isBinary])).toEqual([
        ["one, two, three", false],
        ["ab", true],
      ]);
      expect(String((await pinged)[0])).toBe("between");
    }
  });

  it("answer pings with their payload, and send pongs without a ping", async () => {
    for (const [sender, receiver] of await directions()) {
      const pinged = once(receiver, "ping") as Promise<[Buffer]>;
      const ponged = once(sender, "pong") as Promise<[Buffer]>;
      const written = new Promise<unknown>((resolve) => sender.ping("payload", undefined, resolve));
      expect(String((await pinged)[0])).toBe("payload");
      expect(String((await ponged)[0])).toBe("payload");
      expect(await written).toBeFalsy();
      const unasked = once(receiver, "pong") as Promise<[Buffer]>;
      sender.pong(Buffer.alloc(125, 1));
      expect((await unasked)[0]).toEqual(Buffer.alloc(125, 1));
    }
  });

  it("do not answer pings without autoPong", async () => {
    for (const [sender, receiver] of await directions({ autoPong: false }, { autoPong: false })) {
      const onPong = vi.fn<() => void>();
      sender.on("pong", onPong);
      const pinged = once(receiver, "ping");
      sender.ping();
      await pinged;
      const echoed = once(sender, "message");
      receiver.send("after the ping");
      await echoed;
      expect(onPong).not.toHaveBeenCalled();
    }
  });

  it.each([
    [[], 1005, ""],
    [[1000], 1000, ""],
    [[1001, "going away"], 1001, "going away"],
    [[3000, "é".repeat(61)], 3000, "é".repeat(61)],
    [[4999, Buffer.from("x")], 4999, "x"],
  ] as Array<[[number?, (string | Buffer)?], number, string]>)(
    "pass on the code and the reason of close: %j, %i",
    async (values, code, reason) => {
      for (const index of [0, 1]) {
        const [closer, other] = (await directions())[index];
        const both = Promise.all([closeOf(closer), closeOf(other)]);
        closer.close(...values);
        expect(closer.readyState).toBe(closer.CLOSING);
        expect(await both).toEqual([
          [code, reason],
          [code, reason],
        ]);
        expect([closer.readyState, other.readyState]).toEqual([3, 3]);
      }
    },
  );

  it("report 1006 to both after terminate", async () => {
    for (const index of [0, 1]) {
      const [terminator, other] = (await directions())[index];
      const both = Promise.all([closeOf(terminator), closeOf(other)]);
      terminator.terminate();
      expect(await both).toEqual([
        [1006, ""],
        [1006, ""],
      ]);
    }
  });

  it.each([
    [
      "1009 for a message above maxPayload",
      { maxPayload: 100 },
      (socket: reference.WebSocket) => socket.send("x".repeat(101)),
      1009,
      "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    ],
    [
      "1007 for text that is not UTF-8",
      {},
      (socket: reference.WebSocket) => socket.send(Buffer.of(0xff), { binary: false }),
      1007,
      "WS_ERR_INVALID_UTF8",
    ],
    [
      "1002 for a reserved opcode",
      {},
      (socket: reference.WebSocket, isClient: boolean) =>
        rawSocketOf(socket).write(Buffer.from(isClient ? "838000000000" : "8300", "hex")),
      1002,
      "WS_ERR_INVALID_OPCODE",
    ],
    [
      "1002 for a reserved bit",
      {},
      (socket: reference.WebSocket, isClient: boolean) =>
        rawSocketOf(socket).write(Buffer.from(isClient ? "f18000000000" : "f100", "hex")),
      1002,
      "WS_ERR_UNEXPECTED_RSV_2_3",
    ],
  ])("close with %s", async (_label, options, misbehave, code, errorCode) => {
    for (const index of [0, 1]) {
      const [sender, receiver] = (await directions(options, options))[index];
      const onError = vi.fn<(error: Error) => void>();
      receiver.on("error", onError);
      const both = Promise.all([closeOf(sender), closeOf(receiver)]);
      misbehave(sender, index === 0);
      await both;
      expect(onError.mock.calls).toEqual([[expect.objectContaining({ code: errorCode })]]);
      expect(await both).toEqual([
        [code, ""],
        [1006, ""],
      ]);
    }
  });

  it("agree on a subprotocol and pass on the request", async () => {
    const { server, port } = await serve({
      handleProtocols: (protocols, request) =>
        request.headers["x-chat"] === "1" && protocols.has("chat.v1") ? "chat.v1" : false,
    });
    const accepted = once(server, "connection") as Promise<[reference.WebSocket, IncomingMessage]>;
    const client = dial(port, { headers: { "x-chat": "1" }, origin: "https://example.com" }, [
      "chat.v2",
      "chat.v1",
    ]);
    await once(client, "open");
    const [socket, request] = await accepted;
    expect([client.protocol, socket.protocol]).toEqual(["chat.v1", "chat.v1"]);
    expect([request.url, request.headers.origin]).toEqual(["/path?x=1", "https://example.com"]);
    expect(client.url).toBe(`ws://127.0.0.1:${port}/path?x=1`);
  });

  it("refuse with the status of verifyClient", async () => {
    const { port } = await serve({
      verifyClient: (_info, done) => done(false, 401, "no", { "X-Reason": "none" }),
    });
    const client = dial(port);
    const [request, response] = (await once(client, "unexpected-response")) as [
      { destroy(): void },
      IncomingMessage,
    ];
    expect([response.statusCode, response.headers["x-reason"]]).toEqual([401, "none"]);
    // The listener may still use the request, so the client is connecting until the request is destroyed.
    request.destroy();
    client.on("error", () => {});
    const failed = dial(port);
    const states: unknown[] = [];
    failed.on("error", (error) => states.push(error.message, failed.readyState));
    expect(await closeOf(failed)).toEqual([1006, ""]);
    expect(states).toEqual(["Unexpected server response: 401", failed.CLOSING]);
  });

  it("connect over TLS", async () => {
    const https = createSecureServer(TLS);
    const server = new serverSide.WebSocketServer({ server: https });
    server.on("connection", (socket) => socket.send("secure"));
    https.listen(0);
    await once(https, "listening");
    onTestFinished(() => {
      for (const client of server.clients) client.terminate();
      https.close();
    });
    const { port } = https.address() as AddressInfo;
    const client = new clientSide.WebSocket(`wss://localhost:${port}`, { ca: CERT });
    expect(String((await once(client, "message"))[0])).toBe("secure");
    client.close();
    await once(client, "close");
    const untrusted = new clientSide.WebSocket(`wss://localhost:${port}`);
    const [error] = (await once(untrusted, "error")) as [Error & { code: string }];
    expect(error.code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
  });

  it("share an HTTP server by handleUpgrade", async () => {
    const http = createServer((_request, response) => response.end("page"));
    const servers = new Map(
      ["/one", "/two"].map((path) => [path, new serverSide.WebSocketServer({ noServer: true })]),
    );
    for (const [path, server] of servers) server.on("connection", (socket) => socket.send(path));
    http.on("upgrade", (request, socket, head) => {
      const server = servers.get(request.url!);
      if (server === undefined) socket.destroy();
      else {
        server.handleUpgrade(request, socket, head, (accepted) =>
          server.emit("connection", accepted, request),
        );
      }
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    onTestFinished(() => {
      http.closeAllConnections();
      http.close();
    });
    const { port } = http.address() as AddressInfo;
    for (const path of servers.keys()) {
      const client = new clientSide.WebSocket(`ws://127.0.0.1:${port}${path}`);
      expect(String((await once(client, "message"))[0])).toBe(path);
      client.terminate();
    }
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
  });

  it("stream a megabyte in both directions, and end", async () => {
    const [client, server] = await connect();
    const near = clientSide.createWebSocketStream(client);
    const far = serverSide.createWebSocketStream(server);
    const echoed = pipeline(far, far);
    const chunks: Buffer[] = [];
    near.on("data", (chunk: Buffer) => chunks.push(chunk));
    for (let index = 0; index < 64; index++) {
      if (!near.write(Buffer.alloc(16_384, index))) await once(near, "drain");
    }
    // Ending the stream starts the closing handshake, after which the server sends no more.
    await vi.waitFor(() => expect(chunks).toHaveLength(64));
    near.end();
    await once(near, "close");
    await echoed;
    const bytes = Buffer.concat(chunks);
    expect(bytes.length).toBe(1_048_576);
    expect(Array.from({ length: 64 }, (_, index) => bytes[index * 16_384 + 5])).toEqual(
      Array.from({ length: 64 }, (_, index) => index),
    );
  });

  it("emit no messages while a socket is paused", async () => {
    for (const [sender, receiver] of await directions()) {
      const onMessage = vi.fn<(data: reference.RawData) => void>();
      receiver.on("message", onMessage);
      receiver.pause();
      expect(receiver.isPaused).toBe(true);
      sender.send("held");
      const written = new Promise((resolve) => sender.send("back", resolve));
      await written;
      const answered = once(sender, "message");
      receiver.send("is paused");
      await answered;
      expect(onMessage).not.toHaveBeenCalled();
      receiver.resume();
      await vi.waitFor(() => expect(onMessage).toHaveBeenCalledTimes(2));
    }
  });

  it("broadcast to all clients until they disconnect", async () => {
    const { server, port } = await serve();
    const clients = Array.from({ length: 5 }, () => dial(port));
    await Promise.all(clients.map((client) => once(client, "open")));
    await vi.waitFor(() => expect(server.clients.size).toBe(5));
    const received = Promise.all(clients.map((client) => messagesOf(client, 1)));
    for (const socket of server.clients) socket.send("for all");
    expect((await received).map(([[data]]) => String(data))).toEqual(clients.map(() => "for all"));
    clients[0].close();
    clients[1].terminate();
    await vi.waitFor(() => expect(server.clients.size).toBe(3));
  });

  it("close with 1006 when a connection breaks, report an error for a later send, and connect again", async () => {
    const { server, port } = await serve();
    server.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const proxy = await cuttable(port);
    for (let round = 0; round < 3; round++) {
      const client = dial(proxy.port);
      await once(client, "open");
      const echoed = once(client, "message");
      client.send(`round ${round}`);
      expect(String((await echoed)[0])).toBe(`round ${round}`);
      const [socket] = server.clients;
      const both = Promise.all([closeOf(client), closeOf(socket)]);
      proxy.cut();
      expect((await both).map(([code]) => code)).toEqual([1006, 1006]);
      const error = await new Promise<Error | undefined>((resolve) => client.send("x", resolve));
      expect(error?.message).toBe("WebSocket is not open: readyState 3 (CLOSED)");
      expect(server.clients.size).toBe(0);
    }
  });
});

/** Returns the TCP socket below a WebSocket, which is an undocumented member. */
function rawSocketOf(socket: reference.WebSocket): Socket {
  return (socket as unknown as { _socket: Socket })._socket;
}
