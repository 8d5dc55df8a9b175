import { gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { RawClient, statusOf } from "../support/clients.ts";
import { describeInBun } from "./start.ts";

/** A request with a method, a path and other fields than the usual ones. */
function request(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, ...(fields.length > 0 ? fields : ["Host: localhost"]), "", ""].join(
    "\r\n",
  );
}

// `test/hostile/bad-requests.test.ts` describes the same answers of `tideway/server`.
describeInBun("requests with tideway/bun", ({ start, onError, reports }) => {
  it.each([
    ["an empty host", 400, request("GET /", "Host:")],
    ["two hosts", 400, request("GET /", "Host: localhost", "Host: localhost")],
    ["a host with a user", 400, request("GET /", "Host: u@localhost")],
    ["a fragment", 400, request("GET /#b")],
    ["another host", 421, request("GET /", "Host: elsewhere")],
    ["too many fields", 431, request("GET /", "Host: localhost", ...manyFields(100))],
    ["the method CONNECT", 501, request("CONNECT localhost:1")],
    ["an ordinary request to a ws: route", 426, request("GET /socket")],
  ])("with %s are answered with %i, reported and closed", async (_, status, head) => {
    const { port } = await start(
      { "/": () => new Response("page"), "ws:/socket": () => {} },
      { hosts: ["localhost"] },
    );
    const response = await new RawClient(port).send(head).closed();
    expect(statusOf(response)).toBe(status);
    expect(response).toMatch(/\r\nconnection: close\b/i);
    const what = status === 426 ? "handshake" : "request";
    expect(reports).toMatchObject([{ what, by: "library", status }]);
  });

  it("with the method TRACE get 501 (RFC 9110 9.3.8)", async () => {
    const { port } = await start({ "/": () => new Response("page") });
    const client = new RawClient(port).send(request("TRACE /"));
    expect(statusOf(await client.receives("implemented"))).toBe(501);
    client.reset();
  });

  it("of HTTP/1.0 without Host are answered by the route of their path", async () => {
    const { port } = await start({
      "/": () => new Response("root"),
      "/*": (received, { url }) => new Response(`${received.url} ${url.search}`),
    });
    const response = await new RawClient(port).send("GET /a/b?c=//d HTTP/1.0\r\n\r\n").closed();
    expect(response.split("\r\n\r\n")[1]).toBe("http://localhost/a/b?c=//d ?c=//d");
  });

  it("get 500 if the handler returns a Response with the status 101", async () => {
    const { url } = await start({ "/": () => new Response(null, { status: 101 }) });
    expect((await fetch(url)).status).toBe(500);
    expect(onError.mock.calls).toMatchObject([[{ code: "NO_RESPONSE" }, { route: "/" }]]);
    onError.mockReset();
  });

  it("get 500 if the handler returns a used Response, and onError gets the route", async () => {
    const { url } = await start({
      "/later": async () => {
        const response = new Response("x");
        await response.text();
        return response;
      },
    });
    expect((await fetch(`${url}/later`)).status).toBe(500);
    expect(onError.mock.calls).toMatchObject([
      [{ message: expect.stringContaining("has been used") as string }, { route: "/later" }],
    ]);
    onError.mockReset();
  });

  it("get a response of fetch without the encoding that fetch has decoded", async () => {
    const { url } = await start({
      "/": async (): Promise<Response> => await fetch(`${url}/encoded`),
      "/encoded": () =>
        new Response(gzipSync("text"), {
          headers: { "Content-Encoding": "gzip", Trailer: "X-Sum", "X-Kept": "1" },
        }),
    });
    const response = await fetch(url);
    expect(await response.text()).toBe("text");
    const { headers } = response;
    expect(["content-encoding", "trailer", "x-kept"].map((name) => headers.get(name))).toEqual([
      null,
      null,
      "1",
    ]);
  });

  it("above maxPendingRequests get 503", async () => {
    let answer: ((response: Response) => void) | undefined;
    const { port, url } = await start(
      { "/": async () => await new Promise<Response>((resolve) => (answer = resolve)) },
      { maxPendingRequests: 1 },
    );
    const first = new RawClient(port).send(request("GET /"));
    await vi.waitUntil(() => answer !== undefined);
    const second = await fetch(url);
    expect([second.status, second.headers.get("retry-after")]).toEqual([503, "10"]);
    expect(reports).toMatchObject([{ status: 503, option: "maxPendingRequests" }]);
    answer!(new Response("first"));
    await first.receives("first");
    first.reset();
  });

  it("do not count forever if their handler never returns after the client has left", async () => {
    let count = 0;
    const { port, url } = await start(
      {
        "/": async (): Promise<Response> => {
          count++;
          return await new Promise(() => {});
        },
        "/page": () => new Response("page"),
      },
      { maxPendingRequests: 2, handshakeTimeoutMs: 50 },
    );
    const clients = [1, 2].map(() => new RawClient(port).send(request("GET /")));
    await vi.waitUntil(() => count === 2);
    expect((await fetch(`${url}/page`)).status).toBe(503);
    for (const client of clients) client.reset();
    await expect.poll(async () => (await fetch(`${url}/page`)).status).toBe(200);
  });

  it("may wait for their handler, and for events, longer than a connection may be idle", async () => {
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const { port } = await start(
      {
        "/slow": async () => {
          await finished;
          return new Response("slow");
        },
        "/events": () =>
          new Response(
            new ReadableStream({
              async start(controller) {
                controller.enqueue("data: first\n\n");
                await finished;
                controller.enqueue("data: last\n\n");
                controller.close();
              },
            }),
            { headers: { "Content-Type": "text/event-stream" } },
          ),
        "/page": () => new Response("page"),
      },
      { handshakeTimeoutMs: 1000 },
    );
    const slow = new RawClient(port).send(request("GET /slow"));
    const events = new RawClient(port).send(request("GET /events"));
    await events.receives("first");
    // Bun closes this connection, because it is idle after its response.
    expect(await new RawClient(port).send(request("GET /page")).closed()).toContain("page");
    finish();
    await Promise.all([slow.receives("slow"), events.receives("last")]);
    for (const client of [slow, events]) client.reset();
  });

  describe("differ from tideway/server:", () => {
    it("another body that pauses for handshakeTimeoutMs is cut off", async () => {
      const { port } = await start(
        { "/": () => new Response(new ReadableStream({ start: (c) => c.enqueue("part") })) },
        { handshakeTimeoutMs: 1000 },
      );
      const response = await new RawClient(port).send(request("GET /")).closed();
      expect(response).toContain("part");
      expect(response).not.toContain("\r\n0\r\n\r\n");
    });

    it("a request no longer counts when its handler has returned, and its body is still being sent", async () => {
      const { url } = await start(
        { "/": () => new Response(new ReadableStream({ start: (c) => c.enqueue("part") })) },
        { maxPendingRequests: 1 },
      );
      const bodies = await Promise.all([1, 2].map(async () => (await fetch(url)).body!));
      expect(bodies).toHaveLength(2);
      await Promise.all(bodies.map((body) => body.cancel()));
    });

    it.each([
      ["bytes that are not HTTP", "\0garbage\r\n\r\n", 400],
      ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
      ["a long head", request("GET /", `X: ${"x".repeat(20_000)}`), 431],
      ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505],
      ["an unknown method", request("FOO /"), undefined],
    ])("Bun refuses %s, and onRefused gets no report", async (_, bytes, status) => {
      const { port } = await start({ "/": () => new Response("page") });
      const response = await new RawClient(port).send(bytes).closed();
      expect(response === "" ? undefined : statusOf(response)).toBe(status);
      expect(reports).toEqual([]);
    });

    it("a request before the response to an earlier one closes the connection", async () => {
      const { port } = await start({
        "/slow": async () => await new Promise<Response>(() => {}),
        "/page": () => new Response("page"),
      });
      const client = new RawClient(port).send(request("GET /slow") + request("GET /page"));
      expect(await client.closed()).toBe("");
    });

    it("a request before the end of an earlier response cuts that response off", async () => {
      const { port } = await start({
        "/slow": () => new Response(new ReadableStream({ start: (c) => c.enqueue("part") })),
        "/page": () => new Response("page"),
      });
      const response = await new RawClient(port)
        .send(request("GET /slow") + request("GET /page"))
        .closed();
      expect(response).toMatch(/part\r\n$/);
    });

    it.each([
      ["that is not ASCII is accepted", "/\xc3\xa9", "/%C3%A9"],
      ["that is not UTF-8 has a replacement character", "/\xe9", "/%EF%BF%BD"],
    ])("a target %s", async (_what, target, pathname) => {
      const { port } = await start({ "/*": (_request, { url }) => new Response(url.pathname) });
      const client = new RawClient(port);
      client.socket.write(Buffer.from(request(`GET ${target}`), "latin1"));
      expect(await client.receives(pathname)).toContain("HTTP/1.1 200 ");
      client.reset();
    });

    it("after a request with trailers, Bun sends 400 and closes the connection", async () => {
      const { port } = await start({ "/": async (read) => new Response(await read.text()) });
      const head = request("POST /", "Host: a", "Transfer-Encoding: chunked");
      const response = await new RawClient(port)
        .send(`${head}4\r\ntext\r\n0\r\nX-Sum: 1\r\n\r\n`)
        .closed();
      expect(response).toMatch(/^HTTP\/1\.1 200 [^]*textHTTP\/1\.1 400 /);
    });

    it("Expect: 100-Continue is ignored unless it is in lower case, and so is another one", async () => {
      const { port } = await start({ "/": async (read) => new Response(await read.text()) });
      for (const expectation of ["100-Continue", "another"]) {
        const head = request("POST /", "Host: a", "Content-Length: 4", `Expect: ${expectation}`);
        const client = new RawClient(port).send(`${head}text`);
        expect(await client.receives("text")).toMatch(/^HTTP\/1\.1 200 /);
        client.reset();
      }
    });

    it("Content-Length and statusText of a Response are ignored, and a stream is sent in chunks", async () => {
      const init = { statusText: "Fine", headers: { "Content-Length": "9" } };
      const body = new ReadableStream({ start: (controller) => controller.enqueue("text") });
      const { port } = await start({
        "/text": () => new Response("text", init),
        "/stream": () => new Response(body, init),
      });
      const responses = ["/text", "/stream"].map(async (path) => {
        const client = new RawClient(port).send(request(`GET ${path}`));
        const response = await client.receives("text");
        client.reset();
        return response;
      });
      const [text, stream] = await Promise.all(responses);
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\ncontent-length: 4\r\n/i);
      expect(stream).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\ntransfer-encoding: chunked\r\n/i);
    });

    it("the answer to HEAD lacks the type that Bun adds to a text", async () => {
      const { url } = await start({ "/": () => new Response("text") });
      const typeFor = async (method: string): Promise<string | null> =>
        (await fetch(url, { method })).headers.get("content-type");
      expect(await typeFor("GET")).toBe("text/plain;charset=utf-8");
      expect(await typeFor("HEAD")).toBe(null);
    });

    it("fields with the same name are one, joined by commas, and count as one", async () => {
      const { port } = await start({ "/": ({ headers }) => new Response(headers.get("x")) });
      const repeated = Array.from({ length: 150 }, (_, index) => `X: ${index}`);
      const client = new RawClient(port).send(request("GET /", "Host: a", ...repeated));
      expect(await client.receives("149")).toContain("0, 1, 2, ");
      client.reset();
    });

    it("a body that fails cuts the response off, and onError gets no report", async () => {
      let isCancelled = false;
      const { port } = await start({
        "/": () =>
          new Response(
            new ReadableStream({
              start: (controller) => controller.enqueue(new Uint8Array(10)),
              async pull(controller) {
                await Promise.resolve();
                isCancelled = true;
                controller.error(new Error("broken"));
              },
            }),
          ),
      });
      const response = await new RawClient(port).send(request("GET /")).closed();
      expect(isCancelled).toBe(true);
      // RFC 9112 7.1: a complete chunked body ends with an empty chunk.
      expect(response).not.toContain("\r\n0\r\n\r\n");
    });
  });
});

/** Different header fields. */
function manyFields(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `X-${index}: x`);
}
