import { createServer } from "node:http";
import { attach, serve } from "tideway/server";
import { describe, expect, it } from "vitest";
import { handshake, RawClient, statusOf } from "../../support/clients.ts";
import { SERVER_KINDS, type StartedServer } from "../../support/server-kinds.ts";

const routes = {
  "/page": () => new Response("page"),
  "ws:/socket": () => {},
};

async function statusOfPage(server: StartedServer, host: string, target = "/page") {
  const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  return statusOf(await new RawClient(server).send(request).closed());
}

async function statusOfSocket(server: StartedServer, host: string) {
  const client = new RawClient(server).send(handshake("/socket", { Host: host }));
  const status = statusOf(await client.receives("\r\n\r\n"));
  client.socket.destroy();
  return status;
}

describe.each(SERVER_KINDS)("hosts, over $name,", ({ start }) => {
  const hosts = ["example.com", "localhost:8080", "[::1]", "127.0.0.1:80", "b\u00fccher.example"];

  it.each([
    ["example.com", true],
    ["EXAMPLE.com", true],
    ["example.com:1234", true],
    ["example.com:", true],
    ["localhost:8080", true],
    ["[::1]:99", true],
    ["[0:0:0:0:0:0:0:1]", true],
    ["127.0.0.1", true],
    ["127.0.0.1:80", true],
    ["xn--bcher-kva.example", true],
    ["localhost", false],
    ["localhost:8081", false],
    ["127.0.0.1:8080", false],
    ["evil.example", false],
    ["example.com.evil.example", false],
    ["sub.example.com", false],
    ["example.com.", false],
    ["constructor", false],
    ["__proto__", false],
  ])("allows the host %s: %o", async (host, isAllowed) => {
    await using server = await start(routes, { hosts });
    expect(await statusOfPage(server, host)).toBe(isAllowed ? 200 : 421);
    expect(await statusOfSocket(server, host)).toBe(isAllowed ? 101 : 421);
  });

  it("refuses a page of another host name that resolves to this server (DNS rebinding)", async () => {
    const rebound = handshake("/socket", {
      Host: "evil.example:8080",
      Origin: "http://evil.example:8080",
    });
    // The origin check sees a page of the same origin.
    await using open = await start(routes);
    const client = new RawClient(open).send(rebound);
    expect(statusOf(await client.receives("\r\n\r\n"))).toBe(101);
    client.socket.destroy();

    await using server = await start(routes, { hosts });
    const response = await new RawClient(server).send(rebound).closed();
    expect(statusOf(response)).toBe(421);
    expect(response).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n/);
    expect(response).toMatch(/\r\nconnection: close\r\n/i);
  });

  it("allows any port of a host that is listed with a colon and no port (RFC 9110 4.2.3)", async () => {
    await using server = await start(routes, { hosts: ["example.com:"] });
    for (const host of ["example.com", "example.com:", "example.com:1234"]) {
      expect(await statusOfPage(server, host)).toBe(200);
      expect(await statusOfSocket(server, host)).toBe(101);
    }
  });

  it("checks the host in the request target if there is one (RFC 9112 3.2.2)", async () => {
    await using server = await start(routes, { hosts });
    expect(await statusOfPage(server, "example.com", "http://evil.example/page")).toBe(421);
    expect(await statusOfPage(server, "evil.example", "http://example.com/page")).toBe(200);
  });

  it("refuses a request without Host, which HTTP/1.0 permits", async () => {
    const page = "GET /page HTTP/1.0\r\n\r\n";
    await using server = await start(routes, { hosts: [...hosts, "localhost"] });
    expect(statusOf(await new RawClient(server).send(page).closed())).toBe(421);
    const socket = handshake("/socket", { Host: undefined }, "GET /socket HTTP/1.0");
    expect(statusOf(await new RawClient(server).send(socket).closed())).toBe(421);
    const empty = "GET /page HTTP/1.0\r\nHost:\r\n\r\n";
    expect(statusOf(await new RawClient(server).send(empty).closed())).toBe(400);
    await using open = await start(routes);
    expect(statusOf(await new RawClient(open).send(page).closed())).toBe(200);
  });

  it("refuses every client with an empty list, and accepts every host by default", async () => {
    await using closed = await start(routes, { hosts: [] });
    expect(await statusOfPage(closed, "example.com")).toBe(421);
    await using open = await start(routes);
    expect(await statusOfPage(open, "any.example")).toBe(200);
    expect(await statusOfSocket(open, "any.example")).toBe(101);
  });
});

it.each([
  [["http://example.com"]],
  [["example.com/"]],
  [["user@example.com"]],
  [["::1"]],
  [["*"]],
  [["example.com:99999"]],
  [["example.com:x"]],
  [[""]],
  [[undefined]],
  ["example.com"],
])("hosts: %o is refused", async (hosts) => {
  const options = { port: 0, routes: {}, hosts: hosts as string[] };
  const shown = JSON.stringify(Array.isArray(hosts) ? hosts[0] : hosts) ?? "undefined";
  await expect(serve(options)).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringContaining(shown),
  });
});

it.each([[["*"]], "example.com"])("attach names itself in the error for hosts: %o", (hosts) => {
  const options = { routes: {}, hosts: hosts as unknown as string[] };
  expect(() => attach(createServer(), options)).toThrow(/^attach: hosts /);
});
