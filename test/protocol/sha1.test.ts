import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { sha1 } from "../../src/protocol/sha1.ts";
import { toHex } from "./support.ts";

it("sha1 agrees with Node at every length around the block size (RFC 3174)", () => {
  for (let length = 0; length < 200; length++) {
    const text = "abcdefghij".repeat(20).slice(0, length);
    expect(toHex(sha1(text))).toBe(createHash("sha1").update(text).digest("hex"));
  }
});
