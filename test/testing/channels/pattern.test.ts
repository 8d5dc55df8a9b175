import { describe, expect, it } from "vitest";
import { fill, match } from "../../../src/testing/channels/pattern.ts";
import type { ScriptValue } from "../../../src/testing/channels/script.ts";

const variables = new Map<string, unknown>([
  ["run", "x1"],
  ["number", 7],
]);

describe("a value that a script sends", () => {
  it.each<[ScriptValue, unknown]>([
    ["<number>", 7],
    ["rooms/<run>-<number>", "rooms/x1-7"],
    [
      { topic: "<run>", list: [null, true, "<number>"] },
      { topic: "x1", list: [null, true, 7] },
    ],
    [{ "<repeat>": ["ab", 3] }, "ababab"],
    [{ id: 1, auth: "<absent>" }, { id: 1 }],
  ])("%j becomes %j", (value, filled) => {
    expect(JSON.parse(JSON.stringify(fill(value, variables)))).toEqual(filled);
  });

  it("must not have a variable without a value", () => {
    expect(() => fill("<later>", variables)).toThrow("the variable <later> has no value");
  });
});

describe("an expected value", () => {
  it.each<[ScriptValue, unknown]>([
    [null, null],
    ["rooms/<run>", "rooms/x1"],
    ["<number>", 1],
    ["<string>", "text"],
    ["<boolean>", false],
    ["<object>", {}],
    ["<any>", null],
    ["<absent>", undefined],
    [{ id: 1 }, { id: 1, later: true }],
    [{ id: 1, later: "<absent>" }, { id: 1 }],
    [
      [1, { id: 2 }],
      [1, { id: 2, later: 3 }],
    ],
    [{ "<set>": [1, 2, 2] }, [2, 1, 2]],
    [{ "<unlike>": "<run>" }, "x2"],
    [{ "<matches>": "^a+$" }, "aaa"],
    [{ "<repeat>": ["a", 3] }, "aaa"],
  ])("%j matches %j", (pattern, actual) => {
    expect(match(pattern, actual, variables)).not.toHaveProperty("mismatch");
  });

  it.each<[ScriptValue, unknown, string]>([
    [1, 2, "$ is 2; expected 1"],
    ["<string>", 1, "$ is 1; expected <string>"],
    ["<absent>", 1, "$ is 1; expected <absent>"],
    ["<new>", undefined, "$ is absent"],
    ["<run>", "x2", '$ is "x2"; expected "x1"'],
    [{ a: { b: 1 } }, { a: { b: 2 } }, "$.a.b is 2; expected 1"],
    [{ a: 1 }, [1], "$ is [1], which is not an object"],
    [[1, 2], [1], "$ has 1 elements; expected 2"],
    [[1, [2]], [1, [3]], "$[1][0] is 3; expected 2"],
    [[1], { 0: 1 }, '$ is {"0":1}, which is not an array'],
    [{ "<set>": [1, 2] }, [1, 1], "$ is [1,1]; expected 2 in it"],
    [{ "<set>": [1] }, [1, 1], "$ is [1,1]; expected an array with 1 elements"],
    [{ "<unlike>": "<run>" }, "x1", '$ is "x1"; expected another value'],
    [{ "<matches>": "^a+$" }, "b", '$ is "b"; expected {"<matches>":"^a+$"}'],
  ])("%j does not match %j", (pattern, actual, mismatch) => {
    expect(match(pattern, actual, variables)).toEqual({ mismatch });
  });

  it("stores values in variables, and compares later values with them", () => {
    const result = match(["<new>", "<new>"], [5, 5], variables);
    expect(result).toEqual({ variables: new Map([...variables, ["new", 5]]) });
    expect(match(["<new>", "<new>"], [5, 6], variables)).toEqual({
      mismatch: "$[1] is 6; expected 5",
    });
  });

  it("changes no variables if it does not match", () => {
    match({ a: "<new>", b: 1 }, { a: 5, b: 2 }, variables);
    expect(variables.has("new")).toBe(false);
  });
});
