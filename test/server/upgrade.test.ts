import { once } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { reportingServers } from "../suite/start.ts";
import type { Running } from "../suite/transports.ts";
import {
  closeOf,
  handshake,
  nextMessage,
  openClient,
  RawClient,
  statusOf,
} from "../support/clients.ts";

const { onError, start } = reportingServers();
let server: Running;

describe("subprotocols", () => {
  const begin = (): Promise<Running> =>
    start({
      routes: {
        "ws:/strict": {
          protocols: ["v2", "v1"],
          handle: (socket, { protocol }) => socket.send(`agreed on ${protocol}`),
        },
        "ws:/lax": {
          protocols: ["v2", ""],
          handle: (socket, { protocol }) => socket.send(`agreed on "${protocol}"`),
        },
        "ws:/none": (socket) => socket.send("open"),
      },
    });

  it("are chosen by the server's order of preference", async () => {
    server = await begin();
    const client = await openClient(server, "/strict", ["v1", "v2"]);
    expect(client.protocol).toBe("v2");
    expect(await nextMessage(client)).toBe("agreed on v2");
  });

  it.each([[], ["v3"], ["V2"]])("cause a 400 if the client offers only %j", async (...offers) => {
    server = await begin();
    await expect(openClient(server, "/strict", offers as string[])).rejects.toThrow("400");
  });

  it("are optional if the list contains the empty string", async () => {
    server = await begin();
    const client = await openClient(server, "/lax");
    expect(await nextMessage(client)).toBe('agreed on ""');
  });

  it("are ignored on a route without protocols (RFC 6455 4.2.2)", async () => {
    server = await begin();
    const client = new RawClient(server);
    client.send(handshake("/none", { "Sec-WebSocket-Protocol": "v1" }));
    expect((await client.receives("open")).toLowerCase()).not.toContain("sec-websocket-protocol");
    client.socket.destroy();
  });
});

describe("the option origins", () => {
  const connect = async (path: string, origin: string | string[] | undefined): Promise<number> => {
    const client = new RawClient(server);
    client.send(handshake(path, { Host: "example.com:8080", Origin: origin }));
    const status = statusOf(await client.receives("\r\n\r\n"));
    client.socket.destroy();
    return status;
  };

  it.each([
    [undefined, 101],
    ["http://example.com:8080", 101],
    // A proxy may terminate TLS, so the scheme may differ.
    ["https://example.com:8080", 101],
    ["HTTP://EXAMPLE.com:8080", 101],
    ["http://example.com", 403],
    ["http://example.com:8081", 403],
    ["http://example.org:8080", 403],
    ["http://sub.example.com:8080", 403],
    ["null", 403],
    ["", 403],
    ["example.com:8080", 403],
    ["http://example.com:8080/", 403],
    ["http://user@example.com:8080", 403],
    ["http://example.com:8080, http://example.com:8080", 403],
    [["http://example.com:8080", "http://example.com:8080"], 403],
    ["ftp://example.com:8080", 403],
    ["http://[", 403],
  ])("by default answers a page of %j with %i", async (origin, status) => {
    server = await start({ routes: { "ws:/": () => {} } });
    expect(await connect("/", origin)).toBe(status);
    expect(onError).not.toHaveBeenCalled();
  });

  it("may be a list, which accepts its origins and clients without Origin", async () => {
    server = await start({
      origins: "*",
      routes: { "ws:/": { origins: ["https://a.example", "app://b"], handle: () => {} } },
    });
    expect(await connect("/", "https://a.example")).toBe(101);
    expect(await connect("/", "https://A.example:443")).toBe(101);
    expect(await connect("/", "app://b")).toBe(101);
    expect(await connect("/", undefined)).toBe(101);
    expect(await connect("/", "http://a.example")).toBe(403);
    expect(await connect("/", "http://example.com:8080")).toBe(403);
  });

  it("may be *, which accepts any origin, including an opaque origin", async () => {
    server = await start({ origins: "*", routes: { "ws:/": () => {} } });
    expect(await connect("/", "null")).toBe(101);
    expect(await connect("/", "https://anything.example")).toBe(101);
  });

  it("may be a function, which accepts an origin only by returning true", async () => {
    server = await start({
      routes: {
        "ws:/yes": { origins: (origin) => origin === "https://a.example", handle: () => {} },
        "ws:/promise": { origins: (() => Promise.resolve(true)) as never, handle: () => {} },
      },
    });
    expect(await connect("/yes", "https://a.example")).toBe(101);
    expect(await connect("/yes", "https://b.example")).toBe(403);
    expect(await connect("/yes", "null")).toBe(403);
    expect(await connect("/promise", "https://a.example")).toBe(403);
  });

  it("refuses the client, with a report, when its function throws", async () => {
    const bug = new Error("bug");
    const origins = (): boolean => {
      throw bug;
    };
    server = await start({ routes: { "ws:/": { origins, handle: () => {} } } });
    expect(await connect("/", "https://a.example")).toBe(403);
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      bug,
      expect.objectContaining({ route: "ws:/" }),
    );
  });
});

