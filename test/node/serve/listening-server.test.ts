import { createServer, get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { attach, type Server, serve, TidewayError, UsageError } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { closeOf, nextMessage, openClient, RawClient } from "../../support/clients.ts";
import { CERT, TLS } from "../../support/certificate.ts";

const onError = vi.fn<(error: unknown) => void>();
let server: Server;

/** Starts the server of a test, which is stopped afterwards. */
const start: typeof serve = async (options) => {
  server = await serve({ port: 0, onError, ...options });
  return server;
};

afterEach(async () => {
  await server?.stop();
  onError.mockReset();
  vi.restoreAllMocks();
});

describe("listening", () => {
  it("rejects when the port is in use and leaves nothing behind", async () => {
    await start({ routes: {} });
    const error = await serve({ port: server.port, routes: {} }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "LISTEN_FAILED",
      message: `cannot listen on *:${server.port}: the port is already in use; pass another port, or 0 for any free one`,
      cause: { code: "EADDRINUSE" },
    });
    expect(error).toBeInstanceOf(TidewayError);
    expect(error).not.toBeInstanceOf(UsageError);
  });

  it("rejects when the host is not an address of this machine", async () => {
    await expect(serve({ port: 0, host: "192.0.2.1", routes: {} })).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message:
        "cannot listen on 192.0.2.1:0: this machine does not have the address; pass another host",
    });
  });

  it("reports its port and url", async () => {
    await start({ host: "127.0.0.1", routes: {} });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    await server.stop();
    await start({ host: "::1", routes: {} });
    expect(server.url).toBe(`http://[::1]:${server.port}`);
    await server.stop();
    await start({ host: "0.0.0.0", routes: {} });
    expect(server.url).toBe(`http://localhost:${server.port}`);
    await server.stop();
    await start({ routes: {} });
    expect(server.url).toBe(`http://localhost:${server.port}`);
    expect(server.port).toBe((server.httpServer.address() as AddressInfo).port);
  });

  it.each<[string, unknown, string]>([
    ["port", -1, "an integer from 0 to 65535"],
    ["port", 65_536, "an integer from 0 to 65535"],
    ["port", 1.5, "an integer from 0 to 65535"],
    ["port", "80", "an integer from 0 to 65535"],
    ["host", 5, "an address or host name to listen on"],
    ["host", "", "an address or host name to listen on"],
    ["host", null, "an address or host name to listen on"],
    ["http2", 1, "a boolean"],
  ])("throws at once for %s: %j", async (name, value, expected) => {
    await expect(start({ [name]: value, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: `serve: ${name} is ${JSON.stringify(value)}; it must be ${expected}`,
    });
  });

  it("throws at once for http2 without tls", async () => {
    await expect(start({ http2: true, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message:
        "serve: http2 needs tls, because browsers use HTTP/2 only over TLS; pass tls, or leave out http2",
    });
  });

  it("throws at once for a malformed certificate", async () => {
    const tls = { cert: "not a certificate", key: "not a key" };
    await expect(start({ tls, routes: {} })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringMatching(/^serve: the option tls is invalid: .+/) as string,
      cause: expect.any(Error) as Error,
    });
  });

  it("says that tls takes the contents of files, if it gets their paths", async () => {
    await expect(start({ tls: { key: "key.pem", cert: "cert.pem" }, routes: {} })).rejects.toThrow(
      /no start line; key and cert must be the contents of PEM files, not their paths$/,
    );
  });

  const noCertificate = "has no certificate; pass cert and key, or pfx, or SNICallback";
  it.each([
    [true, "is true; it must be an object with options of node:https"],
    [null, "is null; it must be an object with options of node:https"],
    [{}, noCertificate],
    [{ cert: "only a certificate" }, noCertificate],
    [{ key: "only a key" }, noCertificate],
  ])("throws at once for tls: %j, which %s", async (tls, why) => {
    await expect(start({ tls: tls as {}, routes: {} })).rejects.toMatchObject({
      name: "UsageError",
      code: "INVALID_OPTION",
      message: `serve: tls ${why}`,
    });
  });

  it("reports to the console by default and survives an onError that throws", async () => {
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
    const uncaught = await uncaughtErrorsOf(async () => {
      server = await serve({ port: 0, routes, onError: throwing });
      expect((await fetch(server.url)).status).toBe(500);
    });
    expect(uncaught).toEqual([]);
    expect(log.mock.calls).toEqual([[bug], [bug], [new Error("a second bug")]]);
  });
});

