/** Fast paths are used by default, and not at all if the option or the environment variable says so. */
import { createServer } from "node:http";
import type * as client from "tideway";
import type * as server from "tideway/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";

/** The names of the fast paths that were used. */
const { used, record } = vi.hoisted(() => {
  const names = new Set<string>();
  return {
    used: names,
    /** Replaces each function of the ports by one that records its name. */
    record: (ports: Record<string, unknown>): Record<string, unknown> => {
      const recorded = (name: string, value: unknown): unknown => {
        if (typeof value === "function") {
          return (...args: unknown[]): unknown => {
            names.add(name);
            return (value as (...args: unknown[]) => unknown)(...args);
          };
        }
        return Object.fromEntries(
          Object.entries(value as object).map(([key, method]) => [
            key,
            recorded(`${name}.${key}`, method),
          ]),
        );
      };
      return Object.fromEntries(
        Object.entries(ports).map(([name, port]) => [name, recorded(name, port)]),
      );
    },
  };
});

vi.mock("../../../src/node/serve/fast-connections.ts", async (importOriginal) => {
  const { fastConnections } = await importOriginal<{ fastConnections: Record<string, unknown> }>();
  return { fastConnections: record(fastConnections) };
});

vi.mock("../../../src/node/serve/fast-server.ts", async (importOriginal) => {
  const { fastServer } = await importOriginal<{ fastServer: Record<string, unknown> }>();
  return { fastServer: record(fastServer) };
});

type Tideway = typeof client & typeof server;

beforeEach(() => {
  vi.resetModules();
  used.clear();
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Loads the package with the environment variable; undefined: without it. */
async function load(variable: string | undefined): Promise<Tideway> {
  vi.stubEnv("TIDEWAY_FAST_PATHS", variable);
  return { ...(await import("tideway")), ...(await import("tideway/server")) };
}

const CLOSE_FRAME = "\x88\x82\0\0\0\0\x03\xe8";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n";

/** Exchanges a request, a handshake and a message with the server, by a client of another make. */
async function talkTo(port: number): Promise<void> {
  const page = new RawClient(port).send(`${GET}\r\n${GET}Connection: close\r\n\r\n`);
  expect((await page.closed()).match(/page/g)).toHaveLength(2);
  const socket = new RawClient(port).send(handshake("/") + "\x81\x82\0\0\0\0hi");
  expect(await socket.receives("\x81\x02hi")).toMatch(/^HTTP\/1\.1 101 /);
  socket.send(CLOSE_FRAME);
  await socket.closed();
}

function routesOf(): Record<string, never> {
  const routes = {
    "/": () => new Response("page"),
    "ws:/": async (socket: AsyncIterable<string> & { send(text: string): boolean }) => {
      for await (const message of socket) socket.send(message);
    },
  };
  return routes as unknown as Record<string, never>;
}

/** Exchanges a compressed message by clients of the package. */
async function converse({ serve, WebSocket }: Tideway): Promise<void> {
  await using running = await serve({ port: 0, compression: true, routes: routesOf() });
  const socket = new WebSocket(`ws://localhost:${running.port}/`);
  await socket.onOpen.first;
  expect(socket.extensions).toContain("permessage-deflate");
  const text = "compressed ".repeat(100);
  socket.send(text);
  expect((await socket.onMessage.first).data).toBe(text);
  socket.close();
  await socket.onClose.first;
}

const SERVER_PATHS = ["fetch.deferRequest", "fetch.wholeBody", "requestLimiter.limit"];

it("serve uses fast paths by default", async () => {
  const { serve } = await load(undefined);
  await using running = await serve({ port: 0, routes: routesOf() });
  await talkTo(running.port);
  expect([...used]).toEqual(expect.arrayContaining([...SERVER_PATHS, "handshakes.intercept"]));
});

it("serve uses none with fastPaths: false", async () => {
  const { serve } = await load(undefined);
  await using running = await serve({ port: 0, fastPaths: false, routes: routesOf() });
  await talkTo(running.port);
  expect([...used]).toEqual([]);
});

it.each([
  [true, [...SERVER_PATHS, "tcp.canWrite", "tcp.shareReads", "tcp.write"]],
  [false, []],
])("attach with fastPaths: %s uses %j", async (fastPaths, expected) => {
  const { attach } = await load(undefined);
  const httpServer = createServer().listen(0);
  await using _attachment = attach(httpServer, { fastPaths, routes: routesOf() });
  await talkTo((httpServer.address() as { port: number }).port);
  expect(
    [...used].filter((name) => expected.length === 0 || expected.includes(name)).toSorted(),
  ).toEqual(expected.toSorted());
  httpServer.close();
});

it("an HTTP server limits no requests by a fast path if one of its attachments has none", async () => {
  const { attach } = await load(undefined);
  const httpServer = createServer();
  const listenerCount = (): number => httpServer.listenerCount("connection");
  const before = listenerCount();
  const first = attach(httpServer, { routes: {} });
  expect(listenerCount()).toBe(before + 1);
  const second = attach(httpServer, { fastPaths: false, routes: {} });
  expect(listenerCount()).toBe(before);
  await Promise.all([first.stop(), second.stop()]);
  expect(listenerCount()).toBe(before);
});

it.each(["serve", "attach"] as const)(
  "%s refuses fastPaths that is not a boolean",
  async (name) => {
    const { attach, serve } = await load(undefined);
    const options = { port: 0, fastPaths: 0 as unknown as boolean, routes: {} };
    const start = async (): Promise<unknown> =>
      name === "serve"
        ? await serve(options)
        : attach(createServer(), { fastPaths: options.fastPaths, routes: {} });
    await expect(start()).rejects.toThrow(`${name}: fastPaths is 0, not a boolean`);
  },
);

it.each([[undefined], [""], ["1"]])("TIDEWAY_FAST_PATHS=%s leaves fast paths on", async (value) => {
  await converse(await load(value));
  expect([...used]).toEqual(
    expect.arrayContaining(["dispatchMessage", "tcp.write", "zlib.createInflater"]),
  );
});

it("TIDEWAY_FAST_PATHS=0 switches fast paths off for servers and clients", async () => {
  const emitWarning = vi.spyOn(process, "emitWarning");
  await converse(await load("0"));
  expect([...used]).toEqual([]);
  expect(emitWarning).not.toHaveBeenCalled();
});

it("TIDEWAY_FAST_PATHS=off switches them off too, with a warning", async () => {
  const emitWarning = vi.spyOn(process, "emitWarning").mockReturnValue();
  await converse(await load("off"));
  expect([...used]).toEqual([]);
  expect(emitWarning).toHaveBeenCalledWith(
    'TIDEWAY_FAST_PATHS is "off"; set it to 0 or 1. Fast paths are switched off.',
  );
});
