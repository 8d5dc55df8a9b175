import { expect, it } from "vitest";
import { RouteTable } from "../../../src/server/routes/route-table.ts";

const answer = (): Response => new Response();

const table = new RouteTable({
  "ws:/both": () => {},
  "get:/both": answer,
  "ws:/socket": () => {},
  "get:/page": answer,
  "put:/page": answer,
  "post:/form": answer,
  "/any": answer,
});

it.each([
  ["GET", "/none", 404, undefined],
  ["POST", "/none", 404, undefined],
  ["GET", "/socket", 426, undefined],
  ["HEAD", "/socket", 426, undefined],
  ["POST", "/socket", 405, "GET"],
  ["POST", "/both", 405, "GET, HEAD"],
  ["POST", "/page", 405, "GET, HEAD, PUT"],
  ["GET", "/form", 405, "POST"],
  ["HEAD", "/form", 405, "POST"],
])(
  "%s %s without a route for the method gets %i, with Allow: %s (RFC 9110 10.2.1)",
  (method, pathname, status, allow) => {
    const miss = table.explainMiss(method, pathname);
    expect(miss.status).toBe(status);
    expect(miss.headers["Allow"]).toBe(allow);
    if (status === 426) expect(miss.headers).toMatchObject({ Upgrade: "websocket" });
    if (status === 405) expect(miss.message).toBe(`${method} is not allowed here.`);
  },
);

it.each([
  ["GET", "/both", "get:/both"],
  ["HEAD", "/page", "get:/page"],
  ["PUT", "/page", "put:/page"],
  ["PATCH", "/any", "/any"],
  ["HEAD", "/form", undefined],
  ["GET", "/socket", undefined],
])("%s %s is answered by the route %s", (method, pathname, key) => {
  expect(table.findHttp(method, pathname)?.entry.key).toBe(key);
});

it.each([
  ["/both", "ws:/both"],
  ["/socket", "ws:/socket"],
  ["/page", undefined],
])("a handshake for %s is answered by the route %s", (pathname, key) => {
  expect(table.findWebSocket(pathname)?.entry.key).toBe(key);
});
