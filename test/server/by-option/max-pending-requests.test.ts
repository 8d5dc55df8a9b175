import { type RefusalReport, type Socket, serve } from "tideway/server";
import { describe, expect, it, vi } from "vitest";
import { openClient, nextMessage, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS } from "../../support/server-kinds.ts";

const GET = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
const SILENT_POST = "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";

async function echo(socket: Socket): Promise<void> {
  for await (const message of socket) socket.send(message);
}

interface Call {
  readonly signal: AbortSignal;
  readonly answer: () => void;
}

/** A route that answers when the test decides, even after its client has left. */
function waiting(): { calls: Call[]; routes: Parameters<typeof serve>[0]["routes"] } {
  const calls: Call[] = [];
  const wait = ({ signal }: Request): Promise<Response> =>
    new Promise((resolve) =>
      calls.push({ signal, answer: () => resolve(new Response("at last")) }),
    );
  return { calls, routes: { "/wait": wait, "ws:/echo": echo } };
}

describe.each(SERVER_KINDS)("maxPendingRequests, over $name,", ({ start }) => {
  it("answers a further request with 503 and Retry-After until a pending one is answered", async () => {
    const { calls, routes } = waiting();
    const refusals: RefusalReport[] = [];
    const onRefused = (refusal: RefusalReport): void => void refusals.push(refusal);
    await using server = await start(routes, { maxPendingRequests: 2, onRefused });
    const [first, second] = [GET, SILENT_POST].map((head) => new RawClient(server).send(head));
    await vi.waitFor(() => expect(calls).toHaveLength(2), 10_000);

    const response = await new RawClient(server).send(SILENT_POST).closed();
    expect(statusOf(response)).toBe(503);
    expect(response).toMatch(/\r\nretry-after: [1-9]\d*\r\n/i);
    expect(calls).toHaveLength(2);
    expect(refusals).toMatchObject([
      { what: "request", status: 503, option: "maxPendingRequests" },
    ]);
    // WebSockets do not count.
    const client = await openClient(server, "/echo");
    client.send("unharmed");
    expect(await nextMessage(client)).toBe("unharmed");

    for (const { answer } of calls) answer();
    await Promise.all([first.receives("at last"), second.receives("at last")]);
    const late = new RawClient(server).send(GET);
    await vi.waitFor(() => expect(calls).toHaveLength(3), 10_000);
    calls[2].answer();
    await late.receives("at last");
    for (const { socket } of [first, second, late]) socket.destroy();
  });

  it("counts a request until its handler returns, even if its client has left", async () => {
    const { calls, routes } = waiting();
    await using server = await start(routes, { maxPendingRequests: 1, onRefused: () => {} });
    const client = new RawClient(server).send(GET);
    await vi.waitFor(() => expect(calls).toHaveLength(1), 10_000);
    client.reset();
    await vi.waitFor(() => expect(calls[0].signal.aborted).toBe(true), 10_000);
    expect(statusOf(await new RawClient(server).send(GET).closed())).toBe(503);
    calls[0].answer();
    const next = new RawClient(server).send(GET);
    await vi.waitFor(() => expect(calls).toHaveLength(2), 10_000);
    calls[1].answer();
    await next.receives("at last");
    next.socket.destroy();
  });

  it("counts a request for at most handshakeTimeoutMs after its client has left", async () => {
    const { calls, routes } = waiting();
    const options = { maxPendingRequests: 1, handshakeTimeoutMs: 100, onRefused: () => {} };
    await using server = await start(routes, options);
    const client = new RawClient(server).send(GET);
    await vi.waitFor(() => expect(calls).toHaveLength(1), 10_000);
    client.reset();
    await vi.waitFor(() => expect(calls[0].signal.aborted).toBe(true), 10_000);
    await vi.waitFor(() => {
      new RawClient(server).send(GET);
      expect(calls).toHaveLength(2);
    }, 10_000);
    calls[1].answer();
  });
});

it.each([0, -1, 1.5, NaN, "10", null])("maxPendingRequests: %o is refused", async (value) => {
  const options = { port: 0, routes: {}, maxPendingRequests: value as number };
  await expect(serve(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
