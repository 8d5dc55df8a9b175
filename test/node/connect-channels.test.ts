import { connect } from "tideway/channels";
import { channels } from "tideway/channels/server";
import { serve, type Server } from "tideway/server";
import { Topics } from "tideway/topics";
import { expect, it, onTestFinished, vi } from "vitest";

const lines = vi.hoisted((): string[] => []);

vi.mock("../../src/node/environment/debug-log.ts", async () => {
  const { createDebugLog } = await import("../../src/errors/debug-log.ts");
  return {
    debugLog: createDebugLog((line) => {
      if (line.startsWith("channels client")) lines.push(line);
    }),
    logUnusedFastPath() {},
  };
});

const topics = new Topics();
const api = channels({}, { topics, authorize: ({ auth }) => ({ state: { name: auth } }) });

async function listen(): Promise<Server> {
  const server = await serve({ port: 0, routes: { "ws:/api": api.route({ origins: "*" }) } });
  onTestFinished(() => server.stop({ timeoutMs: 1 }).then(() => {}));
  return server;
}

it("writes the states and errors of a client to the debug log, without credentials", async () => {
  const server = await listen();
  const client = connect(`ws://localhost:${server.port}/api?token=SECRET`, {
    auth: "SECRET",
    initialDelayMs: 1,
  });
  onTestFinished(() => client.close());
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  for (const socket of server.sockets) socket.terminate();
  await vi.waitFor(() => expect(lines).toHaveLength(5));
  api.sessions()[0].close("forbidden");
  await vi.waitFor(() => expect(client.state).toBe("closed"));
  expect(lines).toEqual([
    "channels client 1 is welcome at the server",
    expect.stringMatching(/^channels client 1 failed: .*CONNECTION_LOST/),
    "channels client 1 waits for the next attempt",
    "channels client 1 connects",
    "channels client 1 is welcome at the server",
    expect.stringMatching(/^channels client 1 failed: FORBIDDEN: .* closed with 3003/),
    "channels client 1 has ended",
  ]);
  expect(lines.join()).not.toContain("SECRET");
});

it("numbers the clients, and names the error of a failed attempt", async () => {
  lines.length = 0;
  const server = await listen();
  const { port } = server;
  await server.stop({ timeoutMs: 1 });
  const client = connect(`ws://localhost:${port}/api`, { decide: () => "stop" });
  await vi.waitFor(() => expect(client.state).toBe("closed"));
  expect(lines).toEqual([
    expect.stringMatching(/^channels client 2 failed: .*(ECONNREFUSED|CONNECTION_LOST)/),
    "channels client 2 has ended",
  ]);
});

it.each(["/api", "localhost:8080/api"])("refuses the URL %j, and says how it must start", (url) => {
  expect(() => connect(url)).toThrow(
    `"${url}" is not a WebSocket URL; it must start with ws://, wss://, http:// or https://`,
  );
});
