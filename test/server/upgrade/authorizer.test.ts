import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { RouteTable } from "../../../src/server/routes/route-table.ts";
import { UpgradeGate } from "../../../src/server/upgrade/upgrade-gate.ts";
import { uncaughtErrorsOf } from "../../support/uncaught-errors.ts";
import { decide, FakeAttempt, FakeServerEnvironment, gateOf } from "../fake-upgrade.ts";

const handle = (): void => {};

describe("a pending authorize", () => {
  /** A route with calls of `authorize` that the test settles. */
  function pendingRoute(values: Partial<FakeServerEnvironment> = {}): {
    gate: UpgradeGate;
    environment: FakeServerEnvironment;
    settle: Array<(result: object) => void>;
    signals: AbortSignal[];
  } {
    const settle: Array<(result: object) => void> = [];
    const signals: AbortSignal[] = [];
    const authorize = (request: Request): Promise<object> => {
      signals.push(request.signal);
      return new Promise((resolve) => settle.push(resolve));
    };
    return { ...gateOf({ authorize, handle }, values), settle, signals };
  }

  it("answers the client with 503 after handshakeTimeoutMs and reports it", async () => {
    const { gate, environment } = pendingRoute({ handshakeTimeoutMs: 5000 });
    const decision = gate.decide(new FakeAttempt());
    environment.clock.advance(10_000);
    expect(await decision).toMatchObject({ kind: "refuse", status: 503 });
    expect(environment.refused).toMatchObject([{ status: 503, option: "handshakeTimeoutMs" }]);
    expect(environment.reported).toMatchObject([
      {
        error: {
          code: "AUTHORIZE_TIMEOUT",
          message:
            "authorize took longer than handshakeTimeoutMs 5000; make it faster, or raise the limit",
        },
      },
    ]);
  });

  it("cancels the body of a Response that arrives after the timeout", async () => {
    const { gate, environment, settle } = pendingRoute();
    const decision = gate.decide(new FakeAttempt());
    environment.clock.advance(20_000);
    await decision;
    const cancel = vi.fn<() => void>();
    settle[0](new Response(new ReadableStream({ cancel })));
    await nextTurn();
    expect(cancel).toHaveBeenCalledOnce();
    expect(environment.refused).toHaveLength(1);
  });

  it("may reject after the timeout without a report or an unhandled rejection", async () => {
    const environment = new FakeServerEnvironment();
    let rejectLate!: (error: Error) => void;
    const late = new Promise<object>((_resolve, reject) => (rejectLate = reject));
    const routes = new RouteTable({ "ws:/": { authorize: () => late, handle } });
    const errors = await uncaughtErrorsOf(async () => {
      const decision = new UpgradeGate(routes, environment).decide(new FakeAttempt());
      environment.clock.advance(20_000);
      await decision;
      rejectLate(new Error("too late"));
    });
    expect(errors).toEqual([]);
    expect(environment.reported).toHaveLength(1);
  });

  it("clears its timer when it settles in time", async () => {
    const { gate, environment, settle } = pendingRoute();
    const decision = gate.decide(new FakeAttempt());
    settle[0]({});
    expect((await decision).kind).toBe("accept");
    await nextTurn();
    environment.clock.advance(1000);
    expect(environment.clock.pendingCount).toBe(0);
  });

  it("counts for maxConnections until it settles or its client leaves", async () => {
    const { gate, settle } = pendingRoute({ maxConnections: 1 });
    const first = new FakeAttempt();
    const decision = gate.decide(first);
    expect(await gate.decide(new FakeAttempt())).toMatchObject({ option: "maxConnections" });
    first.abort();
    const second = gate.decide(new FakeAttempt());
    expect(await gate.decide(new FakeAttempt())).toMatchObject({ option: "maxConnections" });
    for (const resolve of settle) resolve({});
    await Promise.all([decision, second]);
    void gate.decide(new FakeAttempt());
    expect(settle).toHaveLength(3);
  });

  it("counts for maxPendingAuthorize until it settles, even if its client leaves", async () => {
    const { gate, environment, settle } = pendingRoute({ maxPendingAuthorize: 1 });
    const first = new FakeAttempt();
    const decision = gate.decide(first);
    first.abort();
    expect(await gate.decide(new FakeAttempt())).toMatchObject({ option: "maxPendingAuthorize" });
    expect(environment.refused[0].reason).toBe(
      "The number of pending calls of authorize has reached maxPendingAuthorize 1.",
    );
    settle[0]({});
    await decision;
    void gate.decide(new FakeAttempt());
    expect(settle).toHaveLength(2);
  });

  it("allows 16 pending calls on one connection and counts each connection separately", async () => {
    const { gate, environment, settle } = pendingRoute({
      maxPendingAuthorize: 100,
      maxConnections: 100,
    });
    const connection = {};
    for (let count = 0; count < 16; count++) void gate.decide(new FakeAttempt({ connection }));
    expect(settle).toHaveLength(16);
    expect(await gate.decide(new FakeAttempt({ connection }))).toMatchObject({
      option: "maxPendingAuthorize",
    });
    expect(environment.refused[0].reason).toContain("for this connection has reached 16");
    void gate.decide(new FakeAttempt());
    expect(settle).toHaveLength(17);
  });

  it("reports nothing that happens after the client has left", async () => {
    const { gate, environment, settle, signals } = pendingRoute();
    const attempts = [new FakeAttempt(), new FakeAttempt(), new FakeAttempt()];
    const decisions = attempts.map(async (attempt) => await gate.decide(attempt));
    for (const attempt of attempts) attempt.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    settle[0](new Error("aborted"));
    settle[1](new Response("no", { status: 401 }));
    settle[2]([]);
    expect(await Promise.all(decisions)).toMatchObject([
      { kind: "refuse", status: 500 },
      { kind: "answer" },
      { kind: "refuse", status: 500 },
    ]);
    expect(environment.refused).toEqual([]);
    expect(environment.reported).toEqual([]);
  });

  it("answers the client with 500 if it set a reserved header field", async () => {
    const { decision, environment } = await decide({
      authorize: (_request: Request, { responseHeaders }) => {
        Headers.prototype.set.call(responseHeaders, "Upgrade", "other");
        return Promise.resolve({});
      },
      handle,
    });
    expect(decision).toMatchObject({ kind: "refuse", status: 500 });
    expect(environment.reported).toMatchObject([{ error: { code: "RESERVED_HEADER" } }]);
  });
});
