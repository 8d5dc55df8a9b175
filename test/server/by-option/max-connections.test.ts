import { once } from "node:events";
import { connect } from "node:net";
import { MemoryNetwork } from "tideway/testing";
import { type Socket, serve } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { transport } from "../../suite/transports.ts";
import {
  connectionCount,
  handshake,
  nextMessage,
  openClient,
  RawClient,
  statusOf,
} from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) socket.send(message);
}

describe.each(SERVER_KINDS)("maxConnections, over $name,", ({ start }) => {
  it("answers a further handshake with 503 and Retry-After until a connection closes", async () => {
    await using server = await start({ "ws:/echo": echo }, { maxConnections: 2 });
    const clients = [await openClient(server, "/echo"), await openClient(server, "/echo")];

    const response = await new RawClient(server).send(handshake("/echo")).closed();
    expect(statusOf(response)).toBe(503);
    expect(response).toMatch(/\r\nretry-after: [1-9]\d*\r\n/i);
    expect(server.sockets.size).toBe(2);
    for (const client of clients) {
      client.send("unharmed");
      expect(await nextMessage(client)).toBe("unharmed");
    }

    clients[0].close();
    await vi.waitFor(() => expect(server.sockets.size).toBe(1), 10_000);
    const late = await openClient(server, "/echo");
    late.send("let in");
    expect(await nextMessage(late)).toBe("let in");
  });

  it("counts handshakes while authorize decides", async () => {
    const decisions: Array<(state: unknown) => void> = [];
    const routes = {
      "ws:/": {
        authorize: () => new Promise<unknown>((resolve) => decisions.push(resolve)),
        handle: () => {},
      },
    };
    await using server = await start(routes, { maxConnections: 2 });
    const ask = (): RawClient => new RawClient(server).send(handshake("/"));
    const [first, second] = [ask(), ask()];
    await vi.waitFor(() => expect(decisions).toHaveLength(2), 10_000);
    expect(statusOf(await ask().closed())).toBe(503);

    // A refused handshake no longer counts.
    decisions[0](new Response("no", { status: 403 }));
    expect(statusOf(await first.closed())).toBe(403);
    const third = ask();
    await vi.waitFor(() => expect(decisions).toHaveLength(3), 10_000);
    decisions[1]({});
    decisions[2]({});
    await second.receives("101 Switching Protocols");
    await third.receives("101 Switching Protocols");
    expect(server.sockets.size).toBe(2);
    expect(statusOf(await ask().closed())).toBe(503);
    for (const { socket } of [second, third]) socket.destroy();
  });

  it.each([
    ["rejects", () => Promise.reject(new Error("bug")), 500],
    ["never decides", () => new Promise(() => {}), 503],
  ])("no longer counts a handshake when authorize %s", async (_how, authorize, status) => {
    const onError = vi.fn<(error: unknown) => void>();
    const routes = { "ws:/": { authorize, handle: () => {} }, "ws:/echo": echo };
    const options = { maxConnections: 1, handshakeTimeoutMs: 100, onError };
    await using server = await start(routes, options);
    const refused = await new RawClient(server).send(handshake("/")).closed();
    expect(statusOf(refused)).toBe(status);
    expect(refused).not.toMatch(/retry-after/i);
    expect(onError).toHaveBeenCalledOnce();
    const client = await openClient(server, "/echo");
    client.send("let in");
    expect(await nextMessage(client)).toBe("let in");
  });

  it("answers 403 rather than 503 to a page of another origin when the server is full", async () => {
    await using server = await start({ "ws:/echo": echo }, { maxConnections: 1 });
    await openClient(server, "/echo");
    const foreign = handshake("/echo", { Origin: "https://evil.example" });
    expect(statusOf(await new RawClient(server).send(foreign).closed())).toBe(403);
  });
});

it("maxConnections applies in memory too", async () => {
  const network = new MemoryNetwork();
  await using server = network.serve({ routes: { "ws:/echo": echo }, maxConnections: 1 });
  const first = new network.WebSocket("ws://test/echo");
  await first.onOpen.first;
  const second = new network.WebSocket("ws://test/echo");
  const [error, { code }] = await Promise.all([second.onError.first, second.onClose.first]);
  expect(error).toMatchObject({ type: "error" });
  expect(code).toBe(1006);
  expect(server.sockets.size).toBe(1);
  expect(first.readyState).toBe(first.OPEN);
});

// This bound belongs to `serve`: with `attach`, the HTTP server has its own.
it.runIf(transport.hasPorts)(
  "maxConnections bounds silent connections too, without affecting open sockets",
  async () => {
    await using server = await serve({ port: 0, maxConnections: 1, routes: { "ws:/echo": echo } });
    const client = await openClient(server.url, "/echo");
    const silent = Array.from({ length: 1000 }, () => connect(server.port));
    try {
      await Promise.all(silent.map((socket) => once(socket, "connect")));
      // The kernel has its own queues, so a connected socket may not have been accepted yet.
      await vi.waitUntil(async () => (await connectionCount(server.httpServer)) === 1001);
      // The server drops it on accept without a response, before handshakeTimeoutMs.
      expect(await new RawClient(server.port).closed()).toBe("");
      client.send("unharmed");
      expect(await nextMessage(client)).toBe("unharmed");
    } finally {
      for (const socket of silent) socket.destroy();
    }
  },
);

it.each([0, -1, 1.5, NaN, "10", null])("maxConnections: %o is refused", async (maxConnections) => {
  const options = { port: 0, routes: {}, maxConnections: maxConnections as number };
  await expect(serve(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});

it("maxConnections may be Infinity", async () => {
  await using server = await serve({
    port: 0,
    maxConnections: Infinity,
    routes: { "ws:/echo": echo },
  });
  const client = await openClient(server.url, "/echo");
  client.send("let in");
  expect(await nextMessage(client)).toBe("let in");
});
