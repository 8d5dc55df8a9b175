import { describe, expect, it } from "vitest";
import { decideReconnect, reconnectDelayMs } from "../../src/client/reconnect-policy.ts";

describe("decideReconnect", () => {
  it.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003])("stops at %d", (code) => {
    expect(decideReconnect({ code })).toBe("stop");
  });

  it.each([1001, 1005, 1006, 1011, 1012, 1014, 1015, 3001, 3008, 4000, 4999])(
    "retries at %d",
    (code) => {
      expect(decideReconnect({ code })).toBe("retry");
    },
  );

  it("retries later at 1013, try again later", () => {
    expect(decideReconnect({ code: 1013 })).toBe("retry-later");
  });
});

describe("reconnectDelayMs", () => {
  const delays = { initialDelayMs: 2000, maxDelayMs: 30_000 };

  it("doubles from the initial delay up to the longest", () => {
    const longest = [1, 2, 3, 4, 5, 6, 2000].map((n) => reconnectDelayMs(delays, n, "retry", 1));
    expect(longest).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("takes any part of it, by chance", () => {
    expect(reconnectDelayMs(delays, 3, "retry", 0)).toBe(0);
    expect(reconnectDelayMs(delays, 3, "retry", 0.5)).toBe(4000);
  });

  it("waits for half of the longest at least when the server asks for time", () => {
    expect(reconnectDelayMs(delays, 1, "retry-later", 0)).toBe(15_000);
    expect(reconnectDelayMs(delays, 1, "retry-later", 1)).toBe(30_000);
  });
});
