/** Direct writes to plain sockets, and the number of bytes that are not yet written. */
import { once } from "node:events";
import { connect, createServer, type Server, Socket } from "node:net";
import { PassThrough } from "node:stream";
import { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fastTcp } from "../../../../src/node/internals/tcp/fast-tcp.ts";
import { logUnusedFastPath } from "../../../../src/node/environment/debug-log.ts";
import { plainTcp } from "../../../../src/node/tcp/tcp-accelerator.ts";

vi.mock("../../../../src/node/environment/debug-log.ts", { spy: true });

let server: Server;
let writer: Socket;
let reader: Socket;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  reader = connect({ port, host: "127.0.0.1" }).pause();
  [writer] = (await once(server, "connection")) as [Socket];
  expect(fastTcp.canWrite(writer)).toBe(true);
});

afterEach(() => {
  writer.destroy();
  reader.destroy();
  server.close();
});

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of reader) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Writes directly or by the stream. Resolves once the bytes may be reused. */
type Write = (bytes: Uint8Array) => Promise<"directly" | "by the stream">;

const write: Write = async (bytes) => {
  let isWritten!: () => void;
  const wait = new Promise<void>((resolve) => (isWritten = resolve));
  const hasLeft = fastTcp.write(writer, bytes, { written: isWritten });
  if (hasLeft === undefined) writer.write(bytes, () => isWritten());
  if (hasLeft !== true) await wait;
  return hasLeft === undefined ? "by the stream" : "directly";
};

