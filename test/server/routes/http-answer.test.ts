import { describe, expect, it, vi } from "vitest";
import { answerRequest, cancelBody } from "../../../src/server/routes/http-answer.ts";
import type { HttpEntry } from "../../../src/server/routes/route-entries.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";

const report = vi.fn<(error: unknown, context: object) => void>();
const peer = {
  url: new URL("http://localhost/a"),
  remoteAddress: "192.0.2.1",
  clientCertificate: undefined,
};

function answer(
  handle: unknown,
  request: Request = new Request("http://localhost/a"),
): Response | Promise<Response> {
  report.mockReset();
  const entry = { key: "/:name", handle } as HttpEntry;
  return answerRequest({ entry, params: { name: "a" } }, request, peer, report);
}

/** The error that tells a developer which route did not return a `Response`, and what it returned. */
const noResponse = (returned: string): unknown =>
  expect.objectContaining({
    code: "NO_RESPONSE",
    message: `the handler of the route "/:name" returned ${returned}; return a Response`,
  });

describe("answerRequest", () => {
  it("returns the response of the handler, synchronously unless the handler is async", async () => {
    const response = new Response("hello");
    const handle = vi.fn<() => Response>(() => response);
    const request = new Request("http://localhost/a");
    expect(answer(handle, request)).toBe(response);
    expect(handle).toHaveBeenCalledExactlyOnceWith(request, { params: { name: "a" }, ...peer });
    const promise = answer(async () => response);
    expect(promise).toBeInstanceOf(Promise);
    expect(await promise).toBe(response);
    expect(report).not.toHaveBeenCalled();
  });

  const error = new Error("bug");
  it.each<[string, () => unknown, unknown]>([
    [
      "throws",
      () => {
        throw error;
      },
      error,
    ],
    ["rejects", () => Promise.reject(error), error],
    ["returns a string instead of a Response", () => "text", noResponse("a value of type string")],
    ["returns null instead of a Response", () => null, noResponse("null")],
    [
      "returns Response.error()",
      () => Response.error(),
      noResponse("a Response with the status 0, which cannot be sent"),
    ],
    ["resolves without a Response", async () => {}, noResponse("a value of type undefined")],
  ])("answers with 500 and reports the error if the handler %s", async (_how, handle, expected) => {
    const request = new Request("http://localhost/a");
    const response = await answer(handle, request);
    expect([response.status, await response.text()]).toEqual([500, "The server failed."]);
    expect(report).toHaveBeenCalledExactlyOnceWith(expected, { route: "/:name", request });
  });

  it("does not report an error of a handler after its client has left", async () => {
    const abort = new AbortController();
    const request = new Request("http://localhost/a", { signal: abort.signal });
    const response = answer(async () => {
      abort.abort();
      throw error;
    }, request);
    expect((await response).status).toBe(500);
    expect(report).not.toHaveBeenCalled();
  });
});

describe("cancelBody", () => {
  it("cancels an unlocked body and ignores an error of the cancellation", async () => {
    const cancel = vi.fn<() => Promise<never>>(() => Promise.reject(new Error("cannot cancel")));
    const response = new Response(new ReadableStream({ cancel }));
    expect(await uncaughtErrorsOf(() => cancelBody(response))).toEqual([]);
    expect(cancel).toHaveBeenCalledOnce();
  });

  it("does nothing with a locked body or a response without a body", async () => {
    const cancel = vi.fn<() => void>();
    const response = new Response(new ReadableStream({ cancel }));
    response.body?.getReader();
    cancelBody(response);
    cancelBody(new Response(null, { status: 204 }));
    expect(cancel).not.toHaveBeenCalled();
  });
});
