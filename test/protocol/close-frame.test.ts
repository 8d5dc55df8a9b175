import { describe, expect, it } from "vitest";
import { closePayload, readCloseFrame } from "../../src/protocol/close-frame.ts";
import { plainEnvironment, toHex } from "./support.ts";

describe("the payload of a Close frame (RFC 6455 5.5.1)", () => {
  it("has the code and the reason that were written", () => {
    for (const [code, reason] of [
      [1000, ""],
      [4999, "é".repeat(61)],
    ] as const) {
      const payload = closePayload(plainEnvironment, code, reason);
      expect(readCloseFrame(payload, plainEnvironment)).toEqual({ code, reason });
    }
  });

  it("is empty without a code and read as 1005 (RFC 6455 7.1.5)", () => {
    const payload = closePayload(plainEnvironment, undefined, "");
    expect(toHex(payload)).toBe("");
    expect(readCloseFrame(payload, plainEnvironment)).toEqual({ code: 1005, reason: "" });
  });

  it.each([
    [1005, "", "INVALID_CLOSE_CODE"],
    [1000.5, "", "INVALID_CLOSE_CODE"],
    [undefined, "why", "INVALID_CLOSE_CODE"],
    [1000, "é".repeat(62), "INVALID_CLOSE_REASON"],
  ])("cannot have the code %s and the reason %j", (code, reason, error) => {
    expect(() => closePayload(plainEnvironment, code, reason)).toThrow(
      expect.objectContaining({ name: "UsageError", code: error }),
    );
  });
});
