import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server as HttpServer,
  ServerResponse,
} from "node:http";
import { createSecureServer, createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer, get as httpsGet } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Attachment, attach, serve, UsageError } from "tideway/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import {
  closeOf,
  handshake,
  nextMessage,
  openClient,
  RawClient,
  statusOf,
} from "../../support/clients.ts";
import { CERT, TLS } from "../../support/certificate.ts";

let httpServer: HttpServer;
let url: string;
let countOfHost: number;

beforeEach(async () => {
  countOfHost = 0;
  httpServer = createServer((_request, response) => {
    countOfHost++;
    response.end("host");
  });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
});

afterEach(async () => {
  vi.useRealTimers();
  httpServer.closeAllConnections();
  if (!httpServer.listening) return;
  httpServer.close();
  await once(httpServer, "close");
});

const textOf = async (path: string): Promise<string> => await (await fetch(url + path)).text();

it("an attachment that is stopped twice releases the HTTP server once", async () => {
  const attachment = attach(httpServer, { routes: { "/a": () => new Response("a") } });
  expect(await textOf("/a")).toBe("a");
  await attachment.stop();
  await attachment.stop();
  expect(await textOf("/a")).toBe("host");
  expect(countOfHost).toBe(1);
});

it.each([
  ["the first is stopped first", [0, 1]],
  ["the last is stopped first", [1, 0]],
])("two attachments leave no listener behind when %s", async (_, [first, second]) => {
  const attachments = ["a", "b"].map((name) =>
    attach(httpServer, { routes: { [`/${name}`]: () => new Response(name) } }),
  );
  expect([await textOf("/a"), await textOf("/b"), await textOf("/c")]).toEqual(["a", "b", "host"]);
  await attachments[first].stop();
  const left = ["a", "b"].map((name, index) => (index === first ? "host" : name));
  expect([await textOf("/a"), await textOf("/b")]).toEqual(left);
  await attachments[second].stop();
  expect([await textOf("/a"), await textOf("/b")]).toEqual(["host", "host"]);
  expect(countOfHost).toBe(4);
});

it("an attachment that stops neither waits for the responses of other code nor ends them", async () => {
  httpServer.removeAllListeners("request");
  httpServer.on("request", (_request, response) => response.write("first "));
  const attachment = attach(httpServer, { routes: { "/a": () => new Response("a") } });
  const whenEnded = once(httpServer, "request").then(([, response]) => response);
  const reader = (await fetch(`${url}/stream`)).body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("first ");
  await attachment.stop();
  await nextTurn();
  (await whenEnded).end("last");
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("last");
  expect((await reader.read()).done).toBe(true);
});

it.each([createHttp2Server, createSecureServer])(
  "a server of node:http2 is refused with advice",
  (create) => {
    const http2Server = create() as unknown as HttpServer;
    expect(() => attach(http2Server, { routes: {} })).toThrow(/use serve\(\{ tls \}\)/);
  },
);

it("attach names itself in the error for an option", () => {
  const options = { routes: {}, port: 80 };
  expect(() => attach(createServer(), options)).toThrow("attach: there is no option port");
  expect(() => attach(createServer(), { routes: {}, maxConnections: 0 })).toThrow(
    "attach: maxConnections is 0; it must be an integer above 0",
  );
});

const statusAt = async (path: string, init?: RequestInit): Promise<number> =>
  (await fetch(url + path, init)).status;

/** Routes with a page and a WebSocket under `name`. */
const attachRoutes = (name = "ours"): Attachment =>
  attach(httpServer, {
    routes: {
      [`get:/${name}`]: () => new Response(name),
      [`ws:/${name}`]: (socket: { send(text: string): unknown }) => void socket.send(name),
    },
  });

const greetingAt = async (path: string): Promise<unknown> => {
  const client = await openClient(url, path);
  const greeting = await nextMessage(client);
  client.terminate();
  return greeting;
};

/** Answers as Express does: after a turn, and with an error if other code has answered. */
const lateApp: RequestListener = (request, response) => {
  setImmediate(() => response.writeHead(200).end(`app ${request.url}`));
};