it("stop drops connections with an unfinished TLS handshake at once", async () => {
  await start({ tls: TLS, handshakeTimeoutMs: 300_000, routes: {} });
  const accepted = once(server.httpServer, "connection");
  const client = new RawClient(server.port).send("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03");
  await accepted;
  await server.stop({ timeoutMs: 3_600_000 });
  expect(await client.closed()).toBe("");
});

it("handlers and authorize receive the remote address", async () => {
  const addresses: string[] = [];
  await start({
    host: "127.0.0.1",
    routes: {
      "/": (_request, { remoteAddress }) => new Response(remoteAddress),
      "ws:/": {
        authorize: (_request: Request, { remoteAddress }: { remoteAddress: string }) => {
          addresses.push(remoteAddress);
          return {};
        },
        handle: (socket, { remoteAddress }) => void socket.send(remoteAddress),
      },
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  expect(await (await fetch(url)).text()).toBe("127.0.0.1");
  expect(await nextMessage(await openClient(url))).toBe("127.0.0.1");
  expect(addresses).toEqual(["127.0.0.1"]);
});

describe("TLS", () => {
  const begin = async (): Promise<void> => {
    await start({
      tls: TLS,
      routes: {
        "/": (request) => new Response(request.url),
        "ws:/": (socket) => socket.send("secure"),
      },
    });
  };

  it("is terminated by the server for HTTP and WebSockets", async () => {
    await begin();
    expect(server.url).toBe(`https://localhost:${server.port}`);
    const [response] = (await once(httpsGet(server.url, { ca: CERT }), "response")) as [
      IncomingMessage,
    ];
    const body = (await response.toArray()).join("");
    expect(body).toBe(`${server.url}/`);
    const client = await openClient(server.url, "/", [], { ca: CERT });
    expect(await nextMessage(client)).toBe("secure");
  });

  it("allows stop to drop a connection that has not finished its TLS handshake", async () => {
    await begin();
    const client = connectTcp(server.port, "127.0.0.1");
    await once(server.httpServer, "connection");
    const whenClosed = once(client.resume(), "close");
    // Otherwise it would wait for the client until the deadline.
    await expect(server.stop({ timeoutMs: 3_600_000 })).resolves.toBeUndefined();
    await whenClosed;
  });

  it("requires https in the default origin check", async () => {
    await begin();
    const origin = (scheme: string): string => `${scheme}://localhost:${server.port}`;
    await openClient(server.url, "/", [], { ca: CERT, origin: origin("https") });
    const refused = openClient(server.url, "/", [], { ca: CERT, origin: origin("http") });
    await expect(refused).rejects.toThrow("403");
  });

  it("ignores an offer to change to another protocol", async () => {
    await begin();
    const socket = connectTls({ port: server.port, host: "localhost", ca: CERT });
    socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
    expect((await socket.toArray()).join("")).toContain("https://a/");
  });

  it("survives clients that do not use TLS or stop during its handshake", async () => {
    await begin();
    const uncaught = await uncaughtErrorsOf(async () => {
      const plain = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await plain.closed();
      new RawClient(server.port).send("\x16\x03\x01");
      const client = await openClient(server.url, "/", [], { ca: CERT });
      expect(await nextMessage(client)).toBe("secure");
      await server.stop({ timeoutMs: 300 });
    });
    expect(uncaught).toEqual([]);
  });
});

describe.each([
  ["over TCP", {}],
  ["over TCP, without fast paths", { fastPaths: false }],
  ["over TLS", { tls: TLS }],
])("stop, %s,", (_how, options) => {
  it.each([
    ["nothing", "", 0],
    ["part of a request", "GET / HT", 0],
    ["part of a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12", 1],
    ["a request that is never answered", "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", 1],
    ["an answered request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1],
  ])("drops a connection with %s at its deadline at the latest", async (_what, bytes, requests) => {
    let count = 0;
    await start({
      ...options,
      routes: {
        "/": async (request) => {
          count++;
          return new Response(await request.text());
        },
        "/never": () => {
          count++;
          return new Promise<Response>(() => {});
        },
      },
    });
    const client =
      "tls" in options
        ? connectTls({ port: server.port, host: "localhost", ca: CERT })
        : connectTcp(server.port, "localhost");
    client.on("error", () => {});
    const closed = new Promise((resolve) => client.resume().once("close", resolve));
    await once(client, "tls" in options ? "secureConnect" : "connect");
    if (bytes !== "") await new Promise((resolve) => client.write(bytes, resolve));
    await vi.waitFor(() => expect(count).toBe(requests));
    await server.stop({ timeoutMs: 50 });
    await closed;
  });
});

describe("stop", () => {
  it("closes sockets with 1001, stops listening and can be called twice", async () => {
    await start({ routes: { "ws:/": () => {} } });
    const client = await openClient(server.url);
    const closed = closeOf(client);
    await Promise.all([server.stop(), server.stop()]);
    expect(await closed).toEqual({ code: 1001, reason: "" });
    await expect(openClient(server.url)).rejects.toThrow("ECONNREFUSED");
    expect(server.sockets.size).toBe(0);
  });

  it("drops idle and silent connections at once", async () => {
    await start({ routes: { "/": () => new Response("hello") } });
    const silent = new RawClient(server.port);
    await once(silent.socket, "connect");
    const keptAlive = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await keptAlive.receives("hello");
    await server.stop();
    expect(await silent.closed()).toBe("");
    expect(await keptAlive.closed()).toContain("hello");
  });

  it("is called by await using", async () => {
    let client;
    {
      await using scoped = await serve({ port: 0, routes: { "ws:/": () => {} } });
      client = await openClient(scoped.url);
    }
    expect(client.readyState).toBeGreaterThanOrEqual(2);
  });
});

describe("attach", () => {
  const listen = async (httpServer: ReturnType<typeof createServer>): Promise<string> => {
    await once(httpServer.listen(0), "listening");
    return `http://localhost:${(httpServer.address() as AddressInfo).port}`;
  };

  it("serves its routes and leaves other requests to earlier listeners", async () => {
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
    expect(await nextMessage(await openClient(url, "/ours"))).toBe("ours");
    await expect(openClient(url, "/theirs")).rejects.toThrow("418");
    expect(attachment.sockets.size).toBe(1);

    await attachment.stop();
    expect(attachment.sockets.size).toBe(0);
    expect(await textOf("/ours")).toBe("before: /ours");
    await expect(openClient(url, "/ours")).rejects.toThrow("418");
    httpServer.close();
    httpServer.closeAllConnections();
  });

  it("answers requests that no listener handles", async () => {
    const httpServer = createServer();
    const attachment = attach(httpServer, { routes: { "ws:/": () => {} } });
    const url = await listen(httpServer);
    expect((await fetch(`${url}/x`)).status).toBe(404);
    expect((await fetch(`${url}/`)).status).toBe(426);
    await expect(openClient(url, "/x")).rejects.toThrow("404");
    await attachment.stop();
    httpServer.close();
    httpServer.closeAllConnections();
  });

  it("ignores offers of other protocols, as the server would without it", async () => {
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

  it("throws at once for an invalid route", () => {
    expect(() => attach(createServer(), { routes: { "/(": () => new Response() } })).toThrow(
      expect.objectContaining({ code: "INVALID_ROUTE" }),
    );
  });
});
