import { afterEach, beforeEach, expect, it, type MockInstance, vi } from "vitest";
import { printError, safeListener } from "../../src/errors/safe-listener.ts";
import { uncaughtErrorsOf } from "../support/uncaught-errors.ts";

let print: MockInstance<typeof console.error>;

beforeEach(() => {
  print = vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => print.mockRestore());

const error = new Error("reported");
const failure = new Error("the listener failed");

it("a report passes the error and its context to the listener", () => {
  const listener = vi.fn<(error: unknown, context: object) => void>();
  safeListener(listener)(error, { route: "ws:/" });
  expect(listener).toHaveBeenCalledExactlyOnceWith(error, { route: "ws:/" });
  expect(print).not.toHaveBeenCalled();
});

it("a report prints the error if there is no listener", () => {
  safeListener(printError)(error);
  expect(print.mock.calls).toEqual([[error]]);
});

it.each<[string, () => unknown]>([
  [
    "throws",
    () => {
      throw failure;
    },
  ],
  ["rejects", () => Promise.reject(failure)],
])(
  "a report prints both errors and leaves nothing uncaught if the listener %s",
  async (_how, listener) => {
    expect(await uncaughtErrorsOf(() => safeListener(listener)(error))).toEqual([]);
    expect(print.mock.calls).toEqual([[error], [failure]]);
  },
);

it("a report survives a value that cannot be printed and a console that throws", () => {
  print.mockImplementation(() => {
    throw failure;
  });
  expect(() => safeListener(printError)(error)).not.toThrow();
  expect(print).toHaveBeenLastCalledWith(
    "tideway: the application threw a value that the console cannot print",
  );
});
