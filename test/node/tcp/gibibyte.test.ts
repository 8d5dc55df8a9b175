/** The memory that this process uses for 1 GiB sent to a peer that does not read, at either end. */
import type { Socket as NetSocket } from "node:net";
import { versions } from "node:process";
import { WebSocketStream } from "tideway";
import { serve } from "tideway/server";
import { describe, expect, it } from "vitest";
import { acceptance, serveBytes } from "../../support/servers.ts";
import { handshake, RawClient } from "../../support/clients.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Bun collects garbage late, and returns free memory to the system even later. */
const FREES_LATE = "bun" in versions;

/** A peer that receives data and does not read it. */
interface Sleeper {
  /** The sender's end of the connection. */
  readonly sender: NetSocket;
  /** Ends the connection. Resolves when it is closed. */
  readonly drop: () => Promise<void>;
}

async function sleepingServer(): Promise<Sleeper> {
  const server = await serve({
    port: 0,
    host: "127.0.0.1",
    routes: { "ws:/": () => {} },
  });
  const client = new RawClient(server.port).send(handshake("/"));
  await client.receives("\r\n\r\n");
  return {
    sender: client.socket as NetSocket,
    drop: async () => {
      client.socket.destroy();
      for (const socket of server.sockets) socket.terminate();
      await server.stop();
    },
  };
}

async function sleepingClient(): Promise<Sleeper> {
  let sender!: NetSocket;
  const url = await serveBytes((socket, request) => {
    sender = socket;
    socket.write(acceptance(request));
  });
  const stream = new WebSocketStream(url);
  const { readable } = await stream.opened;
  return {
    sender,
    drop: async () => {
      const closed = stream.closed.catch(() => {});
      sender.destroy();
      await readable.cancel().catch(() => {});
      await closed;
    },
  };
}

/**
 * Binary messages of zeros, which masking does not change. At least 64 KiB together, so that
 * sending them creates little garbage. `isMasked` is for messages of a client.
 */
function messagesOf(payloadBytes: number, isMasked: boolean): Buffer {
  const maskBit = isMasked ? 0x80 : 0;
  const isLong = payloadBytes >= 65_536;
  const head = Buffer.alloc((isLong ? 10 : 4) + (isMasked ? 4 : 0));
  head[0] = 0x82;
  head[1] = maskBit | (isLong ? 127 : 126);
  if (isLong) head.writeUIntBE(payloadBytes, 4, 6);
  else head.writeUInt16BE(payloadBytes, 2);
  const frame = Buffer.concat([head, Buffer.alloc(payloadBytes)]);
  return Buffer.concat(Array.from({ length: Math.ceil(65_536 / frame.length) }, () => frame));
}

/**
 * Sends `messages` repeatedly while there is room, at most 1 GiB. Returns the number of bytes
 * written.
 */
async function flood(sender: NetSocket, messages: Buffer): Promise<number> {
  const start = sender.bytesWritten;
  const sent = (): number => sender.bytesWritten - sender.writableLength - start;
  for (let turns = 0, last = -1; turns < 500 && sent() < GIB; turns++) {
    while (sent() < GIB && sender.write(messages));
    await new Promise((resolve) => setImmediate(resolve));
    if (sent() !== last) turns = 0;
    last = sent();
  }
  return sent();
}

describe.each([
  ["a server's handler", sleepingServer, true],
  ["a client's stream", sleepingClient, false],
])("1 GiB to %s that never reads", (_name, fallAsleep, isMasked) => {
  it.each([
    ["1 KiB", 1024],
    ["64 KiB", 65_536],
    ["1 MiB", MIB],
  ])("in messages of %s adds less than 2 MiB to the process", async (_size, payloadBytes) => {
    const messages = messagesOf(payloadBytes, isMasked);
    let leastGrowth = Infinity;
    for (let round = 0; round < 5; round++) {
      const { sender, drop } = await fallAsleep();
      collectGarbage();
      const before = process.memoryUsage();
      const sentBytes = await flood(sender, messages);
      if (FREES_LATE) collectGarbage();
      const after = process.memoryUsage();
      await drop();
      // The written bytes are in the buffers of the kernel.
      expect(sentBytes).toBeGreaterThan(payloadBytes);
      expect(sentBytes).toBeLessThan(GIB / 16);
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 * MIB);
      leastGrowth = Math.min(leastGrowth, after.rss - before.rss);
    }
    // Compiled code and the heap for new objects grow only in some rounds.
    if (!FREES_LATE) expect(leastGrowth).toBeLessThan(2 * MIB);
  });
});
