import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { PerMessageDeflate } from "../../../src/ws/extensions/per-message-deflate.ts";
import { Receiver, type ReceiverOptions } from "../../../src/ws/messages/receiver.ts";

/** Writes bytes in hex, and returns the arguments of the first event. */
async function receive(
  hex: string,
  event: string,
  options: ReceiverOptions = {},
): Promise<unknown[]> {
  const receiver = new Receiver(options);
  const received = once(receiver, event);
  for (const byte of Buffer.from(hex, "hex")) receiver.write(Buffer.of(byte));
  return received;
}

/** A compressed message with the text "Hello" (RFC 7692 7.2.3.1). */
const COMPRESSED_HELLO = "c107f248cdc9c90700";

function extensionsOf(maxPayload = 0): ReceiverOptions["extensions"] {
  const extension = new PerMessageDeflate({ maxPayload });
  extension.accept([{}]);
  return { "permessage-deflate": extension };
}

/** Records the events of a receiver as strings. */
function record(receiver: Receiver): string[] {
  const events: string[] = [];
  for (const type of ["message", "ping", "pong", "conclude", "finish", "error", "close"]) {
    receiver.on(type, (...values: unknown[]) => events.push([type, ...values].join(" ")));
  }
  return events;
}

describe("a Receiver", () => {
  it("emits messages that arrive one byte at a time", async () => {
    expect(await receive("81026869", "message")).toEqual([Buffer.from("hi"), false]);
    expect(await receive("82026869", "message")).toEqual([Buffer.from("hi"), true]);
    expect(await receive("020168800169", "message")).toEqual([Buffer.from("hi"), true]);
  });

  it("emits binary messages in the type of binaryType", async () => {
    const [buffer] = await receive("820168", "message", { binaryType: "arraybuffer" });
    expect(buffer).toEqual(Uint8Array.of(0x68).buffer);
    const [blob] = await receive("820168", "message", { binaryType: "blob" });
    expect(await (blob as Blob).text()).toBe("h");
    const [fragments] = await receive("020168000080" + "0169", "message", {
      binaryType: "fragments",
    });
    expect(fragments).toEqual([Buffer.from("h"), Buffer.from("i")]);
  });

  it.each([
    ["85 00", "WS_ERR_INVALID_OPCODE", "Invalid WebSocket frame: invalid opcode 5", {}],
    ["80 00", "WS_ERR_INVALID_OPCODE", "Invalid WebSocket frame: invalid opcode 0", {}],
    ["01 00 01 00", "WS_ERR_INVALID_OPCODE", "Invalid WebSocket frame: invalid opcode 1", {}],
    ["01 00 02 00", "WS_ERR_INVALID_OPCODE", "Invalid WebSocket frame: invalid opcode 2", {}],
    [
      "82 7f 00 20 00 00 00 00 00 00",
      "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
      "Unsupported WebSocket frame: payload length > 2^53 - 1",
      { maxPayload: 1 },
    ],
    ["09 00", "WS_ERR_EXPECTED_FIN", "Invalid WebSocket frame: FIN must be set", {}],
    [
      "81 00",
      "WS_ERR_EXPECTED_MASK",
      "Invalid WebSocket frame: MASK must be set",
      { isServer: true },
    ],
    ["81 80", "WS_ERR_UNEXPECTED_MASK", "Invalid WebSocket frame: MASK must be clear", {}],
    ["c1 00", "WS_ERR_UNEXPECTED_RSV_1", "Invalid WebSocket frame: RSV1 must be clear", {}],
    [
      "a1 00",
      "WS_ERR_UNEXPECTED_RSV_2_3",
      "Invalid WebSocket frame: RSV2 and RSV3 must be clear",
      {},
    ],
    [
      "88 01",
      "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
      "Invalid WebSocket frame: invalid payload length 1",
      {},
    ],
    [
      "89 7e",
      "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
      "Invalid WebSocket frame: invalid payload length 126",
      {},
    ],
    [
      "88 02 00 00",
      "WS_ERR_INVALID_CLOSE_CODE",
      "Invalid WebSocket frame: invalid status code 0",
      {},
    ],
    ["81 01 f8", "WS_ERR_INVALID_UTF8", "Invalid WebSocket frame: invalid UTF-8 sequence", {}],
    [
      "82 7f ff ff ff ff ff ff ff ff",
      "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
      "Unsupported WebSocket frame: payload length > 2^53 - 1",
      {},
    ],
    [
      "82 7e 00 7d",
      "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
      "Invalid WebSocket frame: payload length is not minimal",
      {},
    ],
    ["82 02", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "Max payload size exceeded", { maxPayload: 1 }],
    [
      "02 01 68 00 01 69",
      "WS_ERR_TOO_MANY_BUFFERED_PARTS",
      "Too many message fragments",
      { maxFragments: 1 },
    ],
  ])("fails at %s with %s", async (hex, code, message, options) => {
    const [error] = await receive(hex.replaceAll(" ", ""), "error", options);
    expect(error).toMatchObject({ code, message });
  });

  it("does not validate UTF-8 with skipUTF8Validation", async () => {
    const options = { skipUTF8Validation: true };
    expect(await receive("8101f8", "message", options)).toEqual([Buffer.of(0xf8), false]);
    expect(await receive("0101f88000", "message", options)).toEqual([Buffer.of(0xf8), false]);
    expect(await receive("880303e8f8", "conclude", options)).toEqual([1000, Buffer.of(0xf8)]);
  });

  it("ends after a Close frame", async () => {
    const receiver = new Receiver();
    const ends = [once(receiver, "conclude"), once(receiver, "finish")];
    receiver.write(Buffer.from("8800", "hex"));
    expect(await Promise.all(ends)).toEqual([[1005, Buffer.alloc(0)], []]);
  });

  it("ignores bytes after a Close frame in the same turn", async () => {
    const receiver = new Receiver();
    const events = record(receiver);
    const closed = once(receiver, "close");
    receiver.write(Buffer.from("88020fa0810161", "hex"));
    receiver.write(Buffer.from("810162", "hex"));
    await closed;
    expect(events).toEqual(["conclude 4000 ", "finish", "close"]);
  });

  it("emits nothing after a listener has destroyed it", async () => {
    const receiver = new Receiver();
    const events = record(receiver);
    receiver.once("message", () => receiver.destroy());
    const closed = once(receiver, "close");
    receiver.write(Buffer.from("810161810162", "hex"));
    await closed;
    expect(events).toEqual(["message a false", "close"]);
  });

  it("emits thousands of messages from one chunk in their order", () => {
    const receiver = new Receiver();
    const received: number[] = [];
    receiver.on("message", (data: Buffer) => received.push(data.readUInt16BE()));
    const expected = Array.from({ length: 20_000 }, (_, index) => index);
    const frames = expected.map((index) => Buffer.of(0x82, 2, index >>> 8, index));
    receiver.write(Buffer.concat(frames));
    expect(received).toEqual(expected);
  });

  it("accepts a character that is divided between fragments", async () => {
    const [data] = await receive("0102e2828001ac", "message");
    expect(String(data)).toBe("€");
  });
});

