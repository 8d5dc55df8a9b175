import { getEventListeners, once } from "node:events";
import { createServer } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import {
  type ConnectionTarget,
  httpProxy,
  type HttpProxyOptions,
  proxyFromEnvironment,
  ReconnectingWebSocket,
  TransportError,
  UsageError,
  WebSocket,
  WebSocketStream,
} from "tideway";
import { describe, expect, it, vi } from "vitest";
import { ConnectProxy } from "./connect-proxy.ts";
import { listenOnLoopback } from "./loopback.ts";
import {
  acceptance,
  echo,
  greet,
  outcomeOf,
  serveBytes,
  serveSecurely,
  serveWs,
} from "../../support/servers.ts";
import { CERT, TLS } from "../../support/certificate.ts";

describe("httpProxy", () => {
  it("reaches a ws: server through CONNECT", async () => {
    const proxy = await ConnectProxy.start();
    const url = await echo();
    const { host } = new URL(url);
    const socket = new WebSocket(url, { createConnection: httpProxy(proxy.url) });
    expect(await greet(socket)).toBe("hello");
    expect(proxy.heads).toEqual([`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`]);
  });

  it("reaches a wss: server and checks its certificate through the tunnel", async () => {
    const proxy = await ConnectProxy.start();
    const url = await serveSecurely();
    const createConnection = httpProxy(proxy.url);
    const trusting = new WebSocket(url, { createConnection, tls: { ca: CERT } });
    expect((await trusting.onMessage.first).data).toBe("secure");
    trusting.close();
    const doubting = await outcomeOf(new WebSocket(url, { createConnection }));
    expect(doubting.error).toMatchObject({
      code: "CONNECT_FAILED",
      cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
    expect(proxy.heads).toHaveLength(2);
  });

  it("checks the certificate against the host of the URL, not the proxy", async () => {
    const proxy = await ConnectProxy.start();
    const url = (await serveSecurely()).replace("localhost", "localhost.test");
    const options = { createConnection: httpProxy(proxy.url), tls: { ca: CERT } };
    const { error } = await outcomeOf(new WebSocket(url, options));
    expect(error).toMatchObject({ cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" } });
  });

  it.each(["ws", "wss"])("reaches a %s: server through a proxy over TLS", async (scheme) => {
    const proxy = await ConnectProxy.start({ tls: TLS });
    const url = scheme === "ws" ? await serveWs((s) => s.send("secure")) : await serveSecurely();
    const socket = new WebSocket(url, {
      createConnection: httpProxy(proxy.url, { tls: { ca: CERT } }),
      tls: { ca: CERT },
    });
    expect((await socket.onMessage.first).data).toBe("secure");
    socket.close();
  });

  it("does not apply `ca` of the server to the certificate of the proxy", async () => {
    const proxy = await ConnectProxy.start({ tls: TLS });
    const { error } = await outcomeOf(
      new WebSocket(await serveSecurely(), {
        createConnection: httpProxy(proxy.url),
        tls: { ca: CERT, rejectUnauthorized: false },
      }),
    );
    expect(error).toMatchObject({
      code: "PROXY_FAILED",
      cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
    expect(proxy.heads).toEqual([]);
  });

  it("works with WebSocketStream and ReconnectingWebSocket", async () => {
    const proxy = await ConnectProxy.start();
    const url = await echo();
    const createConnection = httpProxy(proxy.url);
    const stream = new WebSocketStream(url, { createConnection });
    await stream.opened;
    stream.close();
    await stream.closed.catch(() => {});
    const socket = new ReconnectingWebSocket(url, { webSocketOptions: { createConnection } });
    await socket.onOpen.first;
    socket.close();
    await socket.onClose.first;
    expect(proxy.heads).toHaveLength(2);
  });

  it.each([
    ["us%C3%A9r:p%40ss%3A", "us\u{e9}r:p@ss:"],
    ["user", "user:"],
    [":password", ":password"],
  ])("sends the user and password of its URL, such as %s (RFC 7617)", async (given, pair) => {
    const proxy = await ConnectProxy.start();
    const url = proxy.url.replace("//", `//${given}@`);
    await greet(new WebSocket(await echo(), { createConnection: httpProxy(url) }));
    const expected = Buffer.from(pair).toString("base64");
    expect(proxy.heads[0]).toContain(`\r\nProxy-Authorization: Basic ${expected}\r\n`);
  });

  it.each([
    [{}, true],
    [{ "user-agent": "mine", authorization: "Bearer token" }, true],
    [{ "proxy-authorization": "Bearer token" }, false],
    [{ "PROXY-AUTHORIZATION": "Bearer token" }, false],
  ])("with the headers %j, sends the user and password of its URL: %s", async (headers, isSent) => {
    const proxy = await ConnectProxy.start();
    const url = proxy.url.replace("//", "//user:password@");
    await greet(new WebSocket(await echo(), { createConnection: httpProxy(url, { headers }) }));
    const sent = proxy.heads[0].match(/^proxy-authorization: .*$/gim) ?? [];
    expect(sent.map((line) => line.trim())).toEqual([
      expect.stringMatching(isSent ? /^Proxy-Authorization: Basic / : / Bearer token$/),
    ]);
  });

  it("sends the caller's headers only to the proxy, with the caller's proxy-authorization", async () => {
    const proxy = await ConnectProxy.start();
    let request = "";
    const server = await serveBytes((socket, head) => {
      request = head;
      socket.end(acceptance(head));
    });
    const createConnection = httpProxy(proxy.url.replace("//", "//user:password@"), {
      headers: { "user-agent": "mine", "Proxy-Authorization": "Bearer token" },
    });
    await outcomeOf(new WebSocket(server, { createConnection }));
    expect(proxy.heads[0].match(/^(user-agent|proxy-authorization): .*/gim)).toEqual([
      "user-agent: mine",
      "Proxy-Authorization: Bearer token",
    ]);
    expect(request).not.toMatch(/user-agent|proxy|password|token/i);
  });

  it("names a server by its IPv6 address in brackets", async ({ skip }) => {
    const server = createServer((socket) => socket.end());
    const port = await listenOnLoopback(server, "::1").catch(() => skip("IPv6 is not available"));
    const proxy = await ConnectProxy.start();
    await outcomeOf(
      new WebSocket(`ws://[::1]:${port}/`, { createConnection: httpProxy(proxy.url) }),
    );
    expect(proxy.heads[0]).toMatch(new RegExp(`^CONNECT \\[::1\\]:${port} HTTP/1\\.1\\r\\n`));
  });

  it("reaches a proxy by its IPv6 address", async ({ skip }) => {
    const proxy = await ConnectProxy.start({ host: "::1" }).catch(() =>
      skip("IPv6 is not available"),
    );
    expect(
      await greet(new WebSocket(await echo(), { createConnection: httpProxy(proxy.url) })),
    ).toBe("hello");
  });

  it("lets the proxy resolve the name of the server", async () => {
    const proxy = await ConnectProxy.start();
    const { port } = new URL(await echo());
    const socket = new WebSocket(`ws://localhost.test:${port}`, {
      createConnection: httpProxy(proxy.url),
    });
    expect(await greet(socket)).toBe("hello");
  });

  it.each([
    ["HTTP/1.0 200 OK\r\n\r\n"],
    ["HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\n\r\n"],
  ])("accepts the answer %j as a tunnel", async (headOfAnswer) => {
    const proxy = await ConnectProxy.start({ headOfAnswer });
    const socket = new WebSocket(await echo(), { createConnection: httpProxy(proxy.url) });
    expect(await greet(socket)).toBe("hello");
  });

  it("keeps the bytes that arrive with the response of the proxy", async () => {
    const early = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        // The early bytes of a server that speaks first arrive with the response of the proxy.
        socket.write("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 103 Early Hints\r\n", "latin1");
        socket.once("data", (request: Buffer) => {
          socket.end(`\r\n${acceptance(request.toString())}\x81\x02hi\x88\x00`, "latin1");
        });
      });
    });
    const port = await listenOnLoopback(early);
    const socket = new WebSocket("ws://server.example/", {
      createConnection: httpProxy(`http://127.0.0.1:${port}`),
    });
    expect((await socket.onMessage.first).data).toBe("hi");
    socket.close();
    await socket.onClose.first;
  });
});

describe("an attempt through a proxy that does not open a tunnel", () => {
  const connectBy = async (proxy: ConnectProxy, url = proxy.url): Promise<unknown> => {
    const socket = new WebSocket("ws://server.example:8080/", { createConnection: httpProxy(url) });
    return (await outcomeOf(socket)).error;
  };

  it.each([301, 400, 403, 404, 500, 502, 503, 504])(
    "fails with PROXY_REFUSED at status %d",
    async (status) => {
      const proxy = await ConnectProxy.start({
        answer: () => `HTTP/1.1 ${status} Not here\r\nContent-Length: 2\r\n\r\nno`,
      });
      const error = await connectBy(proxy);
      expect(error).toBeInstanceOf(TransportError);
      expect(error).toMatchObject({
        code: "PROXY_REFUSED",
        message: `the proxy ${proxy.authority} answered CONNECT server.example:8080 with status ${status} "Not here"`,
      });
      await vi.waitUntil(() => proxy.sockets.size === 0);
    },
  );

  it("reports 407 with a hint and the Proxy-Authenticate header, but without the password", async () => {
    const proxy = await ConnectProxy.start({
      answer: () =>
        'HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm="x"\r\nProxy-Authenticate: NTLM\r\n\r\n',
    });
    expect(await connectBy(proxy)).toMatchObject({
      message: expect.stringMatching(/add a user and password to the proxy URL.*Basic.*NTLM/),
    });
    const error = await connectBy(proxy, proxy.url.replace("//", "//user:secret@"));
    expect(error).toMatchObject({ message: expect.stringMatching(/check the user and password/) });
    expect(String((error as Error).stack)).not.toContain("secret");
  });

  it.each([
    ["is not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "sent an invalid response to CONNECT: "],
    [
      "has too many bytes",
      `HTTP/1.1 200 OK\r\na: ${"x".repeat(20_000)}\r\n\r\n`,
      "sent an invalid response to CONNECT: ",
    ],
    [
      "has lines that end with LF alone",
      "HTTP/1.1 200 OK\n\n",
      "sent an invalid response to CONNECT: ",
    ],
    ["breaks off", "HTTP/1.1 200 OK\r\n", "closed the connection before it answered CONNECT"],
    ["is empty", "", "closed the connection before it answered CONNECT"],
  ])("fails with PROXY_FAILED when the response %s", async (_, answer, what) => {
    const proxy = await ConnectProxy.start({ answer: () => answer });
    expect(await connectBy(proxy)).toMatchObject({
      code: "PROXY_FAILED",
      message: expect.stringContaining(`the proxy ${proxy.authority} ${what}`),
    });
  });

  it.each([
    ["that switches protocols", "101 Switching Protocols", '101 "Switching Protocols"'],
    ["without a reason phrase", "403 ", "403"],
    [
      "407 without Proxy-Authenticate",
      "407 No",
      '407 "No"; add a user and password to the proxy URL',
    ],
  ])("fails with PROXY_REFUSED at a status %s", async (_, status, described) => {
    const proxy = await ConnectProxy.start({ answer: () => `HTTP/1.1 ${status}\r\n\r\n` });
    expect(await connectBy(proxy)).toMatchObject({
      code: "PROXY_REFUSED",
      message: expect.stringMatching(new RegExp(` with status ${described}$`)),
    });
  });

  it("fails when the port of the proxy is closed", async () => {
    const server = createServer();
    const port = await listenOnLoopback(server);
    server.close();
    await once(server, "close");
    const socket = new WebSocket("ws://server.example/", {
      createConnection: httpProxy(`http://127.0.0.1:${port}`),
    });
    expect((await outcomeOf(socket)).error).toMatchObject({
      code: "PROXY_FAILED",
      message: `the proxy 127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`,
      cause: { code: "ECONNREFUSED" },
    });
  });

  it("fails after handshakeTimeoutMs when the proxy does not answer, and closes its socket", async () => {
    const proxy = await ConnectProxy.start({ answer: () => undefined });
    const socket = new WebSocket("ws://server.example/", {
      createConnection: httpProxy(proxy.url),
      handshakeTimeoutMs: 50,
    });
    const { error } = await outcomeOf(socket);
    expect(error).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
    await vi.waitUntil(() => proxy.sockets.size === 0);
  });

  it.each(["close", "signal"])(
    "is cancelled by %s while the proxy does not answer",
    async (how) => {
      const controller = new AbortController();
      const proxy = await ConnectProxy.start({
        answer: () => {
          if (how === "signal") controller.abort();
          else socket.close();
          return undefined;
        },
      });
      const socket: WebSocket = new WebSocket("ws://server.example/", {
        createConnection: httpProxy(proxy.url),
        signal: controller.signal,
      });
      expect((await outcomeOf(socket)).error).toMatchObject({ code: "ABORTED" });
      await vi.waitUntil(() => proxy.sockets.size === 0);
    },
  );
});

describe("the signal of a target", () => {
  const targetAt = (port: number, signal: AbortSignal): ConnectionTarget => ({
    url: new URL("ws://server.example/"),
    host: "127.0.0.1",
    port,
    signal,
  });

  it("ends an attempt that waits for the proxy, and closes its socket", async () => {
    const controller = new AbortController();
    const proxy = await ConnectProxy.start({
      answer: () => {
        controller.abort();
        return undefined;
      },
    });
    const stream = httpProxy(proxy.url)(targetAt(1, controller.signal));
    await expect(stream).rejects.toMatchObject({
      code: "PROXY_FAILED",
      message: `the attempt to connect ended before the proxy ${proxy.authority} answered`,
    });
    await vi.waitUntil(() => proxy.sockets.size === 0);
  });

  it("has no effect on a tunnel that is open", async () => {
    const controller = new AbortController();
    const proxy = await ConnectProxy.start();
    const server = createServer((socket) => socket.pipe(socket));
    const port = await listenOnLoopback(server);
    const stream = (await httpProxy(proxy.url)(targetAt(port, controller.signal))) as Duplex;
    expect(stream.isPaused()).toBe(true);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    controller.abort();
    stream.write("echo");
    expect(String((await once(stream.resume(), "data"))[0])).toBe("echo");
    stream.destroy();
  });
});

it("httpProxy sends the name of a proxy over TLS, but no IP address (RFC 6066 3)", async () => {
  const names: unknown[] = [];
  const server = createTlsServer(TLS, (socket) => {
    names.push((socket as TLSSocket & { servername?: unknown }).servername);
    socket.end("HTTP/1.1 403 No\r\n\r\n");
  });
  const port = await listenOnLoopback(server);
  for (const host of ["localhost", "127.0.0.1"]) {
    const createConnection = httpProxy(`https://${host}:${port}`, {
      tls: { rejectUnauthorized: false },
    });
    const socket = new WebSocket("ws://server.example/", { createConnection });
    expect((await outcomeOf(socket)).error).toMatchObject({ code: "PROXY_REFUSED" });
  }
  expect(names).toEqual(["localhost", false]);
});

describe("invalid arguments of httpProxy", () => {
  it.each([
    ["nonsense", {}, "the proxy URL is not valid; pass a URL such as http://"],
    ["", {}, "the proxy URL is not valid"],
    ["socks5://127.0.0.1:1080", {}, "the proxy scheme socks5: is not supported; pass an http: or"],
    [undefined, {}, "the proxy URL is not valid"],
    ["http://proxy", null, "options must be an object, such as { headers, tls, noProxy }"],
    ["http://proxy", { header: {} }, "there is no option header"],
    ["http://proxy", { headers: "x" }, "headers must be an object of strings"],
    ["http://proxy", { tls: [] }, "tls must be an object of options"],
    ["http://proxy", { noProxy: ["a"] }, "noProxy must be a string"],
    ["http://proxy", { headers: { host: "a" } }, "host"],
    ["http://proxy", { headers: { "content-length": "1" } }, "content-length"],
    [
      "http://proxy",
      { headers: { a: "b\r\nc: d" } },
      "the value of a must be a string without control characters",
    ],
  ])("throw at once: %j, %j: %s", (url, options, why) => {
    const use = (): unknown => httpProxy(url as string, options as HttpProxyOptions);
    expect(use).toThrow(UsageError);
    expect(use).toThrow(why);
  });

  it("are not quoted in the error, because they may contain a password", () => {
    const use = (): unknown => httpProxy("socks5://user:secret@127.0.0.1");
    expect(use).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
    const malformed = (): unknown => httpProxy("http://user:secret@:bad:");
    expect(malformed).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
  });
});

describe("proxyFromEnvironment", () => {
  /** The proxy that is chosen for a scheme in an environment that names the proxies A and B. */
  const choose = async (
    scheme: "ws" | "wss",
    environment: Record<string, string>,
  ): Promise<string> => {
    const proxies = {
      A: await ConnectProxy.start({ answer: () => "HTTP/1.1 403 No\r\n\r\n" }),
      B: await ConnectProxy.start({ answer: () => "HTTP/1.1 403 No\r\n\r\n" }),
    };
    const named = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value.replace(/[AB]$/, (key) => proxies[key as "A" | "B"].authority),
      ]),
    );
    const createConnection = proxyFromEnvironment(named);
    await outcomeOf(new WebSocket(`${scheme}://127.0.0.1:1/`, { createConnection }));
    if (proxies.A.heads.length > 0) return "A";
    return proxies.B.heads.length > 0 ? "B" : "direct";
  };

  it.each([
    ["ws", {}, "direct"],
    ["ws", { http_proxy: "http://A" }, "A"],
    ["ws", { http_proxy: "A" }, "A"],
    ["ws", { HTTP_PROXY: "http://A" }, "A"],
    ["ws", { http_proxy: "http://A", HTTP_PROXY: "http://B" }, "A"],
    ["ws", { http_proxy: "", HTTP_PROXY: "http://B" }, "B"],
    ["ws", { HTTP_PROXY: "http://A", REQUEST_METHOD: "GET" }, "direct"],
    ["ws", { http_proxy: "http://A", REQUEST_METHOD: "GET" }, "A"],
    ["ws", { https_proxy: "http://A" }, "direct"],
    ["ws", { http_proxy: "http://A", all_proxy: "http://B" }, "A"],
    ["ws", { ALL_PROXY: "http://B" }, "B"],
    ["wss", { https_proxy: "http://A", http_proxy: "http://B" }, "A"],
    ["wss", { HTTPS_PROXY: "http://A" }, "A"],
    ["wss", { http_proxy: "http://A" }, "A"],
    ["wss", { http_proxy: "http://A", all_proxy: "http://B" }, "B"],
    ["wss", { https_proxy: "http://A", no_proxy: "127.0.0.1" }, "direct"],
    ["wss", { https_proxy: "http://A", NO_PROXY: "*" }, "direct"],
    ["wss", { https_proxy: "http://A", no_proxy: "", NO_PROXY: "*" }, "direct"],
    ["wss", { https_proxy: "http://A", no_proxy: "example.com", NO_PROXY: "*" }, "A"],
  ] as const)(
    "for a %s: URL in the environment %j chooses %s",
    async (scheme, environment, expected) => {
      expect(await choose(scheme, environment)).toBe(expected);
    },
  );

  it.each([
    ["a host in no_proxy", "ws://127.0.0.1:1/", "ECONNREFUSED"],
    ["a Unix socket", "ws+unix:/no-folder/none.sock:/", "ENOENT"],
  ])("connects directly to %s, even if the proxy is unusable", async (_, url, code) => {
    const createConnection = proxyFromEnvironment({
      all_proxy: "socks5://127.0.0.1:1080",
      no_proxy: "127.0.0.1",
    });
    const { error } = await outcomeOf(new WebSocket(url, { createConnection }));
    expect(error).toMatchObject({ cause: expect.objectContaining({ code }) as unknown });
  });

  it("fails the attempt if the proxy is unusable, instead of connecting directly", async () => {
    const createConnection = proxyFromEnvironment({ all_proxy: "socks5://127.0.0.1:1080" });
    const { error } = await outcomeOf(new WebSocket("ws://127.0.0.1:1/", { createConnection }));
    expect(error).toMatchObject({ name: "UsageError", code: "INVALID_OPTION" });
  });
});
