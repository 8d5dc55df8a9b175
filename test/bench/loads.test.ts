import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messagesPerBatch } from "../../bench/src/load/batches.ts";
import { runBroadcast } from "../../bench/src/load/broadcast.ts";
import { feedClients } from "../../bench/src/load/client-receive.ts";
import { drainClients } from "../../bench/src/load/client-send.ts";
import { runEcho } from "../../bench/src/load/echo.ts";
import { runFixedRate } from "../../bench/src/load/fixed-rate.ts";
import { runHandshakes } from "../../bench/src/load/handshake.ts";
import { runRequests } from "../../bench/src/load/requests.ts";
import { openIdle } from "../../bench/src/load/idle.ts";
import type { Load } from "../../bench/src/load/loads.ts";
import type { RunOrder, TrafficRound } from "../../bench/src/load/protocol.ts";
import { WebSocket } from "../../src/node/index.ts";
import { prepare, type Server, serve } from "../../src/node/server.ts";
import { TLS } from "../support/certificate.ts";

const SHAPE = { payload: "binary", payloadBytes: 125, connections: 3 } as const;
const TEXT = { payload: "ascii", payloadBytes: 125, connections: 3 } as const;

describe.skipIf(process.platform !== "linux")("the load of the bench", () => {
  let server: Server;

  beforeAll(async () => {
    server = await serve({
      port: 0,
      host: "127.0.0.1",
      routes: {
        "/hello": () => new Response("hello"),
        "ws:/": {
          compression: true,
          handle: (socket) => {
            socket.listen((message) => {
              if (typeof message !== "string" || !message.startsWith("P!")) socket.send(message);
              else for (const other of server.sockets) other.send(prepare(message.slice(2)));
            });
          },
        },
      },
    });
  });

  afterAll(async () => {
    await server.stop();
  });

  it("echoes several concurrent messages on every connection", async () => {
    const load = { kind: "echo", ...SHAPE, inFlight: 4 } as const;
    expectRound(await runEcho(load, orderOf(load)));
  });

  it.each([
    ["small messages", 125, 4],
    // More bytes than the initial flow-control window.
    ["messages of 64 KiB", 65_536, 4],
  ])(
    "echoes %s over HTTP/2, and fails once the server has stopped",
    async (_, payloadBytes, inFlight) => {
      const secure = await serve({
        port: 0,
        host: "127.0.0.1",
        tls: TLS,
        routes: { "ws:/": (socket) => socket.listen((message) => socket.send(message)) },
      });
      const load = { kind: "echo", ...SHAPE, payloadBytes, inFlight } as const;
      const order = orderOf(load);
      const subject = { ...order.subject, port: secure.port, isTls: true, isHttp2: true };
      try {
        expectRound(await runEcho(load, { ...order, subject }));
      } finally {
        await secure.stop({ timeoutMs: 1 });
      }
      const closed = runEcho(load, { ...order, subject });
      await expect(closed).rejects.toThrow("ECONNREFUSED");
    },
  );

  it("sends HTTP requests on every connection", async () => {
    const load = { kind: "requests", connections: 3 } as const;
    expectRound(await runRequests(load, orderOf(load)));
  });

  it("echoes compressed messages, and fails if the server does not compress", async () => {
    const load = {
      kind: "echo",
      payload: "json",
      payloadBytes: 1024,
      connections: 3,
      inFlight: 2,
      deflate: "no takeover",
    } as const;
    expectRound(await runEcho(load, orderOf(load)));

    const tooShort = { ...load, payload: "ascii", payloadBytes: 100 } as const;
    await expect(runEcho(tooShort, orderOf(tooShort))).rejects.toThrow("the unexpected header");
  });

  it("broadcasts to all clients and counts the messages of each", async () => {
    const load = { kind: "broadcast", ...TEXT, inFlight: 2 } as const;
    expectRound(await runBroadcast(load, orderOf(load)));
  });

  it("sends at a fixed rate", async () => {
    const load = { kind: "fixed-rate", ...SHAPE, messagesPerSecond: 1000 } as const;
    expectRound(await runFixedRate(load, orderOf(load)));
  });

  it("opens and closes connections", async () => {
    const load = { kind: "handshake", connections: 3 } as const;
    expectRound(await runHandshakes(load, orderOf(load)));
  });

  it("keeps connections open after one echo each", async () => {
    const load = { kind: "idle", connections: 5, echoOnce: SHAPE } as const;
    const release = await openIdle(load, orderOf(load));
    expect(server.sockets.size).toBe(5);
    release();
  });

  it("sends to clients that answer each batch", async () => {
    const load = { kind: "client-receive", ...TEXT } as const;
    const round = await feedClients(load, orderOf(load), (port) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      let received = 0;
      socket.onmessage = () => {
        if (++received % messagesPerBatch(load) === 0) socket.send("next");
      };
    });
    expectRound(round);
  });

  it("receives from clients and answers each batch", async () => {
    const load = { kind: "client-send", ...TEXT } as const;
    const round = await drainClients(load, orderOf(load), (port) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      const sendBatch = (): void => {
        for (let sent = 0; sent < messagesPerBatch(load); sent++) socket.send("x".repeat(125));
      };
      socket.onopen = sendBatch;
      socket.onmessage = sendBatch;
    });
    expectRound(round);
  });

  function orderOf(load: Load): RunOrder {
    const subject = { pids: [process.pid], port: server.port, isFramed: true, isTls: false };
    return { load, subject, warmUpMs: 0, measuredMs: 10 };
  }
});

function expectRound(round: TrafficRound): void {
  expect(round.messages).toBeGreaterThan(0);
  expect(round.wallSeconds).toBeGreaterThan(0);
  expect(round.subjectCpuSeconds).toBeGreaterThan(0);
}
