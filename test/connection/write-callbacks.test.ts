import { expect, it } from "vitest";
import { WriteCallbacks } from "../../src/connection/write-callbacks.ts";
import { TransportError } from "../../src/errors/index.ts";

it("calls back when the output that was passed to the transport is written", () => {
  const calls: string[] = [];
  const callbacks = new WriteCallbacks();
  callbacks.add(() => calls.push("first"), true);
  callbacks.begin();
  callbacks.add(() => calls.push("second"), true);
  callbacks.add(() => calls.push("with the first"), false);
  callbacks.succeed();
  expect(calls).toEqual(["first", "with the first"]);
  callbacks.begin();
  callbacks.succeed();
  callbacks.succeed();
  expect(calls).toEqual(["first", "with the first", "second"]);
});

it("passes the error of a closed connection to all callbacks that wait", () => {
  const errors: unknown[] = [];
  const callbacks = new WriteCallbacks();
  callbacks.add((error) => errors.push(error), true);
  callbacks.begin();
  callbacks.add((error) => errors.push(error), true);
  const error = new TransportError("TRANSPORT_FAILED", "the connection was reset");
  callbacks.fail(error);
  callbacks.succeed();
  expect(errors).toEqual([error, error]);
});
