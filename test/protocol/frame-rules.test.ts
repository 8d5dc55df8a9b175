import { describe, expect, it } from "vitest";
import {
  faultOfFrameStart,
  invalidCloseCode,
  lengthNotMinimal,
  messageTooBig,
  unfinishedTooBig,
} from "../../src/protocol/frame-rules.ts";

/** The fault of the first two bytes of an unmasked frame, in hex. */
function faultOf(
  hex: string,
  { isMasked = false, isInMessage = false, allowsCompressed = false } = {},
): string | undefined {
  const [first, second] = Buffer.from(hex, "hex");
  const fault = faultOfFrameStart(first, second, isMasked, isInMessage, allowsCompressed);
  if (fault !== undefined) expect(fault.closeCode).toBe(1002);
  return fault?.code;
}

describe("the first two bytes of a frame", () => {
  it.each([
    ["a text message", "8105"],
    ["the first fragment of a binary message", "027e"],
    ["a ping of 125 bytes", "897d"],
    ["an empty pong", "8a00"],
    ["an empty Close frame", "8800"],
    ["a Close frame with a code", "8802"],
  ])("may begin %s", (_, hex) => {
    expect(faultOf(hex)).toBeUndefined();
  });

  it("may begin a continuation and control frames within a message, but no other message (RFC 6455 5.4)", () => {
    const within = { isInMessage: true };
    for (const hex of ["0005", "8000", "8900"]) expect(faultOf(hex, within)).toBeUndefined();
    for (const hex of ["0105", "8200"]) {
      expect(faultOf(hex, within)).toBe("CONTINUATION_EXPECTED");
    }
    for (const hex of ["0005", "8000"]) expect(faultOf(hex)).toBe("CONTINUATION_UNEXPECTED");
  });

  it("must have the mask bit in frames of a client, and only there (RFC 6455 5.1)", () => {
    for (const [unmasked, masked] of [
      ["8105", "8185"],
      ["8900", "8980"],
    ]) {
      expect(faultOf(unmasked)).toBeUndefined();
      expect(faultOf(masked)).toBe("MASK_FORBIDDEN");
      expect(faultOf(masked, { isMasked: true })).toBeUndefined();
      expect(faultOf(unmasked, { isMasked: true })).toBe("MASK_REQUIRED");
    }
  });

  it("must not have reserved bits without an extension (RFC 6455 5.2)", () => {
    for (const hex of ["c105", "a105", "9105", "f105", "c900"]) {
      expect(faultOf(hex)).toBe("RESERVED_BITS");
    }
  });

  it("may have RSV1 only on the first frame of a message with compression (RFC 7692 6)", () => {
    const compressed = { allowsCompressed: true };
    for (const hex of ["c105", "4205"]) expect(faultOf(hex, compressed)).toBeUndefined();
    for (const hex of ["c900", "c800", "c305", "e105", "a105"]) {
      expect(faultOf(hex, compressed)).toBe("RESERVED_BITS");
    }
    expect(faultOf("c005", { ...compressed, isInMessage: true })).toBe("RESERVED_BITS");
  });

  it("must not have a reserved opcode (RFC 6455 5.2)", () => {
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
      expect(faultOf(`8${opcode.toString(16)}00`)).toBe("RESERVED_OPCODE");
    }
  });

  it("must begin a control frame that is whole and has at most 125 bytes (RFC 6455 5.5)", () => {
    for (const opcode of ["8", "9", "a"]) {
      expect(faultOf(`0${opcode}00`)).toBe("FRAGMENTED_CONTROL");
      for (const length of ["7e", "7f"]) {
        expect(faultOf(`8${opcode}${length}`)).toBe("CONTROL_TOO_BIG");
      }
    }
  });

  it("must not begin a Close frame of one byte (RFC 6455 5.5.1)", () => {
    expect(faultOf("8801")).toBe("INVALID_CLOSE_PAYLOAD");
  });
});

describe("the message of a fault", () => {
  it("names a reserved opcode", () => {
    expect(faultOfFrameStart(0x8b, 0, false, false, false)?.message).toBe("opcode 11 is reserved");
  });

  it.each([
    [lengthNotMinimal(125, 16), "LENGTH_NOT_MINIMAL", 1002, ["125", "16"]],
    [invalidCloseCode(1006), "INVALID_CLOSE_CODE", 1002, ["1006"]],
    [messageTooBig(70_000, 65_536), "MESSAGE_TOO_BIG", 1009, ["70000", "maxMessageBytes 65536"]],
    [unfinishedTooBig(100_000), "UNFINISHED_TOO_BIG", 1013, ["maxUnfinishedBytes 100000"]],
  ])("names its numbers: %o", (fault, code, closeCode, texts) => {
    expect(fault).toMatchObject({ code, closeCode });
    for (const text of texts) expect(fault.message).toContain(text);
  });
});
