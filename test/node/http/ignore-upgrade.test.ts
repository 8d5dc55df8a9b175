import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { versions } from "node:process";
import { attach, serve } from "tideway/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { canBeReadAgain } from "../../../src/node/http/ignore-upgrade.ts";
import { RawClient, statusOf } from "../../support/clients.ts";

/** Whether the runtime asks which requests to upgrade, and so can serve the others as they are. */
const ASKS = "shouldUpgradeCallback" in createServer();

/** Whether an older release of Bun or Deno has begun to read the body of an upgrade. */
const READS_BODY = !ASKS && ("bun" in versions || "deno" in versions);

it.skipIf(ASKS).each([
  ["Upgrade, HTTP2-Settings", " HTTP2-Settings"],
  ["keep-alive,UPGRADE", "keep-alive"],
  ["upgrade", ""],
])("a handler gets Connection: %s without its option upgrade", async (sent, received) => {
  await using server = await serve({
    port: 0,
    routes: { "/": ({ headers }) => Response.json(Object.fromEntries(headers)) },
  });
  const client = new RawClient(server.port).send(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: ${sent}\r\nUpgrade: h2c\r\nX-List: a, upgrade,b\r\n\r\n`,
  );
  const [, body] = (await client.receives("}")).split("\r\n\r\n");
  expect(JSON.parse(body)).toEqual({
    connection: received.trim(),
    host: "localhost",
    "x-list": "a, upgrade,b",
  });
  client.socket.destroy();
});

it("a connection with many ignored upgrades after unanswered requests causes no warning", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  let count = 0;
  await using server = await serve({
    port: 0,
    routes: {
      "/": async () => {
        await new Promise(setImmediate);
        return new Response(`answer ${count++};`);
      },
    },
  });
  const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
  const client = new RawClient(server.port);
  for (let i = 1; i < 30; i += 2) {
    client.send(get("") + get("Connection: Upgrade\r\nUpgrade: h2c\r\n"));
    await client.receives(`answer ${i};`);
  }
  client.socket.destroy();
  expect(warnings).toEqual([]);
});

it.each([
  ["no body", {}, true],
  ["an empty body", { "content-length": "0" }, true],
  ["a body", { "content-length": "1" }, false],
  ["two lengths", { "content-length": "0, 0" }, false],
  ["a chunked body", { "transfer-encoding": "chunked" }, false],
])("a runtime that reads bodies itself can read a request again: %s", (_, headers, expected) => {
  expect(canBeReadAgain({ headers }, true)).toBe(expected);
  expect(canBeReadAgain({ headers }, false)).toBe(true);
});

// Otherwise the next request of the client would be the body.
describe.runIf(READS_BODY)("in older releases of Bun and Deno", () => {
  it("an Upgrade with a body is refused with 400, and closes the connection", async () => {
    await using server = await serve({
      port: 0,
      onRefused: () => {},
      routes: { "post:/": async (request) => new Response(await request.text()) },
    });
    const head = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n";
    const client = new RawClient(server.port).send(`${head}Content-Length: 4\r\n\r\nbody`);
    expect(statusOf(await client.closed())).toBe(400);
  });
});

/** Each starts a server. Its route `/` answers with the body of the request. */
const SERVERS: Readonly<Record<string, () => Promise<number>>> = {
  "of its own": async () => {
    const server = await serve({ port: 0, routes: { "/": echo } });
    onTestFinished(() => server.stop());
    return server.port;
  },
  "with another listener for requests, which answers": async () => {
    const httpServer = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => response.end(`<${body}>`));
    });
    const attached = attach(httpServer, { routes: { "/other": echo } });
    await once(httpServer.listen(0, "127.0.0.1"), "listening");
    onTestFinished(async () => {
      await attached.stop();
      httpServer.close();
    });
    return (httpServer.address() as AddressInfo).port;
  },
  "with other listeners": async () => {
    const httpServer = createServer((_, response) => response.end("other"));
    httpServer.on("upgrade", (_, socket) => socket.end("HTTP/1.1 418 I'm a Teapot\r\n\r\n"));
    const attached = attach(httpServer, { routes: { "/": echo } });
    await once(httpServer.listen(0, "127.0.0.1"), "listening");
    onTestFinished(async () => {
      await attached.stop();
      httpServer.close();
    });
    return (httpServer.address() as AddressInfo).port;
  },
};

async function echo(request: Request): Promise<Response> {
  return new Response(`<${await request.text()}>`);
}

it.skipIf(READS_BODY).each(Object.keys(SERVERS))(
  "a handler gets the body of a request that offers another protocol, on a server %s",
  async (kind) => {
    const client = new RawClient(await SERVERS[kind]());
    const head =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\n";
    client.send(`${head}bo`);
    client.send("dy");
    expect(await client.receives("<body>")).toMatch(/^HTTP\/1\.1 200 /);
    client.send(`${head}next`);
    await client.receives("<next>");
    client.socket.destroy();
  },
);