/** Handles one path as Socket.IO does, and calls the listeners that it removed for other paths. */
function attachEngine(path: string): void {
  const listeners = httpServer.listeners("request") as RequestListener[];
  httpServer.removeAllListeners("request");
  httpServer.on("request", (request, response) => {
    if (request.url === path) response.end("engine");
    else for (const listener of listeners) listener.call(httpServer, request, response as never);
  });
  httpServer.on(
    "upgrade",
    (request: IncomingMessage, socket: Duplex & { bytesWritten?: number }) => {
      if (request.url === path) socket.end("HTTP/1.1 418 engine\r\n\r\n");
      // The library waits a second before it ends sockets that no other code has answered.
      else setImmediate(() => socket.writable && socket.bytesWritten! <= 0 && socket.end());
    },
  );
}

describe("request listeners of other code", () => {
  beforeEach(() => void httpServer.removeAllListeners("request"));

  it.each([
    ["before attach", (add: () => void) => (add(), attachRoutes())],
    ["after attach", (add: () => void) => (attachRoutes(), add())],
  ])("that were added %s receive the requests without a route", async (_when, start) => {
    start(() => httpServer.on("request", lateApp));
    expect([await textOf("/ours"), await textOf("/theirs")]).toEqual(["ours", "app /theirs"]);
    expect(await (await fetch(`${url}/ours`, { method: "POST" })).text()).toBe("app /ours");
    expect(await greetingAt("/ours")).toBe("ours");
  });

  it.each([
    ["prependListener", () => httpServer.prependListener("request", lateApp)],
    ["addListener", () => httpServer.addListener("request", lateApp)],
  ])("that were added by %s do not receive requests for routes", async (_method, add) => {
    const app = vi.fn<RequestListener>();
    attachRoutes();
    add();
    httpServer.prependListener("request", app);
    expect(await textOf("/ours")).toBe("ours");
    expect(app).not.toHaveBeenCalled();
  });

  it("that have been removed do not delay a response", async () => {
    attachRoutes();
    httpServer.on("request", lateApp);
    expect(await textOf("/theirs")).toBe("app /theirs");
    httpServer.off("request", lateApp);
    expect(await statusAt("/theirs")).toBe(404);
    expect(await statusAt("/ours", { method: "POST" })).toBe(405);
  });

  it("that were added with once receive one request", async () => {
    attachRoutes();
    httpServer.once("request", lateApp);
    expect(await textOf("/ours")).toBe("ours");
    expect(await textOf("/theirs")).toBe("app /theirs");
    expect(await statusAt("/theirs")).toBe(404);
  });

  it("stay registered in their order during and after the attachment", async () => {
    const listeners = [vi.fn<RequestListener>(), lateApp];
    httpServer.on("request", listeners[0]).on("request", lateApp);
    const attachment = attachRoutes();
    expect(httpServer.listeners("request")).toEqual(expect.arrayContaining(listeners));
    await attachment.stop();
    expect(httpServer.listeners("request")).toEqual(listeners);
    expect(httpServer.listeners("upgrade")).toEqual([]);
    expect(httpServer.listeners("newListener")).toEqual([]);
    expect([Object.hasOwn(httpServer, "emit"), Object.hasOwn(httpServer, "close")]).toEqual([
      false,
      false,
    ]);
  });

  it("may have answered a request that they emit again", async () => {
    attachRoutes();
    const observed: unknown[] = [];
    httpServer.on("request", (request, response: ServerResponse) => {
      observed.push(request.url);
      if (response.headersSent) return;
      response.writeHead(202).end();
      httpServer.emit("request", Object.assign(request, { url: "/ours" }), response);
    });
    expect(await statusAt("/theirs")).toBe(202);
    expect(observed).toEqual(["/theirs", "/ours"]);
  });

  it("for checkContinue do not receive requests for routes", async () => {
    attach(httpServer, { routes: { "post:/ours": async (request) => new Response(request.body) } });
    httpServer.on("checkContinue", (_request, response) => response.writeHead(413).end());
    httpServer.on("checkExpectation", (_request, response) => response.writeHead(413).end());
    const post = (path: string, expectation: string): RawClient =>
      new RawClient(Number(new URL(url).port)).send(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\nExpect: ${expectation}\r\n\r\n`,
      );
    const ours = post("/ours", "100-continue");
    await ours.receives("100 Continue");
    expect(await ours.send("ok").closed()).toMatch(/HTTP\/1.1 200.*\nok/s);
    expect(statusOf(await post("/ours", "more").closed())).toBe(417);
    expect(statusOf(await post("/theirs", "100-continue").closed())).toBe(413);
    expect(statusOf(await post("/theirs", "more").closed())).toBe(413);
  });

  it("do not change the order of pipelined answers", async () => {
    attachRoutes();
    httpServer.on("request", lateApp);
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const client = new RawClient(Number(new URL(url).port));
    client.send(get("/1") + get("/ours") + get("/2"));
    expect(await client.receives("app /2")).toMatch(/app \/1.*\r\nours.*app \/2/s);
    client.socket.destroy();
  });

  it("that wrap the `emit` method before or after attach receive requests for routes", async () => {
    const observed: unknown[] = [];
    const trace = (name: string): void => {
      const emit = Reflect.get(httpServer, "emit") as (...args: unknown[]) => boolean;
      const traced = function (this: HttpServer, event: string, ...args: unknown[]): boolean {
        if (event === "request") observed.push(`${name} ${(args[0] as IncomingMessage).url}`);
        return emit.call(this, event, ...args);
      };
      Object.assign(httpServer, { emit: traced });
    };
    trace("before");
    const attachment = attachRoutes();
    trace("after");
    httpServer.on("request", lateApp);
    expect([await textOf("/ours"), await textOf("/theirs")]).toEqual(["ours", "app /theirs"]);
    expect(observed).toEqual(["after /ours", "before /ours", "after /theirs", "before /theirs"]);
    await attachment.stop();
    expect(await textOf("/ours")).toBe("app /ours");
    const again = attachRoutes();
    expect([await textOf("/ours"), await textOf("/theirs")]).toEqual(["ours", "app /theirs"]);
    await again.stop();
  });
});

describe("upgrade listeners of other code", () => {
  const refuse418 = (_request: IncomingMessage, socket: Duplex): void =>
    void socket.end("HTTP/1.1 418 theirs\r\n\r\n");

  it.each(["before attach", "after attach"])(
    "that were added %s receive the upgrades without a route",
    async (when) => {
      if (when === "after attach") attachRoutes();
      httpServer.on("upgrade", refuse418);
      if (when === "before attach") attachRoutes();
      await expect(openClient(url, "/theirs")).rejects.toThrow("418");
      expect(await greetingAt("/ours")).toBe("ours");
    },
  );

  it("can be added by a proxy at its first request, and removed", async () => {
    httpServer.removeAllListeners("request");
    attachRoutes();
    httpServer.once("request", (_request, response: ServerResponse) => {
      httpServer.on("upgrade", refuse418);
      response.end("proxied");
    });
    await expect(openClient(url, "/theirs")).rejects.toThrow("404");
    expect(await textOf("/theirs")).toBe("proxied");
    await expect(openClient(url, "/theirs")).rejects.toThrow("418");
    expect(await greetingAt("/ours")).toBe("ours");
    httpServer.off("upgrade", refuse418);
    await expect(openClient(url, "/theirs")).rejects.toThrow("404");
  });

  it.each(["before", "after"])("can belong to ws, added %s attach", async (when) => {
    const wss = new WebSocketServer({ noServer: true });
    const listen = (): unknown =>
      httpServer.on("upgrade", (request, socket, head) => {
        if (request.url !== "/ws") return;
        wss.handleUpgrade(request, socket, head, (client: WebSocket) => client.send("ws"));
      });
    if (when === "before") listen();
    attachRoutes();
    if (when === "after") listen();
    expect([await greetingAt("/ws"), await greetingAt("/ours")]).toEqual(["ws", "ours"]);
  });

  it("let a route answer a plain request that offers HTTP/2", async () => {
    attachRoutes();
    httpServer.on("upgrade", refuse418);
    const get = (path: string): RawClient =>
      new RawClient(Number(new URL(url).port)).send(
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n`,
      );
    expect(await get("/ours").closed()).toMatch(/HTTP\/1.1 200.*\nours/s);
    expect(statusOf(await get("/theirs").closed())).toBe(418);
    httpServer.off("upgrade", refuse418);
    expect(await get("/theirs").closed()).toMatch(/HTTP\/1.1 200.*host/s);
  });

  it("can be called through an earlier `emit` that other code has stored", async () => {
    const emit = httpServer.emit.bind(httpServer, "upgrade");
    attachRoutes();
    const forwarding = createServer().on("upgrade", emit);
    await once(forwarding.listen(0, "127.0.0.1"), "listening");
    const port = (forwarding.address() as AddressInfo).port;
    const client = await openClient(`http://127.0.0.1:${port}`, "/ours");
    expect(await nextMessage(client)).toBe("ours");
    await expect(openClient(`http://127.0.0.1:${port}`, "/theirs")).rejects.toThrow("404");
    client.terminate();
    await once(forwarding.close(), "close");
  });

  it("do not affect the routes when all listeners are removed", async () => {
    attachRoutes();
    httpServer.removeAllListeners("upgrade").removeAllListeners("request");
    expect(await greetingAt("/ours")).toBe("ours");
    expect(await textOf("/ours")).toBe("ours");
    expect(await statusAt("/theirs")).toBe(404);
  });
});

