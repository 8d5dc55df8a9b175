import {
  type ApplicationOptions,
  type RefusalReport,
  serve,
  type StandardSchema,
} from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { acceptAndEcho, HOSTILE_FRAMES } from "../../hostile/frames.ts";
import {
  answerOf,
  deferred,
  extendedConnect,
  openSession,
  startTls,
} from "../../node/http2/support.ts";
import { openVenue, type Routes, transport } from "../../suite/transports.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";
import { HOSTILE_VALUES, throwingThen, throwingThenable } from "../../support/hostile-values.ts";
import { movableClock } from "../../support/movable-clock.ts";

const text: StandardSchema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "not a string" }] },
  },
};

const routes: Routes = {
  "/page": () => new Response("page"),
  "ws:/": { handle: acceptAndEcho, maxMessageBytes: 1000, protocols: ["v1", ""] },
  "ws:/strict": { protocols: ["v1"], handle: acceptAndEcho },
  "ws:/private": { authorize: () => new Response("no", { status: 401 }), handle: acceptAndEcho },
  "ws:/broken": {
    authorize: () => {
      throw new Error("the database is gone");
    },
    handle: acceptAndEcho,
  },
  "ws:/typed": {
    schema: text,
    handle: async (socket: AsyncIterable<unknown>) => {
      for await (const _value of socket);
    },
  },
  "ws:/slow": {
    maxBufferedBytes: 10,
    handle: (socket: { send(data: string): boolean }) => {
      while (socket.send("x".repeat(1_000_000)));
      socket.send("one more");
    },
  },
};

function listening(options: ApplicationOptions = {}): {
  reports: RefusalReport[];
  options: ApplicationOptions;
} {
  const reports: RefusalReport[] = [];
  return {
    reports,
    options: { onError: () => {}, onRefused: (report) => reports.push(report), ...options },
  };
}

