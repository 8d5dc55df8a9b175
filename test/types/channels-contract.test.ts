/* oxlint-disable vitest/expect-expect -- the assertions are the compiler's */
/** The contracts that do not compile, and what the compiler says about them. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { bytes, type CheckContract, type defineContract, type Json } from "tideway/channels";
import type { ContractError } from "../../src/channels/contract/index.ts";
import { contract, schema } from "./channels-schemas.ts";

interface Tree {
  value: number;
  children: Tree[];
}
type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** Checks a contract for the compiler only. */
const check: typeof defineContract = () => undefined as never;

describe("Json", () => {
  it("is the type itself for JSON values", () => {
    expectTypeOf<Json<string | null>>().toEqualTypeOf<string | null>();
    expectTypeOf<Tree>().toExtend<Json<Tree>>();
    expectTypeOf<JsonValue>().toExtend<Json<JsonValue>>();
    expectTypeOf<[number, string?]>().toExtend<Json<[number, string?]>>();
    expectTypeOf<{ a?: { b: "x" | "y" }[] }>().toExtend<Json<{ a?: { b: "x" | "y" }[] }>>();
    expectTypeOf<Json<unknown>>().toEqualTypeOf<unknown>();
    expectTypeOf<{ data: unknown }>().toExtend<Json<{ data: unknown }>>();
  });

  it("is another type for values that JSON cannot represent", () => {
    expectTypeOf<Date>().not.toExtend<Json<Date>>();
    expectTypeOf<Map<string, string>>().not.toExtend<Json<Map<string, string>>>();
    expectTypeOf<{ at: Date }>().not.toExtend<Json<{ at: Date }>>();
    expectTypeOf<{ list: { at: Date }[] }>().not.toExtend<Json<{ list: { at: Date }[] }>>();
    expectTypeOf<bigint>().not.toExtend<Json<bigint>>();
    expectTypeOf<string | undefined>().not.toExtend<Json<string | undefined>>();
    expectTypeOf<(string | undefined)[]>().not.toExtend<Json<(string | undefined)[]>>();
    expectTypeOf<Uint8Array>().not.toExtend<Json<Uint8Array>>();
  });
});

describe("defineContract", () => {
  it("accepts valid contracts", () => {
    expectTypeOf(contract).toExtend<CheckContract<typeof contract>>();
    expect(check({})).toBeUndefined();
    check({ topics: { tree: { message: schema<Tree>() } } });
    check({ topics: { any: { message: schema<unknown>(), member: schema<undefined>() } } });
    check({ calls: { double: { input: schema<string, number>(), output: schema<JsonValue>() } } });
  });

  it("refuses a schema with a date in its output", () => {
    // @ts-expect-error -- JSON has no dates
    check({ topics: { x: { message: schema<string, Date>() } } });
    // @ts-expect-error -- JSON has no dates
    check({ topics: { x: { message: schema<unknown>(), publish: schema<{ at: Date }>() } } });
    // @ts-expect-error -- JSON has no dates
    check({ topics: { x: { message: schema<unknown>(), member: schema<Date>() } } });
    // @ts-expect-error -- JSON has no dates
    check({ calls: { x: { input: schema<Date, number>() } } });
    // @ts-expect-error -- JSON has no dates
    check({ calls: { x: { output: schema<Date>() } } });
    // @ts-expect-error -- JSON has no dates
    check({ calls: { x: { item: schema<Date>() } } });
    // @ts-expect-error -- JSON has no dates
    check({ calls: { x: { errors: { late: schema<Date>() } } } });
  });

  it("refuses messages, drafts and items that may be undefined", () => {
    // @ts-expect-error -- JSON has no undefined
    check({ topics: { x: { message: schema<string | undefined>() } } });
    // @ts-expect-error -- JSON has no undefined
    check({ calls: { x: { item: schema<string | undefined>() } } });
  });

  it("refuses bytes for members and errors", () => {
    // @ts-expect-error -- a member is JSON
    check({ topics: { x: { message: bytes(), member: bytes() } } });
    // @ts-expect-error -- the data of an error is JSON
    check({ calls: { x: { errors: { broken: bytes() } } } });
  });

  it("refuses properties that do not fit together", () => {
    // @ts-expect-error -- a stream has no output
    check({ calls: { x: { output: schema<1>(), item: schema<1>() } } });
    // @ts-expect-error -- a stream is not idempotent
    check({ calls: { x: { item: schema<1>(), isIdempotent: true } } });
    // @ts-expect-error -- only a stream is resumable
    check({ calls: { x: { output: schema<1>(), isResumable: true } } });
    // @ts-expect-error -- the name of an error has a lower-case letter
    check({ calls: { x: { errors: { NOT_FOUND: schema<1>() } } } });
    // @ts-expect-error -- misspelt
    check({ topics: { x: { message: schema<1>(), isVolitile: true } } });
    // @ts-expect-error -- misspelt
    check({ calls: { x: { ouput: schema<1>() } } });
    // @ts-expect-error -- misspelt
    check({ topic: {} });
    // @ts-expect-error -- without a message
    check({ topics: { x: {} } });
  });

  it("has the reason in the type that a wrong part must have", () => {
    type Wrong = CheckContract<{ topics: { x: { message: unknown; volatile: true } } }>;
    expectTypeOf<Wrong["topics"]["x"]["volatile"]>().toEqualTypeOf<
      ContractError<"a topic has only message, publish, member and isVolatile">
    >();
  });
});
