import { WebSocket } from "tideway";
import { type ErrorContext, type Server, serve, type Socket } from "tideway/server";
import { expect, it } from "vitest";

/** Errors that were reported, by code and route. */
type Reports = [code: unknown, route: string | undefined][];

async function start(reports: Reports, handle: (socket: Socket) => unknown): Promise<Server> {
  return serve({
    port: 0,
    closeTimeoutMs: 100,
    // A ping shows that the peer has ended, although nothing is read.
    heartbeat: { idleMs: 50, timeoutMs: 3_600_000 },
    onError: (error, { route }: ErrorContext) => {
      reports.push([(error as { code?: unknown }).code, route]);
    },
    routes: { "ws:/prices": handle },
  });
}

/** Connects, sends, closes, and resolves with the close code once the server's end is over too. */
async function visit(server: Server, messages: readonly string[]): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/prices`, { closeTimeoutMs: 100 });
  await socket.onOpen.first;
  const [end] = server.sockets;
  for (const message of messages) socket.send(message);
  socket.close(1000);
  const [{ code }] = await Promise.all([socket.onClose.first, end.done]);
  return code;
}

const FEW = Array.from({ length: 15 }, () => "x".repeat(1_000));
const MANY = Array.from({ length: 200 }, () => "x".repeat(1_000));

it("answers the Close behind messages that fit the queue, which can still be read", async () => {
  const reports: Reports = [];
  let socket: Socket | undefined;
  await using server = await start(reports, (opened) => {
    socket = opened;
  });
  expect(await visit(server, FEW)).toBe(1000);
  const received: unknown[] = [];
  for await (const message of socket!) received.push(message);
  expect(received).toEqual(FEW);
  expect(reports).toEqual([]);
});

it("reports once, with the route, that nothing reads sockets whose queue is full", async () => {
  const reports: Reports = [];
  await using server = await start(reports, () => {});
  for (let visits = 0; visits < 2; visits++) expect(await visit(server, MANY)).toBe(1006);
  expect(reports).toEqual([["SOCKET_NOT_READ", "ws:/prices"]]);
});

it("reports nothing, and answers the Close, where the messages are read and ignored", async () => {
  const reports: Reports = [];
  await using server = await start(reports, (socket) => socket.listen(() => {}));
  expect(await visit(server, MANY)).toBe(1000);
  expect(reports).toEqual([]);
});
