import { expect, it } from "vitest";
import { parse } from "../../../src/ws/extensions/subprotocol.ts";

it("reads the subprotocols in order", () => {
  expect([...parse("chat, superchat\t,v1.json")]).toEqual(["chat", "superchat", "v1.json"]);
});

it("does not accept a subprotocol twice (RFC 6455 4.1)", () => {
  expect(() => parse("chat, chat")).toThrow(
    new SyntaxError('The "chat" subprotocol is duplicated'),
  );
});

it.each([
  ["a b", 2],
  [" a", 0],
  ["a,,b", 2],
  ["a/b", 1],
])("reports the index of the first wrong character of %j", (header, index) => {
  expect(() => parse(header)).toThrow(new SyntaxError(`Unexpected character at index ${index}`));
});

it.each(["", "a,", "a ", "a, "])("reports that %j ends too early", (header) => {
  expect(() => parse(header)).toThrow(new SyntaxError("Unexpected end of input"));
});

// Earlier versions of the package ws used a regular expression that backtracks (CVE-2021-32640).
it("takes time linear in the length of a hostile header", () => {
  expect(() => parse(`a${" ".repeat(1_000_000)}b`)).toThrow(
    "Unexpected character at index 1000001",
  );
});
