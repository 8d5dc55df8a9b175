import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type ClientHttp2Stream, constants } from "node:http2";
import { files } from "tideway/server";
import { expect, it, vi } from "vitest";
import { answerOf, extendedConnect, openSession, socketOf, startTls } from "./support.ts";

async function start(): ReturnType<typeof startTls> {
  return await startTls({
    routes: {
      "get:/url": (request) =>
        new Response(request.url, { headers: { connection: "close", "x-a": "b" } }),
      "post:/echo": async (request) => new Response(await request.text()),
      "post:/unread": () => new Response("no, thanks"),
      "get:/certificates/*": files("test/support/certificates"),
      "ws:/socket": () => {},
    },
  });
}

it("requests over HTTP/2 go to the same routes as over HTTP/1.1", async () => {
  const server = await start();
  const session = await openSession(server);
  expect(await answerOf(session.request({ ":path": "/url?a=b" }))).toMatchObject({
    status: 200,
    headers: { "x-a": "b" },
    body: `https://localhost:${server.port}/url?a=b`,
  });
  const post = session.request({ ":method": "POST", ":path": "/echo" });
  post.end("body");
  expect(await answerOf(post)).toMatchObject({ status: 200, body: "body" });
  const head = session.request({ ":method": "HEAD", ":path": "/url" });
  expect(await answerOf(head)).toMatchObject({ status: 200, body: "" });
  const file = session.request({ ":path": "/certificates/localhost.crt" });
  expect(await answerOf(file)).toMatchObject({
    status: 200,
    body: readFileSync("test/support/certificates/localhost.crt", "utf8"),
  });
});

it("a complete body has a Content-Length, and a streamed body has none (RFC 9110 8.6)", async () => {
  const server = await startTls({
    routes: {
      "get:/whole": () => new Response("é"),
      "get:/streamed": () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(Buffer.from("a"));
              setImmediate(() => controller.close());
            },
          }),
        ),
      "get:/cookies": () => {
        const headers = new Headers({ "content-length": "0" });
        for (const cookie of ["a=1", "b=2"]) headers.append("Set-Cookie", cookie);
        return new Response(null, { headers });
      },
    },
  });
  const session = await openSession(server);
  const ask = (path: string): ReturnType<typeof answerOf> =>
    answerOf(session.request({ ":path": path }));
  expect(await ask("/whole")).toMatchObject({ body: "é", headers: { "content-length": "2" } });
  const streamed = await ask("/streamed");
  expect(streamed).toMatchObject({ status: 200, body: "a" });
  expect(streamed.headers).not.toHaveProperty("content-length");
  expect(await ask("/cookies")).toMatchObject({
    headers: { "set-cookie": ["a=1", "b=2"], "content-length": "0" },
  });
});

it("an unread body does not delay the response", async () => {
  const server = await start();
  const post = (await openSession(server)).request({ ":method": "POST", ":path": "/unread" });
  post.write(Buffer.alloc(1_000_000));
  expect(await answerOf(post)).toMatchObject({ status: 200, body: "no, thanks", rstCode: 0 });
});

it("a body that never ends is cancelled after the requestTimeout of the HTTP server", async () => {
  const server = await start();
  server.httpServer.requestTimeout = 50;
  const session = await openSession(server);
  const post = session.request({ ":method": "POST", ":path": "/echo" });
  post.write("for ever and");
  expect(await answerOf(post)).toMatchObject({ rstCode: constants.NGHTTP2_CANCEL });
  const next = await answerOf(session.request({ ":path": "/url" }));
  expect(next).toMatchObject({ status: 200 });
});

it.each([
  [404, "GET", "/nowhere"],
  [405, "DELETE", "/url"],
  [405, "GET", "/socket"],
  [501, "TRACE", "/url"],
])("a request is answered with %i: %s %s", async (status, method, path) => {
  const server = await start();
  const stream = (await openSession(server)).request({ ":method": method, ":path": path });
  const { headers, ...answer } = await answerOf(stream);
  expect(answer).toMatchObject({ status });
  // RFC 9113 8.2.2
  expect(Object.keys(headers)).not.toContain("upgrade");
});

it("a body that has arrived but is not read does not limit the time of the response", async () => {
  let answer: ((response: Response) => void) | undefined;
  const server = await startTls({
    routes: {
      "post:/slow": () => new Promise<Response>((resolve) => (answer = resolve)),
      "post:/read": async (request) => new Response(await request.text()),
    },
  });
  server.httpServer.requestTimeout = 50;
  const session = await openSession(server);
  const slow = session.request({ ":method": "POST", ":path": "/slow" });
  const answered = answerOf(slow);
  slow.end("body");
  await vi.waitUntil(() => answer !== undefined);
  // The timeout of this later request shows that the timeout of the first has passed.
  const endless = session.request({ ":method": "POST", ":path": "/read" });
  endless.write("x");
  expect(await answerOf(endless)).toMatchObject({ rstCode: constants.NGHTTP2_CANCEL });
  answer?.(new Response("late"));
  expect(await answered).toMatchObject({ status: 200, body: "late" });
});

it("a response with a wrong Content-Length is reported, and is a 500 or cut off", async () => {
  const onError = vi.fn<(error: unknown) => void>();
  const chunks = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from("one"));
        setImmediate(() => controller.close());
      },
    });
  const headers = { "content-length": "5" };
  const server = await startTls({
    onError,
    routes: {
      "get:/whole": () => new Response("h\u{e9}llo", { headers }),
      "get:/streamed": () => new Response(chunks(), { headers }),
    },
  });
  const session = await openSession(server);
  expect(await answerOf(session.request({ ":path": "/whole" }))).toMatchObject({
    status: 500,
    body: "The server failed.",
  });
  const streamed = session.request({ ":path": "/streamed" });
  streamed.on("error", () => {});
  expect(await answerOf(streamed)).toMatchObject({
    rstCode: constants.NGHTTP2_INTERNAL_ERROR,
  });
  expect(onError.mock.calls.map(([error]) => error)).toMatchObject([
    { code: "WRONG_CONTENT_LENGTH" },
    { code: "WRONG_CONTENT_LENGTH" },
  ]);
});

