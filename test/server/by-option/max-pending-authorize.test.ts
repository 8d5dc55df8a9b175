import { type RefusalReport, type Socket, serve } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { handshake, nextMessage, openClient, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) socket.send(message);
}

interface Call {
  readonly signal: AbortSignal;
  readonly settle: (state: object) => void;
}

/**
 * Routes with an `authorize` that waits for a decision of the test even after its client has left.
 */
function waiting(): { calls: Call[]; routes: Parameters<typeof serve>[0]["routes"] } {
  const calls: Call[] = [];
  const authorize = ({ signal }: Request): Promise<object> =>
    new Promise((settle) => calls.push({ signal, settle }));
  const routes = { "ws:/wait": { authorize, handle: () => {} }, "ws:/echo": echo };
  return { calls, routes };
}

describe.each(SERVER_KINDS)("maxPendingAuthorize, over $name,", ({ start }) => {
  it("is separate from maxConnections, which no longer counts a client that has left while authorize decides", async () => {
    const { calls, routes } = waiting();
    await using server = await start(routes, { maxConnections: 1 });
    const client = new RawClient(server).send(handshake("/wait"));
    await vi.waitFor(() => expect(calls).toHaveLength(1), 10_000);
    client.reset();
    await vi.waitFor(() => expect(calls[0].signal.aborted).toBe(true), 10_000);
    const next = await openClient(server, "/echo");
    next.send("let in");
    expect(await nextMessage(next)).toBe("let in");
    // A call that settles later is not subtracted a second time.
    calls[0].settle({});
    const refused = await new RawClient(server).send(handshake("/echo")).closed();
    expect(statusOf(refused)).toBe(503);
  });

  it("answers a further handshake with 503 and Retry-After until a call settles, even if its client left", async () => {
    const { calls, routes } = waiting();
    const refusals: RefusalReport[] = [];
    const onRefused = (refusal: RefusalReport): void => void refusals.push(refusal);
    await using server = await start(routes, { maxPendingAuthorize: 2, onRefused });
    const ask = (): RawClient => new RawClient(server).send(handshake("/wait"));
    const clients = [ask(), ask()];
    await vi.waitFor(() => expect(calls).toHaveLength(2), 10_000);
    clients[0].reset();
    await vi.waitFor(() => expect(calls.some(({ signal }) => signal.aborted)).toBe(true), 10_000);

    const response = await ask().closed();
    expect(statusOf(response)).toBe(503);
    expect(response).toMatch(/\r\nretry-after: [1-9]\d*\r\n/i);
    expect(calls).toHaveLength(2);
    expect(refusals).toMatchObject([
      { what: "handshake", status: 503, option: "maxPendingAuthorize", route: "ws:/wait" },
    ]);
    // A route without authorize does not count.
    await openClient(server, "/echo");

    calls.find(({ signal }) => signal.aborted)!.settle({});
    const late = ask();
    await vi.waitFor(() => expect(calls).toHaveLength(3), 10_000);
    calls[2].settle({});
    await late.receives("101 Switching Protocols");
    late.socket.destroy();
    clients[1].socket.destroy();
  });

  it("counts a call that never settles until handshakeTimeoutMs", async () => {
    const { calls, routes } = waiting();
    const options = { maxPendingAuthorize: 1, handshakeTimeoutMs: 100, onError: () => {} };
    await using server = await start(routes, options);
    new RawClient(server).send(handshake("/wait")).reset();
    const refused = await new RawClient(server).send(handshake("/wait")).closed();
    expect(statusOf(refused)).toBe(503);
    await vi.waitFor(async () => {
      const client = new RawClient(server).send(handshake("/wait"));
      expect(statusOf(await client.closed())).toBe(503);
      expect(calls.length).toBeGreaterThanOrEqual(2);
    }, 10_000);
  });
});

it.each([0, -1, 1.5, NaN, "10", null])("maxPendingAuthorize: %o is refused", async (value) => {
  const options = { port: 0, routes: {}, maxPendingAuthorize: value as number };
  await expect(serve(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
