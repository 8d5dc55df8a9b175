import { once } from "node:events";
import type { Socket as NetSocket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { type Server, serve } from "tideway/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import type { ByteTransportHandler } from "../../../src/connection/byte-transport.ts";
import { pace } from "../../../src/node/environment/collection-pace.ts";
import { SocketTransport } from "../../../src/node/tcp/socket-transport.ts";
import { plainTcp } from "../../../src/node/tcp/tcp-accelerator.ts";
import { closeOf, openClient } from "../../support/clients.ts";

const onError = vi.fn<(error: unknown) => void>();
let server: Server | undefined;

const start: typeof serve = async (options) => {
  server = await serve({ port: 0, onError, ...options });
  return server;
};

afterEach(async () => {
  await server?.stop({ timeoutMs: 1000 });
  expect(onError).not.toHaveBeenCalled();
  onError.mockReset();
});

/** Connects. Also returns the TCP socket at the server's end. */
async function connect(): Promise<{ client: WebSocket; below: NetSocket }> {
  const accepted = once(server!.httpServer, "connection");
  const client = await openClient(server!.url);
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

function recorder(calls: unknown[]): ByteTransportHandler {
  return {
    onBytes: (bytes) => void calls.push(String(bytes)),
    onDrain: () => void calls.push("drain"),
    onEnd: () => void calls.push("end"),
    onClosed: (error) => void calls.push(["closed", error]),
  };
}

describe.each([undefined, new Error("lost")])("a socket that closes: %s", (error) => {
  it.each([
    ["before the transport is created, and then starts at once", "before", false],
    ["before the transport is created, and starts later", "before", true],
    ["before the transport starts at once", "after", false],
    ["before the transport starts later", "after", true],
  ])("is reported once if that happens %s", async (_name, when, startsLater) => {
    const turn = (): Promise<void> => new Promise(setImmediate);
    const socket = new PassThrough();
    socket.on("error", () => {});
    if (when === "before") socket.destroy(error);
    const transport = new SocketTransport(socket, plainTcp);
    if (when === "after") socket.destroy(error);
    if (startsLater) await turn();
    const calls: unknown[] = [];
    transport.start(recorder(calls));
    expect(calls).toEqual([]);
    await turn();
    await turn();
    expect(calls).toEqual([["closed", error]]);
  });
});

it.each([undefined, new Error("lost")])(
  "a paused socket delivers what it has read before it closes: %s",
  async (error) => {
    const socket = new PassThrough();
    const transport = new SocketTransport(socket, plainTcp);
    const calls: unknown[] = [];
    transport.start(recorder(calls));
    await new Promise(setImmediate);
    transport.pause();
    socket.write("a");
    socket.write("b");
    await new Promise(setImmediate);
    socket.destroy(error);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(calls).toEqual(["ab", ["closed", error]]);
  },
);

it("a socket that does not write at once reports a drain after each write", async () => {
  const calls: unknown[] = [];
  const unfinished: (() => void)[] = [];
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      unfinished.push(done);
    },
  });
  const transport = new SocketTransport(socket, plainTcp);
  transport.start(recorder(calls));
  for (let count = 1; count <= 3; count++) {
    expect(transport.write(Buffer.from("a"))).toBe(false);
    expect(calls).toHaveLength(count - 1);
    for (let finish = unfinished.shift(); finish !== undefined; finish = unfinished.shift()) {
      finish();
      await new Promise(setImmediate);
    }
    expect(calls).toEqual(Array.from({ length: count }, () => "drain"));
  }
  socket.destroy();
});

it("paces the garbage collection by the bytes that a socket reads into its own buffers", async () => {
  const socket = new PassThrough();
  const transport = new SocketTransport(socket, plainTcp);
  const before = pace.latestArray;
  await new Promise<void>((resolve) => {
    transport.start({ ...recorder([]), onBytes: () => resolve() });
    socket.write(Buffer.alloc(16_384));
  });
  expect(pace.latestArray).not.toBe(before);
  transport.destroy();
});

describe.each([false, true])("a socket with the property encrypted: %s", (encrypted) => {
  function open(write: Duplex["_write"]): { socket: Duplex; transport: SocketTransport } {
    const socket = Object.assign(new Duplex({ read() {}, write }), { encrypted });
    return { socket, transport: new SocketTransport(socket, plainTcp) };
  }

  it("does not accept bytes in a write that fails at once", async () => {
    const error = new Error("broken pipe");
    const { socket, transport } = open((_chunk, _encoding, done) => done(error));
    const calls: unknown[] = [];
    transport.start(recorder(calls));
    expect(transport.write(Buffer.from("a"))).toBe(false);
    expect(transport.write(Buffer.from("b"))).toBe(false);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(calls).toEqual([["closed", error]]);
  });

  it("does not accept bytes after its end", () => {
    const { socket, transport } = open((_chunk, _encoding, done) => done());
    expect(transport.write(Buffer.from("a"))).toBe(true);
    socket.end();
    expect(transport.write(Buffer.from("b"))).toBe(false);
    socket.destroy();
  });
});