describe("a Receiver with permessage-deflate", () => {
  it("decompresses messages, whole or in fragments, with one window for all messages", async () => {
    const options = { extensions: extensionsOf() };
    expect(String((await receive(COMPRESSED_HELLO, "message", options))[0])).toBe("Hello");
    const fragments = "4103f248cd" + "8004c9c90700";
    expect(String((await receive(fragments, "message", options))[0])).toBe("Hello");
    // RFC 7692 7.2.3.2: the second message refers to the first one.
    const receiver = new Receiver(options);
    const events = record(receiver);
    receiver.write(Buffer.from(`${COMPRESSED_HELLO}c105f200110000`, "hex"));
    expect(events).toEqual(["message Hello false", "message Hello false"]);
  });

  it("accepts uncompressed messages", async () => {
    const options = { extensions: extensionsOf() };
    expect(await receive("81026869", "message", options)).toEqual([Buffer.from("hi"), false]);
  });

  it.each([
    ["its own limit", { maxPayload: 4, extensions: extensionsOf() }],
    ["the limit of the extension", { extensions: extensionsOf(4) }],
  ])("applies %s to the decompressed message", async (_, options) => {
    const [error] = await receive(COMPRESSED_HELLO, "error", options);
    expect(error).toMatchObject({ code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" });
  });

  it.each([
    ["4000", "WS_ERR_UNEXPECTED_RSV_1"],
    ["c900", "WS_ERR_UNEXPECTED_RSV_1"],
    ["c102ffff", "Z_DATA_ERROR"],
  ])("fails at %s with %s", async (hex, code) => {
    const [error] = await receive(hex, "error", { extensions: extensionsOf() });
    expect(error).toMatchObject({ code });
  });

  it("refuses compressed messages if the extension has not been accepted", async () => {
    const extensions = { "permessage-deflate": new PerMessageDeflate() };
    const [error] = await receive(COMPRESSED_HELLO, "error", { extensions });
    expect(error).toMatchObject({ code: "WS_ERR_UNEXPECTED_RSV_1" });
  });
});

describe("a Receiver with allowSynchronousEvents: false", () => {
  it("emits one event in each turn of the event loop, and then calls back", async () => {
    const receiver = new Receiver({ allowSynchronousEvents: false });
    const events = record(receiver);
    const written = new Promise<void>((resolve) => {
      receiver.write(Buffer.from("810131890132" + "8a0133", "hex"), () => resolve());
    });
    const turns: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      turns.push(events.length);
      await new Promise(setImmediate);
    }
    await written;
    expect(turns).toEqual([0, 1, 2]);
    expect(events).toEqual(["message 1 false", "ping 2", "pong 3"]);
  });

  it("emits an error after the events before it", async () => {
    const receiver = new Receiver({ allowSynchronousEvents: false });
    const events = record(receiver);
    const closed = once(receiver, "close").catch(() => {});
    receiver.write(Buffer.from("8101318500", "hex"));
    await closed;
    expect(events[0]).toBe("message 1 false");
    expect(events[1]).toContain("invalid opcode 5");
  });

  it("emits nothing after it has been destroyed", async () => {
    const receiver = new Receiver({ allowSynchronousEvents: false });
    const events = record(receiver);
    receiver.write(Buffer.from("810131810132", "hex"));
    receiver.destroy();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(events).toEqual(["close"]);
  });
});
