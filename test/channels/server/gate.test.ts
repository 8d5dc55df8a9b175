import { type AuthorizeRequest, refuse } from "tideway/channels/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { HOSTILE_VALUES } from "../../support/hostile-values.ts";
import { anything, SECRET, start } from "./support.ts";

const contract = {
  topics: { "rooms/:room": { message: anything } },
  calls: { state: { output: anything } },
};

/** Time passes only when the test advances it. A busy machine would otherwise reach a deadline too early. */
function stopTime(): void {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** A turn of the event loop, in which sockets are read. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const calls = { state: (_input: unknown, { state }: { state: unknown }) => state };

/** Counts the `Request` objects of the test, which shares the process with the server. */
function countRequests(): { made: number } {
  const count = { made: 0 };
  const { Request } = globalThis;
  vi.stubGlobal(
    "Request",
    class extends Request {
      constructor(...values: ConstructorParameters<typeof Request>) {
        super(...values);
        count.made++;
      }
    },
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  return count;
}

describe("authorize", () => {
  it("makes a Request only if it reads one", async () => {
    const count = countRequests();
    const authorize = vi.fn<(request: AuthorizeRequest) => unknown>(() => ({ state: {} }));
    const server = await start(contract, { authorize, calls });
    await (await server.connect()).hello();
    expect(count.made).toBe(0);
    authorize.mockImplementation(({ request }) => ({ state: request.url }));
    await (await server.connect()).hello();
    expect(count.made).toBe(1);
  });

  it("gets the credentials and the request, and the session has its state", async () => {
    const authorize = vi.fn(async ({ auth }: { auth: unknown }) => ({ state: { auth } }));
    const server = await start(contract, {
      authorize,
      rules: { "rooms/:room": { subscribe: true } },
      calls,
      route: { authorize: () => ({ user: "ann" }) },
    });
    const client = await server.connect();
    await client.hello({ auth: { token: "t" } });
    expect(await client.request({ type: "call", id: 1, name: "state" })).toMatchObject({
      output: { auth: { token: "t" } },
    });
    const [request] = authorize.mock.calls[0] as unknown as [Record<string, unknown>];
    expect(request).toMatchObject({ auth: { token: "t" }, route: { user: "ann" } });
    expect(request["request"]).toBeInstanceOf(Request);
    expect(request["remoteAddress"]).toEqual(expect.stringMatching(/127\.0\.0\.1|::1/));
  });

  it.each([
    ["unauthorized", 3000],
    ["forbidden", 3003],
  ] as const)("closes when it refuses with %s", async (reason, code) => {
    for (const authorize of [() => refuse(reason), async () => refuse(reason)]) {
      const server = await start(contract, {
        authorize,
        rules: { "rooms/:room": { publish: true } },
        calls,
      });
      const client = await server.connect();
      await expect(client.hello()).rejects.toThrow("closed");
      expect(await client.closed).toEqual({ code, reason });
    }
  });

  it("closes with 1011 and is reported for any other result, or an error", async () => {
    const results: (() => unknown)[] = [
      ...[undefined, null, true, false, 1, "yes", [], {}, () => {}, new Error("no")].map(
        (value) => () => value,
      ),
      ...[undefined, null, false].map((state) => () => ({ state })),
      () => ({ state: {}, expiresAtMs: "soon" }),
      () => ({ state: {}, expiresAtMs: Number.NaN }),
      () => Object.assign(new Error("no"), { state: {} }),
      () => {
        throw new Error("no");
      },
      () => Promise.reject(new Error("no")),
      ...HOSTILE_VALUES.map(([, make]) => make),
      ...HOSTILE_VALUES.map(([, make]) => () => {
        throw make();
      }),
    ];
    let index = 0;
    const server = await start(contract, {
      authorize: () => results[index](),
      rules: { "rooms/:room": { publish: true } },
      calls,
    });
    for (; index < results.length; index++) {
      const client = await server.connect();
      await expect(client.hello()).rejects.toThrow("closed");
      expect(await client.closed).toEqual({ code: 1011, reason: "authorize failed" });
      expect(server.errors.splice(0)).toHaveLength(1);
    }
  });

  it.each([-1, 0])(
    "closes with 3000 if the session has expired %i ms from now",
    async (lifetimeMs) => {
      stopTime();
      const server = await start(contract, {
        authorize: () => ({ state: {}, expiresAtMs: Date.now() + lifetimeMs }),
        rules: { "rooms/:room": { publish: true } },
        calls,
      });
      const client = await server.connect();
      await expect(client.hello()).rejects.toThrow("closed");
      expect((await client.closed).code).toBe(3000);
    },
  );

  it.each([30, 60_000, 2 ** 31 + 5])(
    "closes with 3000 when the session expires after %i ms, and not before",
    async (lifetimeMs) => {
      stopTime();
      const server = await start(contract, {
        authorize: () => ({ state: {}, expiresAtMs: Date.now() + lifetimeMs }),
        rules: { "rooms/:room": { publish: true } },
        calls,
        route: { heartbeat: false },
      });
      const client = await server.connect();
      expect((await client.hello())["expiresInMs"]).toBe(lifetimeMs);
      vi.advanceTimersByTime(lifetimeMs - 1);
      expect(await client.request({ type: "call", id: 1, name: "state" })).toMatchObject({
        type: "result",
      });
      vi.advanceTimersByTime(1);
      expect((await client.closed).code).toBe(3000);
    },
  );

  it("runs again for fresh credentials: the state changes, and the time of expiry", async () => {
    const server = await start(contract, {
      authorize: ({ auth }) => ({ state: { auth }, expiresAtMs: Date.now() + 60_000 }),
      rules: { "rooms/:room": { subscribe: true } },
      calls,
    });
    const client = await server.connect();
    await client.hello({ auth: 1 });
    client.send({ type: "auth", auth: 2 });
    expect((await client.next("welcome"))["expiresInMs"]).toBeGreaterThan(1_000);
    expect(await client.request({ type: "call", id: 1, name: "state" })).toMatchObject({
      output: { auth: 2 },
    });
  });

  it("uses the latest of several fresh credentials, one after the other", async () => {
    const seen: unknown[] = [];
    let release = (): void => {};
    const server = await start(contract, {
      authorize: async ({ auth }) => {
        seen.push(auth);
        if (auth === 2) await new Promise<void>((resolve) => (release = resolve));
        return { state: { auth }, expiresAtMs: Date.now() + 60_000 };
      },
      rules: { "rooms/:room": { subscribe: true } },
      calls,
    });
    const client = await server.connect();
    await client.hello({ auth: 1 });
    for (const auth of [2, 3, 4]) client.send({ type: "auth", auth });
    await vi.waitFor(() => expect(seen).toEqual([1, 2]));
    await client.request({ type: "call", id: 1, name: "state" });
    release();
    await client.next("welcome");
    expect(seen).toEqual([1, 2, 4]);
  });

  it("runs for fresh credentials at most twice a second, and then for the latest", async () => {
    stopTime();
    const seen: unknown[] = [];
    const server = await start(contract, {
      authorize: ({ auth }) => {
        seen.push(auth);
        return { state: { auth }, expiresAtMs: Date.now() + 60_000 };
      },
      rules: { "rooms/:room": { subscribe: true } },
      calls,
    });
    const client = await server.connect();
    await client.hello({ auth: 1 });
    for (let auth = 2; auth < 1_000; auth++) client.send({ type: "auth", auth });
    await client.request({ type: "call", id: 1, name: "state" });
    expect(seen).toEqual([1, 2, 3]);
    vi.advanceTimersByTime(500);
    expect(seen).toEqual([1, 2, 3, 999]);
    expect(await client.request({ type: "call", id: 2, name: "state" })).toMatchObject({
      output: { auth: 999 },
    });
  });

  it("waits with fresh credentials while maxPendingAuthorize is reached", async () => {
    stopTime();
    const pending: (() => void)[] = [];
    const server = await start(contract, {
      authorize: async ({ auth }) => {
        if (auth === "slow") await new Promise<void>((resolve) => pending.push(resolve));
        return { state: { auth }, expiresAtMs: Date.now() + 60_000 };
      },
      rules: { "rooms/:room": { subscribe: true } },
      calls,
      limits: { maxPendingAuthorize: 1 },
    });
    const client = await server.connect();
    await client.hello({ auth: "first" });
    const slow = await server.connect();
    slow.send({ type: "hello", session: "B".repeat(22), connection: 1, auth: "slow" });
    while (pending.length === 0) await nextTurn();
    client.send({ type: "auth", auth: "second" });
    expect(await client.request({ type: "call", id: 1, name: "state" })).toMatchObject({
      output: { auth: "first" },
    });
    vi.advanceTimersByTime(1_000);
    expect(await client.request({ type: "call", id: 2, name: "state" })).toMatchObject({
      output: { auth: "first" },
    });
    pending[0]();
    await slow.next("welcome");
    vi.advanceTimersByTime(1_000);
    await client.next("welcome");
    expect(await client.request({ type: "call", id: 3, name: "state" })).toMatchObject({
      output: { auth: "second" },
    });
  });

  it("closes with 1011 if it does not settle for fresh credentials within authTimeoutMs", async () => {
    stopTime();
    const authorize = vi.fn(({ auth }: { auth: unknown }) =>
      auth === 1 ? { state: {}, expiresAtMs: Date.now() + 60_000 } : new Promise(() => {}),
    );
    const server = await start(contract, {
      authorize,
      rules: { "rooms/:room": { subscribe: true } },
      calls,
      limits: { authTimeoutMs: 20 },
    });
    const client = await server.connect();
    await client.hello({ auth: 1 });
    client.send({ type: "auth", auth: 2 });
    while (authorize.mock.calls.length < 2) await nextTurn();
    vi.advanceTimersByTime(20);
    expect((await client.closed).code).toBe(1011);
    expect(server.errors.splice(0)).toMatchObject([{ code: "AUTHORIZE_TIMEOUT" }]);
  });

  it("closes with 3000 if fresh credentials are refused", async () => {
    const server = await start(contract, {
      authorize: ({ auth }) =>
        auth === 1 ? { state: {}, expiresAtMs: Date.now() + 60_000 } : refuse("unauthorized"),
      rules: { "rooms/:room": { subscribe: true } },
      calls,
    });
    const client = await server.connect();
    await client.hello({ auth: 1 });
    client.send({ type: "auth", auth: 2 });
    expect((await client.closed).code).toBe(3000);
  });

  it("does not run for fresh credentials of a session that does not expire", async () => {
    const authorize = vi.fn(() => ({ state: {} }));
    const server = await start(contract, {
      authorize,
      rules: { "rooms/:room": { publish: true } },
      calls,
    });
    const client = await server.connect();
    await client.hello();
    client.send({ type: "auth", auth: 2 });
    await client.next("welcome");
    expect(authorize).toHaveBeenCalledTimes(1);
  });
});

describe("a client that is not authorized yet", () => {
  const options = { rules: { "rooms/:room": { publish: true } }, calls };

  it("is closed with 3008 if it sends no hello in time", async () => {
    stopTime();
    const server = await start(contract, { ...options, limits: { authTimeoutMs: 20 } });
    const client = await server.connect();
    vi.advanceTimersByTime(20);
    expect(await client.closed).toEqual({ code: 3008, reason: "no hello within 20 ms" });
  });

  it("is closed with 1011 if authorize does not settle in time", async () => {
    stopTime();
    const authorize = vi.fn(() => new Promise(() => {}));
    const limits = { authTimeoutMs: 20 };
    const server = await start(contract, { ...options, authorize, limits });
    const client = await server.connect();
    client.send({ type: "hello", session: SECRET, connection: 1 });
    while (authorize.mock.calls.length === 0) await nextTurn();
    vi.advanceTimersByTime(20);
    expect((await client.closed).code).toBe(1011);
    expect(server.errors.splice(0)).toMatchObject([
      { name: "TidewayError", code: "AUTHORIZE_TIMEOUT" },
    ]);
  });

  it("is closed with 1009 for a message above maxAuthBytes, before all of it has arrived", async () => {
    const server = await start(contract, options);
    const client = await server.connect();
    client.socket.send("x".repeat(16_385));
    expect((await client.closed).code).toBe(1009);
  });

  it("is closed with 1009 for more than maxAuthBytes in many messages", async () => {
    const server = await start(contract, { ...options, authorize: () => new Promise(() => {}) });
    const client = await server.connect();
    client.send({ type: "hello", session: SECRET, connection: 1 });
    for (let id = 1; id < 300; id++) client.send({ type: "call", id, name: "state" });
    expect((await client.closed).code).toBe(1009);
  });

  it("may send larger messages after the welcome", async () => {
    const server = await start(contract, options);
    const client = await server.connect();
    await client.hello();
    client.send({ type: "future", data: "x".repeat(100_000) });
    expect(await client.request({ type: "call", id: 1, name: "state" })).toMatchObject({
      output: {},
    });
  });

  it("is closed with 1013 if maxPendingAuthorize is reached", async () => {
    const server = await start(contract, {
      ...options,
      authorize: () => new Promise(() => {}),
      limits: { maxPendingAuthorize: 2 },
    });
    for (let count = 0; count < 2; count++) {
      (await server.connect()).send({ type: "hello", session: SECRET, connection: 1 });
    }
    const client = await server.connect();
    client.send({ type: "hello", session: SECRET, connection: 1 });
    await vi.waitFor(() => expect(client.socket.readyState).not.toBe(1));
  });
});
