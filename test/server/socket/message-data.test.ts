import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import { prepare, type SendData, toBytes } from "../../../src/server/socket/message-data.ts";

type Bytes = Exclude<SendData, string>;

describe("toBytes", () => {
  it.each<[string, () => Bytes]>([
    ["a Uint8Array", () => new Uint8Array([1, 2])],
    ["a Buffer", () => Buffer.from([1, 2])],
    ["an ArrayBuffer", () => new Uint8Array([1, 2]).buffer],
    ["a view of the middle", () => new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2)],
    ["a Uint16Array", () => new Uint16Array(new Uint8Array([1, 2]).buffer)],
    ["a SharedArrayBuffer", () => new Uint8Array(sharedOf([1, 2])).buffer],
    [
      "an ArrayBuffer of another realm",
      () => runInNewContext("new Uint8Array([1, 2]).buffer") as Bytes,
    ],
    [
      "a SharedArrayBuffer of another realm",
      () =>
        runInNewContext(
          "const s = new SharedArrayBuffer(2); new Uint8Array(s).set([1, 2]); s",
        ) as Bytes,
    ],
    ["a Uint8Array of another realm", () => runInNewContext("new Uint8Array([1, 2])") as Bytes],
    [
      "a DataView of another realm",
      () => runInNewContext("new DataView(new Uint8Array([0, 1, 2]).buffer, 1)") as Bytes,
    ],
  ])("returns the bytes of %s", (_what, make) => {
    const bytes = toBytes(make());
    expect(bytes.constructor.name === "Buffer" || bytes instanceof Uint8Array).toBe(true);
    expect([...bytes]).toEqual([1, 2]);
  });

  it("does not copy the bytes", () => {
    const buffer = new ArrayBuffer(4);
    expect(toBytes(buffer).buffer).toBe(buffer);
    expect(toBytes(new DataView(buffer, 1, 2))).toMatchObject({ byteOffset: 1, byteLength: 2 });
  });

  const JSON_ADVICE = "; to send it as JSON, pass JSON.stringify(value)";

  it.each<[string, unknown, string]>([
    ["a number", 5, "a value of type number"],
    ["null", null, "null"],
    ["a record", {}, `an object of class Object${JSON_ADVICE}`],
    ["an array", [1], `an object of class Array${JSON_ADVICE}`],
    ["a promise", Promise.resolve("x"), "an object of class Promise; await it first"],
    ["a Blob", new Blob(["x"]), "an object of class Blob"],
    ["an object without a prototype", Object.create(null), "an object of class null"],
  ])("throws UsageError INVALID_DATA for %s", (_what, value, described) => {
    expect(() => toBytes(value as Bytes)).toThrow(
      expect.objectContaining({
        name: "UsageError",
        code: "INVALID_DATA",
        message: `a message must be a string, an ArrayBuffer or a view of one, not ${described}`,
      }),
    );
  });

  it("refuses the buffer of a received message and accepts the message", () => {
    const message = nodeProtocolEnvironment.buffers.messagePool.copy(Uint8Array.of(1, 2));
    expect([...toBytes(message)]).toEqual([1, 2]);
    expect(() => toBytes(message.buffer)).toThrow(
      expect.objectContaining({ code: "INVALID_DATA" }),
    );
  });

  it("refuses a view of a detached buffer", () => {
    const view = new DataView(new ArrayBuffer(2));
    structuredClone(view.buffer, { transfer: [view.buffer] });
    expect(() => toBytes(view)).toThrow(
      expect.objectContaining({
        code: "INVALID_DATA",
        message: "the buffer of these bytes is detached; send them before you transfer the buffer",
        cause: expect.any(TypeError),
      }),
    );
  });
});

describe("prepare", () => {
  it("copies the bytes, even of a Buffer", () => {
    const bytes = Buffer.from([1, 2]);
    const { data } = prepare(bytes);
    bytes.fill(0);
    expect(data).toEqual(new Uint8Array([1, 2]));
  });

  it("allows compression unless `compress` is false", () => {
    expect(prepare("a").mayCompress).toBe(true);
    expect(prepare("a", { compress: false }).mayCompress).toBe(false);
    expect(prepare("a", null as never).mayCompress).toBe(true);
  });
});

function sharedOf(bytes: readonly number[]): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}
