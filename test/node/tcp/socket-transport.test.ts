import { once } from "node:events";
import type { Socket as NetSocket } from "node:net";
import { type Server, serve } from "tideway/server";
import { afterEach, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import { closeOf, openClient } from "../../support/clients.ts";

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

/** Connects. Also returns the TCP socket at the server's end. */
async function connect(): Promise<{ client: WebSocket; below: NetSocket }> {
  const accepted = once(server.httpServer, "connection");
  const client = await openClient(server.url);
  const [below] = (await accepted) as [NetSocket];
  return { client, below };
}

it("a server stops reading from TCP while the handler does not read, and loses no data", async () => {
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
  // Much data is in transit and unread.
  expect(client.bufferedAmount + bytesRead).toBeGreaterThan(20_000_000);
  read();
  await closeOf(client);
  expect(received).toEqual(Array.from({ length: count }, (_, index) => index));
});
