import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeProtocolEnvironment } from "../../../src/node/environment/protocol-environment.ts";
import {
  computeAcceptKey,
  generateKey,
  isKey,
} from "../../../src/protocol/handshake/accept-key.ts";
import { encodeBase64 } from "../../../src/protocol/handshake/base64.ts";
import { SAMPLE_ACCEPT_KEY, SAMPLE_KEY, sampleEnvironment } from "./support.ts";

describe("encodeBase64 (RFC 4648 4)", () => {
  it("agrees with Buffer for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      }),
    );
  });
});

describe("the code for keys and accept keys (RFC 6455 4.1 and 4.2.2)", () => {
  it("computes the accept key of the example in RFC 6455 1.3", () => {
    expect(computeAcceptKey(SAMPLE_KEY, nodeProtocolEnvironment)).toBe(SAMPLE_ACCEPT_KEY);
  });

  it("makes a key of 16 bytes from the environment's random source", () => {
    expect(generateKey(sampleEnvironment)).toBe(SAMPLE_KEY);
  });

  it("makes a different, valid key each time", () => {
    const keys = Array.from({ length: 100 }, () => generateKey(nodeProtocolEnvironment));
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every(isKey)).toBe(true);
  });

  it("accepts only a key of 16 bytes in base64", () => {
    for (let length = 0; length < 40; length++) {
      const key = Buffer.alloc(length, 0xfb).toString("base64");
      expect(isKey(key), `${length} bytes`).toBe(length === 16);
    }
  });

  it.each([
    "dGhlIHNhbXBsZSBub25jZQ",
    "dGhlIHNhbXBsZSBub25jZQ=",
    "dGhlIHNhbXBsZSBub25jZQ===",
    "dGhlIHNhbXBsZSBub25jZQ==\n",
    " dGhlIHNhbXBsZSBub25jZQ==",
    "dGhlIHNhbXBsZSBub25j ZQ==",
    "dGhlIHNhbXBsZSBub25jZ-==",
    "dGhlIHNhbXBsZSBub25jZ_==",
    "dGhlIHNhbXBsZSBub25jZ\u00e9==",
    "dGhlIHNhbXBsZSBub25j====",
  ])("refuses the key %j", (key) => {
    expect(isKey(key)).toBe(false);
  });
});
