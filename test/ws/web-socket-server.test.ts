import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server as HttpServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, expectTypeOf, it } from "vitest";
import { UsageError } from "../../src/errors/index.ts";
import { WebSocket } from "../../src/ws/index.ts";
import type { ServerOptions } from "../../src/ws/server-options.ts";
import { WebSocketServer } from "../../src/ws/web-socket-server.ts";
import { handshake, statusOf } from "../support/clients.ts";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";
import {
  ask,
  closeAfterTest,
  connectRaw,
  fieldOf,
  portOf,
  startServer,
  statusAndBody,
} from "./server/support.ts";

async function listen(httpServer: HttpServer): Promise<number> {
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  return (httpServer.address() as AddressInfo).port;
}

/** The WebSocket of the next handshake. */
async function nextClient(server: WebSocketServer): Promise<WebSocket> {
  const [client] = (await once(server, "connection")) as [WebSocket];
  return client;
}

describe("new WebSocketServer", () => {
  it.each<[string, ServerOptions | undefined]>([
    ["no options", undefined],
    ["no place to listen", {}],
    ["port and noServer", { port: 0, noServer: true }],
    ["port and server", { port: 0, server: createServer() }],
    ["server and noServer", { server: createServer(), noServer: true }],
    ["a null port", { port: null }],
  ])("does not accept %s", (_name, options) => {
    expect(() => new WebSocketServer(options)).toThrow(
      new TypeError(
        'One and only one of the "port", "server", or "noServer" options must be specified',
      ),
    );
  });

  it.each<[string, object]>([
    ["verifyClient", { verifyClient: true }],
    ["handleProtocols", { handleProtocols: "chat" }],
    ["perMessageDeflate.serverMaxWindowBits", { perMessageDeflate: { serverMaxWindowBits: 16 } }],
    ["maxBufferedBytes", { maxBufferedBytes: 0 }],
    ["closeTimeout", { closeTimeout: Number.NaN }],
    ["closeTimeout", { closeTimeout: Infinity }],
    ["closeTimeout", { closeTimeout: -1 }],
    ["closeTimeout", { closeTimeout: "1000" }],
    ["heartbeat", { heartbeat: 30_000 }],
    ["heartbeat.idleMs", { heartbeat: { idleMs: -1 } }],
    ["heartbeat.timeoutMs", { heartbeat: { timeoutMs: Number.NaN } }],
    ["heartbeat.intervalMs", { heartbeat: { intervalMs: 200 } as object }],
    ["perMessageDeflate.threshold", { perMessageDeflate: { threshold: "1kb" } }],
    ["WebSocket", { WebSocket: null }],
  ])("does not accept an invalid %s", (name, options) => {
    const create = () => new WebSocketServer({ noServer: true, ...options });
    expect(create).toThrow(UsageError);
    expect(create).toThrow(name);
  });

  it("uses the defaults of options that are undefined", () => {
    const { options: defaults } = new WebSocketServer({ noServer: true });
    const names = Object.keys(defaults).filter((name) => name !== "noServer");
    const unset = Object.fromEntries(names.map((name) => [name, undefined]));
    const { options, clients } = new WebSocketServer({ noServer: true, ...unset });
    expect(options).toEqual(defaults);
    expect(clients).toEqual(new Set());
  });

  it("exposes its options with their defaults", () => {
    const { options } = new WebSocketServer({ noServer: true, maxPayload: 5 });
    expect(options).toMatchObject({
      allowSynchronousEvents: true,
      autoPong: true,
      clientTracking: true,
      closeTimeout: 30_000,
      handleProtocols: null,
      maxBufferedChunks: 262_144,
      maxFragments: 16_384,
      maxPayload: 5,
      maxPendingAutoPongs: 60,
      noServer: true,
      path: null,
      perMessageDeflate: false,
      port: null,
      server: null,
      skipUTF8Validation: false,
      verifyClient: null,
      WebSocket,
    });
  });

  it("calls back and emits listening when its own HTTP server listens", async () => {
    const events: string[] = [];
    const server = new WebSocketServer({ port: 0 }, () => events.push("callback"));
    closeAfterTest(server);
    server.on("listening", () => events.push("listening"));
    await once(server, "listening");
    expect(events.toSorted()).toEqual(["callback", "listening"]);
    expect(portOf(server)).toBeGreaterThan(0);
  });

  it("emits error if the port is in use", async () => {
    const first = await startServer();
    const second = new WebSocketServer({ port: portOf(first), host: "127.0.0.1" });
    const [error] = await once(second, "error");
    expect(error).toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("address", () => {
  it("throws in noServer mode", () => {
    const server = new WebSocketServer({ noServer: true });
    expect(() => server.address()).toThrow('The server is operating in "noServer" mode');
  });

  it("is null after close", async () => {
    const server = await startServer();
    await new Promise((resolve) => server.close(resolve));
    expect(server.address()).toBeNull();
  });
});

describe("an HTTP request to the port", () => {
  it.each(["close", "keep-alive"])(
    "gets 426 and Upgrade, with Connection: %s",
    async (connection) => {
      const server = await startServer();
      const request = get({ port: portOf(server), host: "127.0.0.1", headers: { connection } });
      const [response] = (await once(request, "response")) as [IncomingMessage];
      expect(response.statusCode).toBe(426);
      expect(response.headers.upgrade).toBe("websocket");
      expect(response.headers.connection).toBe(
        connection === "close" ? "close, Upgrade" : "Upgrade",
      );
      expect(Buffer.concat(await response.toArray()).toString()).toBe("Upgrade Required");
      request.destroy();
    },
  );
});

describe("path and shouldHandle", () => {
  it("compare the path of the request without its query", () => {
    const server = new WebSocketServer({ noServer: true, path: "/chat" });
    const decide = (url: string) => server.shouldHandle({ url } as IncomingMessage);
    expect(["/chat", "/chat?a=b?c", "/chat/", "/", "/chat#a"].map(decide)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it("refuse another path with 400", async () => {
    const server = await startServer({ path: "/chat" });
    expect(statusAndBody(await ask(server))).toEqual(["400 Bad Request", "Bad Request"]);
    expect(statusOf(await ask(server, {}, "GET /chat?a HTTP/1.1"))).toBe(101);
  });

  it("await a promise of a subclass, and refuse if it rejects", async () => {
    const answers = [
      async () => true,
      async () => false,
      () => Promise.reject<boolean>(new Error("no")),
    ];
    class AsyncServer extends WebSocketServer {
      override shouldHandle(): Promise<boolean> {
        return answers.shift()!();
      }
    }
    const server = new AsyncServer({ port: 0, host: "127.0.0.1" });
    closeAfterTest(server);
    await once(server, "listening");
    expect(statusOf(await ask(server))).toBe(101);
    expect(statusOf(await ask(server))).toBe(400);
    expect(statusOf(await ask(server))).toBe(500);
  });
});

describe("two servers with a path on one HTTP server", () => {
  async function startBoth(): Promise<{ port: number; first: WebSocketServer; close: () => void }> {
    const httpServer = createServer();
    const [first, second] = ["/first", "/second"].map(
      (path) => new WebSocketServer({ server: httpServer, path }),
    );
    closeAfterTest(first);
    closeAfterTest(second);
    return { port: await listen(httpServer), first, close: () => httpServer.close() };
  }

  it("the second one writes no refusal into a WebSocket of the first one", async () => {
    const { port, first, close } = await startBoth();
    first.on("connection", (client) => client.on("message", () => client.send("answer")));
    const client = new WebSocket(`ws://127.0.0.1:${port}/first`);
    await once(client, "open");
    client.send("question");
    const [answer] = await once(client, "message");
    expect(answer).toEqual(Buffer.from("answer"));
    client.terminate();
    close();
  });

  it("the first one refuses the path of the second one", async () => {
    const { port, close } = await startBoth();
    expect(statusOf(await ask(port, {}, "GET /second HTTP/1.1"))).toBe(400);
    close();
  });
});

describe("handleProtocols", () => {
  const offer = { "Sec-WebSocket-Protocol": ["a, b", "c"] };

  async function chosen(handleProtocols?: ServerOptions["handleProtocols"]): Promise<unknown> {
    const server = await startServer({ handleProtocols });
    const response = await ask(server, offer);
    return fieldOf(response, "sec-websocket-protocol") ?? statusOf(response);
  }

  it("chooses from all offered subprotocols; without it, the first is chosen", async () => {
    expect(await chosen()).toBe("a");
    expect(await chosen((protocols) => [...protocols].pop()!)).toBe("c");
  });

  it("chooses no subprotocol if it returns false", async () => {
    expect(await chosen(() => false)).toBe(101);
  });

  it("is not called if the client offers no subprotocol", async () => {
    const handleProtocols = (): string => expect.fail("it was called");
    expect(statusOf(await ask(await startServer({ handleProtocols })))).toBe(101);
  });

  it("cannot add a field to the response", async () => {
    expect(await chosen(() => "a\r\nSet-Cookie: b=1")).toBe(500);
    expect(await chosen(() => 1 as unknown as string)).toBe(500);
  });

  it("answers 500 if it throws, and does not hide the error", async () => {
    const error = new Error("no subprotocol");
    const uncaught = await uncaughtErrorsOf(async () => {
      const throwing = (): string => {
        throw error;
      };
      expect(await chosen(throwing)).toBe(500);
    });
    expect(uncaught).toEqual([error]);
  });
});

describe("the event headers", () => {
  it("shows the lines of the response, and sends lines that a listener adds", async () => {
    const server = await startServer();
    let shown: string[] = [];
    server.on("headers", (lines, request) => {
      shown = [...lines, request.url!];
      lines.push("Set-Cookie: a=1", "X-Name: né");
    });
    const response = await ask(server, {}, "GET /x HTTP/1.1");
    expect(shown).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "/x",
    ]);
    expect(fieldOf(response, "set-cookie")).toBe("a=1");
    expect(fieldOf(response, "x-name")).toBe("n\xc3\xa9");
  });

  it.each(["X-A: a\r\nSet-Cookie: b=1", "X-A: a\n", "X-A: \u0000", ""])(
    "does not let the line %j change the response",
    async (line) => {
      const server = await startServer();
      server.on("headers", (lines) => void lines.push(line));
      expect(statusAndBody(await ask(server))).toEqual([
        "500 Internal Server Error",
        "Internal Server Error",
      ]);
    },
  );
});

describe("perMessageDeflate", () => {
  it("is not negotiated by default, even if its offer is malformed", async () => {
    const response = await ask(await startServer(), { "Sec-WebSocket-Extensions": "; =" });
    expect(statusOf(response)).toBe(101);
    expect(fieldOf(response, "sec-websocket-extensions")).toBeUndefined();
  });

  it.each<[ServerOptions["perMessageDeflate"], string, string | number]>([
    [true, "permessage-deflate", "permessage-deflate"],
    [true, "x, permessage-deflate; client_max_window_bits", "permessage-deflate"],
    [true, "permessage-deflate; server_max_window_bits=foo", 400],
    [true, "permessage-deflate; =", 400],
    [
      { serverNoContextTakeover: true },
      "permessage-deflate",
      "permessage-deflate; server_no_context_takeover",
    ],
    [{ clientMaxWindowBits: 8 }, "permessage-deflate", 400],
    [
      { clientMaxWindowBits: 8 },
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=8",
    ],
  ])("%o answers the offer %j by %j", async (perMessageDeflate, offer, answer) => {
    const server = await startServer({ perMessageDeflate });
    const response = await ask(server, { "Sec-WebSocket-Extensions": offer });
    expect(fieldOf(response, "sec-websocket-extensions") ?? statusOf(response)).toBe(answer);
  });

  it("does not accept a dictionary, which RFC 7692 cannot negotiate", () => {
    const zlibDeflateOptions = { dictionary: Buffer.from("a") };
    expect(
      () => new WebSocketServer({ noServer: true, perMessageDeflate: { zlibDeflateOptions } }),
    ).toThrow(/dictionary/);
  });
});

describe("the event wsClientError", () => {
  it("passes the error, the socket and the request to a listener, which closes the socket", async () => {
    const server = await startServer();
    const reported = new Promise<unknown>((resolve) => {
      server.on("wsClientError", (error, socket, request) => {
        resolve([error.message, request.method]);
        socket.end("HTTP/1.1 418 I'm a teapot\r\n\r\n");
      });
    });
    expect(statusOf(await ask(server, {}, "POST / HTTP/1.1"))).toBe(418);
    expect(await reported).toEqual(["Invalid HTTP method", "POST"]);
  });

  it("is not emitted when the application refuses a handshake", async () => {
    const server = await startServer({ path: "/chat", verifyClient: () => false });
    server.on("wsClientError", () => expect.fail("it was emitted"));
    expect(statusOf(await ask(server))).toBe(400);
    expect(statusOf(await ask(server, {}, "GET /chat HTTP/1.1"))).toBe(401);
  });
});

describe("clients", () => {
  it("contains the open WebSockets", async () => {
    const server = await startServer();
    expect(server.clients.size).toBe(0);
    const raw = connectRaw(server);
    const client = await nextClient(server);
    expect([...server.clients]).toEqual([client]);
    raw.socket.destroy();
    await once(client, "close");
    expect(server.clients.size).toBe(0);
  });

  it("does not exist without clientTracking", async () => {
    const server = await startServer({ clientTracking: false });
    expect("clients" in server).toBe(false);
    const raw = connectRaw(server);
    const client = await nextClient(server);
    raw.socket.destroy();
    await once(client, "close");
    expect("clients" in server).toBe(false);
  });
});

describe("close", () => {
  it("waits for the HTTP server of the port and its sockets", async () => {
    const server = await startServer();
    connectRaw(server);
    const client = await nextClient(server);
    let isClosed = false;
    const closed = new Promise((resolve) => server.close(resolve)).then((error) => {
      isClosed = true;
      return error;
    });
    server.close();
    client.ping("still open");
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    client.terminate();
    expect(await closed).toBeUndefined();
  });

  it.each([true, false])(
    "waits for sockets on the application's HTTP server only with clientTracking: %s",
    async (clientTracking) => {
      const httpServer = createServer();
      const port = await listen(httpServer);
      const server = new WebSocketServer({ server: httpServer, clientTracking });
      const raw = connectRaw(port);
      const client = await nextClient(server);
      const events: string[] = [];
      client.on("close", () => events.push("client"));
      const closed = once(server, "close").then(() => events.push("server"));
      server.close();
      if (!clientTracking) await closed;
      raw.socket.destroy();
      await Promise.all([closed, once(client, "close")]);
      expect(events).toEqual(clientTracking ? ["client", "server"] : ["server", "client"]);
      expect(httpServer.listening).toBe(true);
      httpServer.close();
    },
  );

  it("removes its listeners from the application's HTTP server", async () => {
    const httpServer = createServer();
    await listen(httpServer);
    const names = ["listening", "error", "upgrade"] as const;
    const counts = () => names.map((name) => httpServer.listenerCount(name));
    const before = counts();
    const server = new WebSocketServer({ server: httpServer });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(counts()).toEqual(before);
    httpServer.close();
  });

  it("emits close again and reports an error if the server is already closed", async () => {
    const server = new WebSocketServer({ noServer: true });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    let emitted = 0;
    server.on("close", () => emitted++);
    const error = await new Promise((resolve) => server.close(resolve));
    expect(error).toEqual(new Error("The server is not running"));
    expect(emitted).toBe(1);
  });

  it("refuses later handshakes with 503", async () => {
    const httpServer = createServer();
    const port = await listen(httpServer);
    const server = new WebSocketServer({ noServer: true });
    httpServer.on("upgrade", (request, socket, head) => {
      server.close();
      server.handleUpgrade(request, socket, head, () => expect.fail("it was accepted"));
    });
    expect(statusOf(await ask(port))).toBe(503);
    httpServer.close();
  });
});

describe("the options that ws does not have", () => {
  it("heartbeat pings a silent client, and drops it if it does not answer", async () => {
    const server = await startServer({ heartbeat: { idleMs: 10, timeoutMs: 10 } });
    const raw = connectRaw(server);
    const client = await nextClient(server);
    const [code] = await once(client, "close");
    expect(code).toBe(1006);
    expect(await raw.closed()).toContain("\r\n\r\n\x89");
  });

  it("maxBufferedBytes closes a client that reads too slowly with 1013", async () => {
    const server = await startServer({ maxBufferedBytes: 1_000_000 });
    const raw = connectRaw(server);
    raw.socket.pause();
    const client = await nextClient(server);
    const error = await new Promise<Error | undefined>((resolve) => {
      const sendMore = (failure?: Error): void => {
        if (failure) resolve(failure);
        else client.send(Buffer.alloc(1_000_000), (next) => next && sendMore(next));
      };
      // The kernel accepts only a few megabytes.
      for (let i = 0; i < 100; i++) sendMore();
    });
    expect(error?.message).toContain("more than maxBufferedBytes 1000000");
    expect(client.readyState).toBe(WebSocket.CLOSING);
    raw.socket.resume();
    expect(await raw.receives("\x03\xf5too slow")).not.toBe("");
  });
});

describe("handleUpgrade", () => {
  /** Creates a duplex stream. Returns it with the text that is written to it. */
  function memorySocket(): { socket: Duplex; written: () => string } {
    const chunks: Buffer[] = [];
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    return { socket, written: () => Buffer.concat(chunks).toString("latin1") };
  }

  /** A request as some frameworks build it: without a parser, and with a number in a header. */
  function plainRequest(headers: Record<string, unknown> = {}): IncomingMessage {
    const all = {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": 13,
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    };
    return { method: "GET", url: "/", headers: all } as unknown as IncomingMessage;
  }

  it("works over any duplex stream, and with a request that no HTTP parser has created", () => {
    const server = new WebSocketServer({ noServer: true });
    closeAfterTest(server);
    const { socket, written } = memorySocket();
    const request = plainRequest();
    const accepted: unknown[] = [];
    server.handleUpgrade(request, socket, Buffer.alloc(0), (...args) => accepted.push(...args));
    expect(accepted).toEqual([expect.any(WebSocket), request]);
    expect(statusOf(written())).toBe(101);
  });

  it("calls verifyClient without a socket in the request", () => {
    const server = new WebSocketServer({ noServer: true, verifyClient: ({ secure }) => !secure });
    closeAfterTest(server);
    const { socket, written } = memorySocket();
    server.handleUpgrade(plainRequest(), socket, Buffer.alloc(0), () => {});
    expect(statusOf(written())).toBe(101);
  });

  it("throws if it is called twice with the same socket, and leaves the WebSocket open", async () => {
    const httpServer = createServer();
    const port = await listen(httpServer);
    const server = new WebSocketServer({ noServer: true });
    closeAfterTest(server);
    let error: unknown;
    const opened = new Promise<WebSocket>((resolve) => {
      httpServer.on("upgrade", (request, socket, head) => {
        server.handleUpgrade(request, socket, head, resolve);
        try {
          server.handleUpgrade(request, socket, head, () => {});
        } catch (thrown) {
          error = thrown;
        }
      });
    });
    const response = await ask(port);
    expect(String(error)).toContain("called more than once with the same socket");
    expect(statusOf(response)).toBe(101);
    expect((await opened).readyState).toBe(WebSocket.OPEN);
    httpServer.close();
  });

  it("does not answer 500 on an open WebSocket if the callback throws", async () => {
    const server = await startServer();
    const error = new Error("a listener failed");
    server.on("connection", (client) => {
      client.send("hello");
      throw error;
    });
    const uncaught = await uncaughtErrorsOf(async () => {
      const raw = connectRaw(server);
      expect(await raw.receives("hello")).not.toContain("500");
    });
    expect(uncaught).toEqual([error]);
  });

  it("drops a socket that fails before the decision", async () => {
    const pending: Array<(isAccepted: boolean) => void> = [];
    const server = await startServer({
      verifyClient: (_info, decide) => void pending.push(decide),
    });
    const socket = connect(portOf(server), "127.0.0.1");
    socket.write(handshake("/"));
    const [, serverSide] = (await once(server._server!, "upgrade")) as [unknown, Duplex];
    const closed = new Promise((resolve) => serverSide.once("close", resolve));
    socket.resetAndDestroy();
    serverSide.resume();
    await closed;
    pending[0](true);
    expect(server.clients.size).toBe(0);
  });
});

describe("the option WebSocket and completeUpgrade", () => {
  it("create WebSockets of a subclass, which gets the options of the server", async () => {
    const seen: unknown[] = [];
    class Named extends WebSocket {
      name = "named";
      constructor(address: null, protocols: undefined, options: object) {
        super(address, protocols, options);
        seen.push([address, protocols, options, this.readyState]);
      }
    }
    const server = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      WebSocket: Named as unknown as typeof WebSocket & (new () => Named),
    });
    closeAfterTest(server);
    await once(server, "listening");
    connectRaw(server);
    const [client] = (await once(server, "connection")) as [Named];
    expect(client.name).toBe("named");
    expect(seen).toEqual([[null, undefined, server.options, WebSocket.CONNECTING]]);
  });

  it("can be overridden by a subclass of the server", async () => {
    const seen: unknown[] = [];
    class Watching extends WebSocketServer {
      override completeUpgrade(...args: Parameters<WebSocketServer["completeUpgrade"]>): void {
        const [extensions, key, protocols] = args;
        seen.push(Object.keys(extensions), key, [...protocols]);
        super.completeUpgrade(...args);
      }
    }
    const server = new Watching({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
    closeAfterTest(server);
    await once(server, "listening");
    const offer = {
      "Sec-WebSocket-Protocol": "a",
      "Sec-WebSocket-Extensions": "permessage-deflate",
    };
    expect(statusOf(await ask(server, offer))).toBe(101);
    expect(seen).toEqual([["permessage-deflate"], "dGhlIHNhbXBsZSBub25jZQ==", ["a"]]);
  });
});

it("infers the class of its sockets and requests", () => {
  class Named extends WebSocket {
    name = "named";
  }
  const server = new WebSocketServer({ noServer: true, WebSocket: Named });
  server.on("connection", function (client, request) {
    expectTypeOf(client).toEqualTypeOf<Named>();
    expectTypeOf(request).toEqualTypeOf<IncomingMessage>();
  });
  expectTypeOf(server.clients).toEqualTypeOf<Set<Named>>();
});

it("keeps a path that an adapter assigns, as NestJS does, and accepts the same requests", () => {
  const server = new WebSocketServer({ noServer: true });
  expect(server.path).toBe("");
  server.path = "/room";
  expect(server.path).toBe("/room");
  expect(server.shouldHandle({ url: "/other" } as IncomingMessage)).toBe(true);
  expect(new WebSocketServer({ noServer: true, path: "/chat" }).path).toBe("/chat");
});
