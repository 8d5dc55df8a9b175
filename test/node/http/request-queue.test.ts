import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { attach, files, type Server, serve, type StopOptions } from "tideway/server";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";
import { TLS } from "../../support/certificate.ts";

/** The types of Node.js lack this option of its TLS sockets. */
const HALF_OPEN: ConnectionOptions = { allowHalfOpen: true } as object;

let server: Server;
let answerSlow: (response: Response) => void;
const onRefusal = vi.fn<() => void>();

async function start(): Promise<RawClient> {
  const slow = new Promise<Response>((resolve) => (answerSlow = resolve));
  onRefusal.mockReset();
  server = await serve({
    port: 0,
    onRefused: onRefusal,
    routes: {
      "/slow": () => slow,
      "/fast": () => new Response("FAST"),
      "post:/refuse": () => new Response("REFUSED", { status: 413 }),
      "post:/read": async (posted) => new Response(await posted.text()),
    },
  });
  return new RawClient(server.port);
}

// A test that fails leaves its connections open.
afterEach(async () => await server.stop({ timeoutMs: 1 }));

const request = (path: string, fields = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

it("queued requests are dropped when their connection is reset", async () => {
  const client = await start();
  const whenAsked = once(server.httpServer, "request");
  client.send(request("/slow") + request("/fast").repeat(20));
  const [{ socket }] = (await whenAsked) as [{ socket: NodeJS.EventEmitter }];
  const whenClosed = once(socket, "close").catch(() => {});
  client.reset();
  await whenClosed;
  // Otherwise the connection would wait for the responses and end them at its deadline.
  await expect(server.stop({ timeoutMs: 3_600_000 })).resolves.toBeUndefined();
});

it("an Upgrade request for an unknown protocol gets its response after the pending one", async () => {
  const client = await start();
  client.send(
    request("/slow") + request("/fast", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
  );
  await new Promise<void>((resolve) => {
    const { httpServer } = server;
    // Newer releases of Node.js emit 'request' for it.
    httpServer.once("upgrade", () => resolve());
    httpServer.on("request", ({ url }) => url === "/fast" && resolve());
  });
  answerSlow(new Response("SLOW"));
  const received = await client.receives("FAST");
  expect(received.indexOf("SLOW")).toBeGreaterThan(0);
  expect(received.indexOf("SLOW")).toBeLessThan(received.indexOf("FAST"));
  client.socket.destroy();
});

it("CONNECT is refused after the responses to earlier requests", async () => {
  const client = await start();
  client.send(`${request("/slow")}${request("/fast")}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(server.httpServer, "connect");
  answerSlow(new Response("SLOW"));
  const received = await client.closed();
  expect(received.match(/(?<=HTTP\/1\.1 )[0-9]+/g)).toEqual(["200", "200", "501"]);
});

it("a handshake with a body is refused after the responses to earlier requests", async () => {
  const client = await start();
  const upgraded = once(server.httpServer, "upgrade");
  client.send(`${request("/slow")}${handshake("/ws", { "Content-Length": "4" })}bo`);
  await upgraded;
  answerSlow(new Response("SLOW"));
  const received = await client.closed();
  expect(received.match(/(?<=HTTP\/1\.1 )[0-9]+/g)).toEqual(["200", "400"]);
});

it("a long response is sent whole although a handshake and another request came before its end", async () => {
  const client = await start();
  const upgraded = once(server.httpServer, "upgrade");
  client.socket.pause();
  client.send(request("/slow") + request("/fast") + handshake("/ws"));
  await upgraded;
  const chunk = new Uint8Array(100_000);
  let left = 200;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (left-- > 0) controller.enqueue(chunk);
    else controller.close();
  };
  answerSlow(new Response(new ReadableStream({ pull })));
  client.socket.resume();
  const received = await client.closed();
  expect(received.match(/\0+/g)?.join("")).toHaveLength(20_000_000);
  expect(received).toMatch(/FASTHTTP\/1\.1 400 /);
});

it("bytes that are not HTTP are refused after the responses to earlier requests", async () => {
  const client = await start();
  const refused = once(server.httpServer, "clientError");
  client.send(`${request("/slow")}${request("/fast")}nonsense\r\n\r\n`);
  await refused;
  answerSlow(new Response("SLOW"));
  const received = await client.closed();
  expect(received.match(/(?<=HTTP\/1\.1 )[0-9]+/g)).toEqual(["200", "200", "400"]);
});

describe("a malformed or late body", () => {
  const post = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const statuses = (received: string): string[] | null => received.match(/(?<=HTTP\/1\.1 )[0-9]+/g);

  it("is refused after the responses to earlier requests", async () => {
    const client = await start();
    const refused = once(server.httpServer, "clientError");
    client.send(`${request("/slow")}${request("/fast")}${post("/read")}ZZ\r\n`);
    await refused;
    answerSlow(new Response("SLOW"));
    const received = await client.closed();
    expect(statuses(received)).toEqual(["200", "200", "400"]);
    expect(received).toContain("FAST");
  });

  it("is refused after all chunks of an earlier response", async () => {
    const client = await start();
    const refused = once(server.httpServer, "clientError");
    client.send(request("/slow"));
    let more: ReadableStreamDefaultController<string> | undefined;
    const body = new ReadableStream<string>({ start: (controller) => void (more = controller) });
    answerSlow(new Response(body.pipeThrough(new TextEncoderStream())));
    more?.enqueue("a");
    more?.enqueue("b");
    await client.receives("b\r\n");
    client.send(`${post("/read")}ZZ\r\n`);
    await refused;
    more?.enqueue("c");
    more?.close();
    const received = await client.closed();
    expect(received).toMatch(/\r\n1\r\nc\r\n0\r\n\r\nHTTP\/1\.1 400 /);
  });

  it("is refused with 408 after the responses to earlier requests, and no later request is handled", async () => {
    const client = await start();
    const requests = vi.fn<(received: IncomingMessage) => void>();
    server.httpServer.on("request", requests);
    const connected = once(server.httpServer, "connection");
    client.send(request("/slow") + post("/read"));
    const [socket] = await connected;
    await vi.waitFor(() => expect(requests).toHaveBeenCalledTimes(2));
    const late = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
    server.httpServer.emit("clientError", late, socket);
    client.send(`0\r\n\r\n${request("/fast")}`);
    answerSlow(new Response("SLOW"));
    expect(statuses(await client.closed())).toEqual(["200", "408"]);
    expect(requests).toHaveBeenCalledTimes(2);
  });

  it("ends the connection after the response of a handler that has not read it", async () => {
    const client = await start();
    const refused = once(server.httpServer, "clientError");
    client.send(`${request("/slow")}${post("/refuse")}ZZ\r\n`);
    await refused;
    answerSlow(new Response("SLOW"));
    const received = await client.closed();
    // Where bodies are read as streams, the response is not created before its turn.
    expect(statuses(received)).toEqual(["200", expect.stringMatching(/^4(13|00)$/)]);
  });

  it.each([
    ["is malformed", (client: RawClient) => client.send("ZZ\r\n")],
    ["ends early", (client: RawClient) => client.socket.end()],
  ])("gets no second response if it %s after the response", async (_how, stop) => {
    const client = await start();
    client.send(post("/refuse"));
    await client.receives("REFUSED");
    stop(client);
    expect(statuses(await client.closed())).toEqual(["413"]);
    expect(onRefusal).not.toHaveBeenCalled();
  });
});

const unread = "x".repeat(3_000_000);

it.each([
  ["with a length", `Content-Length: 3000000\r\n\r\n${unread}`],
  ["in chunks", `Transfer-Encoding: chunked\r\n\r\n2dc6c0\r\n${unread}\r\n0\r\n\r\n`],
])(
  "a body %s that its handler does not read is skipped before the next request",
  async (_, body) => {
    const client = await start();
    client.send(`POST /refuse HTTP/1.1\r\nHost: localhost\r\n${body}`);
    client.send(request("/fast"));
    const received = await client.receives("FAST");
    expect(received).toContain("REFUSED");
    client.socket.destroy();
  },
);

/** A route in which requests wait until the test answers them. */
class WaitingRoute {
  readonly answers: Array<(text: string) => void> = [];
  aborted = 0;
  readonly onRefused = vi.fn<() => void>();

  get started(): number {
    return this.answers.length;
  }

  readonly handle = (received: Request): Promise<Response> => {
    received.signal.addEventListener("abort", () => this.aborted++);
    return new Promise((resolve) => this.answers.push((text) => resolve(new Response(text))));
  };

  /** Waits until so many requests wait here. Fails at once if the server refuses one. */
  async hasStarted(count: number): Promise<void> {
    await vi.waitUntil(() => this.started === count || this.onRefused.mock.calls.length > 0);
    expect(this.onRefused).not.toHaveBeenCalled();
  }
}

describe("a server that stops answers all pipelined requests and then closes the connection", () => {
  it.each([
    ["in their order", [0, 1, 2]],
    ["in another order", [2, 0, 1]],
  ])("if their handlers return %s", async (_order, order) => {
    const route = new WaitingRoute();
    server = await serve({ port: 0, routes: { "/wait": route.handle } });
    const client = new RawClient(server.port).send(request("/wait").repeat(3));
    await vi.waitFor(() => expect(route.started).toBe(3));
    const stopped = server.stop();
    for (const index of order) route.answers[index](`answer ${index};`);
    const received = await client.closed();
    expect(received.match(/answer \d;/g)).toEqual(["answer 0;", "answer 1;", "answer 2;"]);
    expect(received.match(/HTTP\/1\.1 200|connection: close/gi)).toEqual([
      "HTTP/1.1 200",
      "HTTP/1.1 200",
      "HTTP/1.1 200",
      "Connection: close",
    ]);
    await stopped;
  });

  it("if one was answered before the stop but is not sent yet", async () => {
    const route = new WaitingRoute();
    server = await serve({
      port: 0,
      routes: { "/wait": route.handle, "/now": () => new Response("now;") },
    });
    const client = new RawClient(server.port).send(request("/wait") + request("/now"));
    await vi.waitFor(() => expect(route.started).toBe(1));
    const stopped = server.stop();
    route.answers[0]("waited;");
    expect((await client.closed()).match(/waited;|now;/g)).toEqual(["waited;", "now;"]);
    await stopped;
  });
});

describe("at most 16 requests per connection are pending", () => {
  const ways = {
    serve: async ({ handle, onRefused }: WaitingRoute) => {
      server = await serve({ port: 0, onRefused, routes: { "/wait": handle } });
      return new RawClient(server.port).socket;
    },
    "serve with TLS": async ({ handle, onRefused }: WaitingRoute) => {
      server = await serve({ port: 0, tls: TLS, onRefused, routes: { "/wait": handle } });
      return connectTls({ port: server.port, rejectUnauthorized: false }).setEncoding("latin1");
    },
    attach: async ({ handle, onRefused }: WaitingRoute) => {
      const httpServer = createServer();
      server = attach(httpServer, { onRefused, routes: { "/wait": handle } }) as unknown as Server;
      await once(httpServer.listen(0), "listening");
      return new RawClient((httpServer.address() as AddressInfo).port).socket;
    },
    "two attachments": async ({ handle, onRefused }: WaitingRoute) => {
      const httpServer = createServer();
      const attachments = [
        attach(httpServer, { onRefused, routes: { "/wait": handle } }),
        attach(httpServer, { onRefused, routes: { "/other": () => new Response() } }),
      ];
      server = {
        stop: (options: StopOptions) => Promise.all(attachments.map((one) => one.stop(options))),
      } as never;
      await once(httpServer.listen(0), "listening");
      return new RawClient((httpServer.address() as AddressInfo).port).socket;
    },
    "attach to node:https": async ({ handle, onRefused }: WaitingRoute) => {
      const httpServer = createHttpsServer(TLS);
      server = attach(httpServer, { onRefused, routes: { "/wait": handle } }) as unknown as Server;
      await once(httpServer.listen(0), "listening");
      const { port } = httpServer.address() as AddressInfo;
      return connectTls({ port, rejectUnauthorized: false }).setEncoding("latin1");
    },
  } satisfies Record<string, (route: WaitingRoute) => Promise<Duplex>>;

  it.each(Object.entries(ways))("with %s; the others follow in order", async (_name, connect) => {
    const route = new WaitingRoute();
    const client = await connect(route);
    onTestFinished(() => void client.destroy());
    let received = "";
    client.on("data", (text: string) => (received += text));
    client.write(request("/wait").repeat(24));
    await route.hasStarted(16);
    for (let answered = 0; answered < 24; answered++) {
      expect(route.started).toBeLessThanOrEqual(answered + 16);
      await route.hasStarted(Math.min(answered + 16, 24));
      route.answers[answered](`answer ${answered};`);
    }
    await vi.waitFor(() => expect(received.match(/answer \d+;/g)).toHaveLength(24));
    const inOrder = Array.from({ length: 24 }, (_, index) => `answer ${index};`);
    expect(received.match(/answer \d+;/g)).toEqual(inOrder);
  });

  it("for any split of the bytes and any bodies", async () => {
    const bodies: string[] = [];
    server = await serve({
      port: 0,
      routes: {
        "post:/": async (posted) => {
          bodies.push(await posted.text());
          return new Response("OK;");
        },
      },
    });
    let unanswered = 0;
    let most = 0;
    server.httpServer.prependListener("request", (_: IncomingMessage, response: ServerResponse) => {
      most = Math.max(most, ++unanswered);
      response.once("close", () => unanswered--);
    });
    const body = "\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    const head = "POST / HTTP/1.1\r\nHost: a\r\n";
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const text =
      `${head}Content-Length: ${body.length}\r\n\r\n${body}`.repeat(40) +
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunked}`.repeat(40);
    for (const length of [text.length, 1, 2, 3, 61, 1000]) {
      const client = new RawClient(server.port);
      for (let at = 0; at < text.length; at += length) {
        client.socket.write(text.slice(at, at + length), "latin1");
      }
      await vi.waitFor(() => expect(bodies).toHaveLength(80));
      expect(bodies.splice(0)).toEqual(Array.from({ length: 80 }, () => body));
      client.socket.destroy();
    }
    expect(most).toBeLessThanOrEqual(16);
  });

  it("and further requests get 503 if the limit cannot apply before parsing", async () => {
    const route = new WaitingRoute();
    server = await serve({ port: 0, fastPaths: false, routes: { "/wait": route.handle } });
    const client = new RawClient(server.port).send(request("/wait").repeat(17));
    await vi.waitFor(() => expect(route.started).toBe(16));
    for (const answer of route.answers) answer("");
    expect(await client.closed()).toContain("HTTP/1.1 503 Service Unavailable");
    expect(route.started).toBe(16);
  });

  it("and the server stops reading from the connection", async () => {
    const route = new WaitingRoute();
    server = await serve({ port: 0, routes: { "/wait": route.handle, "/": () => new Response() } });
    const [[accepted]] = await Promise.all([
      once(server.httpServer, "connection"),
      once(new RawClient(server.port).send(request("/wait").repeat(200_000)).socket, "connect"),
    ]);
    await vi.waitFor(() => expect(route.started).toBe(16));
    for (let turn = 0; turn < 50; turn++) {
      const other = new RawClient(server.port).send(request("/", "Connection: close\r\n"));
      await other.closed();
    }
    expect((accepted as Duplex & { bytesRead: number }).bytesRead).toBeLessThan(1_000_000);
    (accepted as Duplex).destroy();
  });
});

it("thousands of pipelined requests do not block the event loop", async () => {
  server = await serve({ port: 0, routes: { "/": () => new Response("x") } });
  let inThisTurn = 0;
  let most = 0;
  server.httpServer.on("request", () => (most = Math.max(most, ++inThisTurn)));
  let isOver = false;
  const nextTurn = (): void => {
    inThisTurn = 0;
    if (!isOver) setImmediate(nextTurn);
  };
  nextTurn();
  const client = new RawClient(server.port).send(
    request("/").repeat(999) + request("/", "Connection: close\r\n"),
  );
  expect((await client.closed()).match(/HTTP\/1.1 200/g)).toHaveLength(1000);
  isOver = true;
  // The number of requests read in one turn and handled in the immediate after it.
  expect(most).toBeLessThanOrEqual(32);
});

describe.each(["TCP", "TLS"])(
  "a client that sends 100 requests over %s and ends its side",
  (kind) => {
    function connectTo(port: number): RawClient {
      if (kind === "TCP") return new RawClient(port);
      const socket = connectTls({ port, rejectUnauthorized: false, ...HALF_OPEN });
      return new RawClient({ connect: () => ({ socket, reset: () => void socket.destroy() }) });
    }

    async function startAndConnect(
      routes: Parameters<typeof serve>[0]["routes"],
    ): Promise<RawClient> {
      server = await serve({ port: 0, routes, ...(kind === "TLS" && { tls: TLS }) });
      return connectTo(server.port);
    }

    it("gets all responses of handlers that return at once", async () => {
      const client = await startAndConnect({
        "/now": () => new Response("x"),
        "/soon": async () => new Response("x"),
      });
      client.socket.end((request("/now") + request("/soon")).repeat(50));
      expect((await client.closed()).match(/HTTP\/1\.1 200/g)).toHaveLength(100);
    });

    it("gets them although it reads late", async () => {
      const client = await startAndConnect({ "/": () => new Response("x".repeat(100_000)) });
      client.socket.pause();
      client.socket.end(request("/").repeat(100));
      await once(server.httpServer, "request");
      client.socket.resume();
      expect((await client.closed()).match(/HTTP\/1\.1 200/g)).toHaveLength(100);
    });

    it("aborts the signals of handlers that wait", async () => {
      const route = new WaitingRoute();
      const client = await startAndConnect({ "/wait": route.handle });
      client.socket.end(request("/wait").repeat(100));
      await client.closed();
      await vi.waitFor(() => expect(route.aborted).toBe(16));
      expect(route.started).toBe(16);
      for (const answer of route.answers) answer("");
    });
  },
);

it("a handshake after a request keeps all frames that arrive with it", async () => {
  server = await serve({
    port: 0,
    routes: {
      "/": () => new Response("first"),
      "ws:/echo": async (socket) => {
        for await (const message of socket) socket.send(message);
      },
    },
  });
  const client = new RawClient(server.port).send(request("/"));
  await client.receives("first");
  const payload = "\r\n\r\n".repeat(30);
  // A masking key of zeros does not change the payload.
  client.send(`${handshake("/echo")}\x81\xf8\0\0\0\0${payload}`);
  expect(await client.receives(payload)).toContain(payload);
  client.socket.destroy();
});

// Other systems have no /proc, which lists the open files.
describe.runIf(process.platform === "linux")("responses that wait for an earlier one", () => {
  it("do not open files in advance, nor after the client has left", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tideway-"));
    const path = join(directory, "file.txt");
    await writeFile(path, "x".repeat(1_000_000));
    const countOpen = async (): Promise<number> => {
      const names = await readdir("/proc/self/fd");
      const targets = await Promise.all(
        names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")),
      );
      return targets.filter((target) => target === path).length;
    };
    const route = new WaitingRoute();
    server = await serve({
      port: 0,
      routes: { "/wait": route.handle, "/files/*": files(directory) },
    });
    const waiting = new RawClient(server.port).send(
      request("/wait") + request("/files/file.txt").repeat(15),
    );
    await vi.waitFor(() => expect(route.started).toBe(1));
    const other = new RawClient(server.port).send(
      request("/files/file.txt", "Connection: close\r\n"),
    );
    await other.closed();
    expect(await countOpen()).toBe(0);
    // The first file is open but not sent when the client leaves.
    waiting.socket.pause();
    route.answers[0]("");
    await vi.waitFor(async () => expect(await countOpen()).toBe(1));
    waiting.reset();
    await vi.waitFor(async () => expect(await countOpen()).toBe(0));
    await rm(directory, { recursive: true });
  });

  it.each(["resets the connection", "closes the connection"])(
    "abort their signals and cancel their bodies when the client %s",
    async (how) => {
      const aborted = vi.fn<() => void>();
      const cancelled = vi.fn<() => void>();
      const route = new WaitingRoute();
      let started = 0;
      server = await serve({
        port: 0,
        routes: {
          "/wait": route.handle,
          "/body": (received) => {
            started++;
            received.signal.addEventListener("abort", aborted);
            return new Response(new ReadableStream({ cancel: cancelled }));
          },
        },
      });
      const client = new RawClient(server.port).send(
        request("/wait").repeat(5) + request("/body").repeat(5),
      );
      await vi.waitFor(() => expect([route.started, started]).toEqual([5, 5]));
      if (how === "resets the connection") client.reset();
      else client.socket.destroy();
      await vi.waitFor(() => expect(route.aborted).toBe(5));
      await vi.waitFor(() => expect(aborted).toHaveBeenCalledTimes(5));
      await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(5));
      for (const answer of route.answers) answer("");
    },
  );
});
