import { describe, expect, it } from "vitest";
import { bytes } from "../../../src/channels/contract/bytes.ts";
import { checkContract } from "../../../src/channels/contract/check-contract.ts";

const schema = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
};
const withTopic = (topic: unknown): unknown => ({ topics: { "rooms/:room": topic } });
const withCall = (call: unknown): unknown => ({ calls: { search: call } });
const withError = (name: string, error: unknown): unknown =>
  withCall({ errors: { [name]: error } });

describe("a contract", () => {
  it("may have topics and calls with all their properties", () => {
    const errors = { overflow: schema, "not-found": schema, E1x: schema };
    expect(() =>
      checkContract({
        topics: {
          "rooms/:room": { message: schema, publish: bytes(), member: schema, isVolatile: false },
          "rooms/:room/seats/:seat": { message: bytes() },
          news: { message: schema, isVolatile: true },
        },
        calls: {
          "math/add": { input: schema, output: schema, errors, isIdempotent: true },
          search: { input: bytes(), item: bytes(), errors, isResumable: true, isIdempotent: false },
          ping: {},
        },
      }),
    ).not.toThrow();
    expect(() => checkContract({})).not.toThrow();
  });

  it("may have schemas that are functions", () => {
    const asFunction = Object.assign(() => true, schema);
    expect(() => checkContract(withTopic({ message: asFunction }))).not.toThrow();
  });

  it.each<[string, unknown, string, string]>([
    ["no object", undefined, "INVALID_CONTRACT", "the contract is not valid: it is undefined"],
    ["null", null, "INVALID_CONTRACT", "it is null; it must be an object"],
    [
      "an unknown property",
      { topic: {} },
      "INVALID_CONTRACT",
      'it has "topic"; the properties are topics, calls',
    ],
    [
      "topics in an array",
      { topics: [] },
      "INVALID_CONTRACT",
      "topics is not valid: it is an array",
    ],
    [
      "calls of a wrong type",
      { calls: 1 },
      "INVALID_CONTRACT",
      "calls is not valid: it is of type number",
    ],
    [
      "a topic that is a schema",
      withTopic(schema),
      "INVALID_CONTRACT",
      'the topic "rooms/:room" is not valid: it has "~standard"',
    ],
    [
      "a misspelt property of a topic",
      withTopic({ message: schema, isVolitile: true }),
      "INVALID_CONTRACT",
      '"isVolitile"',
    ],
    [
      "a topic without message",
      withTopic({}),
      "INVALID_SCHEMA",
      'the topic "rooms/:room": message is undefined',
    ],
    [
      "a message that is not a schema",
      withTopic({ message: {} }),
      "INVALID_SCHEMA",
      "message is of type object",
    ],
    [
      "a schema of another version",
      withTopic({ message: { "~standard": { ...schema["~standard"], version: 2 } } }),
      "INVALID_SCHEMA",
      "Standard Schema 1",
    ],
    [
      "a draft that is not a schema",
      withTopic({ message: schema, publish: null }),
      "INVALID_SCHEMA",
      "publish is null",
    ],
    [
      "a member that is not a schema",
      withTopic({ message: schema, member: true }),
      "INVALID_SCHEMA",
      "member is of type boolean",
    ],
    [
      "a member of bytes",
      withTopic({ message: schema, member: bytes() }),
      "INVALID_CONTRACT",
      "bytes() is not possible here",
    ],
    [
      "a flag that is not boolean",
      withTopic({ message: schema, isVolatile: "no" }),
      "INVALID_CONTRACT",
      "isVolatile is of type string",
    ],
    [
      "an invalid pattern",
      { topics: { "rooms//x": { message: schema } } },
      "INVALID_TOPIC_PATTERN",
      "empty segment",
    ],
    [
      "an unknown property of a call",
      withCall({ result: schema }),
      "INVALID_CONTRACT",
      'the call "search" is not valid: it has "result"',
    ],
    [
      "an input that is not a schema",
      withCall({ input: 1 }),
      "INVALID_SCHEMA",
      'the call "search": input is of type number',
    ],
    [
      "an output that is not a schema",
      withCall({ output: "x" }),
      "INVALID_SCHEMA",
      "output is of type string",
    ],
    ["an item that is not a schema", withCall({ item: [] }), "INVALID_SCHEMA", "item is an array"],
    [
      "output and item",
      withCall({ output: schema, item: schema }),
      "INVALID_CONTRACT",
      "output and item",
    ],
    [
      "an idempotent stream",
      withCall({ item: schema, isIdempotent: true }),
      "INVALID_CONTRACT",
      "use isResumable",
    ],
    [
      "a resumable call",
      withCall({ output: schema, isResumable: true }),
      "INVALID_CONTRACT",
      "use isIdempotent",
    ],
    [
      "errors in an array",
      withCall({ errors: [schema] }),
      "INVALID_CONTRACT",
      "errors is not valid: it is an array",
    ],
    [
      "an upper-case error",
      withError("NOT_FOUND", schema),
      "INVALID_CONTRACT",
      'the error "NOT_FOUND" is not valid: its name must have a lower-case letter',
    ],
    ["an error of digits", withError("404", schema), "INVALID_CONTRACT", "a lower-case letter"],
    ["an error without a name", withError("", schema), "INVALID_CONTRACT", "0 characters"],
    [
      "an error that is not a schema",
      withError("gone", true),
      "INVALID_SCHEMA",
      'the error "gone" is of type boolean',
    ],
    [
      "an error of bytes",
      withError("gone", bytes()),
      "INVALID_CONTRACT",
      "bytes() is not possible here",
    ],
    [
      "a call without a name",
      { calls: { "": {} } },
      "INVALID_CONTRACT",
      "0 characters; it must have 1 to 128",
    ],
    [
      "a name of 129 characters",
      { calls: { ["a".repeat(129)]: {} } },
      "INVALID_CONTRACT",
      "129 characters",
    ],
    [
      "a name with a lone surrogate",
      { calls: { "\ud800": {} } },
      "INVALID_CONTRACT",
      "lone surrogates",
    ],
  ])("is refused with %s", (_, contract, code, text) => {
    const check = (): void => checkContract(contract);
    expect(check).toThrow(expect.objectContaining({ name: "UsageError", code }));
    expect(check).toThrow(text);
  });

  it.each([
    ["rooms/:room", "rooms/:id"],
    ["rooms/:room", "rooms/lobby"],
    [":kind/tides", "rooms/:room"],
    [":a/:b", "x/y"],
  ])("is refused if a name can match both %s and %s", (first, second) => {
    const contract = { topics: { [first]: { message: schema }, [second]: { message: schema } } };
    const check = (): void => checkContract(contract);
    expect(check).toThrow(
      expect.objectContaining({ name: "UsageError", code: "OVERLAPPING_TOPICS" }),
    );
    expect(check).toThrow(`${JSON.stringify(first)} and ${JSON.stringify(second)}`);
  });

  it.each([
    ["rooms/:room", "halls/:hall"],
    ["rooms/:room", "rooms/:room/seats"],
    ["rooms/:room", "rooms/a b"],
  ])("may have both %s and %s, because no name matches both", (first, second) => {
    const contract = { topics: { [first]: { message: schema }, [second]: { message: schema } } };
    expect(() => checkContract(contract)).not.toThrow();
  });
});
