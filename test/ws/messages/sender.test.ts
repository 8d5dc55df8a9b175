import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { PerMessageDeflate } from "../../../src/ws/extensions/per-message-deflate.ts";
import { Receiver } from "../../../src/ws/messages/receiver.ts";
import { Sender } from "../../../src/ws/messages/sender.ts";

describe("Sender.frame", () => {
  it("returns the header and the payload", () => {
    const options = { fin: true, opcode: 1, mask: false };
    expect(Sender.frame("€", options)).toEqual([Buffer.from("8103", "hex"), Buffer.from("€")]);
  });

  it("sets RSV1 with rsv1: true", () => {
    const [header] = Sender.frame("", { fin: false, opcode: 2, rsv1: true });
    expect(header).toEqual(Buffer.from("4200", "hex"));
  });

  it("masks a copy of the payload with the key of generateMask", () => {
    const payload = Buffer.from("abcd");
    const generateMask = (mask: Buffer): void => void mask.fill(1);
    const frame = Sender.frame(payload, { fin: true, opcode: 2, mask: true, generateMask });
    expect(Buffer.concat(frame)).toEqual(Buffer.from("82840101010160636265", "hex"));
    expect(payload).toEqual(Buffer.from("abcd"));
  });
});

describe("a Sender", () => {
  it("writes frames that a Receiver reads", async () => {
    const socket = new PassThrough();
    const sender = new Sender(socket);
    const receiver = new Receiver({ isServer: true });
    const received: unknown[] = [];
    for (const type of ["message", "ping", "pong", "conclude"]) {
      receiver.on(type, (...values: unknown[]) => received.push([type, ...values]));
    }
    const finished = once(receiver, "finish");
    socket.pipe(receiver);
    const mask = true;
    sender.send("te", { fin: false, mask });
    sender.ping("a", mask);
    sender.send("xt", { mask });
    sender.send(Buffer.of(1), { mask });
    sender.pong(2, mask);
    const written = new Promise<unknown>((resolve) => sender.close(1000, "done", mask, resolve));
    expect(await written).toBeUndefined();
    await finished;
    expect(received).toEqual([
      ["ping", Buffer.from("a")],
      ["message", Buffer.from("text"), false],
      ["message", Buffer.of(1), true],
      ["pong", Buffer.from("2")],
      ["conclude", 1000, Buffer.from("done")],
    ]);
  });

  it("throws if a close code must not be sent, or a payload is too long", () => {
    const sender = new Sender(new PassThrough());
    expect(() => sender.close(1005)).toThrow(TypeError);
    expect(() => sender.close(1000, "x".repeat(124))).toThrow(RangeError);
    expect(() => sender.close(1000, new Float32Array(1) as never)).toThrow(
      "Second argument must be a string or a Uint8Array",
    );
    expect(() => sender.ping("x".repeat(126))).toThrow(RangeError);
    expect(() => sender.pong(new Blob(["x".repeat(126)]))).toThrow(RangeError);
  });

  it("reads Blobs, and keeps the order of everything that is sent during the read", async () => {
    const socket = new PassThrough();
    const sender = new Sender(socket);
    sender.send(new Blob(["a"]));
    sender.ping(new Blob(["b"]));
    sender.send("c");
    await new Promise((resolve) => sender.close(undefined, undefined, false, resolve));
    sender.send("d");
    expect(bytesOf(socket)).toEqual(Buffer.from("820161890162810163" + "8800" + "810164", "hex"));
  });

  it("destroys the socket if a Blob cannot be read", async () => {
    const socket = new PassThrough();
    const failed = once(socket, "error");
    const blob = new Blob(["a"]);
    const error = new Error("unreadable");
    blob.arrayBuffer = () => Promise.reject(error);
    const reported = new Promise((resolve) => new Sender(socket).send(blob, {}, resolve));
    expect(await reported).toBe(error);
    expect(await failed).toEqual([error]);
  });
});

/** Reads everything that has been written. Some versions of the stream return one chunk at a time. */
function bytesOf(socket: PassThrough): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** Returns the extension of one end, which has agreed on compression with these parameters. */
function extensionsOf(isServer: boolean, params = {}): { "permessage-deflate": PerMessageDeflate } {
  const extension = new PerMessageDeflate({ isServer, threshold: 10 });
  extension.accept([params]);
  return { "permessage-deflate": extension };
}

describe("a Sender with permessage-deflate", () => {
  const LONG = "long ".repeat(20);
  const RSV1 = 0x40;

  /** Returns the first byte of each frame. The frames must be short and unmasked. */
  function firstBytes(socket: PassThrough): number[] {
    const bytes: number[] = [];
    const chunk = bytesOf(socket);
    for (let at = 0; at < chunk.length; at += 2 + chunk[at + 1]) bytes.push(chunk[at]);
    return bytes;
  }

  it("compresses messages with compress: true, and a Receiver decompresses them", async () => {
    const socket = new PassThrough();
    const sender = new Sender(socket, extensionsOf(false));
    const receiver = new Receiver({ isServer: true, extensions: extensionsOf(true) });
    const received: string[] = [];
    receiver.on("message", (data: Buffer) => received.push(data.toString()));
    const finished = once(receiver, "finish");
    socket.pipe(receiver);
    const options = { compress: true, mask: true };
    sender.send(LONG, options);
    sender.send(LONG, options);
    sender.send(LONG, { ...options, fin: false });
    sender.send("", { ...options, fin: false });
    sender.send(LONG, options);
    sender.send("plain", { mask: true });
    sender.close(1000, "", true);
    await finished;
    expect(received).toEqual([LONG, LONG, LONG + LONG, "plain"]);
  });

  it("decides at the first fragment, by the threshold, whether to compress a message", () => {
    const socket = new PassThrough();
    const params = { server_no_context_takeover: [true as const] };
    const sender = new Sender(socket, extensionsOf(true, params));
    sender.send(LONG, { compress: true, fin: false });
    sender.send("short", { compress: true });
    sender.send("short", { compress: true, fin: false });
    sender.send(LONG, { compress: true });
    sender.send(LONG);
    expect(firstBytes(socket)).toEqual([RSV1 | 0x01, 0x80, 0x01, 0x80, 0x81]);
  });

  it("does not compress before the extension has been accepted", () => {
    const socket = new PassThrough();
    const extension = new PerMessageDeflate({ isServer: true });
    const sender = new Sender(socket, { "permessage-deflate": extension });
    sender.send(LONG, { compress: true });
    extension.accept([{}]);
    sender.send(LONG, { compress: true });
    expect(firstBytes(socket)).toEqual([0x81, RSV1 | 0x81]);
  });
});