describe("a direct write", () => {
  it("is ordered before later and after earlier writes of the stream", async () => {
    writer.write(Buffer.of(1));
    expect(await write(Buffer.of(2))).toBe("directly");
    writer.write(Buffer.of(3));
    expect(await write(Uint8Array.of(4))).toBe("directly");
    writer.end();
    expect([...(await readAll())]).toEqual([1, 2, 3, 4]);
  });

  it("restarts the idle timeout of the socket, if it has one", async () => {
    const setTimeout = vi.spyOn(writer, "setTimeout");
    await write(Buffer.of(1));
    expect(setTimeout).not.toHaveBeenCalled();
    writer.setTimeout(60_000);
    setTimeout.mockClear();
    await write(Buffer.of(2));
    expect(setTimeout.mock.calls).toEqual([[60_000]]);
  });

  it("waits for a slow reader and delivers everything in order before the end", async () => {
    const sizes = [1, 1 << 23, 10, 1 << 22, 1 << 22, 3];
    const buffer = Buffer.alloc(1 << 23);
    const sending = (async () => {
      for (const [index, size] of sizes.entries()) {
        // The buffer may be reused now: pending output must not refer to it.
        await write(buffer.fill(index + 1).subarray(0, size));
      }
      writer.end();
    })();
    const received = await readAll();
    await sending;
    expect(received.length).toBe(sizes.reduce((sum, size) => sum + size));
    let at = 0;
    for (const [index, size] of sizes.entries()) {
      expect(received.subarray(at, (at += size)).every((byte) => byte === index + 1)).toBe(true);
    }
  });

  it("is completed before the end of the socket if it is pending when the socket ends", async () => {
    await write(Buffer.of(0));
    void write(Buffer.alloc(1 << 24, 1));
    writer.end();
    expect((await readAll()).length).toBe(1 + (1 << 24));
  });

  it("goes through the stream while the stream has pending output", async () => {
    const listener = { written() {} };
    writer.write(Buffer.of(1));
    writer.cork();
    writer.write(Buffer.of(2));
    expect(fastTcp.write(writer, Buffer.of(3), listener)).toBeUndefined();
    writer.uncork();
    expect(fastTcp.write(writer, Buffer.of(3), listener)).toBe(true);
    writer.end();
    expect([...(await readAll())]).toEqual([1, 2, 3]);
  });

  it("returns false and destroys the socket with the error of the stream if it fails", async () => {
    await write(Buffer.of(0));
    const failed = once(writer, "error");
    const results: unknown[] = [];
    reader.resetAndDestroy();
    await vi.waitUntil(() => {
      results.push(fastTcp.write(writer, Buffer.of(0), { written() {} }));
      return writer.destroyed;
    });
    expect(results.at(-1)).toBe(false);
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(["ECONNRESET", "EPIPE"]).toContain(error.code);
    expect(error.syscall).toBe("write");
    expect(error.message).toBe(`write ${error.code}`);
  });

  it("reports a failure if it is pending when the socket is destroyed", async () => {
    const written = vi.fn<(status: number) => void>();
    expect(fastTcp.write(writer, Buffer.alloc(1 << 24), { written })).toBe(false);
    const onError = vi.fn<() => void>();
    writer.on("error", onError).destroy();
    await once(writer, "close");
    await new Promise((resolve) => void setImmediate(resolve));
    expect(fastTcp.write(writer, Buffer.of(0), { written })).toBeUndefined();
    expect(written.mock.calls.every(([status]) => status < 0)).toBe(true);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("direct writes", () => {
  it("are used for plain TCP sockets only", () => {
    expect(fastTcp.canWrite(writer)).toBe(true);
    expect(fastTcp.canWrite(new PassThrough())).toBe(false);
    expect(fastTcp.canWrite(new TLSSocket(new Socket()))).toBe(false);
    expect(plainTcp.canWrite(writer)).toBe(false);
  });

  it("are not used if Node does not allow write requests", async () => {
    const inside = process as NodeJS.Process & { binding(name: string): object };
    const binding = vi.spyOn(inside, "binding").mockReturnValue({});
    vi.resetModules();
    const { fastTcp: withoutBinding } =
      await import("../../../../src/node/internals/tcp/fast-tcp.ts");
    expect(withoutBinding.canWrite(writer)).toBe(false);
    binding.mockRestore();
  });

  it("are not used for a socket if its writes are observed, which the debug log reports", () => {
    writer.write = writer.write.bind(writer);
    expect(fastTcp.canWrite(writer)).toBe(false);
    expect(logUnusedFastPath).toHaveBeenLastCalledWith(
      "writes to a TCP handle",
      "other code has replaced the write method of a socket",
    );
  });
});

describe("the number of unwritten bytes", () => {
  it("is 0 at first", () => {
    expect(fastTcp.unwrittenBytes(writer)).toBe(0);
  });

  it("decreases as the peer reads, before all bytes are written", async () => {
    const writtenBytes = 1 << 26;
    let isDone = false;
    writer.write(Buffer.alloc(writtenBytes), () => (isDone = true));
    const atFirst = fastTcp.unwrittenBytes(writer)!;
    expect(atFirst).toBeGreaterThan(0);
    expect(atFirst).toBeLessThanOrEqual(writtenBytes);
    let readBytes = 0;
    reader.on("data", (chunk: Buffer) => {
      readBytes += chunk.length;
      if (readBytes > writtenBytes / 2) reader.pause();
    });
    reader.resume();
    await vi.waitUntil(() => reader.isPaused() && fastTcp.unwrittenBytes(writer)! < atFirst);
    expect(isDone).toBe(false);
    reader.removeAllListeners("data").resume();
    await vi.waitUntil(() => isDone);
    expect(fastTcp.unwrittenBytes(writer)).toBe(0);
  });

  it("is unknown for other streams, and without fast paths", () => {
    expect(fastTcp.unwrittenBytes(new PassThrough())).toBeUndefined();
    expect(plainTcp.unwrittenBytes(writer)).toBeUndefined();
  });

  it("is unknown on Windows, which counts each write until the kernel has accepted all of it", async () => {
    vi.doMock("node:process", async (original) => ({
      ...(await original<object>()),
      platform: "win32",
    }));
    vi.resetModules();
    const { fastTcp: onWindows } = await import("../../../../src/node/internals/tcp/fast-tcp.ts");
    vi.doUnmock("node:process");
    expect(onWindows.unwrittenBytes(writer)).toBeUndefined();
  });

  it("is unknown for a closed socket", async () => {
    writer.destroy();
    await once(writer, "close");
    expect(fastTcp.unwrittenBytes(writer)).toBeUndefined();
  });
});
