import { describe, expect, it } from "vitest";
import { resolveLimits } from "../../../src/channels/server/limits.ts";
import {
  createRatesBySession,
  type RatesBySession,
} from "../../../src/channels/server/session-rates.ts";
import type { ChannelLimits } from "../../../src/channels/server/limits.ts";
import { anything, start } from "./support.ts";

function create(limits: ChannelLimits, now = { ms: 0 }): RatesBySession {
  const names = new Set(["search"]);
  return createRatesBySession(resolveLimits(limits, new Set(), names), () => now.ms)!;
}

describe("the rates of a session", () => {
  it("are not created without limits on rates", () => {
    const limits = resolveLimits({ maxStreams: 5 }, new Set(), new Set());
    expect(createRatesBySession(limits, () => 0)).toBeUndefined();
  });

  it("are shared by its connections, and kept after the last one has ended", () => {
    const rates = create({ callsPerSecond: 2 });
    expect(rates.acquire("ann").calls!.take("search")).toBe(0);
    expect(rates.acquire("ann").calls!.take("search")).toBe(0);
    rates.release("ann");
    rates.release("ann");
    expect(rates.acquire("ann").calls!.take("search")).toBeGreaterThan(0);
    expect(rates.acquire("bob").calls!.take("search")).toBe(0);
  });

  it("are forgotten when they have no effect: after a second, or the time of the slowest rate", () => {
    for (const [limits, refillMs] of [
      [{ callsPerSecond: 5 }, 1_000],
      [{ calls: { search: { perSecond: 0.1 } } }, 10_000],
    ] as const) {
      const now = { ms: 0 };
      const rates = create(limits, now);
      rates.acquire("ann");
      rates.release("ann");
      now.ms = refillMs - 1;
      rates.acquire("bob");
      expect(rates.size).toBe(2);
      now.ms = refillMs;
      rates.acquire("eve");
      expect(rates.size).toBe(2);
    }
  });

  it("are kept for maxRatedSessions without a connection: the oldest one is forgotten", () => {
    const rates = create({ callsPerSecond: 1, maxRatedSessions: 2 });
    for (const session of ["ann", "bob", "eve"]) {
      rates.acquire(session).calls!.take("search");
      rates.release(session);
    }
    expect(rates.size).toBe(2);
    expect(rates.acquire("bob").calls!.take("search")).toBeGreaterThan(0);
    expect(rates.acquire("ann").calls!.take("search")).toBe(0);
  });

  it("limit publishes, calls and streams of a client that connects again", async () => {
    const server = await start(
      { topics: { news: { message: anything } }, calls: { it: {}, count: { item: anything } } },
      {
        rules: { news: { publish: true } },
        calls: { it: () => undefined, count: () => [] },
        limits: { callsPerSecond: 0.01, publishesPerSecond: 0.01 },
      },
    );
    const first = await server.connect();
    await first.hello();
    const publish = { type: "publish", topic: "news", data: 1 };
    await first.request({ type: "call", id: 1, name: "it" });
    await first.request({ ...publish, id: 2, number: 1 });
    first.terminate();
    const again = await server.connect();
    await again.hello({ connection: 2 });
    const refused = { code: "TOO_MANY_REQUESTS" };
    expect(await again.request({ type: "call", id: 1, name: "it" })).toMatchObject(refused);
    expect(await again.request({ type: "stream", id: 2, name: "count", credit: 1 })).toMatchObject(
      refused,
    );
    expect(await again.request({ ...publish, id: 3, number: 2 })).toMatchObject(refused);
    const other = await server.connect();
    await other.hello({ session: "B".repeat(22) });
    expect(await other.request({ type: "call", id: 1, name: "it" })).toMatchObject({
      type: "result",
    });
  });
});