it("a response has a head before the first chunk of its body", async () => {
  const server = await startTls({ routes: { "get:/": () => new Response(new ReadableStream()) } });
  const session = await openSession(server);
  const stream = session.request({ ":path": "/" });
  const [head] = await once(stream, "response");
  expect(head).toMatchObject({ ":status": 200 });
  stream.on("error", () => {});
  stream.close(constants.NGHTTP2_CANCEL);
});

it.each<[string, [string, string][]]>([
  ["a header field", [["x-a", "a".repeat(70_000)]]],
  [
    "many cookies",
    Array.from({ length: 20 }, (_, index) => ["set-cookie", `${index}=${"a".repeat(3_500)}`]),
  ],
])(
  "a response with %s above the limit of HTTP/2 does not affect other requests",
  async (_, headers) => {
    const onError = vi.fn<(error: unknown) => void>();
    let answer: ((response: Response) => void) | undefined;
    const server = await startTls({
      onError,
      routes: {
        "get:/wait": () => new Promise<Response>((resolve) => (answer = resolve)),
        "get:/big": () => new Response("x", { headers }),
      },
    });
    const session = await openSession(server);
    const waiting = answerOf(session.request({ ":path": "/wait" }));
    const big = session.request({ ":path": "/big" });
    big.on("error", () => {});
    expect(await answerOf(big)).toMatchObject({ status: 500 });
    answer?.(new Response("waited"));
    expect(await waiting).toMatchObject({ status: 200, body: "waited" });
    expect(onError.mock.calls.map(([error]) => error)).toMatchObject([{ code: "INVALID_HEADER" }]);
  },
);

it("a response may have a header field of 20,000 bytes", async () => {
  const value = "a".repeat(20_000);
  const server = await startTls({
    routes: { "get:/long": () => new Response("x", { headers: { "x-a": value } }) },
  });
  const session = await openSession(server);
  expect(await answerOf(session.request({ ":path": "/long" }))).toMatchObject({
    status: 200,
    headers: { "x-a": value },
  });
});

it("a request that expects 100 gets it before the body and the response (RFC 9110 10.1.1)", async () => {
  const session = await openSession(await start());
  const post = session.request({ ":method": "POST", ":path": "/echo", expect: "100-continue" });
  const answer = answerOf(post);
  post.on("continue", () => post.end("body"));
  expect(await answer).toMatchObject({ status: 200, body: "body" });
});

it("stop closes the sockets, sends GOAWAY and ends idle connections at once", async () => {
  const server = await start();
  const [idle, busy] = [await openSession(server), await openSession(server)];
  const stream = extendedConnect(busy, "/socket");
  await once(stream, "response");
  const frames: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => {
    frames.push(chunk);
    // The client's answer to the Close frame.
    stream.end(Buffer.from("888200000000" + "03e9", "hex"));
  });
  const goneAway = [once(idle, "goaway"), once(busy, "goaway")];
  await server.stop({ timeoutMs: 3_600_000 });
  await Promise.all(goneAway);
  expect(Buffer.concat(frames).toString("hex")).toBe("880203e9");
});

it("requests without data above maxPendingRequests get 503, and their streams end", async () => {
  const signals: AbortSignal[] = [];
  const server = await startTls({
    maxPendingRequests: 2,
    onRefused: () => {},
    routes: {
      "/silent": ({ signal }) => {
        signals.push(signal);
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("the client has gone")));
        });
      },
    },
  });
  const session = await openSession(server);
  // The requests never end their bodies.
  const ask = (): ClientHttp2Stream => session.request({ ":method": "POST", ":path": "/silent" });
  const held = [ask(), ask()];
  for (const stream of held) stream.on("error", () => {});
  await vi.waitFor(() => expect(signals).toHaveLength(2));
  expect(await answerOf(ask())).toMatchObject({
    status: 503,
    headers: { "retry-after": expect.any(String) },
    rstCode: constants.NGHTTP2_NO_ERROR,
  });
  held[0].close(constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => expect(signals[0].aborted).toBe(true));
  await vi.waitFor(() => {
    ask().on("error", () => {});
    expect(signals).toHaveLength(3);
  });
});

it.each(["cancels the request", "disconnects"])(
  "a response reports no error if the client %s just before it",
  async (what) => {
    const onError = vi.fn();
    const answered = vi.fn();
    let isHeld = false;
    const server = await startTls({
      onError,
      routes: {
        "get:/held": ({ signal }) => {
          isHeld = true;
          return new Promise((resolve) => {
            // The stream is closed now, but not destroyed.
            signal.addEventListener("abort", () => {
              resolve(new Response("too late"));
              setImmediate(answered);
            });
          });
        },
      },
    });
    const session = await openSession(server);
    const request = session.request({ ":path": "/held" });
    request.on("error", () => {});
    await vi.waitFor(() => expect(isHeld).toBe(true));
    if (what === "disconnects") socketOf(session).destroy();
    else request.close(constants.NGHTTP2_CANCEL);
    await vi.waitFor(() => expect(answered).toHaveBeenCalled());
    expect(onError).not.toHaveBeenCalled();
  },
);
