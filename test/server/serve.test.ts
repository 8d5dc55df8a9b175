import { readFile } from "node:fs/promises";
import { createServer, get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  attach,
  type CloseInfo,
  type Server,
  serve,
  TidewayError,
  UsageError,
} from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { closeOf, handshake, nextMessage, openClient, RawClient, statusOf } from "./clients.ts";

const onError = vi.fn<(error: unknown) => void>();
let server: Server;

/** A server of the test's own, stopped behind it. */
const start: typeof serve = async (options) => {
  server = await serve({ port: 0, onError, ...options });
  return server;
};

afterEach(async () => {
  await server?.stop();
  onError.mockReset();
  vi.restoreAllMocks();
});

describe("routes", () => {
  it("serves HTTP and WebSocket routes on one port", async () => {
    await start({
      routes: {
        "/": () => new Response("hello"),
        "ws:/echo/:room": async (socket, { params, url }) => {
          for await (const message of socket)
            socket.send(`${params.room}${url.search}: ${String(message)}`);
        },
      },
    });
    expect(await (await fetch(server.url)).text()).toBe("hello");
    const client = await openClient(`${server.url}/echo/a?b`);
    client.send("hi");
    expect(await nextMessage(client)).toBe("a?b: hi");
  });

  it("the first that matches answers, by path and method", async () => {
    const answer = (name: string) => () => new Response(name);
    await start({
      routes: {
        "get:/x": answer("get"),
        "POST:/x": answer("post"),
        "/x": answer("any"),
        "/y/special": answer("special"),
        "/y/:id": answer("id"),
        "/y/*": answer("wildcard"),
      },
    });
    const textOf = async (path: string, method = "GET"): Promise<string> =>
      await (await fetch(server.url + path, { method })).text();
    expect(await textOf("/x")).toBe("get");
    expect(await textOf("/x", "POST")).toBe("post");
    expect(await textOf("/x", "DELETE")).toBe("any");
    expect(await textOf("/y/special")).toBe("special");
    expect(await textOf("/y/1")).toBe("id");
    expect(await textOf("/y/1/2")).toBe("wildcard");
  });

  it("a GET on a ws: route falls through to an HTTP route, else gets 426", async () => {
    await start({
      routes: { "ws:/a": () => {}, "ws:/b": () => {}, "/b": () => new Response("page") },
    });
    const response = await fetch(`${server.url}/a`);
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
    expect(response.headers.get("sec-websocket-version")).toBe("13");
    expect(response.headers.get("connection")?.toLowerCase()).toContain("upgrade");
    expect(await (await fetch(`${server.url}/b`)).text()).toBe("page");
    await openClient(`${server.url}/b`);
  });

  it("405 names the methods that the path has, and 404 is for paths that have none", async () => {
    await start({
      routes: { "get:/x": () => new Response(), "put:/x": () => new Response(), "ws:/w": () => {} },
    });
    const post = await fetch(`${server.url}/x`, { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT"]);
    const onWebSocket = await fetch(`${server.url}/w`, { method: "POST" });
    expect([onWebSocket.status, onWebSocket.headers.get("allow")]).toEqual([405, "GET"]);
    expect((await fetch(`${server.url}/y`)).status).toBe(404);
  });

  it("HEAD is served by get: routes, without the body", async () => {
    const cancel = vi.fn<() => void>();
    await start({
      routes: {
        "get:/x": (request) =>
          new Response(new ReadableStream({ cancel }), { headers: { "x-method": request.method } }),
      },
    });
    const response = await fetch(`${server.url}/x`, { method: "HEAD" });
    expect([response.status, response.headers.get("x-method")]).toEqual([200, "HEAD"]);
    expect(cancel).toHaveBeenCalledOnce();
  });

  it.each<[string, Record<string, unknown>]>([
    ["x", { x: () => new Response() }],
    ["", { "": () => new Response() }],
    ["wss:/x", { "wss:/x": () => {} }],
    ["ws:x", { "ws:x": () => {} }],
    ["/:a/:a", { "/:a/:a": () => new Response() }],
    ["/(", { "/(": () => new Response() }],
    ["ws://localhost/c", { "ws://localhost/c": () => {} }],
    ["ws:/x", { "ws:/x": {} }],
    ["ws:/x", { "ws:/x": { handle: 5 } }],
    ["ws:/x", { "ws:/x": { handle: () => {}, authorize: true } }],
    ["ws:/x", { "ws:/x": { handle: () => {}, protocols: ["a b"] } }],
    ["ws:/x", { "ws:/x": { handle: () => {}, protocols: ["a", "a"] } }],
    ["ws:/x", { "ws:/x": { handle: () => {}, protocols: "a" } }],
    ["/x", { "/x": { handle: () => {} } }],
    ["/x", { "/x": null }],
    ["ws:/x", { "ws:/x": null }],
  ])("the bad route %j is told at once, by its key", async (key, routes) => {
    await expect(start({ routes: routes as {} })).rejects.toMatchObject({
      name: "UsageError",
      code: "INVALID_ROUTE",
      message: expect.stringContaining(JSON.stringify(key)),
    });
  });

  it.each([
    { port: -1 },
    { port: 70_000 },
    { maxMessageBytes: 0 },
    { maxBufferedBytes: Number.NaN },
    { heartbeat: { idleMs: -1, timeoutMs: 5 } },
    { slowConsumer: "wait a bit" as "wait" },
    { handshakeTimeoutMs: "1" as unknown as number },
  ])("the bad option %j is told at once", async (options) => {
    await expect(start({ ...options, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(Object.keys(options)[0]),
    });
  });

  it.each([[["example.com"]], [["null"]], [[5]], "https://example.com"])(
    "the bad origins %j are told at once",
    async (origins) => {
      const routes = { "ws:/": { origins: origins as unknown as string[], handle: () => {} } };
      await expect(start({ routes })).rejects.toMatchObject({ code: "INVALID_ORIGIN" });
    },
  );
});

it("handlers and authorize are told where the connection comes from", async () => {
  const addresses: string[] = [];
  await start({
    host: "127.0.0.1",
    routes: {
      "/": (_request, { remoteAddress }) => new Response(remoteAddress),
      "ws:/": {
        authorize: (_request: Request, { remoteAddress }: { remoteAddress: string }) => {
          addresses.push(remoteAddress);
          return undefined;
        },
        handle: (socket, { remoteAddress }) => void socket.send(remoteAddress),
      },
    },
  });
  const url = `http://127.0.0.1:${server.port}/`;
  expect(await (await fetch(url)).text()).toBe("127.0.0.1");
  expect(await nextMessage(await openClient(url))).toBe("127.0.0.1");
  expect(addresses).toEqual(["127.0.0.1"]);
});

describe("HTTP handlers", () => {
  it("get the request whole, and their response is sent whole", async () => {
    await start({
      routes: {
        "/echo": async (request) =>
          new Response(request.body, {
            status: 201,
            statusText: "Made",
            headers: [
              ["x-query", new URL(request.url).search],
              ["set-cookie", "a=1"],
              ["set-cookie", "b=2"],
            ],
          }),
      },
    });
    const body = "x".repeat(500_000);
    const response = await fetch(`${server.url}/echo?q`, { method: "POST", body });
    expect([response.status, response.statusText]).toEqual([201, "Made"]);
    expect(response.headers.get("x-query")).toBe("?q");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe(body);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("the secret");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("the secret");
      },
    ],
    [
      "throws what is no error",
      () => {
        throw { secret: "the secret" } as unknown as Error;
      },
    ],
    ["returns no Response", () => "the secret"],
    ["returns nothing", () => undefined],
    [
      "returns a Response that is used up",
      async () => {
        const response = new Response("the secret");
        await response.text();
        return response;
      },
    ],
    ["returns Response.error()", () => Response.error()],
  ])("one that %s: 500 that says nothing of why, and one report", async (_how, handler) => {
    await start({ routes: { "/": handler as () => Response } });
    const response = await fetch(server.url);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      expect.anything(),
      expect.objectContaining({ route: "/", request: expect.any(Request) }),
    );
  });

  it("one whose body fails in the middle: the answer is broken off and reported", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("begin")),
      pull: () => Promise.reject(new Error("source failed")),
    });
    await start({ routes: { "/": () => new Response(body) } });
    await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow(
      /terminated|fetch failed/,
    );
    expect(onError).toHaveBeenCalledExactlyOnceWith(new Error("source failed"), expect.anything());
  });

  it("one that still works when the client goes: its signal aborts, its body is cancelled", async () => {
    const signals: AbortSignal[] = [];
    const cancel = vi.fn<() => void>();
    let answer!: (response: Response) => void;
    await start({
      routes: {
        "/": (request) => {
          signals.push(request.signal);
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      },
    });
    const client = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    client.socket.resetAndDestroy();
    if (!signals[0].aborted) await once(signals[0], "abort");
    answer(new Response(new ReadableStream({ cancel }), { status: 200 }));
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
    expect(onError).not.toHaveBeenCalled();
  });

  it("are reported to the console by default, and an onError that throws crashes nothing", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const bug = new Error("bug");
    const routes = {
      "/": () => {
        throw bug;
      },
    };
    server = await serve({ port: 0, routes });
    expect((await fetch(server.url)).status).toBe(500);
    expect(log.mock.calls).toEqual([[bug]]);
    await server.stop();
    const throwing = (): never => {
      throw new Error("a second bug");
    };
    server = await serve({ port: 0, routes, onError: throwing });
    expect((await fetch(server.url)).status).toBe(500);
    expect(log.mock.calls).toEqual([[bug], [bug], [new Error("a second bug")]]);
  });
});

