import { request as httpsRequest } from "node:https";
import { versions } from "node:process";
import { type BunServer, type BunServeOptions, serve } from "tideway/bun";
import type { RefusalReport, RoutesOption, Socket } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CERT, TLS } from "../support/certificate.ts";
import {
  closeOf,
  handshake,
  nextMessage,
  openClient,
  RawClient,
  statusOf,
} from "../support/clients.ts";

it.skipIf("bun" in versions)("is refused in another runtime", async () => {
  await expect(serve({ routes: {} })).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

// `serve.runtime.test.ts` runs this file in Bun.
describe.runIf("bun" in versions)("serve of tideway/bun", () => {
  const onError = vi.fn<(error: unknown) => void>();
  const reports: RefusalReport[] = [];
  let server: BunServer | undefined;

  afterEach(async () => {
    await server?.stop();
    server = undefined;
    reports.length = 0;
    expect(onError.mock.calls).toEqual([]);
  });

  /** With the types of the routes inferred as by `serve`. */
  async function start<
    const Key extends string,
    const Protocols extends Record<string, unknown>,
    States extends Record<string, unknown>,
    Schemas extends Record<string, unknown>,
  >(
    routes: RoutesOption<Key, Protocols, States, Schemas>["routes"],
    options: BunServeOptions = {},
  ): Promise<BunServer> {
    const onRefused = (report: RefusalReport): void => void reports.push(report);
    const all = { port: 0, host: "127.0.0.1", onError, onRefused, ...options, routes };
    server = await serve<Key, Protocols, States, Schemas>(all);
    return server;
  }

  const echo = (socket: Socket): void => {
    socket.listen((message) => socket.send(message));
  };

  describe("answers as tideway/server does:", () => {
    it("HTTP routes with params, methods and bodies", async () => {
      const { url } = await start({
        "/hello/:name": (_request, { params }) => new Response(`hello ${params.name}`),
        "post:/length": async (request) => new Response(`${(await request.text()).length}`),
      });
      expect(await (await fetch(`${url}/hello/world`)).text()).toBe("hello world");
      const init = { method: "POST", body: "x".repeat(100_000) };
      expect(await (await fetch(`${url}/length`, init)).text()).toBe("100000");
      expect((await fetch(`${url}/length`)).status).toBe(405);
      expect((await fetch(`${url}/nowhere`)).status).toBe(404);
      const head = await fetch(`${url}/hello/x`, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
    });

    it("a handler that throws gets 500, and onError the error", async () => {
      const failure = new Error("a bug");
      const { url } = await start({
        "/": () => {
          throw failure;
        },
      });
      expect((await fetch(url)).status).toBe(500);
      expect(onError.mock.calls.map(([error]) => error)).toEqual([failure]);
      onError.mockReset();
    });

    it.each([
      ["another host", { Host: "elsewhere" }, 421, "hosts"],
      ["another origin", { Origin: "https://evil.example" }, 403, "origins"],
      ["two origins", { Origin: ["http://a.example", "http://localhost"] }, 403, "origins"],
      ["an unknown subprotocol", { "Sec-WebSocket-Protocol": "x" }, 400, "protocols"],
      ["another version", { "Sec-WebSocket-Version": "8" }, 426, undefined],
      ["a malformed key", { "Sec-WebSocket-Key": "x" }, 400, undefined],
    ])("a handshake with %s is refused, reported and closed", async (_, fields, status, option) => {
      const { port } = await start(
        { "ws:/": { protocols: ["v1", "v2"], handle: echo } },
        { hosts: ["localhost"] },
      );
      const offer = { "Sec-WebSocket-Protocol": "v2, v1", ...fields };
      const answer = await new RawClient(port).send(handshake("/", offer)).closed();
      expect(statusOf(answer)).toBe(status);
      expect(reports).toMatchObject([{ what: "handshake", status, option }]);
    });

    it("authorize decides, later too, with headers, state and the chosen subprotocol", async () => {
      const { port } = await start({
        "ws:/:room": {
          protocols: ["v1", "v2"],
          async authorize(request: Request, { responseHeaders, params }) {
            await Promise.resolve();
            if (request.headers.get("cookie") === null) return new Response("no", { status: 401 });
            responseHeaders.append("Set-Cookie", "a=1");
            responseHeaders.append("Set-Cookie", "b=2");
            return { room: params.room };
          },
          handle: (socket, { state, protocol, url }) => {
            socket.send(`${(state as { room: string }).room} ${protocol} ${url.pathname}`);
          },
        },
      });
      const fields = { Cookie: "x", "Sec-WebSocket-Protocol": "v2, v1" };
      const accepted = new RawClient(port).send(handshake("/red", fields));
      const head = await accepted.receives("red v1 /red");
      expect(head).toMatch(/^HTTP\/1\.1 101 /);
      expect(head.match(/^set-cookie: .*$/gim)).toHaveLength(2);
      expect(head).toMatch(/^Sec-WebSocket-Protocol: v1\r$/im);
      accepted.reset();
      const anonymous = { ...fields, Cookie: undefined };
      const refused = await new RawClient(port).send(handshake("/red", anonymous)).closed();
      expect(statusOf(refused)).toBe(401);
      expect(reports).toMatchObject([{ status: 401, by: "application" }]);
    });

    it("maxConnections limits the open sockets", async () => {
      const { url, sockets } = await start({ "ws:/": echo }, { maxConnections: 1 });
      const client = await openClient(url);
      await expect(openClient(url)).rejects.toThrow("refused with 503");
      expect(sockets.size).toBe(1);
      client.terminate();
    });

    it("a slow reader is closed with 1013 above maxBufferedBytes", async () => {
      let sent = 0;
      const { port } = await start({
        "ws:/": async (socket) => {
          while (socket.readyState === 1) {
            socket.send("x".repeat(100_000));
            sent++;
            await new Promise((resolve) => void setImmediate(resolve));
          }
        },
      });
      const client = new RawClient(port).send(handshake("/"));
      client.socket.pause();
      await expect
        .poll(() => reports)
        .toMatchObject([{ closeCode: 1013, option: "maxBufferedBytes" }]);
      expect(sent).toBeGreaterThan(10);
      client.reset();
    });

    it("a drain closes the sockets in batches, and idle connections", async () => {
      const { url, port } = await start({ "ws:/": echo, "/": () => new Response("page") });
      const clients = await Promise.all([1, 2, 3].map(() => openClient(url)));
      const keptAlive = new RawClient(port).send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await keptAlive.receives("page");
      const closes = Promise.all(clients.map(closeOf));
      await server!.stop({
        reason: "update",
        drain: { batch: 1, intervalMs: 10, deadlineMs: 2000 },
      });
      expect(await closes).toEqual([1, 2, 3].map(() => ({ code: 1012, reason: "update" })));
      await keptAlive.closed();
      await expect(fetch(url)).rejects.toBeInstanceOf(Error);
    });

    it("TLS", async () => {
      const { url } = await start(
        { "ws:/": echo, "/": (_request, context) => new Response(context.url.protocol) },
        { tls: TLS },
      );
      expect(url).toMatch(/^https:/);
      const body = await new Promise((resolve, reject) => {
        httpsRequest(url, { ca: CERT, servername: "localhost" }, (response) => {
          response.setEncoding("utf8").on("data", resolve);
        })
          .on("error", reject)
          .end();
      });
      expect(body).toBe("https:");
    });

    it("a port in use, and an invalid certificate", async () => {
      const { port } = await start({});
      const options = { port, host: "127.0.0.1", routes: {} };
      await expect(serve(options)).rejects.toMatchObject({ code: "LISTEN_FAILED" });
      const tls = { cert: "none", key: "none" };
      await expect(serve({ ...options, port: 0, tls })).rejects.toMatchObject({
        code: "INVALID_OPTION",
      });
    });

    it.each([
      ["an unmasked frame", "\x81\x01a", 1002],
      ["text that is not UTF-8", "\x81\x81\0\0\0\0\xff", 1007],
      ["a message above every limit", "\x81\xff\0\0\0\0\0\x20\0\0\0\0\0\0", 1009],
      ["a reserved opcode", "\x83\x80\0\0\0\0", 1002],
    ])("%s fails the connection with the code of the standard", async (_, frame, closeCode) => {
      const { port } = await start({ "ws:/": echo });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      const received = await client.send(frame).closed();
      const code = String.fromCharCode(closeCode >> 8, closeCode & 0xff);
      expect(received.slice(received.indexOf("\r\n\r\n") + 6, -1)).toContain(code);
      await expect.poll(() => reports).toMatchObject([{ what: "connection", closeCode }]);
    });
  });

  // docs/guides/bun.md lists these.
  describe("differs from tideway/server:", () => {
    it("more than 16 times maxQueuedBytes of unread messages close the connection with 1013", async () => {
      const { url } = await start({
        "ws:/": { maxQueuedBytes: 1000, maxMessageBytes: 1000, handle: () => {} },
      });
      const client = await openClient(url);
      const closed = closeOf(client);
      for (let count = 0; count < 30; count++) client.send("x".repeat(1000));
      expect(await closed).toMatchObject({ code: 1013 });
      expect(reports).toMatchObject([{ closeCode: 1013, option: "maxQueuedBytes" }]);
      expect(onError.mock.calls).toMatchObject([[{ code: "SOCKET_NOT_READ" }, {}]]);
      onError.mockReset();
    });

    it("a client that sends frames before authorize has decided gets 400", async () => {
      let decide!: (state: object) => void;
      const { port } = await start({
        "ws:/": {
          authorize: async () => await new Promise<object>((resolve) => (decide = resolve)),
          handle: echo,
        },
      });
      const client = new RawClient(port).send(`${handshake("/")}\x81\x81\0\0\0\0a`);
      expect(statusOf(await client.closed())).toBe(400);
      decide({});
    });

    it("a socket has ended when the server has closed it, with the code of the server", async () => {
      const ends: unknown[] = [];
      const { port } = await start({
        "ws:/": async (socket) => {
          socket.close(4000, "over");
          ends.push(await socket.done);
        },
      });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("over");
      // The client has not answered the Close frame.
      await expect.poll(() => ends).toEqual([{ code: 4000, reason: "over", wasClean: true }]);
      client.reset();
    });

    it("a message above maxMessageBytes of its route, but not of another one, is received first", async () => {
      const { url } = await start({
        "ws:/": { maxMessageBytes: 10, handle: echo },
        "ws:/large": { maxMessageBytes: 2_000_000, handle: echo },
      });
      const client = await openClient(url);
      const closed = closeOf(client);
      client.send("x".repeat(11));
      expect(await closed).toMatchObject({ code: 1009 });
      const large = await openClient(url, "/large");
      large.send("x".repeat(1_500_000));
      expect(await nextMessage(large)).toHaveLength(1_500_000);
      large.terminate();
    });

    it("bytes that are not HTTP are refused by Bun, and not reported", async () => {
      const { port } = await start({});
      expect(statusOf(await new RawClient(port).send("garbage\r\n\r\n").closed())).toBe(400);
      expect(reports).toEqual([]);
    });

    it("a length that is not in its shortest form is accepted", async () => {
      const { port } = await start({ "ws:/": echo });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.send("\x81\xfe\0\x01\0\0\0\0a");
      expect(await client.receives("\x81\x01a")).toContain("101");
      client.reset();
    });
  });
});