describe("code that wraps the request listeners, as Socket.IO does,", () => {
  it.each(["before", "after"])("shares the server when it is added %s attach", async (when) => {
    if (when === "before") attachEngine("/engine");
    const attachment = attachRoutes();
    if (when === "after") attachEngine("/engine");
    expect(await Promise.all(["/ours", "/engine", "/theirs"].map(textOf))).toEqual([
      "ours",
      "engine",
      "host",
    ]);
    expect(await greetingAt("/ours")).toBe("ours");
    await expect(openClient(url, "/engine")).rejects.toThrow("418");
    await expect(openClient(url, "/theirs")).rejects.toThrow("socket hang up");
    await attachment.stop();
    expect(await textOf("/ours")).toBe("host");
  });

  it("lets an application that was added before it answer alone", async () => {
    httpServer.removeAllListeners("request");
    attachRoutes();
    httpServer.on("request", lateApp);
    attachEngine("/engine");
    expect(await textOf("/theirs")).toBe("app /theirs");
    expect(await textOf("/ours")).toBe("ours");
  });

  it("passes other requests on to the attachment, which answers 404", async () => {
    httpServer.removeAllListeners("request");
    attachRoutes();
    attachEngine("/engine");
    expect(await statusAt("/theirs")).toBe(404);
    expect([await textOf("/ours"), await textOf("/engine")]).toEqual(["ours", "engine"]);
  });
});

