import { describe, expect, it } from "vitest";
import { invalidData } from "../../../src/channels/server/failures.ts";
import type { SchemaIssue } from "../../../src/schema/standard-schema.ts";
import { anything, start } from "./support.ts";

const failure = (issues: readonly unknown[]) =>
  invalidData({ kind: "invalid", issues: issues as SchemaIssue[] });

describe("the error for invalid data", () => {
  it("has the messages and paths of the issues", () => {
    const path = ["a", 1, { key: "b" }, Symbol("c")];
    expect(failure([{ message: "too long", path }])).toEqual({
      code: "INVALID_DATA",
      message: "the data does not match its schema: too long",
      issues: [{ message: "too long", path: ["a", 1, "b", "Symbol(c)"] }],
    });
  });

  it("has at most 32 issues", () => {
    const issues = Array.from({ length: 500_000 }, (_, index) => ({
      message: "no",
      path: [index],
    }));
    expect(failure(issues)?.issues).toHaveLength(32);
  });

  it("cuts long messages, long paths, and long names in paths", () => {
    const long = "x".repeat(1_000_000);
    const issues = Array.from({ length: 40 }, () => ({
      message: long,
      path: Array.from({ length: 100 }, () => long),
    }));
    const error = failure(issues);
    expect(error?.issues?.[0].message).toBe(`${"x".repeat(256)}…`);
    expect(error?.issues?.[0].path).toEqual(Array.from({ length: 32 }, () => `${"x".repeat(64)}…`));
    expect(JSON.stringify(error).length).toBeLessThan(100_000);
  });

  it("leaves out a path that is not an array", () => {
    expect(
      failure([
        { message: "no", path: "a" },
        { message: "no", path: [null] },
      ])?.issues,
    ).toEqual([{ message: "no" }, { message: "no", path: ["null"] }]);
  });

  it("reaches the client if a schema returns a junk path later", async () => {
    const junk = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async () => ({ issues: [{ message: "no", path: [null] }] }),
      },
    } as never;
    const server = await start(
      { calls: { it: { input: junk, output: anything } } },
      { calls: { it: () => 1 } },
    );
    const client = await server.connect();
    await client.hello();
    expect(await client.request({ type: "call", id: 1, name: "it" })).toMatchObject({
      code: "INVALID_DATA",
    });
  });
});
