import type { RefusalReport } from "tideway/server";
import { expect, it, vi } from "vitest";
import { answerOf, extendedConnect, openSession, startTls } from "../http2/support.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { FRONTS } from "../../support/fronts.ts";

const MAX = 10_000;

function waiting(): { routes: object; decide: (state: object) => void; asked: () => number } {
  const decisions: Array<(state: object) => void> = [];
  const authorize = (): Promise<object> => new Promise((resolve) => decisions.push(resolve));
  return {
    routes: { "ws:/": { authorize, handle: () => {} } },
    decide: (state) => decisions.forEach((decide) => decide(state)),
    asked: () => decisions.length,
  };
}

it.each(FRONTS)(
  "bytes that wait for authorize count against maxUnfinishedBytes, by $name",
  async ({ start }) => {
    const reports: RefusalReport[] = [];
    const onRefused = (report: RefusalReport): unknown => reports.push(report);
    const { routes, decide, asked } = waiting();
    await using server = await start(routes as never, { maxUnfinishedBytes: MAX, onRefused });
    const patient = new RawClient(server).send(handshake("/") + "x".repeat(MAX / 2));
    await vi.waitFor(() => expect(asked()).toBe(1));
    const greedy = new RawClient(server).send(handshake("/"));
    await vi.waitFor(() => expect(asked()).toBe(2));
    greedy.send("x".repeat(MAX));
    expect(statusOf(await greedy.closed())).toBe(503);
    expect(reports).toMatchObject([{ status: 503, option: "maxUnfinishedBytes" }]);
    // Its share of the budget is free again.
    const next = new RawClient(server).send(handshake("/") + "x".repeat(MAX / 4));
    await vi.waitFor(() => expect(asked()).toBe(3));
    decide({});
    await patient.receives("101 Switching Protocols");
    await next.receives("101 Switching Protocols");
    for (const { socket } of [patient, next]) socket.destroy();
  },
);

it.runIf(FRONTS.length > 1)("the same over HTTP/2", async () => {
  const { routes, asked } = waiting();
  const server = await startTls({
    maxUnfinishedBytes: MAX,
    onRefused: () => {},
    routes: routes as never,
  });
  const stream = extendedConnect(await openSession(server), "/");
  await vi.waitFor(() => expect(asked()).toBe(1));
  stream.end("x".repeat(MAX + 1));
  expect(await answerOf(stream)).toMatchObject({ status: 503 });
});
