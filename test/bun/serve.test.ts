import { request as httpsRequest } from "node:https";
import { spawnSync } from "node:child_process";
import { versions } from "node:process";
import { fileURLToPath } from "node:url";
import { serve } from "tideway/bun";
import type { Socket } from "tideway/server";
import { describe, expect, it } from "vitest";
import { CERT, TLS } from "../support/certificate.ts";
import {
  closeOf,
  handshake,
  nextMessage,
  openClient,
  RawClient,
  statusOf,
} from "../support/clients.ts";
import { describeInBun } from "./start.ts";

it.skipIf("bun" in versions)("is refused in another runtime", async () => {
  await expect(serve({ routes: {} })).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

describeInBun("serve of tideway/bun", ({ start, onError, reports }) => {
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
      const server = await start({ "ws:/": echo, "/": () => new Response("page") });
      const { url, port } = server;
      const clients = await Promise.all([1, 2, 3].map(() => openClient(url)));
      const keptAlive = new RawClient(port).send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await keptAlive.receives("page");
      const closes = Promise.all(clients.map(closeOf));
      await server.stop({
        reason: "update",
        drain: { batch: 1, intervalMs: 10, deadlineMs: 2000 },
      });
      expect(await closes).toEqual([1, 2, 3].map(() => ({ code: 1012, reason: "update" })));
      await keptAlive.closed();
      await expect(fetch(url)).rejects.toBeInstanceOf(Error);
    });

    it("a stop delivers the messages that a slow client has not read yet, and then its Close", async () => {
      const server = await start(
        { "ws:/": (socket) => void socket.send(new Uint8Array(20_000_000)) },
        { maxBufferedBytes: 50_000_000 },
      );
      const client = new RawClient(server.port).send(handshake("/"));
      await client.receives("101");
      client.socket.pause();
      const stopped = server.stop({ timeoutMs: 5000 });
      await expect.poll(() => [...server.sockets].map(({ readyState }) => readyState)).toEqual([2]);
      client.socket.resume();
      expect((await client.closed()).length).toBeGreaterThan(20_000_000);
      await stopped;
    });

    it("options that are undefined have their defaults", async () => {
      const options = { http2: undefined, compression: undefined, maxConnections: undefined };
      const { url } = await start({ "/": () => new Response("page") }, options as object);
      expect(await (await fetch(url)).text()).toBe("page");
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

    it("maxUnfinishedBytes counts messages that wait for slow handlers, and not messages that arrive", async () => {
      let socket: Socket | undefined;
      const { port } = await start(
        { "ws:/": (one) => void (socket = one) },
        { maxUnfinishedBytes: 5000 },
      );
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.send(`${frame(0x01, "x".repeat(10_000))}${frame(0x89, "still open")}`);
      await client.receives("still open");
      socket!.listen(() => {});
      // A second socket has no reader.
      const unread = new RawClient(port).send(handshake("/"));
      await unread.receives("\r\n\r\n");
      unread.send(frame(0x82, "x".repeat(3000)).repeat(40));
      expect(await unread.closed()).toContain("\x03\xf5");
      expect(reports).toMatchObject([{ closeCode: 1013, option: "maxQueuedBytes" }]);
      expect(onError.mock.calls).toMatchObject([[{ code: "SOCKET_NOT_READ" }, {}]]);
      onError.mockReset();
      client.reset();
    });

    it("a message that is too long for its route is held until it is complete", async () => {
      const { port } = await start({
        "ws:/": { maxMessageBytes: 10, handle: echo },
        "ws:/large": { maxMessageBytes: 100_000, handle: echo },
      });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.send(`${frame(0x01, "x".repeat(60_000))}${frame(0x89, "still open")}`);
      await client.receives("still open");
      expect(await client.send(frame(0x80, "")).closed()).toContain("\x03\xf1");
    });

    it("handshakeTimeoutMs does not limit an unfinished head: Bun does, without a response", async () => {
      const { port } = await start({}, { handshakeTimeoutMs: 50 });
      const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
      const slow = new RawClient(port);
      for (const byte of request) {
        await slow.send(byte).whenSent;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(statusOf(await slow.receives("404"))).toBe(404);
      slow.reset();
      const silent = new RawClient(port).send("GET / HTTP/1.1\r\n");
      // A TLS handshake that stalls ends in the same way.
      const secure = await start({}, { tls: TLS });
      const stalled = new RawClient(secure.port).send("\x16\x03\x01\x02\0\x01\0\x01\xfc");
      expect(await Promise.all([silent.closed(), stalled.closed()])).toEqual(["", ""]);
      expect(reports).toEqual([]);
    });

    it("every ping is answered, even while other output waits", async () => {
      let socket: Socket | undefined;
      const { port } = await start({
        "ws:/": { slowConsumer: "wait", handle: (one) => void (socket = one) },
      });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.socket.pause();
      while (socket!.bufferedAmount <= 65_536) {
        socket!.send(Buffer.alloc(65_536));
        await new Promise((resolve) => void setImmediate(resolve));
      }
      for (let count = 0; count < 500; count++) client.send(frame(0x89, `p${count};`));
      await client.send(frame(0x89, "last")).whenSent;
      client.socket.resume();
      const received = await client.receives("last");
      expect(received.split(";")).toHaveLength(501);
      client.reset();
    });

    it("a message may have any number of empty fragments", async () => {
      const { port } = await start({ "ws:/": echo });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.send(`${frame(0x01, "a")}${frame(0, "").repeat(5000)}${frame(0x80, "b")}`);
      expect(await client.receives("\x81\x02ab")).toContain("101");
      client.reset();
    });

    it("a length that is not in its shortest form is accepted", async () => {
      const { port } = await start({ "ws:/": echo });
      const client = new RawClient(port).send(handshake("/"));
      await client.receives("\r\n\r\n");
      client.send("\x81\xfe\0\x01\0\0\0\0a");
      expect(await client.receives("\x81\x01a")).toContain("101");
      client.reset();
    });

    it("HTTP connections have no limit", async () => {
      const { port } = await start({ "/": () => new Response("page") }, { maxConnections: 1 });
      const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
      const clients = Array.from({ length: 1200 }, () => new RawClient(port).send(request));
      const answers = await Promise.all(clients.map((client) => client.receives("page")));
      expect(new Set(answers.map(statusOf))).toEqual(new Set([200]));
      for (const client of clients) client.reset();
    });

    it("the server has no httpServer and no path", async () => {
      const server = await start({});
      expect("httpServer" in server || "path" in server).toBe(false);
    });

    it("the debug log has no lines about single connections", () => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [fileURLToPath(new URL("./debug-log-program.ts", import.meta.url))],
        { encoding: "utf8", env: { ...process.env, NODE_DEBUG: "tideway" } },
      );
      expect([status, stdout]).toEqual([0, "echoed\n"]);
      expect(stderr).toContain("error of route");
      expect(stderr).not.toMatch(/connection \d/);
    });
  });
});

/** A masked frame with a masking key of zeros. */
function frame(first: number, payload: string): string {
  const { length } = payload;
  const bytes = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 0xff];
  return `${String.fromCharCode(first, ...bytes)}\0\0\0\0${payload}`;
}
