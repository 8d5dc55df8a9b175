import { describe, expect, it } from "vitest";
import {
  decideReconnect as decideByCloseCode,
  reconnectDelayMs,
} from "../../src/client/reconnect-policy.ts";
import { decideReconnect, UnexpectedStatusError } from "../../src/node/index.ts";

describe.each([
  ["in a browser", decideByCloseCode],
  ["in Node", decideReconnect],
])("decideReconnect %s", (_, decide) => {
  it.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003])(
    "stops at the close code %d",
    (code) => {
      expect(decide({ code })).toBe("stop");
    },
  );

  it.each([1001, 1005, 1006, 1011, 1012, 1014, 1015, 3001, 3008, 4000, 4999])(
    "retries at the close code %d",
    (code) => {
      expect(decide({ code })).toBe("retry");
    },
  );

  it("retries later at the close code 1013 (Try Again Later)", () => {
    expect(decide({ code: 1013 })).toBe("retry-later");
  });
});

describe("decideReconnect in Node, for a refused handshake,", () => {
  const decide = (status: number): unknown =>
    decideReconnect({ code: 1006, error: new UnexpectedStatusError(status, "") });

  it.each([400, 401, 403, 405, 410, 426])("stops at status %i", (status) => {
    expect(decide(status)).toBe("stop");
  });

  it.each([200, 301, 404, 408, 500, 502, 503, 504])("retries at status %i", (status) => {
    expect(decide(status)).toBe("retry");
  });

  it("retries later at status 429 (RFC 6585 4)", () => {
    expect(decide(429)).toBe("retry-later");
  });
});

describe("reconnectDelayMs", () => {
  const delays = (chance: number) => ({
    initialDelayMs: 2000,
    maxDelayMs: 30_000,
    random: () => chance,
  });

  it("doubles from the initial delay up to the maximum", () => {
    const longest = [0, 1, 2, 3, 4, 5, 2000].map((n) => reconnectDelayMs(delays(1), n, false));
    expect(longest).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("is a random fraction of the delay", () => {
    expect(reconnectDelayMs(delays(0), 2, false)).toBe(0);
    expect(reconnectDelayMs(delays(0.5), 2, false)).toBe(4000);
  });

  it("is at least half of the maximum when the server asks for a later retry", () => {
    expect(reconnectDelayMs(delays(0), 0, true)).toBe(15_000);
    expect(reconnectDelayMs(delays(1), 0, true)).toBe(30_000);
  });
});
