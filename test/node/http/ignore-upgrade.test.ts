import { once } from "node:events";
import { serve } from "tideway/server";
import { versions } from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { canBeReadAgain } from "../../../src/node/http/ignore-upgrade.ts";
import { RawClient, statusOf } from "../../support/clients.ts";

it.each([
  ["Upgrade, HTTP2-Settings", " HTTP2-Settings"],
  ["keep-alive,UPGRADE", "keep-alive"],
  ["upgrade", ""],
])("a handler gets Connection: %s without its option upgrade", async (sent, received) => {
  await using server = await serve({
    port: 0,
    routes: { "/": ({ headers }) => Response.json(Object.fromEntries(headers)) },
  });
  const whenUpgrade = once(server.httpServer, "upgrade");
  const client = new RawClient(server.port).send(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: ${sent}\r\nUpgrade: h2c\r\nX-List: a, upgrade,b\r\n\r\n`,
  );
  await whenUpgrade;
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
describe.runIf("bun" in versions || "deno" in versions)("in Bun and Deno", () => {
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
