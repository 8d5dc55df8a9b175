import { once } from "node:events";
import type { Socket as NetSocket } from "node:net";
import { type CloseInfo, type Server, serve } from "tideway/server";
import { afterEach, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import { closeOf, openClient } from "./clients.ts";

const onError = vi.fn<(error: unknown) => void>();
let server: Server;

const start: typeof serve = async (options) => {
  server = await serve({ port: 0, onError, ...options });
  return server;
};

afterEach(async () => {
  await server.stop({ timeoutMs: 1000 });
  expect(onError).not.toHaveBeenCalled();
  onError.mockReset();
});

/** Connects, and gives the TCP socket at the server's end too. */
async function connect(): Promise<{ client: WebSocket; below: NetSocket }> {
  const accepted = once(server.httpServer, "connection");
  const client = await openClient(server.url);
  const [below] = (await accepted) as [NetSocket];
  return { client, below };
}

it("stops reading from TCP while the handler does not read, and loses nothing", async () => {
  let read!: () => void;
  const received: number[] = [];
  await start({
    routes: {
      "ws:/": async (socket) => {
        await new Promise<void>((resolve) => {
          read = resolve;
        });
        for await (const message of socket) {
          if (typeof message === "string") break;
          received.push(new DataView(message.buffer, message.byteOffset).getUint32(0));
        }
      },
    },
  });
  const { client, below } = await connect();
  const count = 8192;
  for (let i = 0; i < count; i++) {
    const message = Buffer.alloc(4096);
    message.writeUInt32BE(i);
    client.send(message);
  }
  client.send("end");
  await vi.waitFor(() => expect(below.isPaused()).toBe(true));
  const bytesRead = below.bytesRead;
  expect(bytesRead).toBeLessThan(1_000_000);
  // Much is on its way, and none of it is read.
  expect(client.bufferedAmount + bytesRead).toBeGreaterThan(20_000_000);
  read();
  await closeOf(client);
  expect(received).toEqual(Array.from({ length: count }, (_, index) => index));
});

it("answers a ping and a Close while messages wait, and keeps those", async () => {
  const gate = newGate();
  const received: unknown[] = [];
  await start({
    routes: {
      "ws:/": async (socket) => {
        await gate.opened;
        for await (const message of socket) received.push(message);
        gate.done();
      },
    },
  });
  const { client } = await connect();
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

it("lets a sender go no faster than the peer reads", async () => {
  const message = Buffer.alloc(65_536);
  const count = 500;
  let largest = 0;
  let sent = 0;
  await start({
    routes: {
      "ws:/": async (socket) => {
        for (; sent < count; sent++) {
          if (!socket.send(message)) await socket.drained;
          largest = Math.max(largest, socket.bufferedAmount);
        }
        socket.close();
      },
    },
  });
  const { client } = await connect();
  client.pause();
  let received = 0;
  client.on("message", (data: Buffer) => {
    received += data.length;
  });
  const socket = await vi.waitUntil(() => [...server.sockets][0]);
  await vi.waitFor(() => expect(socket.bufferedAmount).toBeGreaterThan(0));
  expect(sent).toBeLessThan(count);
  client.resume();
  await closeOf(client);
  expect(received).toBe(count * message.length);
  expect(largest).toBeLessThan(200_000);
});

it("ends a sender's loop, unreported, when the peer goes", async () => {
  const hasEnded = vi.fn<(error: unknown) => void>();
  await start({
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
  const { client } = await connect();
  client.pause();
  client.terminate();
  await vi.waitFor(() => expect(hasEnded).toHaveBeenCalledOnce());
  expect(hasEnded).toHaveBeenCalledWith(expect.objectContaining({ code: "CONNECTION_CLOSED" }));
});

it("drops a peer with 1013 that reads too slowly for what is sent regardless", async () => {
  let done: Promise<CloseInfo> | undefined;
  await start({
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
  const { client } = await connect();
  client.pause();
  await vi.waitUntil(() => done);
  // The peer reads nothing, so the closing handshake cannot be finished either.
  expect(await done).toMatchObject({ code: 1006, wasClean: false });
  client.resume();
  client.terminate();
});
