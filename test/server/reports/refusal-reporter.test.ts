import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDebugLog, NO_DEBUG_LOG } from "../../../src/errors/debug-log.ts";
import {
  type RefusalDetails,
  RefusalReporter,
  type RefusalReport,
  type RefusedPeer,
} from "../../../src/server/reports/refusal-reporter.ts";

const PEER: RefusedPeer = {
  origins: ["http://a.example"],
  host: "b.example:8080",
  remoteAddress: "192.0.2.1",
  pathname: "/rooms/1",
};
const UNKNOWN_PEER: RefusedPeer = { origins: [], host: "", remoteAddress: "", pathname: undefined };
const DETAILS: RefusalDetails = {
  what: "handshake",
  status: 403,
  reason: "This origin is not allowed.",
  option: "origins",
  route: "ws:/rooms/:room",
};
const EACH_MINUTE =
  "Each kind of refusal is printed once a minute; set onRefused to get all of them.";

/** Returns the report to the listener, the line of the debug log, and the line on the console. */
function outputsOf(
  details: RefusalDetails,
  peer: RefusedPeer,
): { report: RefusalReport; logged: string; printed: string } {
  const reports: RefusalReport[] = [];
  const lines: string[] = [];
  const log = createDebugLog((line) => lines.push(line));
  const environment = { isProduction: () => false, nowMs: () => 0 };
  new RefusalReporter((report) => reports.push(report), { ...environment, log }).report(
    details,
    peer,
  );
  new RefusalReporter(undefined, { ...environment, log: NO_DEBUG_LOG }).report(details, peer);
  expect(reports).toHaveLength(1);
  expect(lines).toHaveLength(1);
  return {
    report: reports[0],
    logged: lines[0],
    printed: String(vi.mocked(console.warn).mock.calls),
  };
}

beforeEach(() => {
  vi.spyOn(console, "warn").mockReturnValue();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a refusal of a known peer", () => {
  it("is reported, logged and printed with all facts", () => {
    const facts =
      'origin "http://a.example", host "b.example:8080", route "ws:/rooms/:room", address 192.0.2.1';
    const advice = "The option that decides this: origins.";
    expect(outputsOf(DETAILS, PEER)).toEqual({
      report: {
        what: "handshake",
        by: "library",
        status: 403,
        closeCode: undefined,
        reason: "This origin is not allowed.",
        option: "origins",
        issues: undefined,
        origin: "http://a.example",
        host: "b.example:8080",
        route: "ws:/rooms/:room",
        remoteAddress: "192.0.2.1",
      },
      logged:
        "handshake refused with 403 by the server: This origin is not allowed " +
        `(path "/rooms/1", ${facts}). ${advice}`,
      printed:
        "tideway: the server refused a handshake with 403: This origin is not allowed " +
        `(${facts}). ${advice} ${EACH_MINUTE}`,
    });
  });

  it("names several origins, and the first issue of a schema only on the console", () => {
    const details: RefusalDetails = {
      what: "connection",
      by: "application",
      closeCode: 1007,
      reason: "a message is invalid",
      issues: [{ message: "not a number" }, { message: "too long" }],
    };
    const { report, logged, printed } = outputsOf(details, {
      ...PEER,
      origins: ["http://a", "http://b"],
    });
    expect(report).toMatchObject({
      by: "application",
      closeCode: 1007,
      status: undefined,
      issues: details.issues,
      origin: "http://a, http://b",
    });
    const facts = 'origin "http://a, http://b", host "b.example:8080", address 192.0.2.1';
    expect(logged).toBe(
      "connection closed with 1007 by the application: a message is invalid " +
        `(path "/rooms/1", ${facts}).`,
    );
    expect(printed).toBe(
      "tideway: the application closed a connection with 1007: a message is invalid, " +
        `"not a number" (path "/rooms/1", ${facts}). ${EACH_MINUTE}`,
    );
  });

  it("is printed with its path if no route is known, and with its route otherwise", () => {
    expect(outputsOf(DETAILS, PEER).printed).not.toContain("path");
    const { printed } = outputsOf({ ...DETAILS, route: undefined }, PEER);
    expect(printed).toContain('(path "/rooms/1", origin ');
  });
});

it("a refusal of an unknown peer has no origin, host, route or option", () => {
  const details: RefusalDetails = { what: "request", status: 400, reason: "It is malformed." };
  const { report, logged, printed } = outputsOf(details, UNKNOWN_PEER);
  expect(report).toEqual({
    what: "request",
    by: "library",
    status: 400,
    closeCode: undefined,
    reason: "It is malformed.",
    option: undefined,
    issues: undefined,
    origin: undefined,
    host: undefined,
    route: undefined,
    remoteAddress: "",
  });
  const facts = "It is malformed (origin none, host none, address unknown).";
  expect(logged).toBe(`request refused with 400 by the server: ${facts}`);
  expect(printed).toBe(`tideway: the server refused a request with 400: ${facts} ${EACH_MINUTE}`);
});

it.each([
  ["http://user:secret@a.example", "http://a.example"],
  ["user:secret@a.example", "a.example"],
  ["http://user@secret@a.example", "http://a.example"],
  ["http://@a.example", "http://a.example"],
  ["secret@://a.example", "://a.example"],
  ["http://a.example/?token=secret", "http://a.example/"],
  ["http://a.example/#secret", "http://a.example/"],
  ["http://a.example?secret@x", "http://a.example"],
])("the origin and host %s are logged and printed as %s, without secrets", (sent, shown) => {
  const { logged, printed } = outputsOf(DETAILS, { ...PEER, origins: [sent], host: sent });
  for (const line of [logged, printed]) {
    expect(line).toContain(`origin "${shown}", host "${shown}", `);
  }
});
