import { gzipSync } from "node:zlib";
import type { Socket } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { handshake, openClient, RawClient, statusOf } from "../support/clients.ts";
import { describeInBun } from "./start.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

const echo = (socket: Socket): void => {
  socket.listen((message) => socket.send(message));
};

// Without these differences, `test/hostile/bad-requests.test.ts` describes the same answers of `tideway/server`.
describeInBun("handshakes with tideway/bun", ({ start, onError, reports }) => {
  it.each<[string, number, Parameters<typeof handshake>]>([
    ["no version", 426, ["/", { "Sec-WebSocket-Version": undefined }]],
    ["an old version", 426, ["/", { "Sec-WebSocket-Version": "8" }]],
    ["two versions", 400, ["/", { "Sec-WebSocket-Version": ["13", "13"] }]],
    ["no key", 400, ["/", { "Sec-WebSocket-Key": undefined }]],
    ["a short key", 400, ["/", { "Sec-WebSocket-Key": "c2hvcnQ=" }]],
    ["a key that is not base64", 400, ["/", { "Sec-WebSocket-Key": "!".repeat(24) }]],
    ["two keys", 400, ["/", { "Sec-WebSocket-Key": [KEY, KEY] }]],
    ["the method POST", 405, ["/", {}, "POST / HTTP/1.1"]],
    ["a body", 400, ["/", { "Content-Length": "5" }]],
    ["a chunked body", 400, ["/", { "Transfer-Encoding": "chunked" }]],
    ["a malformed subprotocol", 400, ["/", { "Sec-WebSocket-Protocol": "a b" }]],
    ["a repeated subprotocol", 400, ["/", { "Sec-WebSocket-Protocol": ["a", "a"] }]],
    ["a malformed extension", 400, ["/", { "Sec-WebSocket-Extensions": "a;=" }]],
    ["an empty host", 400, ["/", { Host: "" }]],
    ["two hosts", 400, ["/", { Host: ["localhost", "localhost"] }]],
    ["a malformed host", 400, ["/", { Host: "a/b" }]],
    ["another host", 421, ["/", { Host: "elsewhere" }]],
    ["the origin null", 403, ["/", { Origin: "null" }]],
    ["an empty origin", 403, ["/", { Origin: "" }]],
    ["the same origin twice", 403, ["/", { Origin: ["http://localhost", "http://localhost"] }]],
    ["a path without a route", 404, ["/nowhere"]],
    ["a path that has only an HTTP route", 404, ["/page"]],
    ["a long path", 414, [`/${"x".repeat(9000)}`]],
    ["too many fields", 431, ["/", Object.fromEntries(names(100).map((name) => [name, "x"]))]],
    ["a failing authorize", 500, ["/throws"]],
    ["an authorize that rejects", 500, ["/rejects"]],
    ["an authorize that returns false", 500, ["/false"]],
  ])("with %s are answered with %i, reported and closed", async (_, status, head) => {
    const fail = (): never => {
      throw new Error("no");
    };
    const { port } = await start(
      {
        "/page": () => new Response("page"),
        "ws:/": echo,
        "ws:/throws": { authorize: fail, handle: echo },
        "ws:/rejects": {
          authorize: async () => await Promise.reject(new Error("no")),
          handle: echo,
        },
        "ws:/false": { authorize: () => false as never, handle: echo },
      },
      { hosts: ["localhost"] },
    );
    const response = await new RawClient(port).send(handshake(...head)).closed();
    expect(statusOf(response)).toBe(status);
    expect(response).toMatch(/\r\nconnection: close\b/i);
    expect(response).toMatch(/\r\ncontent-type: text\/plain; ?charset=utf-8\r\n/i);
    expect(reports).toMatchObject([{ what: "handshake", by: "library", status }]);
    expect(onError).toHaveBeenCalledTimes(status === 500 ? 1 : 0);
    onError.mockReset();
  });

  it("name the supported version, and list Upgrade in Connection (RFC 6455 4.4, RFC 9110 7.8)", async () => {
    const { port } = await start({ "ws:/": echo });
    const head = handshake("/", { "Sec-WebSocket-Version": "7" });
    const response = await new RawClient(port).send(head).closed();
    expect(response).toMatch(/\r\nsec-websocket-version: 13\r\n/i);
    expect(response).toMatch(/\r\nupgrade: websocket\r\n/i);
    expect(response).toMatch(/\r\nconnection: close, Upgrade\r\n/i);
  });

  it.each([
    ["Connection", { Connection: "keep-alive" }],
    ["Upgrade", { Upgrade: undefined }],
    ["websocket", { Upgrade: "h2c" }],
  ])("get 426 with the reason if a proxy removed %s", async (_, fields) => {
    const { port } = await start({ "ws:/": echo, "get:/page": () => new Response("page") });
    const response = await new RawClient(port).send(handshake("/", fields)).closed();
    expect(statusOf(response)).toBe(426);
    expect(response).toContain("if a proxy removed them, configure it to forward them");
    expect(reports).toMatchObject([{ what: "handshake", status: 426 }]);
    // RFC 9110 7.8: such an Upgrade is ignored.
    const client = new RawClient(port).send(handshake("/page", fields));
    expect(statusOf(await client.receives("page"))).toBe(200);
    client.reset();
  });

  it("that authorize answers get its Response with its own headers", async () => {
    const { port } = await start({
      "ws:/text": {
        authorize: () => new Response("no", { status: 402, headers: { "X-A": "b" } }),
        handle: echo,
      },
      "ws:/json": { authorize: () => Response.json({ no: 1 }, { status: 403 }), handle: echo },
      "ws:/redirect": { authorize: () => Response.redirect("http://a/", 303), handle: echo },
    });
    const answers = await Promise.all(
      ["/text", "/json", "/redirect"].map((path) =>
        new RawClient(port).send(handshake(path)).closed(),
      ),
    );
    expect(answers.map(statusOf)).toEqual([402, 403, 303]);
    expect(answers[0]).toMatch(/\r\nx-a: b\r\n/i);
    expect(answers[1]).toMatch(/\r\ncontent-type: application\/json/i);
    expect(answers[2]).toMatch(/\r\nlocation: http:\/\/a\/\r\n/i);
    expect(reports.map(({ by }) => by)).toEqual(Array(3).fill("application"));
  });

  it("that authorize answers with a response of fetch get it without its encoding", async () => {
    const { port, url } = await start({
      "/encoded": () => new Response(gzipSync("text"), { headers: { "Content-Encoding": "gzip" } }),
      "ws:/": {
        authorize: async (): Promise<Response> => await fetch(`${url}/encoded`),
        handle: echo,
      },
    });
    const response = await new RawClient(port).send(handshake("/")).closed();
    expect(response).not.toMatch(/^content-encoding:/im);
    expect(response).toMatch(/\r\n\r\ntext$/);
  });

  it("with an authorize that never settles get 503 after handshakeTimeoutMs, and its signal aborts", async () => {
    let signal: AbortSignal | undefined;
    const authorize = (request: Request): Promise<object> => {
      ({ signal } = request);
      return new Promise(() => {});
    };
    const { port } = await start(
      { "ws:/": { authorize, handle: echo } },
      { handshakeTimeoutMs: 50 },
    );
    expect(statusOf(await new RawClient(port).send(handshake("/")).closed())).toBe(503);
    expect(reports).toMatchObject([{ status: 503, option: "handshakeTimeoutMs" }]);
    expect(onError.mock.calls).toMatchObject([[{ code: "AUTHORIZE_TIMEOUT" }, {}]]);
    expect(signal!.aborted).toBe(true);
    onError.mockReset();
  });

  it("abort their signal if the client leaves during authorize, and are not reported", async () => {
    let signal: AbortSignal | undefined;
    let accept!: (state: object) => void;
    const authorize = async (request: Request): Promise<object> => {
      ({ signal } = request);
      return await new Promise((resolve) => (accept = resolve));
    };
    const { port, sockets } = await start({ "ws:/": { authorize, handle: echo } });
    const client = new RawClient(port).send(handshake("/"));
    await vi.waitUntil(() => signal !== undefined);
    client.reset();
    await vi.waitUntil(() => signal!.aborted);
    accept({});
    // A later client is served, and the first one has left no socket.
    const later = new RawClient(port).send(handshake("/"));
    await vi.waitUntil(() => !signal!.aborted);
    accept({});
    await later.receives("101");
    expect(sockets.size).toBe(1);
    expect(reports).toEqual([]);
    later.reset();
  });

  it("count against maxConnections from the moment they are accepted", async () => {
    const { port, sockets } = await start({ "ws:/": echo }, { maxConnections: 10 });
    const clients = Array.from({ length: 50 }, () => new RawClient(port).send(handshake("/")));
    const answers = await Promise.all(clients.map((client) => client.receives("\r\n\r\n")));
    expect(answers.filter((answer) => statusOf(answer) === 101)).toHaveLength(10);
    expect(sockets.size).toBe(10);
    expect(reports).toHaveLength(40);
    expect(reports[0]).toMatchObject({ status: 503, option: "maxConnections" });
    for (const client of clients) client.reset();
  });

  it("during a stop are refused with 503, and pending ones too", async () => {
    let answer: ((response: Response) => void) | undefined;
    let isPending = false;
    const server = await start({
      "ws:/": {
        authorize: async () => {
          isPending = true;
          return await new Promise<object>(() => {});
        },
        handle: echo,
      },
      "ws:/open": echo,
      "/slow": async () => await new Promise<Response>((resolve) => (answer = resolve)),
    });
    const { port, url } = server;
    const half = new RawClient(port).send("GET /ha");
    const open = await openClient(url, "/open");
    const slow = new RawClient(port).send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    const pending = new RawClient(port).send(handshake("/"));
    await vi.waitUntil(() => answer !== undefined && isPending);
    await half.whenSent;
    const ended = server.stop({ timeoutMs: 5000 });
    const refused = await pending.closed();
    expect(statusOf(refused)).toBe(503);
    expect(refused).toMatch(/\r\nretry-after: 5\r\n/i);
    expect(reports).toMatchObject([{ what: "handshake", status: 503 }]);
    open.terminate();
    answer!(new Response("late"));
    expect(await slow.receives("late")).toContain("200");
    await ended;
    await Promise.all([half, slow].map((client) => client.closed()));
  });

  describe("differ from tideway/server:", () => {
    it("frames before authorize has decided are answered with 400 by Bun, without a report", async () => {
      const authorize = async (): Promise<object> => await new Promise(() => {});
      const { port } = await start({ "ws:/": { authorize, handle: echo } });
      const client = new RawClient(port).send(`${handshake("/")}\x81\x81\0\0\0\0a`);
      expect(statusOf(await client.closed())).toBe(400);
      expect(reports).toEqual([]);
    });

    it("a text of authorize without Content-Type is application/octet-stream", async () => {
      const { port } = await start({
        "ws:/": { authorize: () => new Response("no", { status: 401 }), handle: echo },
      });
      const response = await new RawClient(port).send(handshake("/")).closed();
      expect(response).toMatch(/\r\ncontent-type: application\/octet-stream\r\n/i);
    });

    it("HTTP/1.0, and a request in the same packet before it are accepted", async () => {
      const { port } = await start({ "ws:/": echo, "/page": () => new Response("page") });
      for (const request of [
        handshake("/", {}, "GET / HTTP/1.0"),
        `GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n${handshake("/")}`,
      ]) {
        const client = new RawClient(port).send(request);
        await client.receives("HTTP/1.1 101 ");
        client.reset();
      }
      expect(reports).toEqual([]);
    });

    it("the host of an absolute target is ignored, and `hosts` checks Host", async () => {
      const { port } = await start({ "ws:/": echo }, { hosts: ["localhost"] });
      const target = "GET http://elsewhere/ HTTP/1.1";
      const accepted = new RawClient(port).send(handshake("/", {}, target));
      await accepted.receives("101");
      accepted.reset();
      const wrong = handshake("/", { Host: "elsewhere" }, "GET http://localhost/ HTTP/1.1");
      expect(statusOf(await new RawClient(port).send(wrong).closed())).toBe(421);
    });

    it("fields with the same name count and are read as one, joined by commas", async () => {
      const seen: Array<string | null> = [];
      const { port } = await start({
        "ws:/": (_socket, { request }) => void seen.push(request.headers.get("x")),
      });
      const client = new RawClient(port).send(handshake("/", { X: names(150) }));
      await client.receives("101");
      expect(seen).toEqual([names(150).join(", ")]);
      client.reset();
    });
  });
});

/** Different names of header fields. */
function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `X-${index}`);
}
