import { WebSocket } from "tideway";
import { type Server, serve, type Socket } from "tideway/server";
import { expect, it, vi } from "vitest";
import { RouteConnections } from "../../../src/server/upgrade/route-connections.ts";
import type { WebSocketEntry } from "../../../src/server/routes/route-entries.ts";
import type { ServerSocket } from "../../../src/server/socket/server-socket.ts";
import { FakeConnection } from "../fake-connection.ts";
import { FakeAttempt, FakeServerEnvironment } from "../fake-upgrade.ts";

const report = vi.fn<(error: unknown, context: { route?: string }) => void>();

function start(handle: (socket: Socket) => unknown): Promise<Server> {
  return serve({ port: 0, onError: report, routes: { "ws:/prices": handle } });
}

/**
 * Connects, sends and closes. Resolves with the close code once the server's socket has ended too.
 */
async function visit(server: Server, messages: readonly string[]): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/prices`);
  await socket.onOpen.first;
  const [end] = server.sockets;
  for (const message of messages) socket.send(message);
  socket.close(1000);
  const [{ code }] = await Promise.all([socket.onClose.first, end.done]);
  return code;
}

/** Opens sockets of the route "ws:/prices". */
function connections(): RouteConnections {
  const entry = { key: "ws:/prices", limits: {}, handle: () => {} };
  const environment = new FakeServerEnvironment({ report });
  return new RouteConnections(entry as unknown as WebSocketEntry, environment);
}

/** A socket with a full queue, unless `use` reads the messages. */
function receiveMany(route: RouteConnections, use: (socket: ServerSocket) => void): FakeConnection {
  const connection = new FakeConnection();
  use(route.open(connection, new FakeAttempt(), {}, undefined));
  for (let count = 0; count < 200; count++) connection.handler.onText("x".repeat(1_000));
  return connection;
}

it("a server answers a Close after messages that fit the queue and can still be read", async () => {
  const messages = Array.from({ length: 15 }, () => "x".repeat(1_000));
  let socket: Socket | undefined;
  await using server = await start((opened) => {
    socket = opened;
  });
  expect(await visit(server, messages)).toBe(1000);
  const received: unknown[] = [];
  for await (const message of socket!) received.push(message);
  expect(received).toEqual(messages);
});

it("a server answers a Close after messages that are read and ignored", async () => {
  const messages = Array.from({ length: 200 }, () => "x".repeat(1_000));
  await using server = await start((socket) => socket.listen(() => {}));
  expect(await visit(server, messages)).toBe(1000);
});

it("a server reports once per route that nothing reads its sockets with a full queue", () => {
  report.mockReset();
  const route = connections();
  for (let count = 0; count < 3; count++) receiveMany(route, () => {}).end({ code: 1006 });
  expect(report).toHaveBeenCalledOnce();
  const [error, context] = report.mock.calls[0];
  expect(error).toMatchObject({ name: "UsageError", code: "SOCKET_NOT_READ" });
  expect((error as Error).message).toContain('the route "ws:/prices"');
  expect(context.route).toBe("ws:/prices");
});

it.each<[string, (socket: ServerSocket) => void]>([
  ["listened to", (socket) => socket.listen(() => {})],
  ["read slowly", (socket) => void socket[Symbol.asyncIterator]().next()],
])("a server does not report a socket that is %s", (_, use) => {
  report.mockReset();
  receiveMany(connections(), use).end({ code: 1006 });
  expect(report).not.toHaveBeenCalled();
});

it("a server does not report a socket if its messages fit the queue", () => {
  report.mockReset();
  const connection = new FakeConnection();
  const socket = connections().open(connection, new FakeAttempt(), {}, undefined);
  connection.handler.onText("hello");
  connection.end({ code: 1006 });
  expect(socket.readyState).toBe(3);
  expect(report).not.toHaveBeenCalled();
});