describe("two applications on one server", () => {
  beforeEach(() => void httpServer.removeAllListeners("request"));

  it("answer a request that neither has a route for with a single 404", async () => {
    const writeHead = vi.spyOn(ServerResponse.prototype, "writeHead");
    const first = attachRoutes("a");
    const second = attachRoutes("b");
    expect([await textOf("/a"), await textOf("/b")]).toEqual(["a", "b"]);
    expect([await greetingAt("/a"), await greetingAt("/b")]).toEqual(["a", "b"]);
    writeHead.mockClear();
    expect(await statusAt("/c")).toBe(404);
    expect(writeHead.mock.calls.length).toBeLessThanOrEqual(1);
    for (const path of ["/a", "/b"]) expect(await statusAt(path, { method: "PUT" })).toBe(405);
    await expect(openClient(url, "/c")).rejects.toThrow("404");
    await first.stop();
    expect([await statusAt("/a"), await statusAt("/b")]).toEqual([404, 200]);
    await second.stop();
  });

  it("let the last attached application answer if both have a route", async () => {
    attachRoutes();
    const second = attach(httpServer, { routes: { "/ours": () => new Response("second") } });
    expect(await textOf("/ours")).toBe("second");
    await second.stop();
    expect(await textOf("/ours")).toBe("ours");
  });
});

