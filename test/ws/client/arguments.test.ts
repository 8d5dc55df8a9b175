import { describe, expect, it } from "vitest";
import { readArguments } from "../../../src/ws/client/arguments.ts";

const OPTIONS = { origin: "https://example.com" };

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
  ] as ReadonlyArray<[string, [unknown?, (object | null)?], unknown[], object]>)(
    "may be %s",
    (_name, args, offered, settings) => {
      expect(readArguments(...args)).toEqual({ offered, settings });
    },
  );
});