describe("listening", () => {
  it("rejects when the port is taken, and leaves nothing behind", async () => {
    await start({ routes: {} });
    const error = await serve({ port: server.port, routes: {} }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "LISTEN_FAILED", cause: { code: "EADDRINUSE" } });
    expect(error).toBeInstanceOf(TidewayError);
    expect(error).not.toBeInstanceOf(UsageError);
  });

  it("says where it listens", async () => {
    await start({ host: "127.0.0.1", routes: {} });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    await server.stop();
    await start({ host: "::1", routes: {} });
    expect(server.url).toBe(`http://[::1]:${server.port}`);
    await server.stop();
    await start({ routes: {} });
    expect(server.url).toBe(`http://localhost:${server.port}`);
    expect(server.port).toBe((server.httpServer.address() as AddressInfo).port);
  });
});

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  return { promise: new Promise<T>((settle) => (resolve = settle)), resolve };
}

describe("TLS", () => {
  const certificate = async (): Promise<{ cert: Buffer; key: Buffer }> => ({
    cert: await readFile("test/client/certificates/localhost.crt"),
    key: await readFile("test/client/certificates/localhost.key"),
  });

  const begin = async (): Promise<Buffer> => {
    const tls = await certificate();
    await start({
      tls,
      routes: {
        "/": (request) => new Response(request.url),
        "ws:/": (socket) => socket.send("secure"),
      },
    });
    return tls.cert;
  };

  it("is ended by the server itself, for HTTP and for WebSockets", async () => {
    const ca = await begin();
    expect(server.url).toBe(`https://localhost:${server.port}`);
    const [response] = (await once(httpsGet(server.url, { ca }), "response")) as [IncomingMessage];
    const body = (await response.toArray()).join("");
    expect(body).toBe(`${server.url}/`);
    const client = await openClient(server.url, [], { ca });
    expect(await nextMessage(client)).toBe("secure");
  });

  it("lets stop drop a connection that has not got beyond its TLS handshake", async () => {
    await begin();
    const client = connectTcp(server.port, "127.0.0.1");
    await once(server.httpServer, "connection");
    const whenClosed = once(client.resume(), "close");
    // It would wait for the client, and drop it by its deadline, otherwise.
    await expect(server.stop({ timeoutMs: 3_600_000 })).resolves.toBeUndefined();
    await whenClosed;
  });

  it("has the default origin check ask for https", async () => {
    const ca = await begin();
    const origin = (scheme: string): string => `${scheme}://localhost:${server.port}`;
    await openClient(server.url, [], { ca, origin: origin("https") });
    const refused = openClient(server.url, [], { ca, origin: origin("http") });
    await expect(refused).rejects.toThrow("403");
  });

  it("serves a wish for another protocol as if it were none", async () => {
    const ca = await begin();
    const socket = connectTls({ port: server.port, host: "localhost", ca });
    socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
    expect((await socket.toArray()).join("")).toContain("https://a/");
  });

  it("survives clients that speak no TLS, or stop in the middle of its handshake", async () => {
    const ca = await begin();
    const plain = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await plain.closed();
    new RawClient(server.port).send("\x16\x03\x01");
    const client = await openClient(server.url, [], { ca });
    expect(await nextMessage(client)).toBe("secure");
    await server.stop({ timeoutMs: 300 });
  });
});

