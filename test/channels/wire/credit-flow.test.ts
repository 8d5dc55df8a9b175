import { expect, it } from "vitest";
import { createFlow } from "../../../src/channels/wire/credit-flow.ts";

it("renews the credit when the slowest reader leaves out the values that it knows", () => {
  const credits: number[] = [];
  const flow = createFlow<string>(
    100,
    (bytes) => credits.push(bytes),
    () => {},
  );
  const fast = flow.read();
  expect(flow.open()).toBe(100);
  const late = flow.read();
  late.before = undefined;
  for (const value of ["one", "two"]) {
    flow.push(value, 50);
    expect(fast.take()).toMatchObject({ value });
  }
  expect(credits).toEqual([]);
  late.before = [];
  late.isKnown = () => true;
  expect(late.take()).toBeUndefined();
  expect(credits).toEqual([100]);
});
