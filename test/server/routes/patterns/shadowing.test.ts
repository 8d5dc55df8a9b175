import { serve } from "tideway/server";
import * as fc from "fast-check";
import { expect, it, vi } from "vitest";
import { compilePattern } from "../../../../src/server/routes/patterns/route-pattern.ts";
import { shadows } from "../../../../src/server/routes/patterns/shadowing.ts";
import { RouteTable } from "../../../../src/server/routes/route-table.ts";

it.each([
  ["/a", "/a"],
  ["/:x", "/:y"],
  ["/:x", "/a"],
  ["/:x/b", "/a/b"],
  ["/*", "/"],
  ["/*", "/a/b"],
  ["/*", "/:a?/(x)"],
  ["/a/*", "/a/"],
  ["/a/*", "/a/:b/c"],
  ["/a/*", "/a/b/*"],
  ["/:x", "/:name.:type"],
  ["/:name.:type", "/:a.:b"],
  ["/:id(\\d+)", "/:number(\\d+)"],
])("%s shadows %s", (earlier, later) => {
  expect(shadows(earlier, later)).toBe(true);
});

it.each([
  ["/a", "/b"],
  ["/a", "/:x"],
  ["/:x", "/"],
  ["/:x", "/*"],
  ["/a/*", "/a"],
  ["/a/b/*", "/a/*"],
  ["/a/*", "/a/:b?"],
  ["/:a/:b", "/:a"],
  ["/:id(\\d+)", "/:id"],
  ["/:name.:type", "/:x"],
])("%s does not shadow %s", (earlier, later) => {
  expect(shadows(earlier, later)).toBe(false);
});

it("serve never reports a route that can answer as shadowed", () => {
  const segment = fc.constantFrom("a", "b", ":x", ":y", "*", ":x.:y", ":z?", ":w(a)", "{a}?", "");
  const paths = fc
    .array(segment, { minLength: 1, maxLength: 3 })
    .map((segments) => `/${segments.join("/")}`)
    .filter((path) => !path.startsWith("//") && isPattern(path));
  const pathnames = fc
    .array(fc.constantFrom("a", "b", "a.b", ""), { minLength: 1, maxLength: 4 })
    .map((segments) => `/${segments.join("/")}`);
  fc.assert(
    fc.property(paths, paths, pathnames, (earlier, later, pathname) => {
      if (!shadows(earlier, later)) return;
      if (compilePattern(later, later).match(pathname) === undefined) return;
      expect(compilePattern(earlier, earlier).match(pathname)).toBeDefined();
    }),
    { numRuns: 2000 },
  );
});

function isPattern(path: string): boolean {
  try {
    compilePattern(path, path);
    return true;
  } catch {
    return false;
  }
}

it("serve reports at start each route that can never answer", async () => {
  const onError = vi.fn<(error: unknown, context: object) => void>();
  const page = (): Response => new Response();
  await using server = await serve({
    port: 0,
    onError,
    routes: {
      "get:/x/:id": page,
      "post:/x/1": page,
      "head:/x/1": page,
      "ws:/x/1": () => {},
      "ws:/*": () => {},
      "/*": page,
      "ws:/chat": () => {},
    },
  });
  expect(server.port).toBeGreaterThan(0);
  expect(onError.mock.calls).toEqual([
    [
      expect.objectContaining({
        code: "SHADOWED_ROUTE",
        message: expect.stringContaining('"get:/x/:id" comes before it'),
      }),
      { route: "head:/x/1" },
    ],
    [expect.objectContaining({ code: "SHADOWED_ROUTE" }), { route: "ws:/chat" }],
  ]);
});

it.each<[earlier: string, later: string, isShadowed: boolean]>([
  ["get:/:a", "get:/:b", true],
  ["get:/:a", "GET:/:a", true],
  ["get:/:a", "head:/:a", true],
  ["get:/:a", "post:/:a", false],
  ["head:/:a", "get:/:a", false],
  ["post:/:a", "post:/:b", true],
  ["/:a", "get:/:a", true],
  ["/:a", "/:b", true],
  ["get:/:a", "/:a", false],
  ["ws:/:a", "/:a", false],
  ["/:a", "ws:/:a", false],
  ["ws:/:a", "ws:/:b", true],
])("with a route %s, a later route %s is shadowed: %s", (earlier, later, isShadowed) => {
  const answer = (): Response => new Response();
  const { shadowed } = new RouteTable({ [earlier]: answer, [later]: answer });
  expect(shadowed.map(({ key }) => key)).toEqual(isShadowed ? [later] : []);
});
