import { expect, it } from "vitest";
import { UnexpectedStatusError } from "../../../src/protocol/handshake/unexpected-status-error.ts";

it("an UnexpectedStatusError has the status and the reason, and no fields or body by default", () => {
  const error = new UnexpectedStatusError(503, "Busy");
  expect(error).toMatchObject({
    name: "UnexpectedStatusError",
    code: "UNEXPECTED_STATUS",
    status: 503,
    reason: "Busy",
    body: "",
    message: 'the server answered the handshake with status 503 "Busy" instead of 101',
  });
  expect([...error.headers]).toEqual([]);
});

it("an UnexpectedStatusError omits an empty reason in the message", () => {
  expect(new UnexpectedStatusError(404, "").message).toBe(
    "the server answered the handshake with status 404 instead of 101",
  );
});

it("an UnexpectedStatusError can be copied with a body", () => {
  const error = new UnexpectedStatusError(401, "Who");
  const withBody = error.withBody("log in");
  expect(withBody).toMatchObject({ status: 401, reason: "Who", body: "log in" });
  expect(withBody.headers).toBe(error.headers);
  expect(error.body).toBe("");
});