describe("stop", () => {
  it("closes sockets with 1001, stops listening, and may be called twice", async () => {
    await start({ routes: { "ws:/": () => {} } });
    const client = await openClient(server.url);
    const closed = closeOf(client);
    await Promise.all([server.stop(), server.stop()]);
    expect(await closed).toEqual({ code: 1001, reason: "" });
    await expect(openClient(server.url)).rejects.toThrow("ECONNREFUSED");
    expect(server.sockets.size).toBe(0);
  });

  it("closes with the code and reason it is given, and refuses wrong ones at once", async () => {
    await start({ routes: { "ws:/": () => {} } });
    const client = await openClient(server.url);
    await expect(server.stop({ code: 1006 })).rejects.toMatchObject({ code: "INVALID_CLOSE_CODE" });
    const closed = closeOf(client);
    await server.stop({ code: 1012, reason: "back in a minute" });
    expect(await closed).toEqual({ code: 1012, reason: "back in a minute" });
  });

  it("waits for requests that are being served, and closes their connections", async () => {
    let answer!: (response: Response) => void;
    await start({
      routes: {
        "/": () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
    });
    const response = fetch(server.url);
    await vi.waitFor(() => expect(answer).toBeTypeOf("function"));
    const stopped = server.stop();
    answer(new Response("served"));
    expect(await (await response).text()).toBe("served");
    expect((await response).headers.get("connection")).toBe("close");
    await stopped;
  });

  it("drops idle connections at once, those on which nothing was ever said too", async () => {
    await start({ routes: { "/": () => new Response("hello") } });
    const silent = new RawClient(server.port);
    await once(silent.socket, "connect");
    const keptAlive = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await keptAlive.receives("hello");
    await server.stop();
    expect(await silent.closed()).toBe("");
    expect(await keptAlive.closed()).toContain("hello");
  });

  it("drops after timeoutMs what does not end by itself", async () => {
    await start({
      routes: {
        "/": () => new Promise(() => {}),
        "ws:/": () => {},
      },
    });
    const hanging = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const deaf = new RawClient(server.port).send(handshake("/"));
    await deaf.receives("\r\n\r\n");
    await server.stop({ timeoutMs: 100 });
    expect(await hanging.closed()).toBe("");
    // 1001 in a Close frame.
    expect(await deaf.closed()).toContain("\r\n\r\n\x88\x02\x03\xe9");
  });

  it("refuses with 503 the handshakes that are still being decided on", async () => {
    const asked = vi.fn<() => void>();
    const authorize = (): Promise<void> => {
      asked();
      return new Promise(() => {});
    };
    await start({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const client = new RawClient(server.port).send(handshake("/"));
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
    const stopped = server.stop();
    expect(statusOf(await client.closed())).toBe(503);
    await stopped;
  });

  it("is what await using does", async () => {
    let client;
    {
      await using scoped = await serve({ port: 0, routes: { "ws:/": () => {} } });
      client = await openClient(scoped.url);
    }
    expect(client.readyState).toBeGreaterThanOrEqual(2);
  });
});

describe("what a handshake leads to", () => {
  it.each([
    [
      "whose body has been read",
      async () => {
        const response = new Response("no", { status: 401 });
        await response.text();
        return response;
      },
    ],
    ["that is an error", async () => Response.error()],
  ])("is 500, and is reported, for a Response from authorize %s", async (_, authorize) => {
    await start({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const client = new RawClient(server.port).send(handshake("/"));
    expect(statusOf(await client.closed())).toBe(500);
    expect(onError).toHaveBeenCalledOnce();
  });

  it("is 400 for a target with a fragment (RFC 9112 3.2)", async () => {
    await start({ routes: { "ws:/*": () => {} } });
    const client = new RawClient(server.port).send(handshake("/a#b"));
    expect(statusOf(await client.closed())).toBe(400);
  });

  it("is an end also for a socket that nobody reads, once its peer is gone", async () => {
    const { promise, resolve } = deferred<CloseInfo>();
    await start({
      heartbeat: { idleMs: 50, timeoutMs: 3_600_000 },
      routes: { "ws:/": (socket) => void socket.done.then(resolve) },
    });
    const client = await openClient(`${server.url}/`);
    const message = Buffer.alloc(65_536);
    // Beyond what the queue takes, so that the server has stopped to read.
    for (let count = 0; count < 40; count++) client.send(message);
    client.terminate();
    expect(await promise).toMatchObject({ code: 1006, wasClean: false });
  });
});

describe("options", () => {
  it.each([
    { handshakeTimeoutMs: 0.5 },
    { handshakeTimeoutMs: Infinity },
    { handshakeTimeoutMs: 400_000 },
    { heartbeat: { idleMs: "1" } },
    { heartbeat: true },
    { heartbeat: { timeoutMs: 0 } },
    { onError: 5 },
    { maxMessageByte: 5 },
    { onConnection: () => {} },
    { routes: { "ws:/": { handle: () => {}, maxMessageByte: 5 } } },
    { routes: undefined },
  ])("are refused when they make no sense: %o", async (options) => {
    const serving = serve({ port: 0, routes: {}, ...(options as object) });
    await expect(serving).rejects.toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
  });
});

describe("attach", () => {
  const listen = async (httpServer: ReturnType<typeof createServer>): Promise<string> => {
    await once(httpServer.listen(0), "listening");
    return `http://localhost:${(httpServer.address() as AddressInfo).port}`;
  };

  it("serves what its routes are for, and leaves the rest to those who listened before", async () => {
    const httpServer = createServer((request, response) => response.end(`before: ${request.url}`));
    httpServer.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 418 before\r\n\r\n"));
    const attachment = attach(httpServer, {
      routes: {
        "/ours": () => new Response("ours"),
        "ws:/ours": (socket) => socket.send("ours"),
        "ws:/page": () => {},
      },
    });
    const url = await listen(httpServer);
    const textOf = async (path: string): Promise<string> => await (await fetch(url + path)).text();
    expect(await textOf("/ours")).toBe("ours");
    expect(await textOf("/theirs")).toBe("before: /theirs");
    expect(await textOf("/page")).toBe("before: /page");
    expect(await nextMessage(await openClient(`${url}/ours`))).toBe("ours");
    await expect(openClient(`${url}/theirs`)).rejects.toThrow("418");
    expect(attachment.sockets.size).toBe(1);

    await attachment.stop();
    expect(attachment.sockets.size).toBe(0);
    expect(await textOf("/ours")).toBe("before: /ours");
    await expect(openClient(`${url}/ours`)).rejects.toThrow("418");
    httpServer.close();
    httpServer.closeAllConnections();
  });

  it("refuses what nobody is for", async () => {
    const httpServer = createServer();
    const attachment = attach(httpServer, { routes: { "ws:/": () => {} } });
    const url = await listen(httpServer);
    expect((await fetch(`${url}/x`)).status).toBe(404);
    expect((await fetch(`${url}/`)).status).toBe(426);
    await expect(openClient(`${url}/x`)).rejects.toThrow("404");
    await attachment.stop();
    httpServer.close();
    httpServer.closeAllConnections();
  });

  it("ignores wishes for other protocols, as the server would without it", async () => {
    const httpServer = createServer((request, response) => response.end(`before: ${request.url}`));
    const attachment = attach(httpServer, { routes: { "ws:/": () => {} } });
    const url = await listen(httpServer);
    const request = httpGet(`${url}/x`, { headers: { Connection: "Upgrade", Upgrade: "h2c" } });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect((await response.toArray()).join("")).toBe("before: /x");
    await attachment[Symbol.asyncDispose]();
    httpServer.close();
    httpServer.closeAllConnections();
  });

  it("throws at once for a bad route", () => {
    expect(() => attach(createServer(), { routes: { "/(": () => new Response() } })).toThrow(
      expect.objectContaining({ code: "INVALID_ROUTE" }),
    );
  });
});