it("routes can be attached to the HTTP server of serve and stop with it", async () => {
  const routesOf = (name: string) =>
    ({
      [`/${name}`]: () => new Response(name),
      [`ws:/${name}`]: (socket: { send(text: string): unknown }) => void socket.send(name),
    }) as const;
  const server = await serve({ port: 0, host: "127.0.0.1", routes: routesOf("served") });
  attach(server.httpServer, { routes: routesOf("attached") });
  for (const name of ["served", "attached"]) {
    expect(await (await fetch(`${server.url}/${name}`)).text()).toBe(name);
    expect(await nextMessage(await openClient(server.url, `/${name}`))).toBe(name);
  }
  expect((await fetch(`${server.url}/missing`)).status).toBe(404);
  await expect(openClient(server.url, "/missing")).rejects.toThrow("404");
  await server.stop();
});

it("a server of node:https is shared and closed in the same way", async () => {
  const secure = createHttpsServer(TLS);
  attach(secure, { routes: { "ws:/ours": (socket) => void socket.send("ours") } });
  secure.on("request", lateApp);
  await once(secure.listen(0), "listening");
  const base = `https://localhost:${(secure.address() as AddressInfo).port}`;
  const [page] = (await once(httpsGet(`${base}/theirs`, { ca: CERT }), "response")) as [
    IncomingMessage,
  ];
  expect((await page.toArray()).join("")).toBe("app /theirs");
  const client = await openClient(base, "/ours", [], { ca: CERT });
  expect(await nextMessage(client)).toBe("ours");
  await expect(openClient(base, "/theirs", [], { ca: CERT })).rejects.toThrow("404");
  const closed = closeOf(client);
  await new Promise((resolve) => secure.close(resolve));
  expect((await closed).code).toBe(1001);
});

describe("an attachment that is stopping", () => {
  it("answers 503 unless there is another listener", async () => {
    httpServer.removeAllListeners("request");
    let finish!: () => void;
    const attachment = attach(httpServer, {
      routes: {
        "/slow": async () => {
          await new Promise<void>((resolve) => (finish = resolve));
          return new Response("slow");
        },
      },
    });
    const slow = textOf("/slow");
    await vi.waitUntil(() => (finish as unknown) !== undefined);
    const stopped = attachment.stop();
    expect(await statusAt("/slow")).toBe(503);
    await expect(openClient(url, "/slow")).rejects.toThrow("503");
    httpServer.once("request", lateApp);
    expect(await textOf("/slow")).toBe("app /slow");
    finish();
    expect(await slow).toBe("slow");
    await stopped;
  });

  it("still answers 503 after another one has stopped", async () => {
    httpServer.removeAllListeners("request");
    const answers: (() => void)[] = [];
    const attachments = ["/a", "/b"].map((path) =>
      attach(httpServer, {
        routes: {
          [path]: async () => {
            await new Promise<void>((resolve) => answers.push(resolve));
            return new Response(path);
          },
        },
      }),
    );
    const first = textOf("/a");
    await vi.waitUntil(() => answers.length === 1);
    const second = textOf("/b");
    await vi.waitUntil(() => answers.length === 2);
    const stopped = attachments.map(async (one) => await one.stop());
    answers[0]();
    await stopped[0];
    expect(await first).toBe("/a");
    expect(httpServer.listenerCount("request")).toBe(1);
    expect(await statusAt("/b")).toBe(503);
    answers[1]();
    await stopped[1];
    expect(await second).toBe("/b");
    expect(httpServer.listenerCount("request")).toBe(0);
  });
});

