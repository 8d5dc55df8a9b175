import { BrokerError } from "tideway/topics";
import { expect, it } from "vitest";
import {
  isConflict,
  isStreamMissing,
  toBrokerError,
} from "../../../src/topics/nats/nats-errors.ts";

const named = (name: string): Error => Object.assign(new Error("why"), { name });

const wrapped = (cause: Error): Error =>
  Object.assign(new Error("why", { cause }), { name: "RequestError" });

const answered = (code: unknown, status: unknown): Error =>
  Object.assign(new Error("why"), { code, status });

it.each<[string, unknown]>([
  ["AuthorizationError", named("AuthorizationError")],
  ["InvalidArgumentError", named("InvalidArgumentError")],
  ["InvalidSubjectError", named("InvalidSubjectError")],
  ["PermissionViolationError", named("PermissionViolationError")],
  ["a RequestError with such a cause", wrapped(named("PermissionViolationError"))],
  ["an answer of JetStream with status 400", answered(10_059, 400)],
  ["an answer of JetStream with status 499", answered(10_059, 499)],
])("%s is refused, because a retry cannot help", (_what, cause) => {
  const error = toBrokerError(cause);
  expect(error).toMatchObject({
    code: "BROKER_REFUSED",
    message: "NATS refused the request: why",
    cause,
  });
});

it.each<[string, unknown]>([
  ["TimeoutError", named("TimeoutError")],
  ["a RequestError after a timeout", wrapped(named("TimeoutError"))],
  ["an answer of JetStream with status 500", answered(10_008, 500)],
  ["a message id that the cluster still stores", answered(10_158, 409)],
  ["another write in progress", answered(10_164, 400)],
  ["too few running servers in the cluster", answered(10_005, 400)],
  ["too many requests", answered(10_167, 429)],
  ["too many consumers of the account", answered(10_026, 400)],
  ["an error with a status and without a code", answered(undefined, 400)],
  ["an error with a code that is a text", answered("ECONNREFUSED", 400)],
  ["an error with a code and without a status", answered(10_059, undefined)],
])("%s is temporary, so the broker is unavailable", (_what, cause) => {
  const error = toBrokerError(cause);
  expect(error).toMatchObject({
    code: "BROKER_UNAVAILABLE",
    message: "NATS cannot be reached: why",
    cause,
  });
});

it.each([undefined, null, "why", 5])("%j that was thrown is unavailable too", (cause) => {
  expect(toBrokerError(cause)).toMatchObject({
    code: "BROKER_UNAVAILABLE",
    message: `NATS cannot be reached: ${String(cause)}`,
  });
});

it("a BrokerError stays as it is", () => {
  const error = new BrokerError("BROKER_TIMEOUT", "late");
  expect(toBrokerError(error)).toBe(error);
});

it("distinguishes conflicts and missing streams by the code of JetStream", () => {
  expect([10_071, 10_164].map((code) => isConflict({ code }))).toEqual([true, true]);
  expect([10_059, 10_158, "10071"].map((code) => isConflict({ code }))).toEqual([
    false,
    false,
    false,
  ]);
  expect([10_059, 10_071].map((code) => isStreamMissing({ code }))).toEqual([true, false]);
  expect(isConflict(undefined)).toBe(false);
});
