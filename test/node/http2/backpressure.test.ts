import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { CloseInfo, Socket } from "tideway/server";
import { expect, it } from "vitest";
import { deferred, extendedConnect, openSession, startTls, webSocketOver } from "./support.ts";

const MEBIBYTE = 1_048_576;

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) if (!socket.send(message)) await socket.drained;
}

it("large messages return unchanged on many concurrent sockets of one connection", async () => {
  const server = await startTls({
    routes: { "ws:/": { maxMessageBytes: 4 * MEBIBYTE, handle: echo } },
  });
  const WebSocket = webSocketOver(await openSession(server));
  const exchange = async (): Promise<void> => {
    const client = new WebSocket(`${server.url}/`, { maxMessageBytes: 4 * MEBIBYTE });
    client.binaryType = "arraybuffer";
    await client.onOpen.first;
    // Each message has different bytes, which reveals a buffer that is reused too early.
    const sent = [1, 70_000, MEBIBYTE, 3 * MEBIBYTE, 300].map((length) => randomBytes(length));
    const received = client.onMessage[Symbol.asyncIterator]();
    for (const message of sent) client.send(message);
    for (const message of sent) {
      const { value } = await received.next();
      expect(Buffer.compare(Buffer.from(value!.data as ArrayBuffer), message)).toBe(0);
    }
    const closed = client.onClose.first;
    client.close(1000);
    expect(await closed).toMatchObject({ code: 1000, wasClean: true });
  };
  await Promise.all(Array.from({ length: 8 }, exchange));
});

it("a socket that is not read delays only its own sender", async () => {
  const server = await startTls({ routes: { "ws:/idle": () => {}, "ws:/": echo } });
  const session = await openSession(server);
  const WebSocket = webSocketOver(session);
  const stuck = extendedConnect(session, "/idle");
  await once(stuck, "response");
  // Frames of 16 KiB with a masking key of zeros: more than the queue and the window hold.
  const frame = Buffer.concat([Buffer.from("82fe400000000000", "hex"), Buffer.alloc(16_384)]);
  for (let count = 0; count < 64; count++) stuck.write(frame);
  const client = new WebSocket(`${server.url}/`);
  await client.onOpen.first;
  for (let count = 0; count < 50; count++) {
    const answered = client.onMessage.first;
    client.send(String(count));
    expect((await answered).data).toBe(String(count));
  }
  expect(stuck.writableLength).toBeGreaterThan(0);
});

it("a peer that never opens its window is closed with 1013 when too much output is buffered", async () => {
  const done = deferred<CloseInfo>();
  const server = await startTls({
    routes: {
      "ws:/": {
        maxBufferedBytes: MEBIBYTE,
        closeTimeoutMs: 50,
        handle: (socket) => {
          void socket.done.then(done.resolve);
          let count = 0;
          const feed = (): void => {
            socket.send(new Uint8Array(65_536));
            expect(socket.bufferedAmount).toBeLessThan(MEBIBYTE + 2 * 65_546);
            if (socket.readyState === 1 && ++count < 1000) setImmediate(feed);
          };
          feed();
        },
      },
    },
  });
  const stream = extendedConnect(await openSession(server), "/");
  stream.pause();
  expect(await done.promise).toMatchObject({ code: 1006, wasClean: false });
  expect(server.sockets.size).toBe(0);
});