const evil = { Origin: "http://evil.example" };

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe.each(SERVER_KINDS)("onRefused, over $name,", ({ start }) => {
  it.each<[string, string, Partial<RefusalReport>, ApplicationOptions?]>([
    [
      "a malformed key",
      handshake("/", { "Sec-WebSocket-Key": "x" }),
      { status: 400, route: "ws:/" },
    ],
    ["two Hosts", handshake("/", { Host: ["a", "b"] }), { status: 400, host: "a" }],
    [
      "no common subprotocol",
      handshake("/strict", { "Sec-WebSocket-Protocol": "v2" }),
      { status: 400, route: "ws:/strict", option: "protocols" },
    ],
    [
      "another origin",
      handshake("/", evil),
      { status: 403, route: "ws:/", option: "origins", origin: "http://evil.example" },
    ],
    [
      "several origins",
      handshake("/", { Origin: ["http://localhost", "http://b"] }),
      { status: 403, route: "ws:/", option: "origins", origin: "http://localhost, http://b" },
    ],
    ["no route", handshake("/none"), { status: 404, route: undefined, option: "routes" }],
    [
      "another host",
      handshake("/", { Host: "evil.example" }),
      { status: 421, host: "evil.example", option: "hosts" },
      { hosts: ["localhost"] },
    ],
    [
      "another version",
      handshake("/", { "Sec-WebSocket-Version": "8" }),
      { status: 426, route: "ws:/" },
    ],
    [
      "a plain GET of the path of a WebSocket",
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      { status: 426 },
    ],
    [
      "no room",
      handshake("/"),
      { status: 503, option: "maxConnections", route: "ws:/" },
      { maxConnections: 1 },
    ],
    [
      "a Response of the application",
      handshake("/private"),
      { status: 401, route: "ws:/private", by: "application" },
    ],
    ["an authorize that throws", handshake("/broken"), { status: 500, route: "ws:/broken" }],
  ])("reports a refused handshake: %s", async (what, request, expected, more) => {
    const { reports, options } = listening(more);
    await using server = await start(routes, options);
    const first = new RawClient(server);
    if (options.maxConnections === 1) {
      await first.send(handshake("/", { Host: "localhost" })).receives("\r\n\r\n");
    }
    const answer = await new RawClient(server).send(request).closed();
    expect(statusOf(answer)).toBe(expected.status);
    expect(reports).toEqual([
      {
        what: "handshake",
        by: "library",
        closeCode: undefined,
        option: undefined,
        issues: undefined,
        origin: undefined,
        host: request.includes("Host: localhost") ? "localhost" : "a",
        route: undefined,
        remoteAddress: transport.hasPorts ? "127.0.0.1" : "",
        reason: expect.stringMatching(/^[^"]{10,}\.$/) as string,
        ...(what === "a Response of the application" && { option: "authorize" }),
        ...expected,
      },
    ]);
    first.socket.destroy();
  });

  it("reports a request for another host, but not a 404", async () => {
    const { reports, options } = listening({ hosts: ["localhost"] });
    await using server = await start(routes, options);
    const get = (path: string, host: string): Promise<string> =>
      new RawClient(server)
        .send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        .closed();
    expect(statusOf(await get("/none", "localhost"))).toBe(404);
    expect(statusOf(await get("/page", "evil.example"))).toBe(421);
    expect(reports).toMatchObject([{ what: "request", status: 421, host: "evil.example" }]);
  });

  it("reports handshakes that the stopping server refuses while authorize decides", async () => {
    const { reports, options } = listening();
    const asked = deferred<void>();
    await using server = await start(
      {
        "ws:/": {
          authorize: () => {
            asked.resolve();
            return new Promise<object>(() => {});
          },
          handle: acceptAndEcho,
        },
      },
      options,
    );
    const client = new RawClient(server).send(handshake("/"));
    await asked.promise;
    const [answer] = await Promise.all([client.closed(), server[Symbol.asyncDispose]()]);
    expect(statusOf(answer)).toBe(503);
    expect(reports).toMatchObject([{ what: "handshake", status: 503, host: "localhost" }]);
  });

  it.each<[string, () => unknown]>([
    ...HOSTILE_VALUES.map(([what, make]): [string, () => unknown] => [
      `throws ${what}`,
      () => {
        throw make();
      },
    ]),
    ["rejects", () => Promise.reject(new Error("no"))],
    ["returns a thenable that throws", throwingThenable],
    ["returns an object whose then cannot be read", throwingThen],
  ])("has no effect if the listener %s", async (_what, onRefused) => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    const onUnhandled = vi.fn<(error: unknown) => void>();
    process.on("unhandledRejection", onUnhandled);
    await using server = await start(routes, { onRefused });
    for (const _again of [1, 2]) {
      const answer = await new RawClient(server).send(handshake("/none")).closed();
      expect(statusOf(answer)).toBe(404);
    }
    // Node reports an unhandled rejection within one turn.
    await new Promise(setImmediate);
    process.off("unhandledRejection", onUnhandled);
    expect(onUnhandled).not.toHaveBeenCalled();
    expect(print).toHaveBeenCalledOnce();
  });

  it("is called for a 403 with a text that quotes at most 200 characters of the origin", async () => {
    const { options } = listening();
    await using server = await start(routes, options);
    const origin = `http://${'<b>"'.repeat(1000)}`;
    const answer = await new RawClient(server).send(handshake("/", { Origin: origin })).closed();
    const [head, body] = answer.split("\r\n\r\n");
    expect(head).toMatch(/\r\nContent-Type: text\/plain; charset=utf-8\r\n/i);
    expect(head).toMatch(/\r\nX-Content-Type-Options: nosniff\r\n/i);
    expect(body).toContain(JSON.stringify(origin.slice(0, 200)));
    expect(body).not.toContain(JSON.stringify(origin.slice(0, 201)).slice(0, -1));
    expect(body).toContain("origins");
    vi.stubEnv("NODE_ENV", "production");
    const terse = await new RawClient(server).send(handshake("/", evil)).closed();
    expect(terse).toMatch(/"http:\/\/evil\.example" may not connect\.$/);
  });
});

describe.each(SERVER_KINDS)(
  "onRefused, for closes that the server decides on, over $name,",
  ({ start }) => {
    it.each(HOSTILE_FRAMES)("reports %s, closed with %i", async (_what, closeCode, frames) => {
      const { reports, options } = listening();
      await using server = await start(routes, options);
      const client = new RawClient(server).send(handshake("/", { Origin: "http://localhost" }));
      await client.receives("\r\n\r\n");
      client.socket.write(Buffer.from(frames("client"), "hex"));
      await client.closed();
      expect(reports).toEqual([
        {
          what: "connection",
          by: "library",
          status: undefined,
          closeCode,
          reason: expect.any(String) as string,
          option: closeCode === 1009 ? "maxMessageBytes" : undefined,
          issues: undefined,
          origin: "http://localhost",
          host: "localhost",
          route: "ws:/",
          remoteAddress: transport.hasPorts ? "127.0.0.1" : "",
        },
      ]);
    });
  },
);

describe("onRefused, for closes that an option of a route causes,", () => {
  it("reports 1007 and 1003 with the issues of the schema", async () => {
    const { reports, options } = listening();
    const server = await openVenue(routes, options);
    const texts: Array<string | Uint8Array> = ["5", "{", new Uint8Array(1)];
    for (const data of texts) {
      const socket = new server.WebSocket(`${server.url}/typed`);
      await socket.onOpen.first;
      socket.send(data);
      await socket.onClose.first;
    }
    expect(reports).toMatchObject([
      { closeCode: 1007, issues: [{ message: "not a string" }], option: "schema" },
      { closeCode: 1007, issues: [], route: "ws:/typed" },
      { closeCode: 1003, issues: [], what: "connection" },
    ]);
    await server.stop();
  });

  it("reports 1013 for a client that reads too slowly", async () => {
    const { reports, options } = listening();
    const server = await openVenue(routes, options);
    const socket = new server.WebSocket(`${server.url}/slow`);
    await socket.onClose.first;
    expect(reports).toMatchObject([{ closeCode: 1013, option: "maxBufferedBytes" }]);
    await server.stop();
  });

  it("does not report a close of the application", async () => {
    const { reports, options } = listening();
    const server = await openVenue(
      { "ws:/": (socket: { close(code: number): void }) => socket.close(1008) },
      options,
    );
    const socket = new server.WebSocket(`${server.url}/`);
    expect((await socket.onClose.first).code).toBe(1008);
    expect(reports).toEqual([]);
    await server.stop();
  });
});

describe.runIf(transport.hasPorts)("onRefused with serve, which owns the port,", () => {
  it.each([
    ["garbage", "\x16\x03\x01 not HTTP\r\n\r\n", 400],
    [
      "a head that is too large",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
    ],
    ["too many fields", `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(200)}\r\n`, 431],
    ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501],
  ])("reports %s", async (_what, bytes, status) => {
    const { reports, options } = listening();
    await using server = await serve({ ...options, port: 0, host: "127.0.0.1", routes });
    expect(statusOf(await new RawClient(server.port).send(bytes).closed())).toBe(status);
    expect(reports).toMatchObject([
      { what: "request", by: "library", status, remoteAddress: "127.0.0.1" },
    ]);
  });

  it.each([
    [
      "TLS on a port without TLS",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "The client uses TLS, but this port does not; connect with ws: or http:, or pass tls to the server.",
    ],
    [
      "a handshake from which a proxy has removed Upgrade",
      "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "This path accepts only WebSocket handshakes. The request has Sec-WebSocket-Key but not Upgrade: websocket " +
        "and Connection: Upgrade; if a proxy removed them, configure it to forward them.",
    ],
  ])("gives a reason that names the fix for %s", async (_what, bytes, reason) => {
    const { reports, options } = listening();
    await using server = await serve({ ...options, port: 0, host: "127.0.0.1", routes });
    const answer = await new RawClient(server.port).send(bytes).closed();
    expect(answer).toMatch(new RegExp(`${reason}$`));
    expect(reports).toMatchObject([{ reason }]);
  });

  const forwarded = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Host": "example.com",
    "X-Forwarded-Proto": "https",
  };
  const lines = Object.entries(forwarded)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const page = (host: string): string => `GET /page HTTP/1.1\r\n${host}${lines}\r\n`;

  it.each([
    ["a malformed request", page("Host: a\r\nHost: b\r\n"), 400],
    ["a malformed handshake", handshake("/", { Host: ["a", "b"], ...forwarded }), 400],
    ["a path that is too long", page("Host: a\r\n").replace("/page", `/${"x".repeat(9000)}`), 414],
    ["CONNECT", `CONNECT a:80 HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, 501],
    ["TRACE", page("Host: a\r\n").replace("GET", "TRACE"), 501],
    ["a pipelined handshake", page("Host: a\r\n") + handshake("/", forwarded), 400],
    [
      "garbage in a body",
      `POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${lines}\r\n?`,
      400,
    ],
  ])(
    "reports the address and the host of the client with trustProxy: %s",
    async (_what, bytes, status) => {
      const { reports, options } = listening({ trustProxy: 1 });
      await using server = await serve({
        ...options,
        port: 0,
        host: "127.0.0.1",
        routes: { ...routes, "/body": async (request) => new Response(await request.text()) },
      });
      await new RawClient(server.port).send(bytes).receives(`HTTP/1.1 ${status}`);
      expect(reports).toMatchObject([{ status, host: "example.com", remoteAddress: "192.0.2.1" }]);
    },
  );

  it("with trustProxy, reports the connection's address and host if the proxy names none", async () => {
    const { reports, options } = listening({ trustProxy: 1 });
    await using server = await serve({ ...options, port: 0, host: "127.0.0.1", routes });
    for (const field of ["X: y", "X-Forwarded-For: nonsense"]) {
      const request = `CONNECT a:80 HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`;
      await new RawClient(server.port).send(request).receives("HTTP/1.1 501");
    }
    const own = { status: 501, host: "a", remoteAddress: "127.0.0.1" };
    expect(reports).toMatchObject([own, own]);
  });

  it("with trustProxy, reports the host of the client when the stopping server refuses", async () => {
    const { reports, options } = listening({ trustProxy: 1 });
    const asked = deferred<void>();
    const authorize = (): Promise<object> => {
      asked.resolve();
      return new Promise(() => {});
    };
    const server = await serve({
      ...options,
      port: 0,
      host: "127.0.0.1",
      routes: { "ws:/": { authorize, handle: acceptAndEcho } },
    });
    const client = new RawClient(server.port).send(handshake("/", forwarded));
    await asked.promise;
    const [answer] = await Promise.all([client.closed(), server.stop()]);
    expect(statusOf(answer)).toBe(503);
    expect(reports).toMatchObject([
      { what: "handshake", status: 503, host: "example.com", remoteAddress: "192.0.2.1" },
    ]);
  });

  it("with trustProxy, reports the address and the host of the client over HTTP/2", async () => {
    const { reports, options } = listening({ trustProxy: 1 });
    const asked = deferred<void>();
    const authorize = (): Promise<object> => {
      asked.resolve();
      return new Promise(() => {});
    };
    const server = await startTls({
      ...options,
      routes: { "ws:/": { authorize, handle: acceptAndEcho } },
    });
    const session = await openSession(server);
    const fields = { "x-forwarded-for": "192.0.2.1", "x-forwarded-host": "example.com" };
    const connect = session.request({ ":method": "CONNECT", ":authority": "a:80", ...fields });
    const expectation = session.request({ ":path": "/", expect: "tea", ...fields });
    const malformed = extendedConnect(session, "/#a", fields).end();
    const statuses = [connect, expectation, malformed].map(
      async (one) => (await answerOf(one)).status,
    );
    expect(await Promise.all(statuses)).toEqual([501, 417, 400]);
    const pending = answerOf(extendedConnect(session, "/", fields));
    await asked.promise;
    void server.stop();
    expect(await pending).toMatchObject({ status: 503 });
    expect(reports).toHaveLength(4);
    for (const report of reports) {
      expect(report).toMatchObject({ host: "example.com", remoteAddress: "192.0.2.1" });
    }
  });

  it("does not report connections that send nothing", async () => {
    const { reports, options } = listening({ handshakeTimeoutMs: 50 });
    await using server = await serve({ ...options, port: 0, host: "127.0.0.1", routes });
    expect(statusOf(await new RawClient(server.port).closed())).toBe(408);
    const slow = new RawClient(server.port).send("GET / HTTP/1.1\r\n");
    expect(statusOf(await slow.closed())).toBe(408);
    expect(reports).toMatchObject([{ status: 408, option: "handshakeTimeoutMs" }]);
  });

  it.each<[string, string, Record<string, string>, Partial<RefusalReport>, ApplicationOptions?]>([
    ["another origin", "/", { origin: "http://evil.example" }, { status: 403, option: "origins" }],
    ["no route", "/none", {}, { status: 404 }],
    ["another host", "/", {}, { status: 421, option: "hosts" }, { hosts: ["example.com"] }],
    ["another version", "/", { "sec-websocket-version": "8" }, { status: 400 }],
    ["a Response of the application", "/private", {}, { status: 401, by: "application" }],
    ["a malformed target", "/#a", {}, { status: 400 }],
  ])("reports handshakes over HTTP/2: %s", async (_what, path, fields, expected, more) => {
    const { reports, options } = listening(more);
    const server = await startTls({ ...options, routes });
    const session = await openSession(server);
    expect(await answerOf(extendedConnect(session, path, fields).end())).toMatchObject({
      status: expected.status,
    });
    expect(reports).toMatchObject([
      {
        what: "handshake",
        by: "library",
        host: `localhost:${server.port}`,
        remoteAddress: "127.0.0.1",
        ...(fields["origin"] !== undefined && { origin: fields["origin"] }),
        ...expected,
      },
    ]);
  });

  it("reports closes over HTTP/2", async () => {
    const { reports, options } = listening();
    const server = await startTls({ ...options, routes });
    const stream = extendedConnect(await openSession(server), "/");
    stream.end(Buffer.from("a18000000000", "hex"));
    await answerOf(stream);
    expect(reports).toMatchObject([
      {
        what: "connection",
        closeCode: 1002,
        host: `localhost:${server.port}`,
        remoteAddress: "127.0.0.1",
      },
    ]);
  });
});

describe("the console without onRefused", () => {
  it("prints one line per kind and minute, with origin, host and option", async () => {
    const print = vi.spyOn(console, "warn").mockImplementation(() => {});
    const move = movableClock();
    const server = await transport.serve(routes, {});
    const refuse = async (request: string): Promise<unknown> =>
      await new RawClient(server).send(request).closed();
    await refuse(handshake("/", evil));
    await refuse(handshake("/", { Origin: "http://other.example\x80" }));
    await refuse(handshake("/private"));
    await refuse(handshake("/private"));
    const lines = print.mock.calls.flat();
    expect(lines).toEqual([
      expect.stringMatching(/403.*"http:\/\/evil\.example".*"localhost".*option.*origins/),
      expect.stringMatching(
        /the application refused a handshake with 401.*origin none.*route "ws:\/private"/,
      ),
    ]);
    move(60_001);
    await refuse(handshake("/", { Origin: "http://other.example\x80" }));
    expect(print.mock.calls.flat()).toHaveLength(3);
    expect(print.mock.calls.flat()[2]).toContain(String.raw`"http://other.example\u0080"`);
    await server.stop();
  });

  it("prints the whole refusal in one line", async () => {
    const print = vi.spyOn(console, "warn").mockImplementation(() => {});
    const server = await transport.serve(routes, {});
    await new RawClient(server).send(handshake("/", evil)).closed();
    const socket = new server.WebSocket(`${server.url.replace("http:", "ws:")}/typed`);
    await socket.onOpen.first;
    socket.send("5");
    await socket.onClose.first;
    const { host } = new URL(server.url);
    const address = transport.hasPorts ? "127.0.0.1" : "unknown";
    const ending =
      "Each kind of refusal is printed once a minute; set onRefused to get all of them.";
    expect(print.mock.calls).toEqual([
      [
        "tideway: the server refused a handshake with 403: Pages from this origin may not connect " +
          `(origin "http://evil.example", host "localhost", route "ws:/", address ${address}). ` +
          `The option that decides this: origins. ${ending}`,
      ],
      [
        "tideway: the server closed a connection with 1007: the peer's message is not valid, " +
          `"not a string" (origin none, host "${host}", route "ws:/typed", address ${address}). ` +
          `The option that decides this: schema. ${ending}`,
      ],
    ]);
    await server.stop();
  });

  it("prints an origin and a host without user names, passwords and queries", async () => {
    const print = vi.spyOn(console, "warn").mockImplementation(() => {});
    const server = await transport.serve(routes, {});
    const Origin = "http://user:secret@evil.example/?token=secret";
    await new RawClient(server).send(handshake("/", { Origin })).closed();
    const [line] = print.mock.calls.flat();
    expect(line).toContain('origin "http://evil.example/", host');
    expect(line).not.toContain("secret");
    await server.stop();
  });

  it("prints nothing in production", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const print = vi.spyOn(console, "warn").mockImplementation(() => {});
    const server = await transport.serve(routes, {});
    await new RawClient(server).send(handshake("/", evil)).closed();
    expect(print).not.toHaveBeenCalled();
    await server.stop();
  });
});

it("an onRefused that is not a function is refused", async () => {
  const options = { port: 0, routes: {}, onRefused: true as never };
  await expect(serve(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
