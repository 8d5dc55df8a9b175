import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { Receiver } from "../../src/ws/receiver.ts";
import { Sender } from "../../src/ws/sender.ts";

describe("Sender.frame", () => {
  it("returns the header and the payload", () => {
    const options = { fin: true, opcode: 1, mask: false };
    expect(Sender.frame("€", options)).toEqual([Buffer.from("8103", "hex"), Buffer.from("€")]);
  });

  it("sets RSV1 if asked", () => {
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
    expect(() => sender.ping("x".repeat(126))).toThrow(RangeError);
  });
});
