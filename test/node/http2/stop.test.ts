import { expect, it, vi } from "vitest";
import { connectFrame, FrameType, RawClient } from "./raw-client.ts";
import {
  answerOf,
  deferred,
  extendedConnect,
  openSession,
  startTls,
  webSocketOver,
} from "./support.ts";

const LONG_MS = 3_600_000;

it("stop with drain closes the sockets of one connection a batch at a time", async () => {
  const server = await startTls({ routes: { "ws:/": () => {} } });
  const WebSocket = webSocketOver(await openSession(server));
  const clients = Array.from({ length: 5 }, () => new WebSocket(`${server.url}/`));
  await Promise.all(clients.map((client) => client.onOpen.first));
  const closed = clients.map(async (client) => (await client.onClose.first).code);
  const pace = { batch: 2, intervalMs: LONG_MS, deadlineMs: 100 * LONG_MS };
  const drained = server.stop({ drain: pace });
  await vi.waitFor(() => expect(server.sockets.size).toBe(3));
  await server.stop({ code: 1001 });
  await drained;
  const codes = await Promise.all(closed);
  expect(codes.toSorted((a, b) => a - b)).toEqual([1001, 1001, 1001, 1012, 1012]);
});

it("a stopping server answers a handshake with 503 and Retry-After", async () => {
  const decision = deferred<object>();
  const asked = deferred<void>();
  const server = await startTls({
    routes: {
      "ws:/": {
        authorize: () => {
          asked.resolve();
          return decision.promise;
        },
        handle: () => {},
      },
    },
  });
  const answer = answerOf(extendedConnect(await openSession(server), "/"));
  await asked.promise;
  await server.stop({ drain: { deadlineMs: 90_500 } });
  const { status, headers } = await answer;
  expect({ status, retryAfter: headers["retry-after"] }).toEqual({ status: 503, retryAfter: "91" });
  decision.resolve({});
});

it("stop drops unresponsive peers and unfinished responses at its deadline", async () => {
  const asked = deferred<void>();
  const server = await startTls({
    routes: {
      "/quiet": () => {
        asked.resolve();
        return new Promise<Response>(() => {});
      },
      "ws:/": () => {},
    },
  });
  // This client does not answer Close frames.
  const deaf = await RawClient.open(server);
  deaf.send(connectFrame(1, "/"));
  await deaf.receives(FrameType.Headers, 1);
  const stream = (await openSession(server)).request({ ":path": "/quiet" });
  stream.on("error", () => {});
  const unanswered = answerOf(stream);
  await asked.promise;
  await server.stop({ timeoutMs: 100 });
  const close = await deaf.receives(FrameType.Data, 1);
  expect(close.payload.toString("hex")).toBe("880203e9");
  await deaf.closed();
  expect((await unanswered).status).toBeUndefined();
});
