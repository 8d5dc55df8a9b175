import { expect, it } from "vitest";
import { refuse } from "../../../src/protocol/handshake/index.ts";
import { RequestGate } from "../../../src/server/requests/request-gate.ts";

const GOOD = { host: "good", isSecure: false, url: new URL("http://good/") };
const BAD = { ...GOOD, host: "bad" };
const MALFORMED = refuse(400, "malformed");
const SHUTDOWN = refuse(503, "stopping", { headers: { "Retry-After": "1" } });

function gateWith(hasRoom: boolean): RequestGate {
  const isHostAllowed = (host: string): boolean => host === "good";
  return new RequestGate({ isHostAllowed, pendingRequests: { hasRoom } });
}

it("returns the target of a request that a route may answer", () => {
  expect(gateWith(true).check("GET", GOOD)).toBe(GOOD);
});

it("checks shutdown, target, host, method and room, in this order", () => {
  const gate = gateWith(false);
  gate.stop(SHUTDOWN);
  expect(gate.isStopping).toBe(true);
  const headers = { "Retry-After": "1", Connection: "close" };
  expect(gate.check("TRACE", MALFORMED)).toEqual({ ...SHUTDOWN, headers });
  gate.resume();
  expect(gate.isStopping).toBe(false);
  const refusals = [
    gate.check("TRACE", MALFORMED),
    gate.check("TRACE", BAD),
    gate.check("TRACE", GOOD),
    gate.check("GET", GOOD),
  ];
  expect(refusals).toMatchObject([
    { status: 400, headers: { Connection: "close" } },
    { status: 421, headers: { Connection: "close" } },
    { status: 501, headers: {} },
    { status: 503, headers: { Connection: "close" }, option: "maxPendingRequests" },
  ]);
});

it("closes the connection after CONNECT, on which the client would use another protocol", () => {
  expect(gateWith(true).check("CONNECT", GOOD)).toMatchObject({
    status: 501,
    headers: { Connection: "close" },
  });
});
