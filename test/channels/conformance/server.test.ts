import { serve } from "tideway/server";
import { channelServerSuite, MemoryNetwork } from "tideway/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createService } from "./service.ts";

/** The server does not have presence yet. */
const PRESENCE = /member|watch|enter|leave/;

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

  const suite = channelServerSuite(harness)
    .filter(({ name }) => !PRESENCE.test(name))
    .map(({ name, run }) => [name, run] as const);
  it.each(suite)("%s", async (_, run) => {
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
  const suite = channelServerSuite(harness)
    .filter(({ name }) => !PRESENCE.test(name))
    .map(({ name, run }) => [name, run] as const);
  it.each(suite)("%s", async (_, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
