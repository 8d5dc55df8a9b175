/** How much of a write has left, where Node lets it be seen. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { undocumented } from "../../../../src/node/internals/undocumented.ts";
import { unwrittenBytes } from "../../../../src/node/internals/tcp/write-progress.ts";

let server: Server;
let sender: Socket;
let reader: Socket;

beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  reader = connect({ port, host: "127.0.0.1" }).pause();
  [sender] = (await once(server, "connection")) as [Socket];
});

afterEach(() => {
  undocumented.isUsed = true;
  sender.destroy();
  reader.destroy();
  server.close();
});

describe("what has not left of a write", () => {
  it("is nothing at first", () => {
    expect(unwrittenBytes(sender)).toBe(0);
  });

  it("becomes less as the peer takes it, before all of it has left", async () => {
    const writtenBytes = 1 << 26;
    let isDone = false;
    sender.write(Buffer.alloc(writtenBytes), () => (isDone = true));
    const atFirst = unwrittenBytes(sender)!;
    expect(atFirst).toBeGreaterThan(0);
    expect(atFirst).toBeLessThanOrEqual(writtenBytes);
    let readBytes = 0;
    reader.on("data", (chunk: Buffer) => {
      readBytes += chunk.length;
      if (readBytes > writtenBytes / 2) reader.pause();
    });
    reader.resume();
    await vi.waitUntil(() => reader.isPaused() && unwrittenBytes(sender)! < atFirst);
    expect(isDone).toBe(false);
    reader.removeAllListeners("data").resume();
    await vi.waitUntil(() => isDone);
    expect(unwrittenBytes(sender)).toBe(0);
  });

  it("is not known of anything but a plain socket, nor if what Node does not document is not used", () => {
    expect(unwrittenBytes(new PassThrough())).toBeUndefined();
    undocumented.isUsed = false;
    expect(unwrittenBytes(sender)).toBeUndefined();
  });

  it("is not known of a socket that is gone", async () => {
    sender.destroy();
    await once(sender, "close");
    expect(unwrittenBytes(sender)).toBeUndefined();
  });
});
