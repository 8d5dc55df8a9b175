import { type RefusalReport, serve } from "tideway/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { TLS } from "../../support/certificate.ts";
import { answerOf, extendedConnect, openSession } from "../http2/support.ts";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";

const pathOf = (length: number): string => `/${"a".repeat(length - 1)}`;

const onRefused = vi.fn<(report: RefusalReport) => void>();

async function start(tls?: typeof TLS): ReturnType<typeof serve> {
  onRefused.mockReset();
  const server = await serve({
    port: 0,
    host: "127.0.0.1",
    onRefused,
    ...(tls && { tls }),
    routes: { "/*": () => new Response("page"), "ws:/*": () => {} },
  });
  onTestFinished(async () => await server.stop({ timeoutMs: 1000 }));
  return server;
}

it.each([
  [
    "a request",
    (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    200,
  ],
  ["a handshake", (path: string) => handshake(path), 101],
] as const)("%s for a path above 8 KiB gets 414", async (_what, write, accepted) => {
  const server = await start();
  const statusFor = async (path: string): Promise<number> => {
    const client = new RawClient(server.port).send(write(path));
    const response = await client.receives("\r\n\r\n");
    client.socket.destroy();
    return statusOf(response);
  };
  expect(await statusFor(`${pathOf(8192)}?${"q".repeat(2000)}`)).toBe(accepted);
  expect(onRefused).not.toHaveBeenCalled();
  expect(await statusFor(pathOf(8193))).toBe(414);
  expect(onRefused).toHaveBeenCalledWith(expect.objectContaining({ status: 414, by: "library" }));
  // Dot segments do not shorten a path, and escapes count as in the matched path.
  expect(await statusFor(`${"/a/..".repeat(1700)}/`)).toBe(414);
  expect(await statusFor(`/${"<".repeat(3000)}`)).toBe(414);
});

it("a request and a handshake over HTTP/2 for a path above 8 KiB get 414", async () => {
  const server = await start(TLS);
  const session = await openSession(server);
  const request = async (path: string): Promise<number | undefined> =>
    (await answerOf(session.request({ ":path": path }))).status;
  expect(await request(pathOf(8192))).toBe(200);
  expect(await request(pathOf(8193))).toBe(414);
  expect((await answerOf(extendedConnect(session, pathOf(8193)))).status).toBe(414);
  expect(onRefused.mock.calls.map(([{ what, status }]) => `${what} ${status}`)).toEqual([
    "request 414",
    "handshake 414",
  ]);
});
