import { serve, type Socket } from "tideway/server";
import { channelServerScripts, channelServerSuite, MemoryNetwork } from "tideway/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createService } from "./service.ts";

describe("the server of this package over TCP", () => {
  const service = createService();
  const harness = { url: "" };
  let server: Awaited<ReturnType<typeof serve>>;

  beforeAll(async () => {
    server = await serve({ port: 0, routes: { "ws:/api": service.api.route() } });
    harness.url = `ws://127.0.0.1:${server.port}/api`;
  });

  afterAll(async () => {
    await server.stop({ timeoutMs: 1_000 });
    await service[Symbol.asyncDispose]();
  });

  const suite = channelServerSuite(harness).map(({ name, run }) => [name, run] as const);
  // Concurrently, because some cases wait for a timeout of the server.
  it.concurrent.each(suite)("%s", async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("the server of this package in memory", () => {
  const network = new MemoryNetwork({ maxChunkBytes: 7 });
  const service = createService();
  const server = network.serve({ routes: { "ws:/api": service.api.route() } });

  afterAll(async () => {
    await server.stop({ timeoutMs: 1_000 });
    await service[Symbol.asyncDispose]();
  });

  const harness = { url: "ws://test/api", connect: () => network.connect() };
  const suite = channelServerSuite(harness).map(({ name, run }) => [name, run] as const);
  it.concurrent.each(suite)("%s", async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("a server that breaks a rule of the protocol", () => {
  /** Serves in memory, and runs the case with a name. */
  async function check(name: string, handle: (socket: Socket) => void): Promise<void> {
    const network = new MemoryNetwork();
    await using _server = network.serve({
      routes: { "ws:/api": { protocols: ["tideway.channels.1"], handle } },
    });
    const harness = { url: "ws://test/api", connect: () => network.connect(), timeoutMs: 200 };
    await channelServerSuite(harness)
      .find((one) => one.name === name)!
      .run();
  }

  it("fails with the step, and what arrived instead", async () => {
    const answer = JSON.stringify({ type: "welcome", idWindowMs: "soon" });
    await expect(
      check("answers hello with welcome", (socket) =>
        socket.listen(() => void socket.send(answer)),
      ),
    ).rejects.toThrow(/^step 3 of 3, .*: got .*: \$\.idWindowMs is "soon"; expected <number>$/);
  });

  it("fails if the server does not answer", async () => {
    await expect(
      check("answers hello with welcome", (socket) => socket.listen(() => {})),
    ).rejects.toThrow("there was not a frame within 200 ms");
  });

  it("fails if the server closes with another code", async () => {
    const name = "closes with 1002 for a second hello";
    await expect(
      check(name, (socket) => socket.listen(() => socket.close(1007, "no"))),
    ).rejects.toThrow('the connection closed with {"code":1007,"reason":"no"}');
    const welcome = JSON.stringify({ type: "welcome" });
    await expect(
      check(name, (socket) => socket.listen(() => void socket.send(welcome))),
    ).rejects.toThrow('got {"frame":{"type":"welcome"}}');
  });

  it("fails if the server sends a message that is not a frame", async () => {
    await expect(
      check("answers hello with welcome", (socket) => socket.listen(() => void socket.send("{"))),
    ).rejects.toThrow('got {"frame":"{"}');
  });

  it("fails if there is no server", async () => {
    const network = new MemoryNetwork();
    const [{ run }] = channelServerSuite({
      url: "ws://test/api",
      connect: () => network.connect(),
    });
    await expect(run()).rejects.toThrow(/^step 1 of 3/);
  });
});

it("has scripts that survive JSON, with different names", () => {
  expect(JSON.parse(JSON.stringify(channelServerScripts))).toEqual(channelServerScripts);
  const names = channelServerScripts.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it.each([undefined, null, {}, { url: 1 }, { url: "ws://x/", timeoutMs: 0 }])(
  "throws a UsageError for the harness %j",
  (harness) => {
    expect(() => channelServerSuite(harness as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  },
);
