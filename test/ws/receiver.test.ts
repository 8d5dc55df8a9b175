import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { Receiver, type ReceiverOptions } from "../../src/ws/receiver.ts";

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
    expect((await receive("880303e8f8", "conclude", options))[0]).toBe(1000);
  });

  it("ends after a Close frame", async () => {
    const receiver = new Receiver();
    const ends = [once(receiver, "conclude"), once(receiver, "finish")];
    receiver.write(Buffer.from("8800", "hex"));
    expect(await Promise.all(ends)).toEqual([[1005, Buffer.alloc(0)], []]);
  });
});
