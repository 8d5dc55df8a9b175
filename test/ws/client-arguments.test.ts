import { describe, expect, it } from "vitest";
import { readArguments } from "../../src/ws/client-arguments.ts";

const OPTIONS = { origin: "https://example.com" };
const ONE = { protocols: "a" };
const TWO = { protocols: ["a", "b"] };

describe("the arguments after the address", () => {
  it.each([
    ["none", [], [], {}],
    ["one subprotocol", ["a"], ["a"], {}],
    ["several subprotocols", [["a", "b"]], ["a", "b"], {}],
    ["options alone", [OPTIONS], [], OPTIONS],
    ["a subprotocol and options", ["a", OPTIONS], ["a"], OPTIONS],
    ["undefined and options", [undefined, OPTIONS], [], OPTIONS],
    ["subprotocols and null", [["a"], null], ["a"], {}],
    ["null, which is not a subprotocol", [null, OPTIONS], [null], OPTIONS],
    ["an empty subprotocol", [""], [""], {}],
    ["options with one subprotocol", [ONE], ["a"], ONE],
    ["options with several subprotocols", [TWO], ["a", "b"], TWO],
    ["undefined and options with subprotocols", [undefined, TWO], ["a", "b"], TWO],
    ["a subprotocol and options with others", ["c", TWO], ["c"], TWO],
    ["no subprotocols and options with some", [[], TWO], [], TWO],
  ] as ReadonlyArray<[string, [unknown?, (object | null)?], unknown[], object]>)(
    "may be %s",
    (_name, args, offered, settings) => {
      expect(readArguments(...args)).toEqual({ offered, settings });
    },
  );
});
