import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { type Server, serve } from "tideway/server";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { fastFetch } from "../../../src/node/internals/requests/fast-fetch.ts";
import { handshake, RawClient } from "../../support/clients.ts";

let server: Server;
let fastPaths = true;
const onError = vi.fn<(error: unknown) => void>();

afterEach(async () => {
  fastPaths = true;
  await server.stop({ timeoutMs: 1000 });
  onError.mockReset();
});

type Handler = (request: Request) => Response | Promise<Response>;

async function get(handler: Handler, head = "GET / HTTP/1.1\r\nHost: a\r\n"): Promise<string> {
  server = await serve({
    port: 0,
    fastPaths,
    onError,
    onRefused: () => {},
    routes: {
      "/": handler,
      "ws:/refused": { authorize: () => handler(new Request("http://a")), handle: () => {} },
    },
  });
  return await new RawClient(server.port).send(`${head}Connection: close\r\n\r\n`).closed();
}

type Coder = (bytes: string | Uint8Array) => Buffer;

/** zstd needs Node.js 22.15. */
const { zstdCompressSync, zstdDecompressSync } = zlib as {
  zstdCompressSync?: Coder;
  zstdDecompressSync?: Coder;
};

/** Content codings, with their encoder and decoder. */
const CODINGS: Array<[coding: string, encode: Coder, decode: Coder]> = [
  ["gzip", zlib.gzipSync, zlib.gunzipSync],
  ["deflate", zlib.deflateSync, zlib.inflateSync],
  ["br", zlib.brotliCompressSync, zlib.brotliDecompressSync],
];
if (zstdCompressSync && zstdDecompressSync) {
  CODINGS.push(["zstd", zstdCompressSync, zstdDecompressSync]);
}

/** A body of chunks, each in a separate turn of the event loop. */
const streamOf = (...chunks: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      await new Promise(setImmediate);
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  });

/** The fields of a response that tell where its body ends, with names in lower case. */
function framingOf(response: string): string[] {
  const fields = response.toLowerCase().split("\r\n\r\n", 1)[0].split("\r\n");
  return fields.filter((field) => /^(content-length|transfer-encoding):/.test(field));
}