describe("http.close() without stop()", () => {
  it("closes the WebSockets with 1001 and ends", async () => {
    attachRoutes();
    const client = await openClient(url, "/ours");
    const closed = closeOf(client);
    await new Promise((resolve) => httpServer.close(resolve));
    expect(await closed).toEqual({ code: 1001, reason: "" });
  });

  it("ends even if a client does not close and a handler does not return", async () => {
    attach(httpServer, {
      closeTimeoutMs: 1,
      routes: { "ws:/": async () => await new Promise(() => {}) },
    });
    const client = new RawClient(Number(new URL(url).port)).send(handshake("/"));
    await client.receives("101");
    await new Promise((resolve) => httpServer.close(resolve));
    // 1001, in a Close frame.
    expect(await client.closed()).toContain("\x88\x02\x03\xe9");
  });

  it("ends after ten seconds even if a route does not answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    let hasBegun = false;
    attach(httpServer, {
      routes: {
        "/": async () => {
          hasBegun = true;
          return await new Promise<never>(() => {});
        },
      },
    });
    const client = new RawClient(Number(new URL(url).port));
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitUntil(() => hasBegun);
    const closed = new Promise((resolve) => httpServer.close(resolve));
    vi.advanceTimersByTime(10_000);
    await closed;
    expect(await client.closed()).toBe("");
  });

  it("refuses a handshake while authorize decides", async () => {
    let hasAsked = false;
    attach(httpServer, {
      routes: {
        "ws:/": {
          authorize: async () => {
            hasAsked = true;
            return await new Promise<object>(() => {});
          },
          handle: () => {},
        },
      },
    });
    const refused = openClient(url).catch(String);
    await vi.waitUntil(() => hasAsked);
    await new Promise((resolve) => httpServer.close(resolve));
    expect(await refused).toContain("503");
  });

  it("does not shorten a stop in progress", async () => {
    const attachment = attachRoutes();
    const clients = await Promise.all([1, 2].map(async () => await openClient(url, "/ours")));
    const codes = clients.map(async (client) => (await closeOf(client)).code);
    const stopped = attachment.stop({ drain: { batch: 1, intervalMs: 1 } });
    await new Promise((resolve) => httpServer.close(resolve));
    await stopped;
    expect(await Promise.all(codes)).toEqual([1012, 1012]);
  });

  it("allows the server to listen again with the same routes", async () => {
    attachRoutes();
    for (let round = 0; round < 3; round++) {
      const client = await openClient(url, "/ours");
      const closed = closeOf(client);
      await new Promise((resolve) => httpServer.close(resolve));
      expect((await closed).code).toBe(1001);
      await once(httpServer.listen(Number(new URL(url).port), "127.0.0.1"), "listening");
      expect(await textOf("/ours")).toBe("ours");
    }
  });
});

describe("invalid arguments:", () => {
  const attachTo = (server: unknown, ...rest: unknown[]): unknown =>
    Reflect.apply(attach as (...args: unknown[]) => unknown, undefined, [server, ...rest]);

  it.each([
    [undefined, "not undefined; pass what createServer()"],
    [null, "not null; pass"],
    [8080, "not 8080; pass"],
    ["http", 'not "http"; pass'],
    [[], "not an array; pass"],
    [{ routes: {} }, "not an object of another class; pass"],
    [() => {}, "createServer(listener)"],
    [Promise.resolve(), "await it first"],
    [Object.assign(() => {}, { listen: () => {} }), "pass createServer(app)"],
    [{ listen: () => {}, callback: () => {} }, "createServer(app.callback())"],
    [{ listen: () => {}, server: createServer() }, "app.server"],
    [{ getHttpServer: () => {} }, "app.getHttpServer()"],
    [{ fetch: () => {} }, "@hono/node-server"],
    [{ httpServer: createServer() }, "httpServer"],
  ])(
    "attach refuses a value that is not an HTTP server, with advice on what to pass (%#)",
    (value, message) => {
      const attempt = (): unknown => attachTo(value, { routes: {} });
      expect(attempt).toThrow(UsageError);
      expect(attempt).toThrow("attach expects a server of node:http or node:https");
      expect(attempt).toThrow(message);
    },
  );

  it.each([undefined, null, 8080, "routes", [], () => {}])(
    "serve and attach refuse %s as options",
    async (options) => {
      expect(() => attachTo(httpServer, options)).toThrow(
        /^attach: the options are .+; pass an object such as \{ routes:/,
      );
      const served = (serve as (options: unknown) => Promise<unknown>)(options);
      await expect(served).rejects.toThrow(
        /^serve: the options are .+; pass an object such as \{ routes:/,
      );
      await expect(served).rejects.toBeInstanceOf(UsageError);
      expect(Object.hasOwn(httpServer, "emit")).toBe(false);
    },
  );

  it.each([undefined, null, [], new Map(), () => {}])(
    "serve refuses %s as routes",
    async (routes) => {
      const served = (serve as (options: unknown) => Promise<unknown>)({ routes });
      await expect(served).rejects.toThrow("routes is");
      await expect(served).rejects.toThrow('it must be an object of routes, such as { "ws:/chat"');
    },
  );
});
