import { expect, it } from "vitest";
import { bytes } from "../../../src/channels/contract/index.ts";
import { validateData } from "../../../src/channels/server/validate-data.ts";
import type { StandardSchema } from "../../../src/schema/standard-schema.ts";

/** A schema that accepts any value, as `z.unknown()` does. */
const anything: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

it("accepts bytes only for the schema bytes()", () => {
  const data = new Uint8Array([1]);
  expect(validateData(bytes(), data)).toEqual({ kind: "valid", value: data });
  expect(validateData(anything, data)).toEqual({
    kind: "invalid",
    issues: [{ message: "expected JSON, and not bytes" }],
  });
});

it("validates JSON by its schema", () => {
  expect(validateData(anything, { a: 1 })).toEqual({ kind: "valid", value: { a: 1 } });
  expect(validateData(bytes(), { a: 1 })).toMatchObject({ kind: "invalid" });
});
