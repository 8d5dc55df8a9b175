import { expect, it } from "vitest";
import { bytes, isBytesSchema } from "../../../src/channels/contract/bytes.ts";
import { validate } from "../../../src/schema/validate.ts";

it("bytes() accepts bytes, and returns the same object", () => {
  const value = new Uint8Array([1, 2]);
  expect(validate(bytes(), value)).toEqual({ kind: "valid", value });
  const buffer = Buffer.from([1]);
  expect(validate(bytes(), buffer)).toEqual({ kind: "valid", value: buffer });
});

it.each(["text", [1, 2], { 0: 1, length: 1 }, new ArrayBuffer(1), null, undefined])(
  "bytes() refuses %s",
  (value) => {
    const issues = [{ message: "expected bytes (a Uint8Array)" }];
    expect(validate(bytes(), value)).toEqual({ kind: "invalid", issues });
  },
);

it("isBytesSchema tells bytes() apart from other values", () => {
  expect(isBytesSchema(bytes())).toBe(true);
  for (const other of [{ "~standard": {} }, undefined, null, 1])
    expect(isBytesSchema(other)).toBe(false);
});