it("an async function as origins refuses every origin and is reported", async () => {
  const origins = [async () => true, () => Promise.reject(new Error("bug"))];
  server = await start({
    routes: {
      "ws:/0": { origins: origins[0] as never, handle: () => {} },
      "ws:/1": { origins: origins[1] as never, handle: () => {} },
    },
  });
  for (const path of ["/0", "/1"]) {
    const request = handshake(path, { Origin: "http://localhost" });
    expect(statusOf(await new RawClient(server).send(request).closed())).toBe(403);
  }
  expect(onError).toHaveBeenCalledTimes(2);
  expect(onError).toHaveBeenCalledWith(
    expect.objectContaining({ code: "INVALID_ORIGIN" }),
    expect.objectContaining({ route: "ws:/0" }),
  );
});

describe("authorize", () => {
  it("gives the handler the returned state and the request", async () => {
    server = await start({
      routes: {
        "ws:/rooms/:room": {
          authorize: async (request: Request, { params }: { params: { room: string } }) => ({
            user: request.headers.get("x-user"),
            room: params.room,
          }),
          handle: (socket, { state, request }) =>
            socket.send(`${state.user} in ${state.room}: ${request.method} ${request.url}`),
        },
      },
    });
    const client = await openClient(server, "/rooms/a%20b?x", [], {
      headers: { "x-user": "me" },
    });
    expect(await nextMessage(client)).toBe(`me in a b: GET ${server.url}/rooms/a%20b?x`);
  });

  it.each([
    ["at once", () => new Response("who are you?", { status: 401, headers: { "x-why": "name" } })],
    [
      "later",
      async () => new Response("who are you?", { status: 401, headers: { "x-why": "name" } }),
    ],
  ])(
    "refuses with the returned response %s and closes the connection",
    async (_when, authorize) => {
      const handle = vi.fn<() => void>();
      server = await start({ routes: { "ws:/": { authorize, handle } } });
      const response = await new RawClient(server).send(handshake("/")).closed();
      expect(statusOf(response)).toBe(401);
      expect(response).toMatch(/\r\nconnection: close\r\n/i);
      expect(response).toMatch(/\r\nx-why: name\r\n/i);
      expect(response).toContain("who are you?");
      expect(handle).not.toHaveBeenCalled();
    },
  );

  it("sends a refusing response of any length at the pace of the client", async () => {
    const page = "0123456789".repeat(100_000);
    const body = (): ReadableStream<Uint8Array> => new Blob([page]).stream();
    server = await start({
      routes: {
        "ws:/": { authorize: () => new Response(body(), { status: 403 }), handle: () => {} },
      },
    });
    const response = await new RawClient(server).send(handshake("/")).closed();
    expect(statusOf(response)).toBe(403);
    expect(response.replaceAll(/\r\n[0-9a-f]+\r\n/g, "")).toContain(page);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("the secret");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("the secret");
      },
    ],
  ])("answers 500 without details when it %s, and reports the error", async (_how, authorize) => {
    server = await start({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const response = await new RawClient(server).send(handshake("/")).closed();
    expect(statusOf(response)).toBe(500);
    expect(response).not.toContain("secret");
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      new Error("the secret"),
      expect.objectContaining({ route: "ws:/" }),
    );
  });

  it("can redirect the client (RFC 6455 4.2.2)", async () => {
    const authorize = (): Response => Response.redirect("https://example.com/chat", 307);
    server = await start({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const response = await new RawClient(server).send(handshake("/")).closed();
    expect(statusOf(response)).toBe(307);
    expect(response).toMatch(/\r\nlocation: https:\/\/example\.com\/chat\r\n/i);
  });

  it("answers 503 when it takes longer than handshakeTimeoutMs", async () => {
    server = await start({
      handshakeTimeoutMs: 100,
      routes: { "ws:/": { authorize: () => new Promise(() => {}), handle: () => {} } },
    });
    const response = await new RawClient(server).send(handshake("/")).closed();
    expect(statusOf(response)).toBe(503);
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: "AUTHORIZE_TIMEOUT" }),
      expect.anything(),
    );
  });

  it.each<[string, (client: RawClient) => void]>([
    ["ends", ({ socket }) => void socket.end()],
    ["is destroyed", ({ socket }) => void socket.destroy()],
    ["is reset", (client) => client.reset()],
  ])(
    "aborts the signal of the request when the client's socket %s, and frees the connection",
    async (_how, go) => {
      const handle = vi.fn<() => void>();
      const asked = vi.fn<(signal: AbortSignal) => void>();
      let decide!: (state: object) => void;
      const authorize = (request: Request): Promise<object> => {
        asked(request.signal);
        return new Promise((resolve) => {
          decide = resolve;
        });
      };
      server = await start({ routes: { "ws:/": { authorize, handle } } });
      const client = new RawClient(server).send(handshake("/"));
      await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
      go(client);
      const [signal] = asked.mock.calls[0];
      if (!signal.aborted) await once(signal, "abort");
      decide({ is: "too late" });
      await server.stop();
      expect(handle).not.toHaveBeenCalled();
      expect(onError).not.toHaveBeenCalled();
      expect(server.sockets.size).toBe(0);
    },
  );

  it("keeps the data that the client sends before the handshake is accepted", async () => {
    let letIn!: (state: object) => void;
    server = await start({
      routes: {
        "ws:/": {
          authorize: () =>
            new Promise<object>((resolve) => {
              letIn = resolve;
            }),
          handle: async (socket) => {
            for await (const message of socket) socket.send(message);
          },
        },
      },
    });
    const client = new RawClient(server);
    // "ab" in a masked text frame with a masking key of zeros, split in two.
    client.send(`${handshake("/")}\x81\x82\0\0`);
    await vi.waitFor(() => expect(letIn).toBeTypeOf("function"));
    client.send("\0\0a");
    client.send("b");
    letIn({});
    expect(await client.receives("\x81\x02ab")).toMatch(/^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });
});

