/** Servers use fast paths by default, and none with the option fastPaths: false. */
import { createServer } from "node:http";
import { expect, it } from "vitest";
import { handshake, RawClient } from "../../support/clients.ts";
import { load, recordFastPaths, routesOf } from "./fast-path-recorder.ts";

const used = recordFastPaths();

const CLOSE_FRAME = "\x88\x82\0\0\0\0\x03\xe8";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n";

/** Exchanges a request, a handshake and a message between a raw client and the server. */
async function talkTo(port: number): Promise<void> {
  const page = new RawClient(port).send(`${GET}\r\n${GET}Connection: close\r\n\r\n`);
  expect((await page.closed()).match(/page/g)).toHaveLength(2);
  const socket = new RawClient(port).send(handshake("/") + "\x81\x82\0\0\0\0hi");
  expect(await socket.receives("\x81\x02hi")).toMatch(/^HTTP\/1\.1 101 /);
  socket.send(CLOSE_FRAME);
  await socket.closed();
}

const SERVER_PATHS = ["fetch.deferRequest", "fetch.wholeBody", "requestLimiter.limit"];

it("serve uses fast paths by default", async () => {
  const { serve } = await load(undefined);
  await using running = await serve({ port: 0, routes: routesOf() });
  await talkTo(running.port);
  expect([...used]).toEqual(expect.arrayContaining([...SERVER_PATHS, "handshakes.intercept"]));
});

it("serve uses no fast paths with fastPaths: false", async () => {
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

it("an HTTP server limits requests without a fast path if an attachment uses none", async () => {
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
  "%s refuses a value of fastPaths that is not a boolean",
  async (name) => {
    const { attach, serve } = await load(undefined);
    const options = { port: 0, fastPaths: 0 as unknown as boolean, routes: {} };
    const start = async (): Promise<unknown> =>
      name === "serve"
        ? await serve(options)
        : attach(createServer(), { fastPaths: options.fastPaths, routes: {} });
    await expect(start()).rejects.toThrow(`${name}: fastPaths is 0; it must be a boolean`);
  },
);
