import { once } from "node:events";
import type { CloseInfo } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { reportingServers } from "../../suite/start.ts";
import { type Running, transport } from "../../suite/transports.ts";
import {
  closeOf,
  handshake,
  nextMessage,
  openClient,
  RawClient,
  statusOf,
} from "../../support/clients.ts";

const { onError, start } = reportingServers();
let server: Running;

describe("routes", () => {
  it("serve HTTP and WebSockets on one port", async () => {
    server = await start({
      routes: {
        "/": () => new Response("hello"),
        "ws:/echo/:room": async (socket, { params, url }) => {
          for await (const message of socket)
            socket.send(`${params.room}${url.search}: ${String(message)}`);
        },
      },
    });
    expect(await (await server.fetch("/")).text()).toBe("hello");
    const client = await openClient(server, "/echo/a?b");
    client.send("hi");
    expect(await nextMessage(client)).toBe("a?b: hi");
  });

  it("are tried in order, and the first route that matches path and method answers", async () => {
    const answer = (name: string) => () => new Response(name);
    server = await start({
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
      await (await server.fetch(path, { method })).text();
    expect(await textOf("/x")).toBe("get");
    expect(await textOf("/x", "POST")).toBe("post");
    expect(await textOf("/x", "DELETE")).toBe("any");
    expect(await textOf("/y/special")).toBe("special");
    expect(await textOf("/y/1")).toBe("id");
    expect(await textOf("/y/1/2")).toBe("wildcard");
  });

  it("answer a GET for the path of a ws: route by an HTTP route, or else with 426", async () => {
    server = await start({
      routes: { "ws:/a": () => {}, "ws:/b": () => {}, "/b": () => new Response("page") },
    });
    const response = await server.fetch("/a");
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
    expect(response.headers.get("sec-websocket-version")).toBe("13");
    expect(response.headers.get("connection")?.toLowerCase()).toContain("upgrade");
    expect(await (await server.fetch("/b")).text()).toBe("page");
    await openClient(server, "/b");
  });

  it("answer another method with 405 and the methods of the path, and an unknown path with 404", async () => {
    server = await start({
      routes: { "get:/x": () => new Response(), "put:/x": () => new Response(), "ws:/w": () => {} },
    });
    const post = await server.fetch("/x", { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT"]);
    const onWebSocket = await server.fetch("/w", { method: "POST" });
    expect([onWebSocket.status, onWebSocket.headers.get("allow")]).toEqual([405, "GET"]);
    expect((await server.fetch("/y")).status).toBe(404);
  });

  it("with get: answer HEAD too, without the body", async () => {
    const cancel = vi.fn<() => void>();
    server = await start({
      routes: {
        "get:/x": (request) =>
          new Response(new ReadableStream({ cancel }), { headers: { "x-method": request.method } }),
      },
    });
    const response = await server.fetch("/x", { method: "HEAD" });
    expect([response.status, response.headers.get("x-method")]).toEqual([200, "HEAD"]);
    expect(cancel).toHaveBeenCalledOnce();
  });

  const KEY =
    'a key must be a path such as "/x/:id", with an optional prefix such as "ws:" or "get:"';
  const ROUTE = "a WebSocket route must be a function, or an object with the function handle";
  const HTTP = "an HTTP route must be a function that returns a Response";
  const CHANNELS = 'it has a Channels object as its value; write "ws:/x": api.route()';
  const PROTOCOLS =
    'protocols must be a list of different names without spaces, such as ["chat.v1"], or a function that chooses one';
  const handle = (): void => {};

  it.each<[string, unknown, string]>([
    ["x", () => new Response(), KEY],
    ["", () => new Response(), KEY],
    ["//x", () => new Response(), KEY],
    ["ws:x", handle, KEY],
    ["ws://localhost/c", handle, KEY],
    ["wss:/x", handle, 'begin the key with "ws:", which accepts wss: URLs too'],
    [
      "tcp:/x",
      handle,
      'its prefix "tcp" must be "ws" or one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ],
    ["/:a/:a", () => new Response(), "its path must be a pathname in the syntax of URLPattern"],
    ["/(", () => new Response(), "its path must be a pathname in the syntax of URLPattern"],
    ["ws:/x", null, `its value is null; ${ROUTE}`],
    ["ws:/x", undefined, `its value is undefined; ${ROUTE}`],
    ["ws:/x", {}, `its value is an object with no members; ${ROUTE}`],
    ["ws:/x", { handler: handle }, `its value is an object with handler; ${ROUTE}`],
    ["ws:/x", { handle: 5 }, `its value is an object with handle; ${ROUTE}`],
    ["ws:/x", new Map(), `its value is an object of class Map; ${ROUTE}`],
    ["ws:/x", Object.create(null), `its value is an object with no members; ${ROUTE}`],
    ["ws:/x", { handle, authorize: true }, "authorize must be a function"],
    ["ws:/x", { handle, protocols: ["a b"] }, PROTOCOLS],
    ["ws:/x", { handle, protocols: ["a", "a"] }, PROTOCOLS],
    ["ws:/x", { handle, protocols: "a" }, PROTOCOLS],
    ["ws:/x", { handle, protocols: [5] }, PROTOCOLS],
    ["ws:/x", { route: handle }, CHANNELS],
    ["/x", { route: handle }, CHANNELS],
    [
      "/x",
      { handle },
      `its value is an object with handle; ${HTTP}; for a WebSocket route, begin the key with "ws:"`,
    ],
    ["/x", null, `its value is null; ${HTTP}`],
    ["/x", "hello", `its value is "hello"; ${HTTP}`],
    ["/x", new Response(), `its value is an object of class Response; ${HTTP}`],
  ])("throw at once for the key %j and the value %j: %s", async (key, route, problem) => {
    await expect(start({ routes: { [key]: route } as {} })).rejects.toMatchObject({
      name: "UsageError",
      code: "INVALID_ROUTE",
      message: `the route ${JSON.stringify(key)} is invalid: ${problem}`,
    });
  });

  it.each([
    { maxMessageBytes: 0 },
    { maxBufferedBytes: Number.NaN },
    { heartbeat: { idleMs: -1, timeoutMs: 5 } },
    { heartbeat: [] as {} },
    { slowConsumer: "wait a bit" as "wait" },
    { handshakeTimeoutMs: "1" as unknown as number },
  ])("throw at once for the invalid option %j", async (options) => {
    await expect(start({ ...options, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(Object.keys(options)[0]),
    });
  });

  it.each([
    "fastPaths",
    "handshakeTimeoutMs",
    "hosts",
    "http2",
    "maxConnections",
    "maxPendingAuthorize",
    "maxPendingRequests",
    "maxUnfinishedBytes",
    "onError",
    "onRefused",
    "proxyHeaders",
    "trustProxy",
  ])("throw for %s with the advice that it is an option of the server", async (name) => {
    const routes = { "ws:/": { handle: () => {}, [name]: 5 } };
    await expect(start({ routes })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: `the route "ws:/": ${name} is an option of the server, not of a route; set it next to routes`,
    });
  });

  it.each([[["example.com"]], [["null"]], [[5]], "https://example.com"])(
    "throw at once for the invalid origins %j",
    async (origins) => {
      const routes = { "ws:/": { origins: origins as unknown as string[], handle: () => {} } };
      await expect(start({ routes })).rejects.toMatchObject({ code: "INVALID_ORIGIN" });
      const withoutRoutes = { routes: {}, origins: origins as unknown as string[] };
      await expect(start(withoutRoutes)).rejects.toMatchObject({ code: "INVALID_ORIGIN" });
    },
  );
});

describe("HTTP handlers", () => {
  it("receive the whole request, and their whole response is sent", async () => {
    server = await start({
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
    const body = "x".repeat(transport.isFast ? 500_000 : 5000);
    const response = await server.fetch("/echo?q", { method: "POST", body });
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
      "throws a value that is not an error",
      () => {
        throw { secret: "the secret" } as unknown as Error;
      },
    ],
    ["returns something other than a Response", () => "the secret"],
    ["returns nothing", () => undefined],
    [
      "returns a Response that is already used",
      async () => {
        const response = new Response("the secret");
        await response.text();
        return response;
      },
    ],
    ["returns Response.error()", () => Response.error()],
  ])(
    "answer 500 without details, and are reported once, if a handler %s",
    async (_how, handler) => {
      server = await start({ routes: { "/": handler as () => Response } });
      const response = await server.fetch("/");
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain("secret");
      expect(onError).toHaveBeenCalledExactlyOnceWith(
        expect.anything(),
        expect.objectContaining({ route: "/", request: expect.any(Request) }),
      );
    },
  );

  it("have their response aborted, and are reported, if its body fails midway", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("begin")),
      pull: () => Promise.reject(new Error("source failed")),
    });
    server = await start({ routes: { "/": () => new Response(body) } });
    await expect(server.fetch("/").then((response) => response.text())).rejects.toThrow(
      /terminated|fetch failed|aborted/,
    );
    expect(onError).toHaveBeenCalledExactlyOnceWith(new Error("source failed"), expect.anything());
  });

  it("get an aborted signal and a cancelled body when the client disconnects", async () => {
    const signals: AbortSignal[] = [];
    const cancel = vi.fn<() => void>();
    let answer!: (response: Response) => void;
    server = await start({
      routes: {
        "/": (request) => {
          signals.push(request.signal);
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      },
    });
    const client = new RawClient(server).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    client.reset();
    if (!signals[0].aborted) await once(signals[0], "abort");
    answer(new Response(new ReadableStream({ cancel }), { status: 200 }));
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce());
    expect(onError).not.toHaveBeenCalled();
  });
});

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  return { promise: new Promise<T>((settle) => (resolve = settle)), resolve };
}

describe("stop", () => {
  it("closes with the given code and reason, and throws for invalid ones", async () => {
    server = await start({ routes: { "ws:/": () => {} } });
    const client = await openClient(server);
    await expect(server.stop({ code: 1006 })).rejects.toMatchObject({ code: "INVALID_CLOSE_CODE" });
    const closed = closeOf(client);
    await server.stop({ code: 1012, reason: "back in a minute" });
    expect(await closed).toEqual({ code: 1012, reason: "back in a minute" });
  });

  it("waits for the responses to pending requests and closes their connections", async () => {
    let answer!: (response: Response) => void;
    server = await start({
      routes: {
        "/": () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
    });
    const response = server.fetch("/");
    await vi.waitFor(() => expect(answer).toBeTypeOf("function"));
    const stopped = server.stop();
    answer(new Response("served"));
    expect(await (await response).text()).toBe("served");
    expect((await response).headers.get("connection")).toBe("close");
    await stopped;
  });

  it("drops connections that do not end within timeoutMs", async () => {
    server = await start({
      routes: {
        "/": () => new Promise(() => {}),
        "ws:/": () => {},
      },
    });
    const hanging = new RawClient(server).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const deaf = new RawClient(server).send(handshake("/"));
    await deaf.receives("\r\n\r\n");
    await server.stop({ timeoutMs: 100 });
    expect(await hanging.closed()).toBe("");
    // Code 1001 in a Close frame.
    expect(await deaf.closed()).toContain("\r\n\r\n\x88\x02\x03\xe9");
  });

  it("answers 503 to handshakes that authorize is deciding", async () => {
    const asked = vi.fn<() => void>();
    const authorize = (): Promise<object> => {
      asked();
      return new Promise(() => {});
    };
    server = await start({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const client = new RawClient(server).send(handshake("/"));
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
    const stopped = server.stop();
    expect(statusOf(await client.closed())).toBe(503);
    await stopped;
  });
});

describe("an accepted or refused handshake", () => {
  it.each([
    [
      "with a body that has been read",
      async () => {
        const response = new Response("no", { status: 401 });
        await response.text();
        return response;
      },
    ],
    ["that is Response.error()", async () => Response.error()],
  ])("gets 500 and a report for a Response from authorize %s", async (_, authorize) => {
    server = await start({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const client = new RawClient(server).send(handshake("/"));
    expect(statusOf(await client.closed())).toBe(500);
    expect(onError).toHaveBeenCalledOnce();
  });

  it("gets 400 for a target with a fragment (RFC 9112 3.2)", async () => {
    server = await start({ routes: { "ws:/*": () => {} } });
    const client = new RawClient(server).send(handshake("/a#b"));
    expect(statusOf(await client.closed())).toBe(400);
  });

  it("opens a socket that ends when its peer disconnects, even if nothing reads it", async () => {
    const { promise, resolve } = deferred<CloseInfo>();
    server = await start({
      heartbeat: { idleMs: 50, timeoutMs: 3_600_000 },
      routes: { "ws:/": (socket) => void socket.done.then(resolve) },
    });
    const client = await openClient(server, "/");
    const message = Buffer.alloc(65_536);
    // More than the queue holds, so the server has stopped reading.
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
    { heartbeat: { timeout: 5000 } },
    { onError: 5 },
    { maxMessageByte: 5 },
    { onConnection: () => {} },
    { maxMessagesPerSecond: 0 },
    { maxMessagesPerSecond: 0.5 },
    { maxMessagesPerSecond: "10" },
    { maxLifetimeMs: 0 },
    { maxLifetimeMs: NaN },
    { routes: { "ws:/": { handle: () => {}, maxLifetimeMs: -1 } } },
    { routes: { "ws:/": { handle: () => {}, maxConnections: 5 } } },
    { routes: { "ws:/": { handle: () => {}, hosts: ["a"] } } },
    { routes: { "ws:/": { handle: () => {}, maxMessageByte: 5 } } },
    { routes: undefined },
  ])("throw when invalid: %o", async (options) => {
    const serving = start({ routes: {}, ...(options as object) });
    await expect(serving).rejects.toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
  });
});
