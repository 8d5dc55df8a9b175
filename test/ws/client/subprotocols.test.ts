import { describe, expect, it } from "vitest";
import { checkSubprotocols } from "../../../src/ws/client/subprotocols.ts";

describe("checkSubprotocols", () => {
  it("accepts tokens that differ (RFC 6455 4.1)", () => {
    expect(checkSubprotocols(["chat.v1", "A", "a"])).toEqual(["chat.v1", "A", "a"]);
  });

  it.each([[""], ["a b"], ["a,b"], ["é"], [null], [1], [undefined], [["a"]]])(
    "throws for %j",
    (protocol) => {
      expect(() => checkSubprotocols(["ok", protocol])).toThrow(
        new SyntaxError("An invalid or duplicated subprotocol was specified"),
      );
    },
  );

  it("throws if a subprotocol is offered twice", () => {
    expect(() => checkSubprotocols(["a", "b", "a"])).toThrow(SyntaxError);
  });

  // A regular expression for the whole list once took exponential time in another implementation.
  it("checks a subprotocol of a million characters in one pass", () => {
    expect(() => checkSubprotocols([`${"a".repeat(1_000_000)} `])).toThrow(SyntaxError);
  });
});
