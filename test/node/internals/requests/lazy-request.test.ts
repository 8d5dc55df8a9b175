import { expect, it, vi } from "vitest";
import { deferRequest } from "../../../../src/node/internals/requests/lazy-request.ts";

const URL_OF_REQUEST = "http://localhost/a?b";

function deferred(): { request: Request; make: ReturnType<typeof vi.fn<() => Request>> } {
  const make = vi.fn<() => Request>(
    () => new Request(URL_OF_REQUEST, { method: "DELETE", headers: { a: "b" } }),
  );
  return { request: deferRequest(URL_OF_REQUEST, "DELETE", make), make };
}

/** Node.js 24 stores the state of a request in private fields, so each request is made at once. */
const storesStateUnderSymbols =
  Object.getOwnPropertySymbols(new Request(URL_OF_REQUEST)).length > 0;

it.runIf(storesStateUnderSymbols)(
  "a lazy request creates a Request only when code reads more than its URL",
  () => {
    const { request, make } = deferred();
    expect([request.url, request.method]).toEqual([URL_OF_REQUEST, "DELETE"]);
    expect(make).not.toHaveBeenCalled();
    expect(request.headers.get("a")).toBe("b");
    expect(request.signal.aborted).toBe(false);
    expect(make).toHaveBeenCalledOnce();
  },
);

it.each<[string, (request: Request) => Request]>([
  ["itself", (request) => request],
  ["its clone", (request) => request.clone()],
  ["its copy", (request) => new Request(request)],
])("a lazy request is like any other request: %s", async (_which, from) => {
  const request = from(deferred().request);
  expect(request).toBeInstanceOf(Request);
  expect(request).toMatchObject({ url: URL_OF_REQUEST, method: "DELETE", body: null });
  expect(request.headers.get("a")).toBe("b");
  expect(await request.text()).toBe("");
});
