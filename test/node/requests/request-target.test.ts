import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { type RefusalReport, serve } from "tideway/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readTarget } from "../../../src/node/requests/request-target.ts";
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
    routes: { "/*": (request) => new Response(request.url), "ws:/*": () => {} },
  });
  onTestFinished(async () => await server.stop({ timeoutMs: 1000 }));
  return server;
}

describe("the URL of a request", () => {
  const answerTo = async (requestLine: string, fields: readonly string[]): Promise<string> => {
    const server = await start();
    const head = [requestLine, ...fields, "Connection: close", "", ""].join("\r\n");
    return await new RawClient(server.port).send(head).closed();
  };

  it.each<[string, string, string[], string]>([
    ["a path and a query", "GET /a/b?c=/d HTTP/1.1", ["Host: a"], "http://a/a/b?c=/d"],
    ["a port in Host", "GET /b HTTP/1.1", ["Host: a:81"], "http://a:81/b"],
    ["an IPv6 address in Host", "GET /b HTTP/1.1", ["Host: [::1]:81"], "http://[::1]:81/b"],
    ["a host before the path", "GET http://b:81/c?d HTTP/1.1", ["Host: a"], "http://b:81/c?d"],
    ["a host and an empty Host", "GET http://b/c HTTP/1.1", ["Host:"], "http://b/c"],
    ["a host without a path", "GET http://b HTTP/1.1", ["Host: a"], "http://b/"],
    ["a host and only a query", "GET http://b?c/d HTTP/1.1", ["Host: a"], "http://b/?c/d"],
    ["another scheme than the connection", "GET HTTPS://b/ HTTP/1.1", ["Host: b"], "http://b/"],
    ["no Host in HTTP/1.0", "GET /b HTTP/1.0", [], "http://localhost/b"],
    [
      "two fields with names as long as Host",
      "GET /b HTTP/1.1",
      ["Host: a", "From: b", "From: c"],
      "http://a/b",
    ],
  ])("with %s is read", async (_what, requestLine, fields, url) => {
    const response = await answerTo(requestLine, fields);
    expect(statusOf(response)).toBe(200);
    expect(response.split("\r\n\r\n")[1]).toBe(url);
  });

  it.each<[string, string, string[]]>([
    ["a space before a colon", "GET / HTTP/1.1", ["Host: a", "X : b"]],
    ["a space in the name of a field", "GET / HTTP/1.1", ["Host: a", "X Y: b"]],
    ["a field without a name", "GET / HTTP/1.1", ["Host: a", ": b"]],
    ["a path that is not ASCII", "GET /\xe9 HTTP/1.1", ["Host: a"]],
    ["a query that is not ASCII", "GET /?\xe9 HTTP/1.1", ["Host: a"]],
    ["a fragment", "GET /a#b HTTP/1.1", ["Host: a"]],
    ["a scheme that only ends in http", "GET xhttp://a/ HTTP/1.1", ["Host: a"]],
    ["an invalid host before the path", "GET http://a_b:x/ HTTP/1.1", ["Host: a"]],
    ["an empty Host", "GET / HTTP/1.1", ["Host:"]],
    ["an empty Host in HTTP/1.0", "GET / HTTP/1.0", ["Host:"]],
    ["two Host fields in different case", "GET / HTTP/1.1", ["Host: a", "HOST: a"]],
    ["text before a bracketed host", "GET / HTTP/1.1", ["Host: a[::1]"]],
    ["text after a bracketed host", "GET / HTTP/1.1", ["Host: [::1]a"]],
    ["a port that is not a number", "GET / HTTP/1.1", ["Host: a:b"]],
    ["a port above 65,535", "GET / HTTP/1.1", ["Host: a:65536"]],
    ["a user", "GET / HTTP/1.1", ["Host: b@a"]],
  ])("with %s is refused with 400 (RFC 9112 3.2)", async (_what, requestLine, fields) => {
    expect(statusOf(await answerTo(requestLine, fields))).toBe(400);
  });

  it.each(["X ", "X Y", ""])(
    "is not read with a field named %o, as Node.js 20.19 parses it",
    (name) => {
      const head = { url: "/", headers: { host: "a" }, rawHeaders: ["Host", "a", name, "b"] };
      const request = Object.assign(new IncomingMessage(new Socket()), head);
      expect(readTarget(request, { maxHeadersCount: null })).toMatchObject({ status: 400 });
    },
  );

  it("that is too long, malformed or has too many fields is refused with the reason", async () => {
    const fields = ["Host: a", ...Array<string>(99).fill("X: x")];
    expect(await answerTo("GET / HTTP/1.1", fields)).toMatch(/^The request has too many header/m);
    expect(await answerTo("GET / HTTP/1.1", ["Host:"])).toMatch(/^The request's target or Host/m);
    expect(await answerTo(`GET ${pathOf(8193)} HTTP/1.1`, ["Host: a"])).toMatch(
      /^The path is longer than 8192 bytes\.$/m,
    );
  });
});

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