describe.each([
  ["with fast paths", true],
  ["without fast paths", false],
])("a response %s", (_how, isUsed) => {
  const respond = async (handler: Handler, head?: string): Promise<string> => {
    fastPaths = isUsed;
    return await get(handler, head);
  };

  it.each([
    [200, "OK"],
    [201, "Created"],
    [404, "Not Found"],
    [418, "I'm a Teapot"],
    [503, "Service Unavailable"],
  ])("of status %i has the reason phrase %s", async (status, reason) => {
    expect(await respond(() => new Response("x", { status }))).toMatch(
      `HTTP/1.1 ${status} ${reason}\r\n`,
    );
  });

  it("keeps a custom reason phrase", async () => {
    expect(
      await respond(() => new Response(null, { status: 404, statusText: "Gone Fishing" })),
    ).toMatch("HTTP/1.1 404 Gone Fishing\r\n");
  });

  it.each([
    ["text", "häuser", Buffer.from("häuser").toString("latin1")],
    ["bytes", new Uint8Array([0, 255, 10]), "\0\xff\n"],
  ])("of %s has a Content-Length and a body in one piece", async (_what, body, sent) => {
    const received = await respond(() => new Response(body, { headers: { "x-name": "\xe9" } }));
    expect(received.toLowerCase()).toContain(`content-length: ${sent.length}\r\n`);
    expect(received).toContain("x-name: \xe9\r\n");
    expect(received.slice(received.indexOf("\r\n\r\n") + 4)).toBe(sent);
  });

  it("of a blob has its bytes, in chunks if they are read only in a later turn", async () => {
    const received = await respond(() => new Response(new Blob(["blob"])));
    const [head, body] = received.toLowerCase().split("\r\n\r\n", 2);
    if (head.includes("content-length: 4")) expect(body).toBe("blob");
    else expect(received).toMatch(/\r\n\r\n4\r\nblob\r\n0\r\n\r\n$/);
  });

  it("has its own Content-Length once", async () => {
    const headers = { "Content-Length": "4" };
    const received = await respond(() => new Response("text", { headers }));
    expect(framingOf(received)).toEqual(["content-length: 4"]);
    expect(received).toContain("text");
  });

  it.each([
    ["chunked", "GET / HTTP/1.1"],
    ["gzip", "GET / HTTP/1.1"],
    ["chunked", "GET / HTTP/1.0"],
  ])("ignores its Transfer-Encoding %s after %s (RFC 9112 6.1)", async (encoding, line) => {
    const headers = { "Content-Length": "4", "Transfer-Encoding": encoding };
    const received = await respond(
      () => new Response("text", { headers }),
      `${line}\r\nHost: a\r\n`,
    );
    expect(framingOf(received)).toEqual(["content-length: 4"]);
    expect(received).toMatch(/\r\n\r\ntext$/);
  });

  it.each([
    ["null with 200", () => new Response(null), ["content-length: 0"]],
    ["null with 205", () => new Response(null, { status: 205 }), ["content-length: 0"]],
    ["an empty text", () => new Response(""), ["content-length: 0"]],
    [
      "null with 204",
      () => new Response(null, { status: 204, headers: { "Content-Length": "0" } }),
      [],
    ],
    ["null with 304", () => new Response(null, { status: 304 }), []],
  ])(
    "of %s has the length of an empty body, if any (RFC 9110 8.6)",
    async (_what, handle, fields) => {
      const received = await respond(handle);
      expect(framingOf(received)).toEqual(fields);
      expect(received).toMatch(/\r\n\r\n$/);
    },
  );

  it("of a stream is sent in chunks with all cookies", async () => {
    const headers = new Headers([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    const received = await respond(() => new Response(streamOf("one", "two"), { headers }));
    expect(received).toContain("set-cookie: a=1\r\nset-cookie: b=2\r\n");
    expect(received).toContain("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  });

  it("of an empty stream has no body", async () => {
    const received = await respond(() => new Response(streamOf()));
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n0\r\n\r\n$/);
  });

  it("of a long stream is read as fast as the client reads, and warns of nothing", async () => {
    const chunk = new Uint8Array(65_536);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    let sent = 0;
    let mostBuffered = 0;
    let sending: ServerResponse | undefined;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      mostBuffered = Math.max(mostBuffered, sending?.writableLength ?? 0);
      if (sent++ < 64) controller.enqueue(chunk);
      else controller.close();
    };
    server = await serve({
      port: 0,
      fastPaths: isUsed,
      routes: { "/": () => new Response(new ReadableStream({ pull })) },
    });
    server.httpServer.prependListener("request", (_request, response: ServerResponse) => {
      sending = response;
    });
    const received = await new RawClient(server.port)
      .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      .closed();
    expect(received.match(/\0+/g)?.join("")).toHaveLength(64 * chunk.length);
    expect(mostBuffered).toBeLessThan(3 * chunk.length);
    expect(warnings).toEqual([]);
  });

  it("to HEAD has the fields alone, and its body is cancelled instead of read", async () => {
    const cancel = vi.fn<() => void>();
    const pull = vi.fn<() => void>();
    const body = new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
    const received = await respond(
      () => new Response(body, { headers: { "content-length": "5" } }),
      "HEAD / HTTP/1.1\r\nHost: a\r\n",
    );
    expect(received.toLowerCase()).toMatch(
      /^http\/1\.1 200 .*\r\ncontent-length: 5\r\n.*\r\n\r\n$/s,
    );
    expect(cancel).toHaveBeenCalledOnce();
    expect(pull).not.toHaveBeenCalled();
  });

  it("to HEAD has the length of a body in memory, if the runtime tells it (RFC 9110 9.3.2)", async () => {
    const received = await respond(() => new Response("text"), "HEAD / HTTP/1.1\r\nHost: a\r\n");
    const isKnown = isUsed && fastFetch.wholeBody(new Response("text")) !== undefined;
    expect(received.toLowerCase().includes("\r\ncontent-length: 4\r\n")).toBe(isKnown);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  it("has a head before the first chunk of its body", async () => {
    server = await serve({
      port: 0,
      fastPaths: isUsed,
      routes: { "/": () => new Response(new ReadableStream()) },
    });
    const client = new RawClient(server.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await client.receives("\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    client.socket.destroy();
  });

  it.each<[string, string, () => BodyInit | null]>([
    ["too short for a text", "5", () => "h\u{e9}llo"],
    ["too long for a text", "7", () => "h\u{e9}llo"],
    ["too long for an empty body", "1", () => null],
    ["not a number", "1e3", () => streamOf("one", "two")],
    ["too short for a stream of one chunk", "1", () => new Blob(["two"]).stream()],
  ])(
    "with a Content-Length that is %s is reported and answered with 500",
    async (_, length, body) => {
      const headers = { "Content-Length": length };
      const received = await respond(() => new Response(body(), { headers }));
      expect(received).toMatch(/^HTTP\/1\.1 500 [^]*\r\n\r\nThe server failed\.$/);
      expect(onError.mock.calls.map(([error]) => error)).toMatchObject([
        { code: "WRONG_CONTENT_LENGTH", message: expect.stringContaining(length) },
      ]);
    },
  );

  it.each([
    ["too short", "4"],
    ["too long", "7"],
  ])(
    "with a Content-Length that is %s for its stream is reported and cut off",
    async (_, length) => {
      const headers = { "Content-Length": length };
      const received = await respond(() => new Response(streamOf("one", "two"), { headers }));
      const [head, body] = received.split("\r\n\r\n");
      expect(head.toLowerCase()).toContain(`\r\ncontent-length: ${length}`);
      expect(body.length).toBeLessThan(Number(length));
      expect(onError.mock.calls.map(([error]) => error)).toMatchObject([
        { code: "WRONG_CONTENT_LENGTH" },
      ]);
    },
  );

  it("with the right Content-Length is sent with it", async () => {
    const headers = { "Content-Length": "6" };
    for (const body of ["h\u{e9}llo", streamOf("one", "two")]) {
      const received = await respond(() => new Response(body, { headers }));
      expect(received.match(/^content-length: .*$/gim)).toEqual(["content-length: 6"]);
      await server.stop();
    }
    expect(onError).not.toHaveBeenCalled();
  });

  it("of fetch has no fields of the other connection (RFC 9110 7.6.1)", async () => {
    const upstream = createServer((_request, response) => {
      response.setHeader("Connection", "Upgrade, X-Hop");
      response.setHeader("Upgrade", "h2c");
      response.setHeader("X-Hop", "1");
      response.setHeader("X-Kept", "2");
      response.setHeader("Trailer", "X-Sum");
      response.write("te");
      response.end("xt");
    });
    await once(upstream.listen(0), "listening");
    onTestFinished(() => void upstream.close());
    const { port } = upstream.address() as AddressInfo;
    const received = await respond(async () => await fetch(`http://localhost:${port}`));
    expect(received).toMatch(/^HTTP\/1\.1 200 /);
    expect(received).toMatch(/^x-kept: 2\r$/im);
    expect(received).not.toMatch(/^(x-hop|upgrade|trailer):/im);
    expect(onError).not.toHaveBeenCalled();
  });

  it.each(CODINGS)("of fetch with the coding %s can be decoded", async (coding, encode, decode) => {
    const encoded = encode("text");
    const upstream = createServer((_request, response) => {
      response.setHeader("Content-Encoding", coding);
      response.setHeader("Content-Length", encoded.byteLength);
      response.end(encoded);
    });
    await once(upstream.listen(0), "listening");
    onTestFinished(() => void upstream.close());
    const { port } = upstream.address() as AddressInfo;
    const relay = async (): Promise<Response> => await fetch(`http://localhost:${port}`);
    const received = await respond(relay, "GET / HTTP/1.0\r\nHost: a\r\n");
    expect(received.match(/^connection: .*$/gim)).toEqual(["Connection: close"]);
    const [head, body] = received.split("\r\n\r\n", 2);
    // Whether `fetch` decodes a coding depends on the runtime.
    const isEncoded = head.toLowerCase().includes(`\r\ncontent-encoding: ${coding}`);
    expect(isEncoded ? decode(Buffer.from(body, "latin1")).toString() : body).toBe("text");
    expect(onError).not.toHaveBeenCalled();
  });

  it("that is returned twice fails the second time and is reported", async () => {
    const same = new Response("same");
    expect(await respond(() => same)).toContain("\r\n\r\nsame");
    const second = new RawClient(server.port).send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(await second.closed()).toContain("HTTP/1.1 500 Internal Server Error\r\n");
    expect(onError).toHaveBeenCalledOnce();
  });

  it("with a body that fails immediately is reported and answered with 500", async () => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error("no")) });
    const [head, text] = (await respond(() => new Response(body))).split("\r\n\r\n");
    expect(head).toContain("HTTP/1.1 500 Internal Server Error\r\n");
    expect(head.toLowerCase()).toContain(`\r\ncontent-length: ${text.length}`);
    expect(head.toLowerCase()).not.toContain("transfer-encoding");
    expect(text).not.toBe("");
    expect(onError).toHaveBeenCalledOnce();
  });

  it("belongs to a request that behaves like a Request in every way", async () => {
    let received: Request | undefined;
    const copies: Request[] = [];
    const waiting = respond((request) => {
      received = request;
      copies.push(request, request.clone(), new Request(request, { headers: { "x-a": "b" } }));
      return new Promise(() => {});
    });
    await vi.waitFor(() => expect(copies).toHaveLength(3));
    expect(received).toBeInstanceOf(Request);
    expect(received).toMatchObject({ method: "GET", url: "http://a/", body: null });
    expect(received?.headers.get("host")).toBe("a");
    expect(copies.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
    expect(copies[0].signal).toBe(copies[0].signal);
    const aborted = copies.map(({ signal }) => once(signal, "abort"));
    server.httpServer.closeAllConnections();
    await Promise.all(aborted);
    expect(copies.every(({ signal }) => signal.aborted)).toBe(true);
    expect(received?.clone().signal.aborted).toBe(true);
    expect(new Request(received!).signal.aborted).toBe(true);
    await waiting;
  });

  it("belongs to a request with a signal that follows the client even when first read later", async () => {
    let received: Request | undefined;
    const waiting = respond((request) => {
      received = request;
      return new Promise(() => {});
    });
    await vi.waitFor(() => expect(received).toBeDefined());
    server.httpServer.closeAllConnections();
    await waiting;
    const { httpServer } = server;
    const count = promisify(httpServer.getConnections.bind(httpServer));
    await vi.waitFor(async () => expect(await count()).toBe(0));
    // The sockets no longer count; they emit 'close' at the end of this turn.
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
    expect(received?.headers.get("host")).toBe("a");
    expect(new Request(received!).signal.aborted).toBe(true);
    expect(received?.signal.aborted).toBe(true);
    expect(AbortSignal.any([received!.signal]).aborted).toBe(true);
  });

  it("belongs to a request that does not change after the response", async () => {
    let received: Request | undefined;
    await respond((request) => {
      received = request;
      return new Response("text");
    });
    expect(received).toMatchObject({ method: "GET", url: "http://a/", body: null });
    expect(received?.headers.get("connection")).toBe("close");
    expect(received?.signal.aborted).toBe(false);
  });
});

it.each([
  ["no route", "GET /none HTTP/1.1\r\nHost: a\r\n", "404 Not Found"],
  ["an unknown method", "TRACE / HTTP/1.1\r\nHost: a\r\n", "501 Not Implemented"],
  [
    "a plain GET of a WebSocket route",
    "GET /refused HTTP/1.1\r\nHost: a\r\n",
    "426 Upgrade Required",
  ],
  ["a malformed Host", "GET / HTTP/1.1\r\nHost: a b\r\n", "400 Bad Request"],
  ["no HTTP", "what?\r\n", "400 Bad Request"],
  ["a handshake that authorize refuses", handshake("/refused").slice(0, -2), "403 Forbidden"],
])("the answer to %s has a reason phrase", async (_what, head, status) => {
  const received = await get(() => new Response("no", { status: 403 }), head);
  expect(received.slice(0, received.indexOf("\r\n"))).toBe(`HTTP/1.1 ${status}`);
  expect(received).toMatch(/\r\n\r\n.+/);
  expect(onError).not.toHaveBeenCalled();
});

it.each([
  ["a handler", "GET / HTTP/1.1\r\nHost: a\r\n"],
  ["an authorize", handshake("/refused").slice(0, -2)],
])("%s can answer with a Response without a body", async (_who, head) => {
  const answer = await get(
    () => new Response(null, { status: 403, headers: { "x-a": "b" } }),
    head,
  );
  expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
  expect(answer.toLowerCase()).toContain("\r\nx-a: b\r\n");
  expect(answer.endsWith("\r\n\r\n")).toBe(true);
  expect(onError).not.toHaveBeenCalled();
});
