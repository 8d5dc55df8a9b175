import { once } from "node:events";
import type { CloseInfo } from "tideway/server";
import { afterEach, expect, it, vi } from "vitest";
import { reportingServers } from "../suite/start.ts";
import { type Running, transport } from "../suite/transports.ts";
import { closeOf, openClient } from "../support/clients.ts";

const { onError, start } = reportingServers();
let server: Running;

afterEach(() => {
  expect(onError).not.toHaveBeenCalled();
});

it("a server answers a ping and a Close while messages wait to be read, and keeps the messages", async () => {
  const gate = newGate();
  const received: unknown[] = [];
  server = await start({
    routes: {
      "ws:/": async (socket) => {
        await gate.opened;
        for await (const message of socket) received.push(message);
        gate.done();
      },
    },
  });
  const client = await openClient(server);
  client.send("one");
  client.send("two");
  client.ping();
  await once(client, "pong");
  client.close(1000);
  expect((await closeOf(client)).code).toBe(1000);
  gate.open();
  await gate.whenDone;
  expect(received).toEqual(["one", "two"]);
});

interface Gate {
  readonly opened: Promise<void>;
  readonly whenDone: Promise<void>;
  open(): void;
  done(): void;
}

function newGate(): Gate {
  let open!: () => void;
  let done!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const whenDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  return { opened, whenDone, open, done };
}

it("a server limits a sender to the pace at which the peer reads", async () => {
  const message = Buffer.alloc(transport.isFast ? 65_536 : 2000);
  const count = transport.isFast ? 500 : 150;
  let largest = 0;
  let sent = 0;
  server = await start({
    routes: {
      "ws:/": async (socket) => {
        await socket[Symbol.asyncIterator]().next();
        for (; sent < count; sent++) {
          if (!socket.send(message)) await socket.drained;
          largest = Math.max(largest, socket.bufferedAmount);
        }
        socket.close();
      },
    },
  });
  const client = await openClient(server);
  let received = 0;
  client.on("message", (data: Buffer) => {
    received += data.length;
  });
  client.send("begin");
  client.pause();
  const socket = await vi.waitUntil(() => [...server.sockets][0]);
  await vi.waitFor(() => expect(socket.bufferedAmount).toBeGreaterThan(0));
  expect(sent).toBeLessThan(count);
  client.resume();
  await closeOf(client);
  expect(received).toBe(count * message.length);
  expect(largest).toBeLessThan(200_000);
});

it("a server ends the loop of a sender without a report when the peer disconnects", async () => {
  const hasEnded = vi.fn<(error: unknown) => void>();
  server = await start({
    routes: {
      "ws:/": async (socket) => {
        try {
          while (true) if (!socket.send("x".repeat(10_000))) await socket.drained;
        } catch (error) {
          hasEnded(error);
          throw error;
        }
      },
    },
  });
  const client = await openClient(server);
  client.pause();
  client.terminate();
  await vi.waitFor(() => expect(hasEnded).toHaveBeenCalledOnce());
  expect(hasEnded).toHaveBeenCalledWith(expect.objectContaining({ code: "CONNECTION_CLOSED" }));
});

it("a server closes with 1013 when a handler ignores backpressure and the peer reads too slowly", async () => {
  let done: Promise<CloseInfo> | undefined;
  server = await start({
    closeTimeoutMs: 100,
    routes: {
      "ws:/": {
        maxBufferedBytes: 100_000,
        handle: (socket) => {
          done = socket.done;
          const timer = setInterval(() => socket.send(Buffer.alloc(500_000)), 1);
          return socket.done.finally(() => clearInterval(timer));
        },
      },
    },
  });
  const client = await openClient(server);
  client.pause();
  await vi.waitUntil(() => done);
  // The peer reads nothing, so the closing handshake cannot finish either.
  expect(await done).toMatchObject({ code: 1006, wasClean: false });
  client.resume();
  client.terminate();
});
