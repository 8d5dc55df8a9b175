import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { attach, serve } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { startServer } from "../../suite/start.ts";
import { type Reach, tcpReach, transport } from "../../suite/transports.ts";
import { closeOf, handshake, openClient, RawClient, statusOf } from "../../support/clients.ts";

/** A promise with the functions that settle it. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  return { promise: new Promise<void>((settle) => (resolve = settle)), resolve };
}

const LONG_MS = 3_600_000;

function openClients(server: Reach, count: number) {
  return Promise.all(Array.from({ length: count }, () => openClient(server)));
}

describe("stop with drain", () => {
  it("closes one batch after another with 1012 and ends when all sockets are closed", async () => {
    const server = await startServer({ routes: { "ws:/": () => {} } });
    const clients = await openClients(server, 5);
    const order: number[] = [];
    clients.forEach((client, index) => client.on("close", () => order.push(index)));
    const closed = Promise.all(clients.map((client) => closeOf(client)));
    await server.stop({ drain: { batch: 1, intervalMs: 1, deadlineMs: LONG_MS } });
    expect(server.sockets.size).toBe(0);
    expect(await closed).toEqual(clients.map(() => ({ code: 1012, reason: "" })));
    expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it("accepts another code and a reason, and ends at once without sockets", async () => {
    const server = await startServer({ routes: { "ws:/": () => {} } });
    const [client] = await openClients(server, 1);
    const closed = closeOf(client);
    const drain = { deadlineMs: LONG_MS };
    await server.stop({ drain, code: 4001, reason: "upgrade" });
    expect(await closed).toEqual({ code: 4001, reason: "upgrade" });
    const idle = await startServer({ routes: { "ws:/": () => {} } });
    await expect(idle.stop({ drain })).resolves.toBeUndefined();
  });

  it("answers new handshakes with 503, Retry-After and Connection: close", async () => {
    const asked = vi.fn<() => void>();
    let decide!: (state: object) => void;
    const decision = new Promise<object>((resolve) => (decide = resolve));
    const authorize = (): Promise<object> => {
      asked();
      return decision;
    };
    const server = await startServer({ routes: { "ws:/": { authorize, handle: () => {} } } });
    const client = new RawClient(server).send(handshake("/"));
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
    await server.stop({ drain: { deadlineMs: 90_500 } });
    const response = await client.closed();
    expect(statusOf(response)).toBe(503);
    expect(response).toMatch(/\r\nretry-after: 91\r\n/i);
    expect(response).toMatch(/\r\nconnection: close\r\n/i);
    decide({});
  });

  it("ends at its deadline despite open sockets", async () => {
    const returned = deferred();
    const server = await startServer({ routes: { "ws:/": () => returned.promise } });
    // This client does not answer Close frames.
    const deaf = new RawClient(server).send(handshake("/"));
    await deaf.receives("\r\n\r\n");
    await server.stop({ drain: { deadlineMs: 100 } });
    expect(await deaf.closed()).toContain("\r\n\r\n\x88\x02\x03\xf4");
    returned.resolve();
  });

  it("can be shortened by another stop, which resolves at the same time", async () => {
    const server = await startServer({ routes: { "ws:/": () => {} } });
    const clients = await openClients(server, 3);
    const closed = Promise.all(clients.map((client) => closeOf(client)));
    const pace = { batch: 1, intervalMs: LONG_MS, deadlineMs: 100 * LONG_MS };
    const drained = server.stop({ drain: pace });
    await server.stop({ code: 1001 });
    await drained;
    expect((await closed).map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([
      1001, 1001, 1012,
    ]);
  });

  it("accepts an earlier deadline but not a later one", async () => {
    const server = await startServer({ routes: { "ws:/": () => {} } });
    const deaf = new RawClient(server).send(handshake("/"));
    await deaf.receives("\r\n\r\n");
    const stopped = [
      server.stop({ drain: { deadlineMs: LONG_MS } }),
      server.stop({ timeoutMs: 50 }),
      server.stop({ timeoutMs: LONG_MS }),
    ];
    await Promise.all(stopped);
    await deaf.closed();
    await expect(server.stop({ timeoutMs: LONG_MS })).resolves.toBeUndefined();
  });
});

describe("stop", () => {
  it.each([{}, { drain: {} }])(
    "waits for a handler that has not returned (%j)",
    async (options) => {
      const returned = deferred();
      const steps: string[] = [];
      const server = await startServer({
        routes: {
          "ws:/": async (socket) => {
            await socket.done;
            steps.push("closed");
            await returned.promise;
            steps.push("returned");
          },
        },
      });
      await openClients(server, 1);
      const stopped = server.stop(options).then(() => steps.push("stopped"));
      await vi.waitFor(() => expect(steps).toEqual(["closed"]));
      expect(server.sockets.size).toBe(0);
      returned.resolve();
      await stopped;
      expect(steps).toEqual(["closed", "returned", "stopped"]);
    },
  );

  it("waits for a handler that later throws and reports the error", async () => {
    const thrown = deferred();
    const onError = vi.fn<(error: unknown) => void>();
    const server = await startServer({
      onError,
      routes: {
        "ws:/": async () => {
          await thrown.promise;
          throw new Error("late");
        },
      },
    });
    const [client] = await openClients(server, 1);
    const closed = closeOf(client);
    const stopped = server.stop({ timeoutMs: LONG_MS });
    expect((await closed).code).toBe(1001);
    thrown.resolve();
    await stopped;
    expect(onError).toHaveBeenCalledOnce();
  });

  it("does not wait beyond timeoutMs for a handler", async () => {
    const never = deferred();
    const server = await startServer({ routes: { "ws:/": () => never.promise } });
    await openClients(server, 1);
    await server.stop({ timeoutMs: 100 });
    expect(server.sockets.size).toBe(0);
    never.resolve();
  });
});

// After the listeners of a server that continues, as with an attachment, requests are served.
it.runIf(transport.hasPorts)(
  "a stopping server answers requests with 503, after the responses to earlier requests",
  async () => {
    const finish = deferred();
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("begun"));
        await finish.promise;
        controller.close();
      },
    });
    await using server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: { "/slow": () => new Response(body), "/next": () => new Response("served") },
    });
    server.httpServer.on("request", ({ url }) => {
      if (url === "/next") finish.resolve();
    });
    const client = new RawClient(tcpReach(server.port));
    await client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").receives("begun");
    const stopped = server.stop({ timeoutMs: LONG_MS });
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    const response = (await client.closed()).split("\r\n0\r\n\r\n")[1];
    expect(statusOf(response)).toBe(503);
    expect(response).toMatch(/\r\nretry-after: 3600\r\n/i);
    expect(response).toMatch(/\r\nconnection: close\r\n/i);
    await stopped;
  },
);

// Both need a server that listens.
describe.runIf(transport.hasPorts)("`await using`", () => {
  it.each(["serve", "attach"])("of %s waits until the handlers have returned", async (name) => {
    const finish = deferred();
    const order: string[] = [];
    const routes = {
      "ws:/": async () => {
        await finish.promise;
        order.push("returned");
      },
    };
    const httpServer = createServer().listen(0, "127.0.0.1");
    await once(httpServer, "listening");
    const started =
      name === "serve" ? await serve({ port: 0, host: "127.0.0.1", routes }) : undefined;
    const running = started ?? attach(httpServer, { routes });
    const port = started?.port ?? (httpServer.address() as AddressInfo).port;
    const [client] = await openClients(tcpReach(port), 1);
    const closed = closeOf(client);
    const disposed = running[Symbol.asyncDispose]().then(() => order.push("disposed"));
    expect((await closed).code).toBe(1001);
    finish.resolve();
    await disposed;
    expect(order).toEqual(["returned", "disposed"]);
    httpServer.close();
    httpServer.closeAllConnections();
  });
});
