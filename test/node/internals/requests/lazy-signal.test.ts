import { afterEach, expect, it, vi } from "vitest";
import { makeAbortable } from "../../../../src/node/internals/requests/lazy-signal.ts";

/** Whether this Node.js stores the state of a signal under the symbols that `makeAbortable` needs. */
const storesStateUnderSymbols = Object.getOwnPropertySymbols(AbortSignal.abort()).some(
  ({ description }) => description === "kAborted",
);

afterEach(() => vi.unstubAllGlobals());

/** Counts the controllers that are made from now on. */
function countControllers(): { count: number } {
  const made = { count: 0 };
  vi.stubGlobal(
    "AbortController",
    class extends AbortController {
      constructor() {
        super();
        made.count++;
      }
    },
  );
  return made;
}

it.runIf(storesStateUnderSymbols)("a lazy signal is created only when code reads it", () => {
  // The first call creates further requests, which check that this Node.js allows it.
  makeAbortable("http://localhost/", {});
  const made = countControllers();
  const abortable = makeAbortable("http://localhost/a", { headers: { a: "b" } });
  const { request } = abortable;
  expect([request.url, request.headers.get("a")]).toEqual(["http://localhost/a", "b"]);
  // The constructor of `Request` may make a controller too.
  const { count } = made;
  const { signal } = request;
  expect(made.count).toBe(count + 1);
  expect(request.signal).toBe(signal);
  abortable.abort();
  expect(signal.aborted).toBe(true);
});

it("a lazy signal is aborted for a request and its clones, whether code reads it before or after the abort", () => {
  for (const reads of ["before", "after"]) {
    const abortable = makeAbortable("http://localhost/", {});
    const { request } = abortable;
    const signals = (): AbortSignal[] => [request.signal, request.clone().signal];
    const early = reads === "before" ? signals() : [];
    expect(early.map(({ aborted }) => aborted)).not.toContain(true);
    abortable.abort();
    for (const { aborted, reason } of [...early, ...signals()]) {
      expect({ aborted, name: (reason as Error).name }).toEqual({
        aborted: true,
        name: "AbortError",
      });
    }
  }
});