describe("a route with limits", () => {
  it("closes with 1009 for a message above maxMessageBytes", async () => {
    server = await start({
      maxMessageBytes: 1000,
      routes: {
        "ws:/small": {
          maxMessageBytes: 10,
          handle: async (socket) => {
            for await (const message of socket) socket.send(message);
          },
        },
        "ws:/default": async (socket) => {
          for await (const message of socket) socket.send(message);
        },
      },
    });
    const small = await openClient(server, "/small");
    small.send("x".repeat(11));
    expect((await closeOf(small)).code).toBe(1009);
    const client = await openClient(server, "/default");
    client.send("x".repeat(1000));
    expect(await nextMessage(client)).toBe("x".repeat(1000));
    client.send("x".repeat(1001));
    expect((await closeOf(client)).code).toBe(1009);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("a handler", () => {
  it("closes its own socket with 1011 when it throws, is reported once, and leaves others open", async () => {
    const bug = new Error("bug");
    server = await start({
      routes: {
        "ws:/": async (socket) => {
          for await (const message of socket) {
            if (message === "bug") throw bug;
            socket.send(message);
          }
        },
      },
    });
    const [bad, good] = await Promise.all([openClient(server), openClient(server)]);
    bad.send("bug");
    expect(await closeOf(bad)).toEqual({ code: 1011, reason: "" });
    good.send("still here");
    expect(await nextMessage(good)).toBe("still here");
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      bug,
      expect.objectContaining({ route: "ws:/" }),
    );
  });

  it("can return and leave the socket open", async () => {
    const sockets = new Set<{ send(text: string): boolean }>();
    server = await start({ routes: { "ws:/": (socket) => sockets.add(socket) } });
    const client = await openClient(server);
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    for (const socket of sockets) socket.send("to all");
    expect(await nextMessage(client)).toBe("to all");
  });
});
