import { describe, expect, it } from "vitest";
import type { StandardSchema } from "../../src/schema/standard-schema.ts";
import { validate } from "../../src/schema/validate.ts";

function schemaOf(check: (value: unknown) => unknown): StandardSchema {
  const validator = check as StandardSchema["~standard"]["validate"];
  return { "~standard": { version: 1, vendor: "test", validate: validator } };
}

/** A value nested to this depth, as a peer could send it. */
const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

const overflow = (): never => {
  throw new RangeError("stack");
};

describe.each([
  ["returns", (check: (value: unknown) => unknown) => schemaOf(check)],
  ["resolves", (check: (value: unknown) => unknown) => schemaOf(async (value) => check(value))],
])("the outcome of validate, with a schema that %s,", (how, schema) => {
  it("has the value of a valid value", async () => {
    const outcome = validate(
      schema((value) => ({ value: [value] })),
      1,
    );
    expect(outcome instanceof Promise).toBe(how === "resolves");
    expect(await outcome).toEqual({ kind: "valid", value: [1] });
    expect(
      await validate(
        schema(() => ({ value: undefined, issues: undefined })),
        1,
      ),
    ).toEqual({
      kind: "valid",
      value: undefined,
    });
  });

  it("has the issues of an invalid value", async () => {
    const issues = [{ message: "not a number", path: ["a"] }];
    expect(
      await validate(
        schema(() => ({ issues })),
        1,
      ),
    ).toEqual({ kind: "invalid", issues });
  });

  it("is too-deep if a deeply nested value exhausts the stack", async () => {
    expect(await validate(schema(overflow), nested(101))).toEqual({
      kind: "too-deep",
      cause: new RangeError("stack"),
    });
    expect(await validate(schema(overflow), nested(100))).toMatchObject({ kind: "failed" });
  });

  it("is failed if the schema throws", async () => {
    const cause = new Error("broken");
    const broken = schema(() => {
      throw cause;
    });
    expect(await validate(broken, 1)).toEqual({ kind: "failed", cause });
  });

  it.each([
    undefined,
    null,
    1,
    "text",
    {},
    { issues: true },
    { issues: "text" },
    { issues: { length: 1 } },
    { issues: [null] },
  ])("is failed if the result is %j", async (result) => {
    expect(
      await validate(
        schema(() => result),
        1,
      ),
    ).toMatchObject({
      kind: "failed",
      cause: { code: "INVALID_SCHEMA_RESULT" },
    });
  });
});

it("the outcome of validate is failed if the schema is not a Standard Schema", () => {
  expect(validate({} as StandardSchema, 1)).toMatchObject({ kind: "failed" });
});
