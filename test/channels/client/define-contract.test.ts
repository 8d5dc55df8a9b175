import { expect, it } from "vitest";
import { bytes, defineContract } from "tideway/channels";

it("defineContract returns its argument", () => {
  const definition = { topics: { news: { message: bytes() } } };
  expect(defineContract(definition)).toBe(definition);
});

it("defineContract checks its argument", () => {
  expect(() => defineContract({ topics: { "news/": { message: bytes() } } })).toThrow(
    expect.objectContaining({ name: "UsageError", code: "INVALID_TOPIC_PATTERN" }),
  );
});
